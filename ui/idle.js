// @ts-check
/**
 * Hides the controls after three seconds without a sign of life, never while they are focused, pointed at or a popover
 * is open. The first touch on hidden controls only brings them back: LEAVE must not be hit unseen.
 */

export const IDLE_MS = 3000;

export class Idle {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
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
    for (const sign of ["pointermove", "keydown", "focusin", "wheel"]) addEventListener(sign, () => this.wake(), { passive: true });
    controls.addEventListener("pointerdown", (event) => this.#touch(event), { capture: true });
    addEventListener("pointerdown", () => this.wake());
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

  /** @param {Event} event */
  #touch(event) {
    if (this.#view.dataset.idle === undefined) return;
    const swallow = (/** @type {Event} */ click) => {
      click.preventDefault();
      click.stopPropagation();
    };
    event.currentTarget?.addEventListener("click", swallow, { capture: true, once: true });
    // A touch that ends elsewhere makes no click to swallow.
    addEventListener("pointerup", () => setTimeout(() => event.currentTarget?.removeEventListener("click", swallow, { capture: true })), { once: true });
  }
}
