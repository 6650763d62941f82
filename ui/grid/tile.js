// @ts-check
/**
 * One stream on the page: its picture, its name, its state, and the tools to pin, enlarge and hear it.
 * The sample covers a tile with "click here to play" where a browser blocks autoplay. Here the app plays the sound
 * itself and the picture is a canvas, so nothing can be blocked and no overlay exists.
 */
import { element, icon, setIcon } from "../dom.js";
import { t } from "../i18n/index.js";
import { Surface } from "../video/surface.js";
import { avatarOf, initials, isScreen } from "./names.js";

/**
 * What a tile shows of a stream, local or remote.
 * @typedef {object} Shown
 * @property {string} name
 * @property {string} face what the initials are made of; empty while there is no uid
 * @property {boolean} microphone
 * @property {"live" | "off" | "waiting" | "stalled" | "sound"} picture
 */

/**
 * @typedef {object} Surroundings
 * @property {import("../video/frame-source.js").FrameSource} frames
 * @property {import("../video/frame.js").Format} format
 * @property {(stream: string) => void} pin
 * @property {(stream: string, volume: number) => void} setVolume
 */

/** The sample's ids. @param {string} stream */
function idsOf(stream) {
  if (stream === "local") return { panel: "local_video_panel", media: "local_stream", info: "local_video_info" };
  return { panel: `remote_video_panel_${stream}`, media: `remote_video_${stream}`, info: `remote_video_info_${stream}` };
}

const METER_BARS = 5;
// Agora's measure: a level above 5 of 100 is speech.
const SPEAKING = 5;

const NOTES = /** @type {const} */ ({ live: null, off: null, waiting: "tile.connecting", stalled: "tile.reconnecting", sound: "tile.soundOnly" });

export class TileView {
  /** @type {Surface | null} */
  #surface = null;
  /** @type {import("../video/frame-source.js").Tile} */
  #tile;
  /** @type {Shown | null} */
  #shown = null;
  #fit;
  #format;
  #sizes;

  /**
   * @param {string} stream
   * @param {Surroundings} surroundings
   */
  constructor(stream, { frames, format, pin, setVolume }) {
    const ids = idsOf(stream);
    this.stream = stream;
    this.#format = format;
    this.#fit = /** @type {"cover" | "contain"} */ (isScreen(stream) ? "contain" : "cover");
    this.media = element("div", { id: ids.media, class: `video-placeholder ${this.#fit}` });
    this.avatar = element("div", { class: "avatar", "aria-hidden": "true" });
    this.note = element("p", { class: "note" });
    this.name = element("span", { class: "name" });
    this.meter = element("span", { class: "meter", "aria-hidden": "true" }, Array.from({ length: METER_BARS }, () => element("i")));
    this.weak = element("span", { class: "weak", role: "img" }, [icon("weak")]);
    this.weak.hidden = true;
    this.caption = element("div", { class: "caption" }, [icon("mic"), this.name, this.meter, this.weak]);
    this.info = element("div", { id: ids.info, class: "video-profile hide" });
    this.panel = element("div", { id: ids.panel, class: "video-view", role: "group", tabindex: "0" });
    if (stream === "local") this.panel.classList.add("local");
    this.pinButton = tool("pin", () => pin(stream));
    this.fullButton = tool("full", () => this.toggleFullscreen());
    this.tools = element("div", { class: "tools" }, [this.pinButton, this.fullButton]);
    if (stream !== "local") this.tools.prepend(this.#volume(setVolume));
    this.panel.append(this.media, this.avatar, this.note, this.caption, this.info, this.tools);
    this.panel.addEventListener("dblclick", (event) => {
      if (!this.tools.contains(/** @type {Node} */ (event.target))) pin(stream);
    });
    this.pin = () => pin(stream);
    this.#tile = frames.open(stream, (frame) => this.#draw(frame));
    this.#sizes = new ResizeObserver(() => this.#request());
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
    const { name, face, microphone, picture } = shown;
    this.panel.dataset.picture = picture;
    this.panel.dataset.microphone = microphone ? "on" : "off";
    this.avatar.replaceChildren(face ? initials(face) : icon("camera-off"));
    this.avatar.dataset.colour = face ? String(avatarOf(face)) : "";
    this.name.textContent = name;
    setIcon(this.caption, microphone ? "mic" : "mic-off");
    const note = NOTES[picture];
    this.note.textContent = note ? t(note) : "";
    const said = { microphone: t(microphone ? "tile.microphoneOn" : "tile.microphoneOff"), camera: t(picture === "off" ? "tile.cameraOff" : "tile.cameraOn") };
    this.panel.setAttribute("aria-label", t("tile.label", { name, ...said }));
    if (!microphone) this.hear(0);
    this.#light(picture !== "off" && picture !== "sound");
    this.#label();
  }

  /** How loud the stream is, 0 to 100. @param {number} level */
  hear(level) {
    const heard = this.#shown?.microphone ? level : 0;
    this.panel.classList.toggle("speaking", heard > SPEAKING);
    this.meter.style.setProperty("--level", String(Math.min(heard / 50, 1)));
  }

  /** Whether the network serves this stream badly. @param {boolean} weak */
  setWeak(weak) {
    this.weak.hidden = !weak;
  }

  /** @param {boolean} pinned */
  setPinned(pinned) {
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
    const { clientWidth, clientHeight } = this.media;
    this.#tile.show(Math.round(clientWidth * scale), Math.round(clientHeight * scale), this.#surface?.format ?? this.#format, this.#fit);
  }

  /** @param {import("../video/frame.js").Frame} frame */
  #draw(frame) {
    if (!this.#surface) return;
    this.#surface.draw(frame);
    if (!this.panel.classList.contains("drawn")) this.panel.classList.add("drawn");
  }

  #label() {
    for (const [button, key] of /** @type {const} */ ([[this.pinButton, "tile.pin"], [this.fullButton, "tile.fullscreen"]])) {
      button.title = t(key);
      button.setAttribute("aria-label", t(key));
    }
    this.weak.title = t("tile.weak");
    this.weak.setAttribute("aria-label", t("tile.weak"));
    const slider = this.tools.querySelector("input");
    slider?.setAttribute("aria-label", t("tile.volume"));
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
