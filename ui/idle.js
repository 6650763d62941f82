// @ts-check
/**
 * Hides the controls after three seconds without a sign of life, never while they are focused, pointed at, have a hint to
 * tell or a popover is open. The first touch on hidden controls only brings them back: LEAVE must not be hit unseen. A mouse has moved before.
 */

export const IDLE_MS = 3000;

/** What whoever is there does; a click or an input alone is that of assistive technology. */
const SIGNS = ["pointermove", "pointerdown", "keydown", "focusin", "wheel", "click", "input"];

/** Calls at every sign of life. A pointer that rests while the page moves below it gives none. @param {() => void} act */
export function onSign(act) {
  let place = "";
  const still = (/** @type {Event} */ event) => {
    if (event.type !== "pointermove") return false;
    const { screenX, screenY } = /** @type {PointerEvent} */ (event);
    const before = place;
    place = `${screenX} ${screenY}`;
    return place === before;
  };
  for (const sign of SIGNS) addEventListener(sign, (event) => still(event) || act(), { passive: true });
}

export class Idle {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Whether the last touch was on controls that could not be seen. */
  #blind = false;
  #view;
  #held;

  /**
   * @param {HTMLElement} view gets `data-idle`
   * @param {HTMLElement} controls
   * @param {() => boolean} held whether the controls must stay for now
   */
  constructor(view, controls, held) {
    this.#view = view;
    this.#held = held;
    controls.addEventListener("pointerdown", (event) => this.#touch(event), { capture: true });
    controls.addEventListener("click", (event) => this.#click(event), { capture: true });
    onSign(() => this.wake());
  }

  /** Shows the controls, and counts anew. */
  wake() {
    if (this.#view.dataset.idle !== undefined) delete this.#view.dataset.idle;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rest(), IDLE_MS);
  }

  #rest() {
    if (this.#held()) this.wake();
    else this.#view.dataset.idle = "";
  }

  /** @param {PointerEvent} event */
  #touch(event) {
    this.#blind = this.#view.dataset.idle !== undefined && event.pointerType !== "mouse";
  }

  /** @param {MouseEvent} event its detail is 0 where a key pressed the button */
  #click(event) {
    if (!this.#blind || event.detail === 0) return;
    this.#blind = false;
    event.preventDefault();
    event.stopPropagation();
  }
}
