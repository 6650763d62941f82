// @ts-check
/** The few things that every view does with elements. */

/**
 * The element with this id, which index.html promises.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return /** @type {T} */ (element);
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Partial<Record<string, string>>} [attributes]
 * @param {(Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value ?? "");
  made.append(...children);
  return made;
}

/**
 * Written only when it differs: what nobody sees is not written, and a live region changes only when its words do.
 * @param {HTMLElement} place
 * @param {string} text
 */
export function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/**
 * @param {HTMLElement} place
 * @param {boolean} hidden
 */
export function setHidden(place, hidden) {
  if (place.hidden !== hidden) place.hidden = hidden;
}

const SVG = "http://www.w3.org/2000/svg";

/** A drawing of index.html's sprite. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.append(document.createElementNS(SVG, "use"));
  setIcon(svg, name);
  return svg;
}

/**
 * @param {ParentNode} holder
 * @param {string} name
 */
export function setIcon(holder, name) {
  const use = holder.querySelector("use");
  // Written only when it differs: an untouched drawing is not laid out again.
  if (use && use.getAttribute("href") !== `#i-${name}`) use.setAttribute("href", `#i-${name}`);
}

/**
 * A button that may not be used says why on hover and to screen readers, and stays clickable and focusable.
 * @param {HTMLElement} button
 * @param {string | null} reason null: it may be used
 */
export function setReason(button, reason) {
  const noteId = `${button.id}_reason`;
  let note = document.getElementById(noteId);
  if (!reason) {
    button.removeAttribute("aria-disabled");
    button.removeAttribute("aria-describedby");
    button.removeAttribute("title");
    note?.remove();
    return;
  }
  if (!note) {
    note = element("span", { id: noteId, class: "visually-hidden" });
    button.after(note);
  }
  if (note.textContent === reason && button.hasAttribute("aria-disabled")) return;
  note.textContent = reason;
  button.setAttribute("aria-disabled", "true");
  button.setAttribute("aria-describedby", noteId);
  button.title = reason;
}
