// @ts-check
/**
 * The tiles of a call: keeps one for each stream that is seen, and puts them where `layout` says. Streams of other pages
 * have none, so that a hundred people cost what one page of them costs.
 */
import { t } from "../i18n/index.js";
import { FrameBudget } from "../pace.js";
import { resting } from "../state.js";
import { GAP, layout, overlap } from "./layout.js";
import { isScreen, nameOf } from "./names.js";
import { broughtForward, renewed } from "./order.js";
import { LOCAL, LOCAL_SCREEN, TileView } from "./tile.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../types/app").RemoteState} RemoteState */
/** @typedef {import("./layout.js").Rect} Rect */

// A caption's height and its distances, on a small tile and in a window as large as a wall as well (see overlay.css); and how
// far toasts reach into the room.
const CAPTION = 48;
const SMALL = 220;
const SMALL_CAPTION = 32;
const LARGE = 2400;
const LARGE_CAPTION = 64;
const TOASTS = 424;
// Agora's measure of speech, and how long somebody on the first page stays there after their last word.
const SPEAKING = 5;
const STAYS_MS = 5000;
// A tile is a canvas and forty elements, and no frame may take long.
const MADE_A_FRAME = 4;

export class GridView {
  /** @type {Map<string, TileView>} */
  #tiles = new Map();
  #room;
  #bar;
  #surroundings;
  /** @type {State | null} */
  #state = null;
  /** @type {string[]} */
  #order = [];
  /** @type {Map<string, number>} when each stream was heard last, ms */
  #heard = new Map();
  /** @type {Map<string, string>} whose connection is weak, and why */
  weak = new Map();
  #page = 0;
  #pages = 1;
  #budget = new FrameBudget(MADE_A_FRAME, () => this.arrange());
  /** The room, and the bar's parts in its coordinates: read only when the page has just been laid out. */
  #measures = { width: 0, height: 0, pills: /** @type {Rect[]} */ ([]), over: /** @type {Rect[]} */ ([]) };

