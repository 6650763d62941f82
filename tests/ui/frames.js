// Frames as the app sends them, for tests.
import { HEADER_BYTES, pixelBytes } from "../../ui/video/frame.js";

/** @param {Partial<import("../../ui/video/frame.js").Frame>} frame black, unless told otherwise */
export function frameMessage({ tile = 0, width = 2, height = 2, format = "rgba", sequence = 0, captured = 0, sourceWidth = width, sourceHeight = height } = {}) {
  const message = new ArrayBuffer(HEADER_BYTES + pixelBytes(format, width, height));
  const header = new DataView(message);
  header.setUint32(0, tile, true);
  header.setUint16(4, width, true);
  header.setUint16(6, height, true);
  header.setUint8(8, format === "i420" ? 0 : 1);
  header.setUint32(12, sequence, true);
  header.setFloat64(16, captured, true);
  header.setUint16(24, sourceWidth, true);
  header.setUint16(26, sourceHeight, true);
  return message;
}
