// @ts-check
/**
 * One stream on the page: its picture, its name, its state, and the tools to pin, enlarge and hear it.
 * The sample covers a tile with "click here to play" where a browser blocks autoplay. Here the app plays the sound
 * itself and the picture is a canvas, so nothing can be blocked and no overlay exists.
 */
import { element, icon, setIcon } from "../dom.js";
import { language, t } from "../i18n/index.js";
import { Surface } from "../video/surface.js";
import { avatarOf, initials } from "./names.js";

/**
 * What a tile shows of a stream, local or remote.
 * @typedef {object} Shown
 * @property {string} name
 * @property {string} face what the initials are made of; empty while there is no uid
 * @property {string} uid
 * @property {boolean} screen whether it is a screen, which is shown whole
 * @property {boolean} microphone
 * @property {"live" | "off" | "waiting" | "stalled" | "sound" | "resting"} picture
 * @property {string | null} note in words, where the picture does not say it
 */

/**
 * @typedef {object} Surroundings
 * @property {import("../video/frame-source.js").FrameSource} frames
 * @property {import("../video/frame.js").Format} format
 * @property {(stream: string) => void} pin
 * @property {(stream: string, volume: number) => void} setVolume
 * @property {(stream: string) => void} openPip
 * @property {() => void} stopScreen
 * @property {(button: HTMLElement, why: string) => void} explain says why a connection is weak
 */

/** One's own two streams. */
export const LOCAL = "local";
export const LOCAL_SCREEN = "local-screen";

/** The sample's ids. @param {string} stream */
function idsOf(stream) {
  if (stream === LOCAL) return { panel: "local_video_panel", media: "local_stream", info: "local_video_info" };
  if (stream === LOCAL_SCREEN) return { panel: "local_screen_panel", media: "local_screen", info: "local_screen_info" };
  return { panel: `remote_video_panel_${stream}`, media: `remote_video_${stream}`, info: `remote_video_info_${stream}` };
}

const METER_BARS = 3;
// Agora's measure: a level above 5 of 100 is speech.
const SPEAKING = 5;


export class TileView {
  /** @type {Surface | null} */
  #surface = null;
  /** @type {import("../video/frame-source.js").Tile} */
  #tile;
  /** @type {Shown | null} */
  #shown = null;
  /** What the tile says now, and in which language. */
  #said = "";
  /** @type {"cover" | "contain"} */
  #fit = "cover";
  /** Of the picture, in CSS pixels: told by the observer, since asking would have the page laid out at once. */
  #size = { width: 0, height: 0 };
  /** How loud the stream was last, 0 to 100. */
  #level = 0;
  /** Where the tile stands now. */
  #placed = "";
  #format;
  #sizes;

  /**
   * @param {string} stream
   * @param {Surroundings} surroundings
   */
  constructor(stream, { frames, format, pin, setVolume, openPip, stopScreen, explain }) {
    const ids = idsOf(stream);
    this.stream = stream;
    this.#format = format;
    this.media = element("div", { id: ids.media, class: "video-placeholder" });
    this.avatar = element("div", { class: "avatar", "aria-hidden": "true" });
    this.note = element("p", { class: "note" });
    // A name is anybody's text in any script: it must not turn what stands beside it.
    this.name = element("bdi", { class: "name" });
    this.meter = element("span", { class: "meter", "aria-hidden": "true" }, Array.from({ length: METER_BARS }, () => element("i")));
    this.weak = element("button", { type: "button", class: "weak" }, [icon("weak")]);
    this.weak.hidden = true;
    this.weak.addEventListener("click", () => explain(this.weak, this.weak.title));
    this.caption = element("div", { class: "caption" }, [icon("mic-off"), this.meter, this.name, this.weak]);
    this.info = element("div", { id: ids.info, class: "video-profile hide" });
    this.panel = element("div", { id: ids.panel, class: "video-view", role: "group", tabindex: "0" });
    if (stream === LOCAL) this.panel.classList.add("local");
    this.pinButton = tool("pin", () => pin(stream));
    this.fullButton = tool("full", () => this.toggleFullscreen());
    this.pipButton = tool("pip", () => openPip(stream));
    this.pipButton.dataset.needs = "settings";
    this.tools = element("div", { class: "tools" }, [this.pipButton, this.pinButton, this.fullButton]);
    if (stream !== LOCAL && stream !== LOCAL_SCREEN) this.tools.prepend(this.#volume(setVolume));
    this.panel.append(this.media, this.avatar, this.note, this.caption, this.info, this.tools);
    if (stream === LOCAL_SCREEN) this.panel.append(this.#stop(stopScreen));
    this.panel.addEventListener("dblclick", (event) => {
      if (!this.tools.contains(/** @type {Node} */ (event.target))) pin(stream);
    });
    this.pin = () => pin(stream);
    this.#tile = frames.open(stream, (frame) => this.#draw(frame));
    this.#sizes = new ResizeObserver((entries) => {
      this.#size = entries[entries.length - 1].contentRect;
      this.#request();
    });
    this.#sizes.observe(this.media);
  }

