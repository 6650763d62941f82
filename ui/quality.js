// @ts-check
/** Judgements of a call, made of numbers alone: whose stream suffers and why, whether one's own network is slow, and who talks to a microphone that is off. */

/** @typedef {import("./types/app").ReceivedVideo} ReceivedVideo */
/** @typedef {import("./types/app").ReceivedAudio} ReceivedAudio */
/** @typedef {{ video?: ReceivedVideo | null, audio?: ReceivedAudio | null }} Received */

// What a person notices within two seconds: a freeze, a burst of loss that no repair made good, or talking over each other.
const FROZEN_MS = 250;
const LOST = 15;
const LATE_MS = 700;
// Concealed sound is heard as gaps from about a tenth of the time on.
const CONCEALED_MS = 200;

/**
 * Why the network serves a stream badly between two readings of its counters: a key under `weak` and what it tells; null
 * where it serves it well.
 * @param {Received | null | undefined} before
 * @param {Received | null | undefined} now
 * @returns {{ key: "frozen" | "sound" | "lost" | "late", values: Record<string, number> } | null}
 */
export function whyWeak(before, now) {
  const [video, audio] = [now?.video, now?.audio];
  if (video && before?.video) {
    const frozen = video.frozenMs - before.video.frozenMs;
    if (frozen >= FROZEN_MS) return { key: "frozen", values: { seconds: Math.round(frozen / 100) / 10 } };
  }
  if (audio && before?.audio && audio.concealedMs - before.audio.concealedMs >= CONCEALED_MS) return { key: "sound", values: {} };
  if (video && before?.video) {
    const unrepaired = video.lost - video.repaired - (before.video.lost - before.video.repaired);
    if (unrepaired >= LOST) return { key: "lost", values: { packets: unrepaired } };
  }
  const late = Math.max((before?.video && video?.latencyMs) || 0, (before?.audio && audio?.latencyMs) || 0);
  return late >= LATE_MS ? { key: "late", values: { ms: Math.round(late) } } : null;
}

// Agora's scale: 4 is poor, 5 very bad, 6 gone; 0 is unknown.
const POOR = 4;
const POOR_MS = 4000;
const FAIR_MS = 6000;

/** Whether to say that one's own network is slow: after it was for some seconds, until it has not been for some more. */
export class NetworkJudge {
  /** @type {"up" | "down" | null} */
  #said = null;
  /** @type {number | null} */
  #since = null;

  /**
   * @param {number} up 0 to 6
   * @param {number} down 0 to 6
   * @param {number} now ms
   * @returns {"up" | "down" | null} which way is slow
   */
  hear(up, down, now) {
    const poor = down >= POOR ? "down" : up >= POOR ? "up" : null;
    if (Boolean(poor) === Boolean(this.#said)) {
      this.#since = null;
      if (poor) this.#said = poor;
      return this.#said;
    }
    this.#since ??= now;
    if (now - this.#since >= (poor ? POOR_MS : FAIR_MS)) {
      this.#said = poor;
      this.#since = null;
    }
    return this.#said;
  }

  /** Another call. */
  reset() {
    this.#said = null;
    this.#since = null;
  }
}

const LOUD = 12;
const SURE_MS = 1000;
const AGAIN_MS = 20_000;

/** Notices speech into a muted microphone: a second of it, and then not again for a while. */
export class MutedTalk {
  /** @type {number | null} */
  #since = null;
  #quietUntil = 0;

  /**
   * @param {number} level 0 to 100
   * @param {boolean} muted
   * @param {number} now ms
   * @returns {boolean} whether to say so now
   */
  heard(level, muted, now) {
    if (!muted || level < LOUD) {
      this.#since = null;
      return false;
    }
    this.#since ??= now;
    return now - this.#since >= SURE_MS && this.told(now);
  }

  /** The app has noticed by itself. @param {number} now ms */
  told(now) {
    if (now < this.#quietUntil) return false;
    this.#quietUntil = now + AGAIN_MS;
    return true;
  }
}

const HEARD = 8;
const HEARD_MS = 3000;

/** Whether the lobby's microphone hears somebody: yes at the first word, and for a while after the last. */
export class Hearing {
  /** @type {number | null} */
  #last = null;

  /**
   * @param {number} level 0 to 100
   * @param {number} now ms
   */
  hear(level, now) {
    if (level >= HEARD) this.#last = now;
    return this.#last !== null && now - this.#last < HEARD_MS;
  }
}
