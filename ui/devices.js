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

/**
 * Which microphone takes the place of one that is gone: of those that are left the one that the system prefers, which is listed first;
 * never a made-up one.
 * @param {import("./types/app").Device[]} microphones
 * @param {string} gone its id
 */
export function standIn(microphones, gone) {
  return microphones.find(({ id }) => id.startsWith("microphone:") && id !== gone) ?? null;
}

export class DevicesView {
  #api;
  #store;
  #toasts;
  #actions;
  #sound;
  /** @type {import("./types/app").Device | null} the chosen microphone, once it is gone and until another stands in for it */
  #gone = null;

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
    await this.#standIn();
  }

  /** A microphone is gone: if it was the chosen one, the list that is asked for next says what takes its place. @param {import("./types/app").Device} device */
  unplugged(device) {
    if (selectOf("microphone").value === device.id) this.#gone = device;
  }

  /**
   * Whatever the system made of a microphone that is gone, the person hears which one is used now. Without another it is waited for, and
   * `device-lost` tells.
   */
  async #standIn() {
    const gone = this.#gone;
    this.#gone = null;
    const now = gone && standIn(this.#store.state.devices.microphones, gone.id);
    if (!now) return;
    selectOf("microphone").value = now.id;
    await this.#use("microphone", now.id);
    const popover = byId(PARTS.microphone.list);
    if (popover.matches(":popover-open")) popover.hidePopover();
    this.#toasts.info(t("toast.microphoneReplaced", { gone: gone.label || gone.id, now: now.label || now.id }));
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
   * Starts the lobby's picture and sound with what the form says, unless they rest. A join takes the stream over. Listing
   * devices can take a while; before it is done, what was used last is tried.
   */
  async preview() {
    const { call, rest } = this.#store.state;
    if (call.state !== "lobby" || rest === "resting") return;
    try {
      await this.#api.startPreview(this.#spec());
      await this.#off();
    } catch (thrown) {
      this.#toasts.error(t("toast.streamFailed"), problemOf(thrown));
    }
  }

  /** Has what was off when a call was left, or the app, off again. */
  async #off() {
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
    const { value } = selectOf(kind);
    return value || call.params?.[select] || defaults?.[start] || (pref("devices")[kind] ?? undefined);
  }

  /**
   * @param {Kind} kind
   * @param {State} state
   */
  #fillSelect(kind, { devices }) {
    const { list, none } = PARTS[kind];
    fillSelect(selectOf(kind), devices[list], { kind, none: t(none), wanted: this.#wanted(kind) });
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
    const { list, none, title } = PARTS[kind];
    const field = selectOf(kind);
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
    const { value } = selectOf(kind);
    if (value) remember("devices", { ...pref("devices"), [kind]: value });
    await this.#use(kind, value);
  }

  /**
   * @param {Kind} kind
   * @param {string} id
   */
  async #use(kind, id) {
    if (!this.#store.state.inCall) return this.preview();
    try {
      await (kind === "camera" ? this.#api.setCamera(id) : this.#api.setMicrophone(id));
    } catch (thrown) {
      this.#toasts.error(t("toast.deviceFailed"), problemOf(thrown));
    }
  }
}

/** The form's field that says which device is chosen. @param {Kind} kind */
function selectOf(kind) {
  return /** @type {HTMLSelectElement} */ (byId(PARTS[kind].select));
}
