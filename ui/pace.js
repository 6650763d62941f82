// @ts-check
/** What keeps frames short when much happens at once. */

export const PACE_MS = 50;

/**
 * Acts at once, and then not again for a while: of what comes meanwhile only the last counts. A hundred people who join
 * in a second are drawn twenty times, not a hundred.
 * @template T
 * @param {(value: T) => void} act
 * @param {{ after?: (callback: () => void, ms: number) => void, ms?: number }} [tools]
 * @returns {(value: T) => void}
 */
export function paced(act, { after = setTimeout, ms = PACE_MS } = {}) {
  let resting = false;
  /** @type {{ value: T } | null} */
  let waiting = null;
  const rest = () => {
    resting = false;
    const next = waiting;
    waiting = null;
    if (next) go(next.value);
  };
  const go = (/** @type {T} */ value) => {
    if (resting) {
      waiting = { value };
      return;
    }
    resting = true;
    act(value);
    after(rest, ms);
  };
  return go;
}

/** Lets so many things be done before each paint, and tells when those that were refused may be done. */
export class FrameBudget {
  #spent = 0;
  #refused = false;
  #most;
  #more;
  #frame;
  #after;

  /**
   * @param {number} most
   * @param {() => void} more
   * @param {{ frame?: (callback: () => void) => void, after?: (callback: () => void) => void }} [tools]
   */
  constructor(most, more, { frame = (callback) => requestAnimationFrame(callback), after = (callback) => setTimeout(callback) } = {}) {
    this.#most = most;
    this.#more = more;
    this.#frame = frame;
    this.#after = after;
  }

  /** Whether one more may be done now. */
  take() {
    if (this.#spent === this.#most) {
      this.#refused = true;
      return false;
    }
    if (this.#spent === 0) this.#wait();
    this.#spent += 1;
    return true;
  }

  /** What is done between a frame's beginning and the first task after its paint counts for that frame and the next. */
  #wait() {
    this.#frame(() => {
      const painted = this.#spent;
      this.#after(() => {
        this.#spent -= painted;
        if (this.#spent) this.#wait();
        if (!this.#refused) return;
        this.#refused = false;
        this.#more();
      });
    });
  }
}
