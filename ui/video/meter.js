// @ts-check
/** What one tile really shows: frames a second, and how old a picture is when it is drawn. */

const WINDOW_MS = 1000;
const KEPT = 128;

export class Meter {
  /** @type {{ at: number, age: number }[]} the draws of the last second, oldest first */
  #draws = [];
  /** Frames drawn since the tile was opened. */
  drawn = 0;

  /**
   * @param {number} now ms since the Unix epoch, on the same clock as `captured`
   * @param {number} captured
   */
  add(now, captured) {
    this.drawn += 1;
    this.#draws.push({ at: now, age: now - captured });
    if (this.#draws.length > KEPT) this.#draws.shift();
  }

  /**
   * @param {number} now
   * @returns {{ fps: number, ageMs: number | null }} ageMs: the median of the last second, null with no frame
   */
  read(now) {
    while (this.#draws.length && this.#draws[0].at <= now - WINDOW_MS) this.#draws.shift();
    const ages = this.#draws.map((draw) => draw.age).sort((a, b) => a - b);
    return { fps: ages.length, ageMs: ages.length ? ages[ages.length >> 1] : null };
  }
}
