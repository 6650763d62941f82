// @ts-check
/**
 * Which toasts are on the page: three at most, four seconds each. When more come at once, each stays long enough to be
 * read at a glance before it makes room, and the newcomers wait their turn: so many that they are still news when it
 * comes, of more the oldest are passed over. Knows no element.
 */

export const MOST = 3;
export const SHOWN_MS = 4000;
export const GLANCE_MS = 700;
export const MOST_WAITING = 6;

/**
 * @template T
 * @typedef {{ item: T, since: number, held: boolean }} Entry
 */

/** @template T */
export class ToastQueue {
  /** @type {Entry<T>[]} the oldest first */
  #shown = [];
  /** @type {T[]} */
  #waiting = [];

  /** @param {T} item */
  add(item) {
    this.#waiting.push(item);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
  }

  /**
   * A toast that is pointed at stays; when let go, its time begins anew.
   * @param {T} item
   * @param {boolean} held
   * @param {number} now
   */
  hold(item, held, now) {
    const entry = this.#shown.find((candidate) => candidate.item === item);
    if (entry) Object.assign(entry, { held, since: now });
  }

  /**
   * What comes and goes at this moment.
   * @param {number} now ms
   * @returns {{ come: T[], go: T[], next: number | null }} next: when to ask again, null when nothing is to happen
   */
  step(now) {
    const go = this.#leave((entry) => now - entry.since >= SHOWN_MS);
    const come = [];
    while (this.#waiting.length) {
      if (this.#shown.length >= MOST) {
        const [made] = this.#leave((entry) => now - entry.since >= GLANCE_MS, 1);
        if (made === undefined) break;
        go.push(made);
      }
      const item = /** @type {T} */ (this.#waiting.shift());
      this.#shown.push({ item, since: now, held: false });
      come.push(item);
    }
    return { come, go, next: this.#next() };
  }

  /**
   * @param {(entry: Entry<T>) => boolean} due
   * @param {number} most
   */
  #leave(due, most = Infinity) {
    const leaving = this.#shown.filter((entry) => !entry.held && due(entry)).slice(0, most);
    this.#shown = this.#shown.filter((entry) => !leaving.includes(entry));
    return leaving.map(({ item }) => item);
  }

  #next() {
    const patience = this.#waiting.length ? GLANCE_MS : SHOWN_MS;
    const times = this.#shown.filter(({ held }) => !held).map(({ since }) => since + patience);
    return times.length ? Math.min(...times) : null;
  }
}
