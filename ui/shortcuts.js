// @ts-check
/** Single keys, as long as nobody is typing and no panel is open; the help popover lists the same table. */

/**
 * @typedef {object} Shortcut
 * @property {string} key as KeyboardEvent names it
 * @property {string[]} shown on the help's keycaps: all that do the same
 * @property {string} says a key under `help`
 * @property {() => void} [act] without one the key is the browser's or the tile's own
 */

/**
 * @param {KeyboardEvent} event
 * @param {Shortcut[]} shortcuts
 */
export function pressed(event, shortcuts) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || typing(event.target) || document.querySelector("dialog[open]")) return;
  // An open list is scrolled by them.
  if (event.key.startsWith("Page") && document.querySelector(":popover-open")) return;
  const found = shortcuts.find(({ key, act }) => act && key.toLowerCase() === event.key.toLowerCase());
  if (!found) return;
  // The browser has uses of its own for Escape: it closes popovers and leaves the full screen.
  if (found.key !== "Escape") event.preventDefault();
  found.act?.();
}

/** @param {EventTarget | null} target */
function typing(target) {
  return target instanceof Element && target.matches("input:not([type=radio], [type=checkbox], [type=range]), select, textarea, [contenteditable]");
}
