// @ts-check
/** Two ways to get a frame onto a canvas: I420 through a WebGL2 shader, RGBA through `putImageData`. */

/** @typedef {import("./frame.js").Frame} Frame */
/** @typedef {{ draw: (frame: Frame) => void, finish: () => void }} Painter */

const VERTEX = `#version 300 es
out vec2 at;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  at = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// BT.601, limited range, as the cameras and the decoder deliver it.
const FRAGMENT = `#version 300 es
precision mediump float;
uniform sampler2D luma, blue, red;
in vec2 at;
out vec4 colour;
void main() {
  float y = 1.1643835 * (texture(luma, at).r - 0.0627451);
  float u = texture(blue, at).r - 0.5019608;
  float v = texture(red, at).r - 0.5019608;
  colour = vec4(y + 1.5960268 * v, y - 0.3917623 * u - 0.8129676 * v, y + 2.0172321 * u, 1.0);
}`;

/** Draws I420. */
export class ShaderPainter {
  #gl;
  /** @type {WebGLTexture[]} */
  #planes = [];
  #size = { width: 0, height: 0 };

  /**
   * @param {HTMLCanvasElement} canvas
   * @throws {Error} where the canvas has no WebGL2
   */
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    if (!gl) throw new Error("no WebGL2");
    this.#gl = gl;
    gl.useProgram(link(gl));
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  }

  /** @param {Frame} frame */
  draw({ width, height, pixels }) {
    const gl = this.#gl;
    if (this.#size.width !== width || this.#size.height !== height) this.#resize(width, height);
    const halfWidth = (width + 1) >> 1;
    const halfHeight = (height + 1) >> 1;
    const luma = width * height;
    const chroma = halfWidth * halfHeight;
    this.#upload(0, width, height, pixels.subarray(0, luma));
    this.#upload(1, halfWidth, halfHeight, pixels.subarray(luma, luma + chroma));
    this.#upload(2, halfWidth, halfHeight, pixels.subarray(luma + chroma));
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  /** Waits until what was drawn is drawn; for measuring. */
  finish() {
    const gl = this.#gl;
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #resize(width, height) {
    const gl = this.#gl;
    gl.canvas.width = width;
    gl.canvas.height = height;
    gl.viewport(0, 0, width, height);
    this.#size = { width, height };
    for (const texture of this.#planes) gl.deleteTexture(texture);
    const half = [(width + 1) >> 1, (height + 1) >> 1];
    this.#planes = [[width, height], half, half].map(([w, h], unit) => plane(gl, unit, w, h));
  }

  /**
   * @param {number} unit
   * @param {number} width
   * @param {number} height
   * @param {Uint8Array} data
   */
  #upload(unit, width, height, data) {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RED, gl.UNSIGNED_BYTE, data);
  }
}

/** @param {WebGL2RenderingContext} gl */
function link(gl) {
  const program = gl.createProgram();
  for (const [type, source] of /** @type {const} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(type));
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(`shader: ${gl.getProgramInfoLog(program)}`);
  gl.useProgram(program);
  ["luma", "blue", "red"].forEach((name, unit) => gl.uniform1i(gl.getUniformLocation(program, name), unit));
  return program;
}

/**
 * @param {WebGL2RenderingContext} gl
 * @param {number} unit
 * @param {number} width
 * @param {number} height
 */
function plane(gl, unit, width, height) {
  const texture = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R8, width, height);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  return texture;
}

/** Draws RGBA. */
export class PixelPainter {
  #context;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    // Asking for reads keeps the canvas in memory. Without a GPU that is what makes it cheap: WebKitGTK then spends
    // 0.50 instead of 0.81 core on 720p at 30 fps, and with one this painter is not the quicker.
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    if (!context) throw new Error("no 2D canvas");
    this.#context = context;
  }

  /** @param {Frame} frame */
  draw({ width, height, pixels }) {
    const { canvas } = this.#context;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const bytes = /** @type {Uint8ClampedArray<ArrayBuffer>} */ (new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.byteLength));
    this.#context.putImageData(new ImageData(bytes, width, height), 0, 0);
  }

  /** Waits until what was drawn is drawn; for measuring. */
  finish() {
    this.#context.getImageData(0, 0, 1, 1);
  }
}
