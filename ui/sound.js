// @ts-check
/** What is done to the microphone's sound, and the speaker: which one, and whether it is heard. */
import { problemOf } from "./api.js";
import { byId, element } from "./dom.js";
import { deviceLabel, fillSelect } from "./form.js";
import { t } from "./i18n/index.js";
import { pref, remember } from "./prefs.js";

/** @typedef {import("./state.js").State} State */

/** What can be done to the microphone's sound, in Agora's words, and how it is called. */
const PROCESSING = /** @type {const} */ ([["AEC", "devices.echo"], ["ANS", "devices.noise"], ["AGC", "devices.gain"]]);
const ALL = { AEC: true, ANS: true, AGC: true };

export class SoundView {
  #api;
  #store;
  #toasts;
  /** Whether the app has been told of what was chosen before this start. */
  #told = { processing: false, speaker: false };
  #testing = false;

  /**
   * @param {object} tools
   * @param {import("./api.js").Api} tools.api
   * @param {import("./state.js").Store} tools.store
   * @param {import("./toasts.js").Toasts} tools.toasts
   */
  constructor({ api, store, toasts }) {
    this.#api = api;
    this.#store = store;
    this.#toasts = toasts;
    speakers().addEventListener("change", () => this.#chooseSpeaker(speakers().value));
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".test-speaker"))) {
      button.addEventListener("click", () => this.test());
    }
  }

  /** Once: what was switched or chosen before this start. What nobody switched stays as is usual for the device. */
  async remembered() {
    const { AEC, ANS, AGC } = pref("sound");
    if (!this.#told.processing && typeof AEC === "boolean" && typeof ANS === "boolean" && typeof AGC === "boolean") {
      this.#told.processing = true;
      await this.#process({ AEC, ANS, AGC });
    }
    const { devices, features } = this.#store.state;
    const { speaker } = pref("devices");
    if (this.#told.speaker || !features.has("speaker") || !devices.speakers.some(({ id }) => id === speaker)) return;
    this.#told.speaker = true;
    if (speaker) await this.#setSpeaker(speaker);
  }

  /**
   * @param {State} state
   * @param {State} before
   */
  draw(state, before) {
    if (state.devices !== before.devices || state === before) {
      fillSelect(speakers(), state.devices.speakers, { kind: "speaker", none: t("field.noSpeaker"), wanted: speakers().value || (pref("devices").speaker ?? "") });
    }
    const now = state.call.local?.audioProcessing;
    if (!now || now === before.call.local?.audioProcessing) return;
    for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-processing]"))) {
      input.checked = now[/** @type {"AEC"} */ (input.name)];
    }
  }

  /** Echo, noise and gain, as they are now or will be. */
  processing() {
    const now = this.#store.call.local?.audioProcessing ?? { ...ALL, ...pref("sound") };
    return PROCESSING.map(([name, key]) => {
      const input = element("input", { type: "checkbox", role: "switch", name, "data-processing": "" });
      input.checked = now[name];
      input.addEventListener("change", () => this.#processed(name, input.checked));
      return element("label", { class: "switch" }, [element("span", {}, [t(key)]), input]);
    });
  }

  /** The speakers to choose from, for a popover; nothing where the app cannot switch them. */
  speakerRows() {
    const { devices, features } = this.#store.state;
    if (!features.has("speaker")) return [];
    const rows = devices.speakers.map((device, index) => {
      const radio = element("input", { type: "radio", name: "speakers", value: device.id });
      radio.checked = device.id === speakers().value;
      radio.addEventListener("click", () => {
        speakers().value = device.id;
        this.#chooseSpeaker(device.id);
      });
      return element("label", { class: "item" }, [radio, element("span", {}, [deviceLabel(device, "speaker", index)])]);
    });
    const test = element("button", { type: "button", class: "link" }, [t("devices.test")]);
    test.addEventListener("click", () => this.test());
    return [element("hr"), element("div", { class: "people-head" }, [element("h3", {}, [t("devices.speaker")]), test]), ...rows];
  }

  /** Plays a chime; the buttons say so until it is over. */
  async test() {
    if (this.#testing) return;
    this.#mark(true);
    this.#toasts.say(t("devices.testing"));
    try {
      await this.#api.testSpeaker();
      this.#toasts.say(t("devices.tested"));
    } catch (thrown) {
      this.#failed(thrown);
    } finally {
      this.#mark(false);
    }
  }

  /** @param {boolean} testing */
  #mark(testing) {
    this.#testing = testing;
    for (const button of document.querySelectorAll(".test-speaker")) button.classList.toggle("busy", testing);
  }

  /**
   * Somebody switched: as all three stand now, here and in calls to come.
   * @param {"AEC" | "ANS" | "AGC"} name
   * @param {boolean} on
   */
  async #processed(name, on) {
    const switches = { ...ALL, ...pref("sound"), ...this.#store.call.local?.audioProcessing, [name]: on };
    remember("sound", switches);
    await this.#process(switches);
  }

  /** @param {import("./types/app").AudioProcessing} switches */
  async #process(switches) {
    await this.#api.setAudioProcessing(switches).catch((thrown) => this.#failed(thrown));
  }

  /** @param {string} id */
  #chooseSpeaker(id) {
    if (!id) return;
    remember("devices", { ...pref("devices"), speaker: id });
    return this.#setSpeaker(id);
  }

  /** @param {string} id */
  async #setSpeaker(id) {
    await this.#api.setSpeaker(id).catch((thrown) => this.#failed(thrown));
  }

  /** @param {unknown} thrown */
  #failed(thrown) {
    this.#toasts.error(t("toast.deviceFailed"), problemOf(thrown));
  }
}

function speakers() {
  return /** @type {HTMLSelectElement} */ (byId("speakerId"));
}
