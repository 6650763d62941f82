// @ts-check
/**
 * Popovers beside the button that opened them, with the focus in them: the browser gives it back when it closes them, on
 * Escape and on a click elsewhere.
 */

const MARGIN = 8;
const EDGE = 12;

/** @type {WeakMap<HTMLElement, HTMLElement>} what a popover stands beside that no button names */
const anchors = new WeakMap();

/**
 * Keeps the popover beside whichever of its buttons is on the page now, or in the middle where it has none.
 * @param {HTMLElement} popover
 * @param {() => void} [fill] called before it is shown
 */
export function setUpPopover(popover, fill = () => {}) {
  popover.addEventListener("beforetoggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "open") return;
    fill();
    // What opens by itself, where a device is lost, leaves the focus alone.
    const wanted = navigator.userActivation?.isActive ?? true;
    // By then it is open, and not painted yet.
    requestAnimationFrame(() => {
      stand(popover);
      if (wanted) enter(popover);
    });
  });
  addEventListener("resize", () => {
    if (popover.matches(":popover-open")) stand(popover);
  });
}

/**
 * Opens the popover beside an element that comes and goes.
 * @param {HTMLElement} popover
 * @param {HTMLElement} anchor
 */
export function openBeside(popover, anchor) {
  anchors.set(popover, anchor);
  popover.showPopover();
}

/** Whether any popover or panel is open. */
export function anyOpen() {
  return document.querySelector(":popover-open, dialog[open]") !== null;
}

/** Puts the focus on what is chosen in it, or else on its first control, or on the whole. @param {HTMLElement} popover */
function enter(popover) {
  if (!popover.matches(":popover-open") || popover.contains(document.activeElement)) return;
  const controls = /** @type {HTMLElement[]} */ ([...popover.querySelectorAll("button, input, select")]).filter((control) => control.offsetParent);
  const chosen = controls.find((control) => control.matches("[type=radio]:checked"));
  (chosen ?? controls[0] ?? popover).focus({ preventScroll: true });
}

/** @param {HTMLElement} popover */
function stand(popover) {
  const buttons = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(`[popovertarget="${popover.id}"]`));
  const named = anchors.get(popover);
  const button = named?.isConnected ? named : [...buttons].find((candidate) => candidate.offsetParent);
  const own = popover.getBoundingClientRect();
  const room = { width: document.documentElement.clientWidth, height: document.documentElement.clientHeight };
  const anchor = button?.getBoundingClientRect();
  const left = anchor ? anchor.x + anchor.width / 2 - own.width / 2 : (room.width - own.width) / 2;
  let top = (room.height - own.height) / 2;
  if (anchor) top = anchor.y > room.height / 2 ? anchor.y - own.height - MARGIN : anchor.bottom + MARGIN;
  popover.style.left = `${clamp(left, room.width - own.width)}px`;
  popover.style.top = `${clamp(top, room.height - own.height)}px`;
}

/**
 * @param {number} wanted
 * @param {number} last
 */
function clamp(wanted, last) {
  return Math.round(Math.max(EDGE, Math.min(wanted, last - EDGE)));
}