  get shownName() {
    return this.#shown?.name ?? "";
  }

  get frameMeter() {
    return this.#tile.meter;
  }

  /** @param {Shown} shown */
  show(shown) {
    this.#shown = shown;
    const said = `${language()} ${JSON.stringify(shown)}`;
    if (said === this.#said) return;
    this.#said = said;
    const { name, face, uid, microphone, picture, screen, note } = shown;
    this.#fit = screen ? "contain" : "cover";
    this.media.classList.toggle("contain", screen);
    this.media.classList.toggle("cover", !screen);
    this.panel.classList.toggle("screen", screen);
    this.panel.dataset.picture = picture;
    this.panel.dataset.microphone = microphone ? "on" : "off";
    this.avatar.replaceChildren(face ? initials(face) : icon("camera-off"));
    this.avatar.dataset.colour = uid ? String(avatarOf(uid)) : "";
    this.name.textContent = name;
    this.name.title = name;
    setIcon(this.caption, screen ? "screen" : "mic-off");
    this.note.textContent = note ?? "";
    this.panel.setAttribute("aria-label", this.#spoken(shown));
    this.hear(microphone ? this.#level : 0);
    this.#light(picture !== "off" && picture !== "sound");
    this.#label();
  }

  /** @param {Shown} shown */
  #spoken({ name, microphone, picture, screen }) {
    if (screen) return name;
    const said = { microphone: t(microphone ? "tile.microphoneOn" : "tile.microphoneOff"), camera: t(picture === "off" ? "tile.cameraOff" : "tile.cameraOn") };
    return t("tile.label", { name, ...said });
  }

  /** Whether the tile is left out for now. @param {boolean} hidden */
  hide(hidden) {
    if (this.panel.hidden === hidden) return;
    this.panel.hidden = hidden;
    this.hear(this.#level);
  }

  /** How loud the stream is, 0 to 100. @param {number} level */
  hear(level) {
    this.#level = level;
    if (this.panel.hidden) return;
    // A room's own noise is not shown: each change of the meter has the picture below it painted again.
    const heard = this.#shown?.microphone && level > SPEAKING ? level : 0;
    this.panel.classList.toggle("speaking", heard > 0);
    // A drawing stands in the meter's place.
    if (!this.#shown?.microphone) return;
    const step = String(Math.round(Math.min(heard / 50, 1) * 20) / 20);
    if (this.meter.style.getPropertyValue("--level") !== step) this.meter.style.setProperty("--level", step);
  }

  /** How badly the network serves this stream, in words; null: well. @param {string | null} why */
  setWeak(why) {
    if (this.weak.hidden === (why === null) && (why === null || this.weak.title === why)) return;
    this.weak.hidden = why === null;
    this.weak.title = why ?? "";
    this.weak.setAttribute("aria-label", why ?? "");
  }

  /** @param {number} volume 0 to 100 */
  showVolume(volume) {
    const slider = this.tools.querySelector("input");
    if (slider && slider.valueAsNumber !== volume) slider.value = String(volume);
  }

  /**
   * Stands where told; null: where the style sheet says.
   * @param {import("./layout.js").Rect | null} rect
   * @param {number} [lift] how far the caption, or a floating tile as a whole, rises above the controls
   */
  place(rect, lift = 0) {
    const placed = rect ? `left: ${rect.x}px; top: ${rect.y}px; width: ${rect.width}px; height: ${rect.height}px; --lift: ${lift}px` : "";
    if (placed === this.#placed) return;
    this.#placed = placed;
    this.panel.style.cssText = placed;
  }

  /** @param {boolean} pinned */
  setPinned(pinned) {
    if (this.pinButton.getAttribute("aria-pressed") === String(pinned)) return;
    this.panel.classList.toggle("pinned", pinned);
    this.pinButton.setAttribute("aria-pressed", String(pinned));
  }

  /** The statistics overlay's lines; null hides it. @param {string[] | null} lines */
  setStatistics(lines) {
    this.info.classList.toggle("hide", !lines);
    this.info.textContent = (lines ?? []).join("\n");
  }

  async toggleFullscreen() {
    try {
      if (document.fullscreenElement === this.panel) await document.exitFullscreen();
      else await this.panel.requestFullscreen();
    } catch {
      // A webview without a full screen still has the pinned tile.
      this.pin();
    }
  }

  close() {
    this.#sizes.disconnect();
    this.#tile.close();
    this.#surface?.close();
    this.panel.remove();
  }

  /** With no picture there is no canvas, so that an old frame cannot flash when it comes back. @param {boolean} on */
  #light(on) {
    if (on === Boolean(this.#surface)) return;
    this.#surface?.close();
    this.#surface = on ? new Surface(this.media, this.#format, () => this.#request()) : null;
    this.panel.classList.remove("drawn");
    this.#request();
  }

  #request() {
    const scale = this.#surface ? devicePixelRatio : 0;
    const { width, height } = this.#size;
    this.#tile.show(Math.round(Math.round(width) * scale), Math.round(Math.round(height) * scale), this.#surface?.format ?? this.#format, this.#fit);
  }

  /** @param {import("../video/frame.js").Frame} frame */
  #draw(frame) {
    if (!this.#surface) return;
    this.#surface.draw(frame);
    if (!this.panel.classList.contains("drawn")) this.panel.classList.add("drawn");
  }

  #label() {
    for (const [button, key] of /** @type {const} */ ([[this.pinButton, "tile.pin"], [this.fullButton, "tile.fullscreen"], [this.pipButton, "tile.pip"]])) {
      button.title = t(key);
      button.setAttribute("aria-label", t(key));
    }
    this.tools.querySelector("input")?.setAttribute("aria-label", t("tile.volume", { name: this.shownName }));
    const stop = this.panel.querySelector(".stop-screen span");
    if (stop) stop.textContent = t("screen.stop");
  }

  /** @param {() => void} stopScreen */
  #stop(stopScreen) {
    const button = element("button", { type: "button", class: "button stop-screen" }, [icon("screen-off"), element("span")]);
    button.addEventListener("click", stopScreen);
    return button;
  }

  /** @param {(stream: string, volume: number) => void} setVolume */
  #volume(setVolume) {
    const slider = element("input", { type: "range", min: "0", max: "100", value: "100" });
    slider.addEventListener("input", () => setVolume(this.stream, slider.valueAsNumber));
    return element("label", { class: "volume" }, [icon("volume"), slider]);
  }
}

/**
 * @param {string} drawing
 * @param {() => void} act
 */
function tool(drawing, act) {
  const button = element("button", { type: "button", class: "tool" }, [icon(drawing)]);
  button.addEventListener("click", act);
  return button;
}
