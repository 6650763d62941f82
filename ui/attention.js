// @ts-check
/**
 * Whether anybody attends to the lobby. After a while without a sign of life its preview is to rest, sooner where the window
 * does not have the focus; the next sign wakes it. In a call nothing rests. Knows no clock and no element.
 */

/** How long a lobby without a sign of life shows its preview. */
export const REST_MS = 60_000;
/** Who works in another window is away so many times sooner. */
const ELSEWHERE = 3;

export class Attention {
  #since;
  #focused;
  #lobby = false;
  #resting = false;

  /**
   * @param {boolean} focused whether the window has the focus
   * @param {number} now ms
   */
  constructor(focused, now) {
    this.#focused = focused;
    this.#since = now;
  }

  /** Somebody is there. Whether that ends a rest. @param {number} now ms */
  sign(now) {
    const wakes = this.#resting;
    this.#since = now;
    this.#resting = false;
    return wakes;
  }

  /**
   * The window gained the focus, or lost it. Whether that ends a rest.
   * @param {boolean} focused
   * @param {number} now ms
   */
  focus(focused, now) {
    this.#focused = focused;
    if (focused) return this.sign(now);
    this.#since = now;
    return false;
  }

  /**
   * The window shows the lobby, or joins, or is in a call. Whether that ends a rest.
   * @param {boolean} lobby
   * @param {number} now ms
   */
  turn(lobby, now) {
    if (lobby === this.#lobby) return false;
    this.#lobby = lobby;
    return this.sign(now);
  }

  /**
   * What is due at this moment.
   * @param {number} now ms
   * @returns {{ rest: boolean, next: number | null }} rest: whether a rest begins; next: when to ask again, null when nothing is to happen
   */
  step(now) {
    if (!this.#lobby || this.#resting) return { rest: false, next: null };
    const due = this.#since + (this.#focused ? REST_MS : REST_MS / ELSEWHERE);
    if (now < due) return { rest: false, next: due };
    this.#resting = true;
    return { rest: true, next: null };
  }
}
