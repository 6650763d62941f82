// @ts-check
/**
 * The lobby's preview rests while nobody attends to the window (see attention.js): camera and microphone are closed, the last
 * picture stays, dimmed. Whoever comes back has both at once, as they were.
 */
import { Attention } from "./attention.js";
import { t } from "./i18n/index.js";
import { onSign } from "./idle.js";
import { resting } from "./state.js";

/** @typedef {import("./state.js").State} State */

export class Rest {
  #attention = new Attention(document.hasFocus(), performance.now());
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** The devices are not opened before they are closed. */
  #stopped = Promise.resolve();
  #api;
  #store;
  #toasts;
  #preview;

  /**
   * @param {object} tools
   * @param {import("./api.js").Api} tools.api
   * @param {import("./state.js").Store} tools.store
   * @param {import("./toasts.js").Toasts} tools.toasts
   * @param {() => void} tools.preview starts the preview as it is started otherwise
   */
  constructor({ api, store, toasts, preview }) {
    this.#api = api;
    this.#store = store;
    this.#toasts = toasts;
    this.#preview = preview;
    onSign(() => this.#wakeIf(this.#attention.sign(performance.now())));
    for (const change of ["focus", "blur"]) {
      addEventListener(change, () => {
        this.#wakeIf(this.#attention.focus(change === "focus", performance.now()));
        this.#look();
      });
    }
  }

  /** @param {State} state */
  draw({ call }) {
    this.#wakeIf(this.#attention.turn(call.state === "lobby", performance.now()));
    this.#look();
  }

  /** Has the preview rest if it is time; a sign of life does not move the timer, which then waits for what is left. */
  #look() {
    const now = performance.now();
    const { rest, next } = this.#attention.step(now);
    clearTimeout(this.#timer);
    if (next !== null) this.#timer = setTimeout(() => this.#look(), next - now);
    if (rest) this.#rest();
  }

  #rest() {
    this.#store.set({ rest: "resting" });
    const what = resting(this.#store.call.local);
    if (what) this.#toasts.say(t(`rest.${what}`));
    this.#stopped = this.#api.stopPreview().catch((thrown) => {
      // An older app cannot: then the picture goes on, and must not look as if it did not.
      console.error("rest", thrown);
      this.#store.set({ rest: "awake" });
    });
  }

  /** @param {boolean} woken */
  #wakeIf(woken) {
    if (!woken) return;
    if (this.#store.state.rest === "resting") this.#store.set({ rest: "waking" });
    this.#stopped.then(() => this.#preview());
    this.#look();
  }
}