  /**
   * @param {HTMLElement} room #video
   * @param {HTMLElement} bar the controls that may cover the bottom of tiles
   * @param {import("./tile.js").Surroundings & { paged: (page: number, pages: number) => void }} surroundings
   */
  constructor(room, bar, surroundings) {
    this.#room = room;
    this.#bar = bar;
    this.#surroundings = surroundings;
    this.local = new TileView(LOCAL, surroundings);
    this.#tiles.set(LOCAL, this.local);
    const observer = new ResizeObserver(() => {
      this.#measure();
      this.arrange();
    });
    for (const part of [room, bar, ...bar.children]) observer.observe(part);
    room.addEventListener("keydown", (event) => this.#key(event));
  }

  get tiles() {
    return [...this.#tiles.values()];
  }

  /** @param {string} stream */
  tile(stream) {
    return this.#tiles.get(stream);
  }

  /** The tile that has the focus, or else the one that is large. */
  get chosen() {
    const focused = this.tiles.find(({ panel }) => panel.contains(document.activeElement));
    return focused ?? this.#tiles.get(this.#state?.focus ?? "");
  }

  /** What to enlarge or to keep on top when nobody chose: the first of the others. */
  get foremost() {
    return this.chosen ?? this.tiles.find(({ stream }) => stream !== LOCAL && stream !== LOCAL_SCREEN) ?? this.local;
  }

  /** @param {State} state */
  draw(state) {
    this.#state = state;
    this.#order = renewed(this.#order, state.inCall ? state.call.remote.map(({ stream }) => stream) : []);
    for (const stream of this.#heard.keys()) if (!this.#order.includes(stream)) this.#heard.delete(stream);
    this.arrange();
  }

  /** Whose connection is weak now, and why. @param {Map<string, string>} weak */
  setWeak(weak) {
    this.weak = weak;
    for (const tile of this.#tiles.values()) tile.setWeak(weak.get(tile.stream) ?? null);
  }

  /** @param {number} step pages forward or back */
  turn(step) {
    this.#page = Math.min(Math.max(0, this.#page + step), this.#pages - 1);
    this.arrange();
  }

  /**
   * How loud everybody is. Who speaks on a later page comes to the first, if that is the one in view.
   * @param {import("../types/app").Volume[]} levels
   * @param {number} now ms
   */
  hear(levels, now) {
    for (const { stream, level } of levels) {
      const tile = this.#tiles.get(stream);
      tile?.hear(level);
      if (level <= SPEAKING || stream === LOCAL) continue;
      this.#heard.set(stream, now);
      if (tile || this.#page > 0) continue;
      const shown = [...this.#tiles.keys()].filter((id) => id !== this.#state?.focus && now - (this.#heard.get(id) ?? -STAYS_MS) >= STAYS_MS);
      const order = broughtForward(this.#order, shown, stream, this.#heard);
      if (order === this.#order) continue;
      this.#order = order;
      this.arrange();
    }
  }

  /** Puts the tiles in their places; in the lobby the own one stands in the preview, which needs no arithmetic. */
  arrange() {
    const state = this.#state;
    if (!state?.inCall) return this.#keep(new Map());
    const { width, height, pills, over } = this.#measures;
    if (!width || !height) return;
    const self = hasSelf(state) ? LOCAL : null;
    const covered = height - Math.min(height, ...pills.filter((pill) => pill.height).map((pill) => pill.y));
    const remote = state.call.screen ? [...this.#order, LOCAL_SCREEN] : this.#order;
    const { rects, stage, floating, page, pages } = layout({ width, height, covered, remote, self, pinned: state.focus, screen: isLargeScreen(state), page: this.#page });
    this.#keep(rects);
    for (const [stream, rect] of rects) {
      const tile = this.#tiles.get(stream);
      tile?.panel.classList.toggle("stage", stream === stage);
      tile?.panel.classList.toggle("floating", stream === floating);
      tile?.place(rect, lift(rect, over, stream === floating));
    }
    this.#floor(rects, floating);
    this.#turned(page, pages);
  }

  /**
   * Has toasts stand above the lowest name on their side: their number is not known before.
   * @param {Map<string, Rect>} rects
   * @param {string | null} floating
   */
  #floor(rects, floating) {
    const { width, height, over } = this.#measures;
    const names = [...rects].filter(([stream, { x }]) => stream !== floating && x < Math.min(TOASTS, width / 2)).map(([, rect]) => rect.y + rect.height - lift(rect, over, false) - (width < LARGE ? CAPTION : LARGE_CAPTION));
    const bottom = `${names.length ? Math.round(height - Math.max(0, ...names)) : 0}px`;
    const call = /** @type {HTMLElement} */ (this.#room.closest("main"));
    if (call.style.getPropertyValue("--toasts-bottom") !== bottom) call.style.setProperty("--toasts-bottom", bottom);
  }

  /** Forgets the places, for the preview. */
  release() {
    this.#page = 0;
    this.local.hide(false);
    this.local.panel.classList.remove("stage", "floating");
    this.local.place(null);
  }

  /**
   * Has tiles for these streams and no others. One's own is kept, since the preview goes on in it.
   * @param {Map<string, Rect>} rects
   */
  #keep(rects) {
    const state = /** @type {State} */ (this.#state);
    if (!state) return;
    for (const [stream, tile] of this.#tiles) {
      if (stream === LOCAL || rects.has(stream)) continue;
      tile.close();
      this.#tiles.delete(stream);
    }
    if (state.inCall) this.local.hide(!rects.has(LOCAL));
    const remotes = new Map(state.call.remote.map((remote) => [remote.stream, remote]));
    for (const stream of rects.keys()) {
      if (!this.#tiles.has(stream) && this.#budget.take()) this.#tiles.set(stream, new TileView(stream, this.#surroundings));
    }
    this.#line(rects);
    for (const tile of this.#tiles.values()) {
      const remote = remotes.get(tile.stream);
      tile.show(remote ? shownRemote(remote) : tile.stream === LOCAL ? shownLocal(state) : shownScreen(state));
      tile.setPinned(tile.stream === state.focus);
      tile.setWeak(state.inCall ? (this.weak.get(tile.stream) ?? null) : null);
      tile.showVolume(state.volumes[tile.stream] ?? 100);
      tile.pipButton.classList.toggle("absent", !state.features.has("settings"));
      if (!state.statistics) tile.setStatistics(null);
    }
  }

  /** The order on the screen is the order of the focus. @param {Map<string, Rect>} rects */
  #line(rects) {
    const focused = /** @type {HTMLElement | null} */ (this.#room.contains(document.activeElement) ? document.activeElement : null);
    /** @type {Element | null} */
    let before = null;
    for (const stream of rects.keys()) {
      const panel = this.#tiles.get(stream)?.panel;
      if (!panel) continue;
      /** @type {Element | null} */
      const next = before ? before.nextElementSibling : this.#room.firstElementChild;
      // What has its place already is not moved: moving takes the focus off it.
      if (panel !== next) this.#room.insertBefore(panel, next);
      before = panel;
    }
    // Who pins the tile that has the focus goes on from there.
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  }

  /**
   * @param {number} page
   * @param {number} pages
   */
  #turned(page, pages) {
    this.#page = page;
    this.#pages = pages;
    this.#surroundings.paged(page, pages);
  }

  /** Tiles make room for the pills. A hint passes by: for it, names and the floating tile step up and nothing else moves. */
  #measure() {
    const [room, bar] = [this.#room.parentElement, this.#bar].map((part) => ({ x: part?.offsetLeft ?? 0, y: part?.offsetTop ?? 0 }));
    const place = (/** @type {HTMLElement} */ { offsetLeft, offsetTop, offsetWidth: width, offsetHeight: height }) => ({ x: bar.x + offsetLeft - room.x, y: bar.y + offsetTop - room.y, width, height });
    const parts = /** @type {HTMLElement[]} */ ([...this.#bar.children]);
    const pills = parts.filter((part) => !part.classList.contains("muted-hint")).map(place);
    this.#measures = { width: this.#room.clientWidth, height: this.#room.clientHeight, pills, over: parts.map(place) };
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const panels = [...this.#room.children].filter((panel) => !(/** @type {HTMLElement} */ (panel).hidden));
    const at = panels.indexOf(/** @type {Element} */ (event.target));
    if (at < 0) return;
    if (step) {
      event.preventDefault();
      /** @type {HTMLElement} */ (panels[(at + step + panels.length) % panels.length]).focus();
    } else if (event.key === "Enter") {
      this.chosen?.pin();
    }
  }
}

/** @param {State} state */
function isLargeScreen({ call, focus }) {
  return focus === LOCAL_SCREEN || call.remote.some((remote) => remote.stream === focus && isScreen(remote));
}

/** Whether one's own picture stands among the tiles: hidden only while there is somebody else to see. @param {State} state */
function hasSelf({ call, hideSelf }) {
  const there = Boolean(call.local && (call.local.audio || call.local.video));
  return there && !(hideSelf && call.remote.length > 0);
}

/**
 * Above the bar the floating tile steps whole; others only raise their caption, and not out of themselves.
 * @param {Rect} rect
 * @param {Rect[]} over the bar's pills and its hint
 * @param {boolean} floats
 */
function lift(rect, over, floats) {
  const covered = Math.max(0, ...over.map((part) => overlap(rect, part)));
  return floats ? covered && covered + GAP : Math.min(covered, Math.max(0, rect.height - (rect.width < SMALL ? SMALL_CAPTION : CAPTION)));
}

/** What a picture does not say itself. */
const NOTES = /** @type {Record<string, string>} */ ({ waiting: "tile.connecting", stalled: "tile.reconnecting", sound: "tile.soundOnly" });

/** @param {import("./tile.js").Shown["picture"]} picture */
function noteOf(picture) {
  return NOTES[picture] ? t(NOTES[picture]) : null;
}

/**
 * @param {RemoteState} remote
 * @returns {import("./tile.js").Shown}
 */
function shownRemote(remote) {
  const { uid, audio, video, audioMuted, videoMuted, state } = remote;
  const picture = { connecting: "waiting", waiting: "waiting", playing: "live", stalled: "stalled", sound: "sound" }[state];
  const name = nameOf(remote);
  const screen = isScreen(remote);
  const seen = video && !videoMuted ? /** @type {"waiting" | "live" | "stalled" | "sound"} */ (picture) : state === "stalled" ? "stalled" : "off";
  return {
    name: screen ? t("tile.screen", { uid: name }) : name,
    face: name,
    uid: String(uid),
    screen,
    microphone: audio && !audioMuted,
    picture: seen,
    note: noteOf(seen),
  };
}

/**
 * @param {State} state
 * @returns {import("./tile.js").Shown}
 */
function shownLocal({ call: { local, uid, name }, rest }) {
  const what = rest === "resting" && resting(local);
  return {
    name: t("tile.you"),
    face: name || String(uid ?? ""),
    uid: String(uid ?? ""),
    screen: false,
    microphone: Boolean(local?.audio && !local.audioMuted),
    picture: !local?.video || local.videoMuted ? "off" : rest === "awake" ? "live" : "resting",
    note: what ? t(`rest.${what}`) : null,
  };
}

/**
 * @param {State} state
 * @returns {import("./tile.js").Shown}
 */
function shownScreen({ call: { screen, uid } }) {
  const name = t("screen.own", { label: screen?.label ?? "" });
  const picture = screen?.paused ? "stalled" : "live";
  return { name, face: "", uid: String(uid ?? ""), screen: true, microphone: false, picture, note: noteOf(picture) };
}
