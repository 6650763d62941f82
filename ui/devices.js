// @ts-check
/**
 * The devices: the form's two selects are what is chosen; the popovers at the switches list the same and set them.
 * In the lobby a choice restarts the preview, in a call it switches the live stream.
 */
import { problemOf } from "./api.js";
import { byId, element, setIcon } from "./dom.js";
import { deviceLabel, fillSelect } from "./form.js";
import { sentence, shownCode, t } from "./i18n/index.js";
import { setUpPopover } from "./popover.js";
import { pref } from "./prefs.js";
import { deviceProblems, kindOf } from "./state.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {"camera" | "microphone"} Kind */

const PARTS = /** @type {const} */ ({
  camera: { list: "cameras", select: "cameraId", start: "camera_id", none: "field.noCamera", title: "devices.pickCamera", track: "video", muted: "videoMuted", drawing: "camera" },
  microphone: { list: "microphones", select: "microphoneId", start: "microphone_id", none: "field.noMicrophone", title: "devices.pickMicrophone", track: "audio", muted: "audioMuted", drawing: "mic" },
});

const KINDS = /** @type {Kind[]} */ (["camera", "microphone"]);

/**
 * What is wrong with a device, its code in small type behind it.
 * @param {"li" | "p"} tag
 * @param {string | null} key under `problem`
 * @param {import("./types/app").Problem} problem
 */
export function problemLine(tag, key, { code, message }) {
  const text = key ? t(`problem.${key}`) : (sentence(code) ?? message);
  return element(tag, { class: "problem" }, [`${text} `, element("small", { class: "code" }, [shownCode(code)])]);
}

export class DevicesView {
  #api;
  #store;
  #toasts;
  #actions;

  /**
   * @param {object} tools
   * @param {import("./api.js").Api} tools.api
   * @param {import("./state.js").Store} tools.store
   * @param {import("./toasts.js").Toasts} tools.toasts
   * @param {import("./actions.js").Actions} tools.actions
   */
  constructor({ api, store, toasts, actions }) {
    this.#api = api;
    this.#store = store;
    this.#toasts = toasts;
    this.#actions = actions;
    for (const kind of KINDS) {
      const { list, select, track } = PARTS[kind];
      byId(select).addEventListener("change", () => this.#chosen(kind));
      byId(`${kind}_toggle`).addEventListener("click", () => this.#actions.toggle(track));
      setUpPopover(byId(list), () => this.#fill(kind));
    }
    byId("cameraResolution").addEventListener("change", () => this.preview());
  }

  /** Asks for the devices; what was chosen stays while it is there. In the lobby another one is shown in its place. */
  async load() {
    const before = this.#spec();
    try {
      this.#store.set({ devices: await this.#api.getDevices() });
    } catch (thrown) {
      this.#toasts.error(t("toast.deviceFailed"), problemOf(thrown));
    }
    const now = this.#spec();
    const replaced = /** @type {const} */ (["cameraId", "microphoneId"]).some((id) => before[id] && before[id] !== now[id]);
    if (replaced) await this.preview();
  }

  /**
   * Starts the lobby's picture and sound with what the form says. A join takes the stream over. Listing devices can
   * take a while; before it is done, what was used last is tried.
   */
  async preview() {
    if (this.#store.call.state !== "lobby") return;
    try {
      await this.#api.startPreview(this.#spec());
    } catch (thrown) {
      this.#toasts.error(t("toast.streamFailed"), problemOf(thrown));
    }
  }

  /** Says which device of a call is gone, and offers the others. @param {import("./types/app").Problem} problem */
  lost(problem) {
    const kind = kindOf(problem, this.#store.call.local);
    this.#toasts.errorInFull(t(`toast.${kind}Lost`), problem);
    if (kind !== "speaker" && this.#store.state.inCall) byId(PARTS[kind].list).showPopover();
  }

  /**
   * @param {State} state
   * @param {State} before
   */
  draw(state, before) {
    for (const kind of KINDS) {
      if (state.devices !== before.devices || (state === before && state.devices[PARTS[kind].list].length)) this.#fillSelect(kind, state);
      this.#drawSwitch(kind, state.call.local);
    }
  }

  #spec() {
    const { value } = /** @type {HTMLSelectElement} */ (byId("cameraResolution"));
    return { cameraId: this.#wanted("camera") || null, microphoneId: this.#wanted("microphone") || null, profile: value };
  }

  /** The device that is chosen, or was for this call, for this app, or at last. @param {Kind} kind */
  #wanted(kind) {
    const { select, start } = PARTS[kind];
    const { call, defaults } = this.#store.state;
    const { value } = /** @type {HTMLSelectElement} */ (byId(select));
    return value || call.params?.[select] || defaults?.[start] || pref("form")[select];
  }

  /**
   * @param {Kind} kind
   * @param {State} state
   */
  #fillSelect(kind, { devices }) {
    const { list, select, none } = PARTS[kind];
    fillSelect(/** @type {HTMLSelectElement} */ (byId(select)), devices[list], { kind, none: t(none), wanted: this.#wanted(kind) });
  }

  /**
   * @param {Kind} kind
   * @param {State["call"]["local"]} local
   */
  #drawSwitch(kind, local) {
    const { track, muted, drawing } = PARTS[kind];
    const button = byId(`${kind}_toggle`);
    const there = Boolean(local?.[track]);
    const on = there && !local?.[muted];
    const says = there ? t(on ? "devices.on" : "devices.off") : t("devices.missing");
    button.setAttribute("aria-pressed", String(on));
    if (there) button.removeAttribute("aria-disabled");
    else button.setAttribute("aria-disabled", "true");
    button.title = `${t(`devices.${kind}`)}: ${says} (${button.dataset.key})`;
    setIcon(button, on ? drawing : `${drawing}-off`);
  }

  /** @param {Kind} kind */
  #fill(kind) {
    const { list, select, none, title } = PARTS[kind];
    const field = /** @type {HTMLSelectElement} */ (byId(select));
    const devices = this.#store.state.devices[list];
    const rows = devices.map((device, index) => {
      const radio = element("input", { type: "radio", name: list, value: device.id });
      radio.checked = device.id === field.value;
      radio.addEventListener("change", () => {
        field.value = device.id;
        this.#chosen(kind);
      });
      return element("label", { class: "item" }, [radio, element("span", {}, [deviceLabel(device, kind, index)])]);
    });
    const empty = devices.length ? [] : [element("p", { class: "reason" }, [t(none)])];
    const problems = deviceProblems(this.#store.call.local).filter((entry) => entry.kind === kind);
    byId(list).replaceChildren(element("h3", {}, [t(title)]), ...problems.map(({ key, problem }) => problemLine("p", key, problem)), ...rows, ...empty);
  }

  /** @param {Kind} kind */
  async #chosen(kind) {
    if (!this.#store.state.inCall) return this.preview();
    const { value } = /** @type {HTMLSelectElement} */ (byId(PARTS[kind].select));
    try {
      await (kind === "camera" ? this.#api.setCamera(value) : this.#api.setMicrophone(value));
    } catch (thrown) {
      this.#toasts.error(t("toast.deviceFailed"), problemOf(thrown));
    }
  }
}
