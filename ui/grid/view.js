// @ts-check
/** The tiles of a call: keeps one for each stream, and puts them where `layout` says. */
import { t } from "../i18n/index.js";
import { GAP, layout, overlap } from "./layout.js";
import { isScreen } from "./names.js";
import { TileView } from "./tile.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../types/app").RemoteState} RemoteState */
/** @typedef {import("../types/app").LocalState} LocalState */
/** @typedef {import("./layout.js").Rect} Rect */

// A caption's height and its distance from the edges.
const CAPTION = 44;

export class GridView {
  /** @type {Map<string, TileView>} */
  #tiles = new Map();
  #room;
  #bar;
  #surroundings;
  /** @type {State | null} */
  #state = null;

  /**
   * @param {HTMLElement} room #video
   * @param {HTMLElement} bar the controls that may cover the bottom of tiles
   * @param {import("./tile.js").Surroundings} surroundings
   */
  constructor(room, bar, surroundings) {
    this.#room = room;
    this.#bar = bar;
    this.#surroundings = surroundings;
    this.local = new TileView("local", surroundings);
    this.#tiles.set("local", this.local);
    const observer = new ResizeObserver(() => this.arrange());
    observer.observe(room);
    observer.observe(bar);
    room.addEventListener("keydown", (event) => this.#key(event));
  }

  get tiles() {
    return [...this.#tiles.values()];
  }

  /** @param {string} stream */
  tile(stream) {
    return this.#tiles.get(stream);
  }

  /** The tile that has the focus, or else the pinned one. */
  get chosen() {
    const focused = this.tiles.find(({ panel }) => panel.contains(document.activeElement));
    return focused ?? this.#tiles.get(this.#state?.pinned ?? "");
  }

  /** @param {State} state */
  draw(state) {
    this.#state = state;
    const { call, inCall } = state;
    const wanted = inCall ? call.remote : [];
    for (const [stream, tile] of this.#tiles) {
      if (stream === "local" || wanted.some((remote) => remote.stream === stream)) continue;
      tile.close();
      this.#tiles.delete(stream);
    }
    for (const remote of wanted) {
      const tile = this.#tiles.get(remote.stream) ?? this.#add(remote.stream);
      tile.show(shownRemote(remote));
    }
    this.local.show(shownLocal(call.local, call.uid));
    for (const tile of this.tiles) {
      tile.setPinned(tile.stream === state.pinned);
      if (!state.statistics) tile.setStatistics(null);
    }
    this.arrange();
  }

  /** Puts the tiles in their places; in the lobby the own one stands in the preview, which needs no arithmetic. */
  arrange() {
    if (!this.#state?.inCall) return;
    const { call, pinned } = this.#state;
    const self = call.local && (call.local.audio || call.local.video) ? "local" : null;
    const { clientWidth: width, clientHeight: height } = this.#room;
    if (!width || !height) return;
    const bar = this.#pills();
    const covered = height - Math.min(height, ...bar.filter((pill) => pill.height).map((pill) => pill.y));
    const { rects, stage, floating } = layout({ width, height, covered, remote: call.remote.map(({ stream }) => stream), self, pinned });
    this.local.panel.hidden = self === null;
    for (const tile of this.tiles) {
      const rect = rects.get(tile.stream);
      tile.panel.classList.toggle("stage", tile.stream === stage);
      tile.panel.classList.toggle("floating", tile.stream === floating);
      if (rect) place(tile.panel, rect, bar, tile.stream === floating);
    }
  }

  /** Forgets the places, for the preview. */
  release() {
    this.local.panel.hidden = false;
    this.local.panel.classList.remove("stage", "floating");
    this.local.panel.removeAttribute("style");
  }

  /** @param {string} stream */
  #add(stream) {
    const tile = new TileView(stream, this.#surroundings);
    this.#tiles.set(stream, tile);
    this.#room.insertBefore(tile.panel, this.local.panel.parentElement === this.#room ? this.local.panel : null);
    return tile;
  }

  /** The bar's pills in the room's coordinates. @returns {Rect[]} */
  #pills() {
    const room = this.#room.getBoundingClientRect();
    return [...this.#bar.children].map((pill) => {
      const { x, y, width, height } = pill.getBoundingClientRect();
      return { x: x - room.x, y: y - room.y, width, height };
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const panels = [...this.#room.children];
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

/**
 * @param {HTMLElement} panel
 * @param {Rect} rect
 * @param {Rect[]} bar
 * @param {boolean} floats
 */
function place(panel, rect, bar, floats) {
  const covered = Math.max(0, ...bar.map((pill) => overlap(rect, pill)));
  // Above the bar the floating tile steps whole; others only raise their caption, and not out of themselves.
  const lift = floats ? covered && covered + GAP : Math.min(covered, Math.max(0, rect.height - CAPTION));
  const { style } = panel;
  style.left = `${rect.x}px`;
  style.top = `${rect.y}px`;
  style.width = `${rect.width}px`;
  style.height = `${rect.height}px`;
  style.setProperty("--lift", `${lift}px`);
}

/**
 * @param {RemoteState} remote
 * @returns {import("./tile.js").Shown}
 */
function shownRemote({ stream, uid, audio, video, audioMuted, videoMuted, state }) {
  const picture = { connecting: "waiting", playing: "live", stalled: "stalled", sound: "sound" }[state];
  return {
    name: isScreen(stream) ? t("tile.screen", { uid }) : String(uid),
    face: String(uid),
    microphone: audio && !audioMuted,
    picture: video && !videoMuted ? /** @type {"waiting" | "live" | "stalled" | "sound"} */ (picture) : state === "stalled" ? "stalled" : "off",
  };
}

/**
 * @param {LocalState | null} local
 * @param {number | string | null} uid
 * @returns {import("./tile.js").Shown}
 */
function shownLocal(local, uid) {
  return {
    name: t("tile.you"),
    face: String(uid ?? ""),
    microphone: Boolean(local?.audio && !local.audioMuted),
    picture: local?.video && !local.videoMuted ? "live" : "off",
  };
}
