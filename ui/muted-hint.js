// @ts-check
/** Tells whoever speaks into a microphone that is off, right above its button. */
import { t } from "./i18n/index.js";
import { MutedTalk } from "./quality.js";

const SHOWN_MS = 6000;

export class MutedHint {
  #talk = new MutedTalk();
  #place;
  #shown;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} place a live region among the controls
   * @param {() => void} shown called when it is: the controls may have stepped back
   */
  constructor(place, shown) {
    this.#place = place;
    this.#shown = shown;
  }

  /**
   * The page's own ears.
   * @param {number} level 0 to 100
   * @param {boolean} muted
   * @param {number} now ms
   */
  heard(level, muted, now) {
    if (this.#talk.heard(level, muted, now)) this.#show();
  }

  /** The app's ears, which hear what is not sent. @param {number} now ms */
  told(now) {
    if (this.#talk.told(now)) this.#show();
  }

  hide() {
    if (this.#place.hidden) return;
    clearTimeout(this.#timer);
    this.#place.hidden = true;
    this.#place.textContent = "";
  }

  #show() {
    this.#place.hidden = false;
    this.#place.textContent = t("call.muted");
    this.#shown();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.hide(), SHOWN_MS);
  }
}
