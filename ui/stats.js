// @ts-check
/**
 * What a call's numbers show: whose connection is weak, always; and the overlay with the sample's lines and a few more,
 * once a second instead of as fast as the browser can.
 */
import { t } from "./i18n/index.js";
import { whyWeak } from "./quality.js";

/** @typedef {import("./types/app").CallStats} CallStats */
/** @typedef {import("./types/app").ReceivedStats} ReceivedStats */
/** @typedef {{ fps: number, ageMs: number | null }} Drawn what the tile itself measured */
/** @typedef {import("./events.js").Exception} Exception */

const OVERLAY_MS = 1000;
const QUALITY_MS = 2000;
// Agora's scale: poor and worse.
const SLOW = 4;
/** What an exception's code grows by when it is over. */
const RECOVERED = 2000;

/**
 * The lines over one's own tile.
 * @param {CallStats} stats
 * @param {number | string | null} uid
 * @param {Drawn} drawn
 * @param {string | null} type of this machine's network, in Agora's word; null while nothing is known
 */
export function localLines({ rttMs, uplinkQuality, downlinkQuality, send }, uid, drawn, type = null) {
  const { video } = send;
  const ways = { up: t(`quality.${uplinkQuality}`), down: t(`quality.${downlinkQuality}`) };
  return [
    t("stats.uid", { uid: uid ?? "" }),
    t("stats.access", { ms: whole(rttMs) }),
    t("stats.send", { fps: whole(video?.fps), width: video?.width ?? 0, height: video?.height ?? 0 }),
    t("stats.sent", { kbps: whole(video?.bitrateKbps), target: whole(video?.targetKbps) }),
    t("stats.captured", { fps: whole(video?.captureFps), width: video?.captureWidth ?? 0, height: video?.captureHeight ?? 0 }),
    t("stats.sentLoss", { loss: whole(send.lossPercent) }),
    type ? t("stats.networkOver", { ...ways, type: t(`network.${type}`) }) : t("stats.network", ways),
    t("stats.shown", { fps: drawn.fps, ms: whole(drawn.ageMs) }),
  ];
}

/**
 * The lines over somebody else's tile.
 * @param {ReceivedStats} received
 * @param {number | null} rttMs
 * @param {Drawn} drawn
 */
export function remoteLines({ uid, video, audio }, rttMs, drawn) {
  return [
    t("stats.uid", { uid }),
    t("stats.access", { ms: whole(rttMs) }),
    t("stats.endToEnd", { ms: whole(video?.latencyMs ?? audio?.latencyMs) }),
    t("stats.receive", { fps: whole(video?.fps), width: video?.width ?? 0, height: video?.height ?? 0 }),
    t("stats.received", { kbps: whole(video?.bitrateKbps), lost: whole(video?.lost), repaired: whole(video?.repaired) }),
    t("stats.loss", { video: whole(video?.lossPercent), audio: whole(audio?.lossPercent) }),
    t("stats.shown", { fps: drawn.fps, ms: whole(drawn.ageMs) }),
  ];
}

/** A whole number; a dash for what is not known. @param {number | null | undefined} value */
function whole(value) {
  return value === null || value === undefined ? "–" : Math.round(value);
}

export class StatisticsView {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** ms between two readings; 0: none */
  #pace = 0;
  /** @type {Map<string, ReceivedStats>} the reading of two seconds ago */
  #before = new Map();
  #judged = 0;
  /** @type {Map<string, Exception>} what is wrong now, by user and code */
  #exceptions = new Map();
  /** @type {string | null} */
  #type = null;
  #api;
  #store;
  #grid;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./state.js").Store} store
   * @param {import("./grid/view.js").GridView} grid
   */
  constructor(api, store, grid) {
    this.#api = api;
    this.#store = store;
    this.#grid = grid;
  }

  /** @param {import("./state.js").State} state */
  draw({ inCall, statistics }) {
    const pace = !inCall ? 0 : statistics ? OVERLAY_MS : QUALITY_MS;
    if (!inCall) {
      this.#exceptions.clear();
      this.#type = null;
    }
    if (pace === this.#pace) return;
    this.#pace = pace;
    clearInterval(this.#timer);
    if (!pace) return;
    this.#timer = setInterval(() => this.#refresh(), pace);
    this.#refresh();
  }

  /** Shows an exception in the overlay until it is over. @param {Exception} exception */
  note(exception) {
    if (exception.recovered) this.#exceptions.delete(`${exception.uid} ${exception.code - RECOVERED}`);
    else this.#exceptions.set(`${exception.uid} ${exception.code}`, exception);
  }

  /** This machine's traffic goes over another kind of network. @param {string} type */
  over(type) {
    this.#type = type;
  }

  /** @param {number | string | null} of */
  #wrong(of) {
    return [...this.#exceptions.values()].filter(({ uid }) => uid === of).map(({ code, msg }) => t("stats.exception", { code, msg }));
  }

  async #refresh() {
    const stats = await this.#api.getStats().catch(() => null);
    if (!stats || !this.#pace) return;
    const now = performance.timeOrigin + performance.now();
    if (now - this.#judged >= QUALITY_MS - OVERLAY_MS / 2) this.#judge(stats, now);
    if (this.#store.state.statistics) this.#fill(stats, now);
  }

  /**
   * @param {CallStats} stats
   * @param {number} now
   */
  #judge({ receive, uplinkQuality }, now) {
    this.#judged = now;
    /** @type {Map<string, string>} */
    const weak = new Map();
    for (const received of receive) {
      const why = whyWeak(this.#before.get(received.stream), received);
      if (why) weak.set(received.stream, t(`weak.${why.key}`, why.values));
    }
    if (uplinkQuality >= SLOW) weak.set("local", t("weak.own"));
    this.#grid.setWeak(weak);
    this.#before = new Map(receive.map((received) => [received.stream, received]));
  }

  /**
   * @param {CallStats} stats
   * @param {number} now
   */
  #fill(stats, now) {
    const { uid } = this.#store.call;
    this.#grid.local.setStatistics([...localLines(stats, uid, this.#grid.local.frameMeter.read(now), this.#type), ...this.#wrong(uid)]);
    for (const received of stats.receive) {
      const tile = this.#grid.tile(received.stream);
      tile?.setStatistics([...remoteLines(received, stats.rttMs, tile.frameMeter.read(now)), ...this.#wrong(received.uid)]);
    }
  }
}
