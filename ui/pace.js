// @ts-check
/**
 * Draws at once, and then not again for a while: of what comes meanwhile only the last counts. A hundred people who join
 * in a second are drawn twenty times, not a hundred.
 */

export const PACE_MS = 50;

/**
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
