// @ts-check
/**
 * The devices: the form's two selects are what is chosen; the popovers at the switches list the same and set them.
 * In the lobby a choice restarts the preview, in a call it switches the live stream.
 */
import { problemOf } from "./api.js";
import { byId, element, setIcon } from "./dom.js";
import { deviceLabel, fillSelect } from "./form.js";
import { t } from "./i18n/index.js";
import { setUpPopover } from "./popover.js";
import { pref, remember } from "./prefs.js";
import { worded } from "./problem.js";
import { deviceProblems } from "./state.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {"camera" | "microphone"} Kind */

const PARTS = /** @type {const} */ ({
  camera: { list: "cameras", select: "cameraId", start: "camera_id", none: "field.noCamera", title: "devices.camera", track: "video", muted: "videoMuted", off: "cameraOff", drawing: "camera" },
  microphone: { list: "microphones", select: "microphoneId", start: "microphone_id", none: "field.noMicrophone", title: "devices.microphone", track: "audio", muted: "audioMuted", off: "microphoneOff", drawing: "mic" },
});

const KINDS = /** @type {Kind[]} */ (["camera", "microphone"]);

/**
 * What is wrong with a device, its code in small type behind it, and what can be done at once.
 * @param {string | null} key under `problem`
 * @param {import("./types/app").Problem} problem
 * @param {() => void} [retry]
 */
export function problemLine(key, problem, retry) {
  const words = key ? worded(problem, t(`problem.${key}`)) : worded(problem);
  const line = element("p", { class: "problem" }, [element("span", {}, words)]);
  if (retry) {
    const button = element("button", { type: "button", class: "link retry" }, [t("devices.retry")]);
    button.addEventListener("click", retry);
    line.append(button);
  }
  return line;
}

/**
 * Whether a device of this kind is in the list that was not in the one before.
 * @param {import("./types/app").Devices} before
 * @param {import("./types/app").Devices} now
 * @param {Kind} kind
 */
export function arrived(before, now, kind) {
  const known = new Set(before[PARTS[kind].list].map(({ id }) => id));
  return known.size > 0 && now[PARTS[kind].list].some(({ id }) => !known.has(id));
}

export class DevicesView {
  #api;
  #store;
  #toasts;
  #actions;
  #sound;

