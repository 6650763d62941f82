// @ts-check
/**
 * A canvas in a host element and the painter that suits this machine. When a WebGL context is lost, a fresh canvas
 * takes its place and goes on with plain pixels.
 */
import { pixelBytes } from "./frame.js";
import { PixelPainter, ShaderPainter } from "./yuv-canvas.js";

/** @typedef {import("./frame.js").Frame} Frame */
/** @typedef {import("./frame.js").Format} Format */
/** @typedef {import("./yuv-canvas.js").Painter} Painter */

// Browsers drop the oldest context of a page at its 17th.
const MOST_SHADERS = 12;
let shaders = 0;

/** A canvas in `host`, and the format it takes. */
export class Surface {
  #host;
  #changed;
  /** @type {Painter | null} */
  #painter = null;
  /** @type {HTMLCanvasElement | null} */
  #canvas = null;
  /** @type {Format} */
  format = "rgba";

  /**
   * @param {HTMLElement} host
   * @param {Format} preferred
   * @param {() => void} changed called when `format` has changed by itself
   */
  constructor(host, preferred, changed) {
    this.#host = host;
    this.#changed = changed;
    this.#use(preferred === "i420" && shaders < MOST_SHADERS ? "i420" : "rgba");
  }

  /** Draws the frame; one of another format, asked for before a change, is passed over. @param {Frame} frame */
  draw(frame) {
    if (frame.format === this.format) this.#painter?.draw(frame);
  }

  close() {
    if (this.format === "i420") shaders -= 1;
    this.#canvas?.remove();
    this.#painter = null;
  }

  /**
   * @param {Format} format
   * @returns {void}
   */
  #use(format) {
    const canvas = document.createElement("canvas");
    try {
      this.#painter = format === "i420" ? new ShaderPainter(canvas) : new PixelPainter(canvas);
    } catch {
      if (format === "i420") return this.#use("rgba");
      this.#painter = null;
    }
    this.format = format;
    if (format === "i420") {
      shaders += 1;
      canvas.addEventListener("webglcontextlost", () => this.#lost(), { once: true });
    }
    this.#canvas?.remove();
    this.#canvas = canvas;
    this.#host.append(canvas);
  }

  // A driver that lost a context once may do so again: the tile goes on with plain pixels.
  #lost() {
    if (!this.#painter) return;
    shaders -= 1;
    this.#use("rgba");
    this.#changed();
  }
}

// A GPU takes 0.1 to 0.5 ms for this picture, WebGL in software 4 ms and more. The renderer's name is masked in
// WebKit, so only time tells them apart.
const QUICK_MS = 1.5;
const TRIAL = { width: 640, height: 360, rounds: 3 };

/**
 * Which format this machine draws faster, found by drawing a few black pictures where nobody sees them. Where the app knows that WebGL is
 * software, it is not tried: that alone would leave 40 MB of a compiler of shaders behind.
 * @returns {Format}
 */
export function quickestFormat() {
  if (/** @type {any} */ (globalThis).__VISAVIS_SOFTWARE__) return "rgba";
  const { width, height, rounds } = TRIAL;
  const pixels = new Uint8Array(pixelBytes("i420", width, height));
  /** @type {Frame} */
  const frame = { tile: 0, width, height, format: "i420", sequence: 0, captured: 0, sourceWidth: width, sourceHeight: height, pixels };
  try {
    const canvas = document.createElement("canvas");
    const painter = new ShaderPainter(canvas);
    const times = Array.from({ length: rounds }, () => {
      const start = performance.now();
      painter.draw(frame);
      painter.finish();
      return performance.now() - start;
    });
    canvas.getContext("webgl2")?.getExtension("WEBGL_lose_context")?.loseContext();
    return times.sort((a, b) => a - b)[rounds >> 1] <= QUICK_MS ? "i420" : "rgba";
  } catch {
    return "rgba";
  }
}
