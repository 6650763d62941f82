// @ts-check
/**
 * The small window that stays on top of all others: one stream of the call, and one's own microphone. Which stream, the
 * event `pip-changed` says, first when one subscribes; a page in a plain browser reads it off its address.
 */
import { connect, problemOf } from "./api.js";
import { byId, icon, setIcon } from "./dom.js";
import { avatarOf, initials, isScreen, nameOf } from "./grid/names.js";
import { choose, language, setLanguage, t, translate } from "./i18n/index.js";
import { pref, take } from "./prefs.js";
import { FrameSource } from "./video/frame-source.js";
import { quickestFormat, Surface } from "./video/surface.js";

const api = connect();
const frames = FrameSource.ofPage(() => api.openFrameSocket());
const wish = pref("video");
const media = byId("pip_media");
const surface = new Surface(media, wish === "auto" ? quickestFormat() : wish, () => request());

/** @type {import("./types/app").CallState | null} */
let call = null;
let stream = new URLSearchParams(location.search).get("stream") ?? "";
/** @type {import("./video/frame-source.js").Tile | null} */
let tile = null;

/** Shows another stream. @param {string} next */
function turn(next) {
  if (tile?.stream === next) return;
  tile?.close();
  byId("pip").classList.remove("drawn");
  stream = next;
  tile = next
    ? frames.open(next, (frame) => {
        surface.draw(frame);
        byId("pip").classList.add("drawn");
      })
    : null;
  request();
  draw();
}

function request() {
  const scale = devicePixelRatio;
  const whole = remote() && isScreen(/** @type {any} */ (remote()));
  tile?.show(Math.round(media.clientWidth * scale), Math.round(media.clientHeight * scale), surface.format, whole ? "contain" : "cover");
}

function remote() {
  return call?.remote.find((candidate) => candidate.stream === stream);
}

function draw() {
  const other = remote();
  const own = stream === "local";
  const live = own ? Boolean(call?.local?.video && !call.local.videoMuted) : Boolean(other?.video && !other.videoMuted);
  const name = other ? (isScreen(other) ? t("tile.screen", { uid: nameOf(other) }) : nameOf(other)) : own ? t("tile.you") : "";
  byId("pip_name").textContent = name;
  byId("pip").classList.toggle("local", own);
  if (!live) byId("pip").classList.remove("drawn");
  byId("pip_avatar").replaceChildren(name ? initials(name) : icon("camera-off"));
  byId("pip_avatar").dataset.colour = other ? String(avatarOf(String(other.uid))) : "";
  byId("pip_note").textContent = call && !other && !own ? t("pip.gone") : other?.state === "stalled" ? t("tile.reconnecting") : "";
  const mute = byId("pip_mute");
  const on = Boolean(call?.local?.audio && !call.local.audioMuted);
  mute.setAttribute("aria-pressed", String(on));
  mute.title = `${t("devices.microphone")}: ${t(on ? "devices.on" : "devices.off")} (${mute.dataset.key})`;
  setIcon(mute, on ? "mic" : "mic-off");
}

function speak() {
  setLanguage(choose(pref("language"), navigator.languages));
  translate(document);
  document.documentElement.lang = language();
  document.documentElement.dataset.mirror = pref("mirror") ? "on" : "off";
  draw();
}

function mute() {
  if (call?.local?.audio) api.mute({ audio: !call.local.audioMuted }).catch((thrown) => console.error("mute", problemOf(thrown)));
}

function close() {
  api.closePip().catch((thrown) => console.error("pip", problemOf(thrown)));
}

byId("pip_mute").addEventListener("click", mute);
byId("pip_close").addEventListener("click", close);
addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
  if (event.key.toLowerCase() === "m" && !event.repeat && !event.ctrlKey && !event.metaKey) mute();
});
new ResizeObserver(request).observe(media);

async function start() {
  speak();
  await api.subscribe((event) => {
    if (event.event === "call-state") {
      call = event.call;
      draw();
    } else if (event.event === "pip-changed" && event.stream !== null) turn(event.stream);
    else if (event.event === "settings-changed") {
      take(event.settings);
      speak();
    }
  });
  call = await api.getState();
  if (stream) turn(stream);
  draw();
}

start().catch((thrown) => console.error("start", thrown));