  /**
   * @param {object} tools
   * @param {import("./api.js").Api} tools.api
   * @param {import("./state.js").Store} tools.store
   * @param {import("./toasts.js").Toasts} tools.toasts
   * @param {import("./actions.js").Actions} tools.actions
   * @param {import("./sound.js").SoundView} tools.sound
   */
  constructor({ api, store, toasts, actions, sound }) {
    this.#api = api;
    this.#store = store;
    this.#toasts = toasts;
    this.#actions = actions;
    this.#sound = sound;
    for (const kind of KINDS) {
      const { list, select, track } = PARTS[kind];
      byId(select).addEventListener("change", () => this.#chosen(kind));
      byId(`${kind}_toggle`).addEventListener("click", () => this.toggle(track));
      setUpPopover(byId(list), () => this.#fill(kind));
    }
    byId("cameraResolution").addEventListener("change", () => {
      remember("form", { ...pref("form"), resolution: this.#spec().profile });
      this.preview();
    });
  }

  /**
   * Asks for the devices; what was chosen stays while it is there. In the lobby another one is shown in its place, and one
   * that was missing is tried as soon as it is there; in a call it is only told of, since nobody should be seen unasked.
   */
  async load() {
    const before = this.#spec();
    const known = this.#store.state.devices;
    try {
      this.#store.set({ devices: await this.#api.getDevices() });
    } catch (thrown) {
      this.#toasts.error(t("toast.deviceFailed"), problemOf(thrown));
    }
    await this.#sound.remembered();
    const now = this.#spec();
    const replaced = /** @type {const} */ (["cameraId", "microphoneId"]).some((id) => before[id] && before[id] !== now[id]);
    const come = KINDS.filter((kind) => this.#isMissing(kind) && arrived(known, this.#store.state.devices, kind));
    if (replaced || come.length) await this.preview();
    if (this.#store.state.inCall) for (const kind of come) this.#toasts.info(t(`toast.${kind}There`));
  }

  /** @param {Kind} kind */
  #isMissing(kind) {
    return deviceProblems(this.#store.call.local).some((problem) => problem.kind === kind || problem.key === "neither");
  }

  /** Turns one's microphone or camera off or on; in the lobby also for calls to come. @param {"audio" | "video"} track */
  async toggle(track) {
    const lobby = this.#store.call.state === "lobby";
    await this.#actions.toggle(track);
    const { local } = this.#store.call;
    if (lobby && local) remember("devices", { ...pref("devices"), cameraOff: local.video ? local.videoMuted : pref("devices").cameraOff, microphoneOff: local.audio ? local.audioMuted : pref("devices").microphoneOff });
  }

  /** Tries the device that is chosen once more. @param {import("./state.js").Kind} kind */
  retry(kind) {
    if (kind !== "speaker") this.#chosen(kind);
  }

  /** The device that was lost goes on by itself. @param {import("./state.js").Kind} kind */
  back(kind) {
    this.#toasts.notice(t(`toast.${kind}Back`));
    const list = kind === "speaker" ? null : byId(PARTS[kind].list);
    if (list?.matches(":popover-open")) list.hidePopover();
  }

  /**
   * Starts the lobby's picture and sound with what the form says. A join takes the stream over. Listing devices can
   * take a while; before it is done, what was used last is tried.
   */
  async preview() {
    if (this.#store.call.state !== "lobby") return;
    try {
      await this.#api.startPreview(this.#spec());
      await this.#rest();
    } catch (thrown) {
      this.#toasts.error(t("toast.streamFailed"), problemOf(thrown));
    }
  }

  /** Has what was off when a call was left, or the app, off again. */
  async #rest() {
    const { cameraOff: video, microphoneOff: audio } = pref("devices");
    const { state, local } = this.#store.call;
    const awake = (audio && !local?.audioMuted) || (video && !local?.videoMuted);
    if (state === "lobby" && awake) await this.#api.mute({ ...(audio && { audio }), ...(video && { video }) });
  }

  /** Says which device is gone, and in a call offers the others. @param {import("./types/app").DeviceProblem} problem */
  lost(problem) {
    const kind = problem.device;
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
      if (state.call.local !== before.call.local) this.#drawProblems(kind);
    }
  }

  /** What is wrong with the device, in a popover that has been filled. @param {Kind} kind */
  #drawProblems(kind) {
    const popover = byId(PARTS[kind].list);
    for (const old of popover.querySelectorAll(".problem")) old.remove();
    popover.querySelector("h3")?.after(...this.#problemLines(kind));
  }

  /** @param {Kind} kind */
  #problemLines(kind) {
    const own = deviceProblems(this.#store.call.local).filter((entry) => entry.kind === kind);
    return own.map(({ key, problem }) => problemLine(key, problem, () => this.retry(kind)));
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
    return value || call.params?.[select] || defaults?.[start] || (pref("devices")[kind] ?? undefined);
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
      // A click on the one that is chosen already tries it again; a change would not be told.
      radio.addEventListener("click", () => {
        field.value = device.id;
        this.#chosen(kind);
      });
      return element("label", { class: "item" }, [radio, element("span", {}, [deviceLabel(device, kind, index)])]);
    });
    const empty = devices.length ? [] : [element("p", { class: "reason" }, [t(none)])];
    const sound = kind === "microphone" ? [element("hr"), ...this.#sound.processing(), ...this.#sound.speakerRows()] : [];
    byId(list).replaceChildren(element("h3", {}, [t(title)]), ...this.#problemLines(kind), ...rows, ...empty, ...sound);
  }

  /** @param {Kind} kind */
  async #chosen(kind) {
    const { value } = /** @type {HTMLSelectElement} */ (byId(PARTS[kind].select));
    if (value) remember("devices", { ...pref("devices"), [kind]: value });
    if (!this.#store.state.inCall) return this.preview();
    try {
      await (kind === "camera" ? this.#api.setCamera(value) : this.#api.setMicrophone(value));
    } catch (thrown) {
      this.#toasts.error(t("toast.deviceFailed"), problemOf(thrown));
    }
  }
}
