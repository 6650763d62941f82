// @ts-check
/** The button that shares the screen or stops it, and what the app says of it. */
import { problemOf } from "../api.js";
import { byId, setIcon } from "../dom.js";
import { t } from "../i18n/index.js";
import { ScreenPicker } from "./picker.js";

export class ScreenShare {
  #api;
  #store;
  #toasts;
  #picker;

  /**
   * @param {object} tools
   * @param {import("../api.js").Api} tools.api
   * @param {import("../state.js").Store} tools.store
   * @param {import("../toasts.js").Toasts} tools.toasts
   */
  constructor({ api, store, toasts }) {
    this.#api = api;
    this.#store = store;
    this.#toasts = toasts;
    this.#picker = new ScreenPicker(api, toasts);
    byId("screen_toggle").addEventListener("click", () => this.toggle());
  }

  toggle() {
    const { call, features } = this.#store.state;
    if (!features.has("screen") || call.state !== "call") return;
    if (call.screen) this.stop();
    else this.#picker.open();
  }

  async stop() {
    try {
      await this.#api.stopScreen();
      this.#toasts.say(t("screen.stopped"));
    } catch (thrown) {
      console.error("screen", problemOf(thrown));
      this.#toasts.error(t("toast.screenStopFailed"), problemOf(thrown));
    }
  }

  /** The app stopped it: the window is closed, or the desktop took the leave back. @param {string} reason */
  ended(reason) {
    console.warn("screen", reason);
    this.#toasts.info(t("toast.screenEnded"), t("toast.screenEndedHint"));
  }

  /** @param {import("../state.js").State} state */
  draw({ call, inCall }) {
    const button = byId("screen_toggle");
    const on = Boolean(call.screen);
    button.setAttribute("aria-pressed", String(on));
    setIcon(button, on ? "screen-off" : "screen");
    const words = t(on ? "screen.sharing" : "screen.share");
    button.title = `${words} (${button.dataset.key})`;
    const dialog = /** @type {HTMLDialogElement} */ (byId("screens"));
    if (!inCall && dialog.open) dialog.close();
  }
}
