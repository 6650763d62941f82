import assert from "node:assert/strict";
import { test } from "node:test";
import { isWeak, MutedTalk } from "../../ui/quality.js";

const GOOD = { fps: 30, width: 1280, height: 720, bitrateKbps: 1500, frozenMs: 40, latencyMs: 50, lost: 100, repaired: 90, frames: 900, decodeMs: 3, firstFrameMs: 200 };

test("a stream is weak that froze, lost what was not repaired, or comes late", () => {
  assert.ok(!isWeak(GOOD, { ...GOOD, lost: 160, repaired: 150, frozenMs: 100 }));
  assert.ok(isWeak(GOOD, { ...GOOD, frozenMs: 300 }));
  assert.ok(isWeak(GOOD, { ...GOOD, lost: 160, repaired: 130 }));
  assert.ok(isWeak(GOOD, { ...GOOD, latencyMs: 900 }));
});

test("without two readings nothing is weak", () => {
  assert.ok(!isWeak(undefined, { ...GOOD, frozenMs: 5000 }));
  assert.ok(!isWeak(GOOD, null));
});

test("a second of speech into a muted microphone is noticed, and then not again for a while", () => {
  const talk = new MutedTalk();
  const noticed = [];
  for (let now = 0; now < 30_000; now += 200) if (talk.heard(40, true, now)) noticed.push(now);
  assert.deepEqual(noticed, [1000, 21_000]);
});

test("a cough, silence, or an open microphone is nothing to say", () => {
  const talk = new MutedTalk();
  for (let now = 0; now < 10_000; now += 200) {
    assert.equal(talk.heard(now % 1000 === 0 ? 0 : 40, true, now), false);
    assert.equal(talk.heard(40, false, now), false);
  }
});
