// @ts-check
/** Two judgements of a call, made of numbers alone: whose picture suffers, and who talks to a microphone that is off. */

/** @typedef {import("./types/app").ReceivedVideo} ReceivedVideo */

// What a person notices within two seconds: a freeze, a burst of loss that no repair made good, or talking over each other.
const FROZEN_MS = 250;
const LOST = 15;
const LATE_MS = 700;

/**
 * Whether the network served a stream badly between two readings of its counters.
 * @param {ReceivedVideo | null | undefined} before
 * @param {ReceivedVideo | null | undefined} now
 */
export function isWeak(before, now) {
  if (!before || !now) return false;
  const unrepaired = now.lost - now.repaired - (before.lost - before.repaired);
  return now.frozenMs - before.frozenMs >= FROZEN_MS || unrepaired >= LOST || (now.latencyMs ?? 0) >= LATE_MS;
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
    if (now - this.#since < SURE_MS || now < this.#quietUntil) return false;
    this.#quietUntil = now + AGAIN_MS;
    return true;
  }
}
