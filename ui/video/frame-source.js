// @ts-check
/**
 * The page's end of the frame socket: asks for streams at the size they are shown, draws what arrives.
 *
 * Invariant: a tile has at most one frame in flight. The app sends one, the page draws it and only then
 * gives credit for the next, so a slow page gets fewer frames instead of older ones. A hidden page gives
 * no credit at all, and the app stops scaling for it.
 */
import { parseFrame } from "./frame.js";
import { Meter } from "./meter.js";

/** @typedef {import("./frame.js").Frame} Frame */
/** @typedef {import("./frame.js").Format} Format */

/**
 * What of WebSocket is used; tests bring their own.
 * @typedef {object} Socket
 * @property {(message: string) => void} send
 * @property {() => void} close
 * @property {number} readyState
 * @property {string} binaryType
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 */

/**
 * @typedef {object} Surroundings
 * @property {() => Promise<Socket>} connect opens a socket at a fresh address
 * @property {() => boolean} hidden whether nobody sees the page
 * @property {(callback: () => void) => void} nextPaint
 * @property {(callback: () => void, ms: number) => void} after
 * @property {() => number} now ms since the Unix epoch
 */

const OPEN = 1;
// The app knows tiles 0 to 63.
const TILES = 64;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;

/** One stream at one place of the page. */
export class Tile {
  /** @type {{ width: number, height: number }} in device pixels */
  size = { width: 0, height: 0 };
  /** @type {Format} */
  format = "rgba";
  /** @type {"cover" | "contain"} */
  fit = "cover";
  owesCredit = false;
  resizing = false;
  meter = new Meter();

  /**
   * @param {FrameSource} source
   * @param {number} number
   * @param {string} stream
   * @param {(frame: Frame) => void} draw
   */
  constructor(source, number, stream, draw) {
    this.source = source;
    this.number = number;
    this.stream = stream;
    this.draw = draw;
  }

  /**
   * The size at which the stream is shown now, in device pixels, and the format the tile draws. Size 0 rests it.
   * @param {number} width
   * @param {number} height
   * @param {Format} format
   * @param {"cover" | "contain"} fit
   */
  show(width, height, format, fit) {
    const same = this.size.width === width && this.size.height === height && this.format === format && this.fit === fit;
    if (same) return;
    this.size = { width, height };
    this.format = format;
    this.fit = fit;
    this.source.requestSoon(this);
  }

  close() {
    this.source.drop(this);
  }
}

export class FrameSource {
  /** @type {Map<number, Tile>} */
  #tiles = new Map();
  /** @type {Socket | null} */
  #socket = null;
  #connecting = false;
  #retryMs = FIRST_RETRY_MS;
  #lastNumber = 0;
  #surroundings;

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#surroundings = surroundings;
  }

  /**
   * The one of this page, in its browser's surroundings.
   * @param {Surroundings["connect"]} connect
   */
  static ofPage(connect) {
    const source = new FrameSource({
      connect,
      hidden: () => document.hidden,
      nextPaint: (callback) => requestAnimationFrame(callback),
      after: (callback, ms) => setTimeout(callback, ms),
      now: () => performance.timeOrigin + performance.now(),
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) source.resume();
    });
    return source;
  }

  /**
   * @param {string} stream "local" or a stream's id
   * @param {(frame: Frame) => void} draw called for every frame, at once
   * @throws {RangeError} when 64 tiles are open
   */
  open(stream, draw) {
    const tile = new Tile(this, this.#freeNumber(), stream, draw);
    this.#tiles.set(tile.number, tile);
    this.#connect();
    return tile;
  }

  // The longest unused number: a frame under way to a tile just closed must not reach the next one.
  #freeNumber() {
    for (let step = 1; step <= TILES; step += 1) {
      const number = (this.#lastNumber + step) % TILES;
      if (this.#tiles.has(number)) continue;
      this.#lastNumber = number;
      return number;
    }
    throw new RangeError(`more than ${TILES} tiles`);
  }

  get tiles() {
    return [...this.#tiles.values()];
  }

  /** Sizes change many times while a window is dragged; the last one before a paint counts. @param {Tile} tile */
  requestSoon(tile) {
    if (tile.resizing) return;
    tile.resizing = true;
    this.#surroundings.nextPaint(() => {
      tile.resizing = false;
      if (this.#tiles.has(tile.number)) this.#request(tile);
    });
  }

  /** @param {Tile} tile */
  drop(tile) {
    if (!this.#tiles.delete(tile.number)) return;
    this.#send({ tile: tile.number, stream: tile.stream, width: 0, height: 0 });
  }

  /** To be called when the page is shown again: pays the credit that was held back. */
  resume() {
    for (const tile of this.#tiles.values()) {
      if (tile.owesCredit) this.#credit(tile);
    }
  }

  async #connect() {
    if (this.#socket || this.#connecting) return;
    this.#connecting = true;
    try {
      this.#adopt(await this.#surroundings.connect());
    } catch {
      this.#reconnectLater();
    } finally {
      this.#connecting = false;
    }
  }

  /** @param {Socket} socket */
  #adopt(socket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onopen = () => {
      this.#retryMs = FIRST_RETRY_MS;
      for (const tile of this.#tiles.values()) {
        tile.owesCredit = false;
        if (tile.size.width && tile.size.height) this.#request(tile);
      }
    };
    // An error is always followed by a close.
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#reconnectLater();
    };
    if (socket.readyState === OPEN) socket.onopen(null);
  }

  #reconnectLater() {
    this.#surroundings.after(() => {
      if (this.#tiles.size) this.#connect();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  // A tile of no size gets no frames and loses its credit; the app gives a fresh one when it has a size again.
  /** @param {Tile} tile */
  #request(tile) {
    const { number, stream, size, format, fit } = tile;
    if (!size.width || !size.height) tile.owesCredit = false;
    this.#send({ tile: number, stream, width: size.width, height: size.height, format, fit });
  }

  /** @param {unknown} data */
  #receive(data) {
    const frame = data instanceof ArrayBuffer ? parseFrame(data) : null;
    const tile = frame && this.#tiles.get(frame.tile);
    if (!frame || !tile) return;
    try {
      tile.draw(frame);
      tile.meter.add(this.#surroundings.now(), frame.captured);
    } finally {
      // A picture that could not be drawn must not end the stream.
      if (this.#surroundings.hidden()) tile.owesCredit = true;
      else this.#credit(tile);
    }
  }

  /** @param {Tile} tile */
  #credit(tile) {
    tile.owesCredit = false;
    this.#send({ credit: tile.number });
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(message));
  }
}
