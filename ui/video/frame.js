// @ts-check
/**
 * A frame as it crosses the frame socket: a 32-byte little-endian header, then tightly packed pixels.
 *
 * ```text
 * 0 u32 tile · 4 u16 width · 6 u16 height · 8 u8 format (0 i420, 1 rgba) · 12 u32 sequence
 * 16 f64 capture time (ms since the Unix epoch) · 24 u16 source width · 26 u16 source height
 * ```
 */

export const HEADER_BYTES = 32;

/** @typedef {"i420" | "rgba"} Format */

/**
 * @typedef {object} Frame
 * @property {number} tile
 * @property {number} width in pixels
 * @property {number} height in pixels
 * @property {Format} format
 * @property {number} sequence
 * @property {number} captured ms since the Unix epoch
 * @property {number} sourceWidth of the picture before it was scaled to the tile
 * @property {number} sourceHeight
 * @property {Uint8Array} pixels a view into the message, not a copy
 */

/** @type {readonly Format[]} in the order of the header's numbers */
const FORMATS = ["i420", "rgba"];

/**
 * How many bytes a picture takes; I420's chroma planes round an odd size up.
 * @param {Format} format
 * @param {number} width
 * @param {number} height
 */
export function pixelBytes(format, width, height) {
  if (format === "rgba") return width * height * 4;
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/**
 * Reads one message; null where it is not a whole frame of a known format.
 * @param {ArrayBuffer} message
 * @returns {Frame | null}
 */
export function parseFrame(message) {
  if (message.byteLength < HEADER_BYTES) return null;
  const header = new DataView(message, 0, HEADER_BYTES);
  const format = FORMATS[header.getUint8(8)];
  const width = header.getUint16(4, true);
  const height = header.getUint16(6, true);
  if (!format || !width || !height) return null;
  if (message.byteLength !== HEADER_BYTES + pixelBytes(format, width, height)) return null;
  return {
    tile: header.getUint32(0, true),
    width,
    height,
    format,
    sequence: header.getUint32(12, true),
    captured: header.getFloat64(16, true),
    sourceWidth: header.getUint16(24, true),
    sourceHeight: header.getUint16(26, true),
    pixels: new Uint8Array(message, HEADER_BYTES),
  };
}
