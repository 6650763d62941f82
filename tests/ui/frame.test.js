import assert from "node:assert/strict";
import { test } from "node:test";
import { HEADER_BYTES, parseFrame, pixelBytes } from "../../ui/video/frame.js";
import { frameMessage } from "./frames.js";

test("a frame's header is read field by field", () => {
  const frame = parseFrame(frameMessage({ tile: 3, width: 4, height: 2, format: "rgba", sequence: 7, captured: 1764000000123.5, sourceWidth: 1280, sourceHeight: 720 }));
  const { pixels, ...header } = frame;
  assert.deepEqual(header, { tile: 3, width: 4, height: 2, format: "rgba", sequence: 7, captured: 1764000000123.5, sourceWidth: 1280, sourceHeight: 720 });
  assert.equal(pixels.length, 4 * 2 * 4);
});

test("chroma planes of an odd picture are rounded up", () => {
  assert.equal(pixelBytes("i420", 640, 360), 640 * 360 * 1.5);
  assert.equal(pixelBytes("i420", 3, 3), 9 + 2 * 4);
  assert.equal(parseFrame(frameMessage({ width: 3, height: 3, format: "i420" })).pixels.length, 17);
});

test("pixels are a view of the message and no copy", () => {
  const message = frameMessage({ width: 2, height: 2, format: "rgba" });
  assert.equal(parseFrame(message).pixels.buffer, message);
});

test("what is not a whole frame is none", () => {
  const whole = frameMessage({ width: 4, height: 4, format: "rgba" });
  assert.equal(parseFrame(new ArrayBuffer(0)), null);
  assert.equal(parseFrame(whole.slice(0, HEADER_BYTES)), null);
  assert.equal(parseFrame(whole.slice(0, whole.byteLength - 1)), null);
  const unknown = whole.slice(0);
  new DataView(unknown).setUint8(8, 2);
  assert.equal(parseFrame(unknown), null);
  const empty = whole.slice(0);
  new DataView(empty).setUint16(4, 0, true);
  assert.equal(parseFrame(empty), null);
});
