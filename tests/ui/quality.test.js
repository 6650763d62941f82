import assert from "node:assert/strict";
import { test } from "node:test";
import { Hearing, MutedTalk, NetworkJudge, whyWeak } from "../../ui/quality.js";

const GOOD = { fps: 30, width: 1280, height: 720, bitrateKbps: 1500, frozenMs: 40, latencyMs: 50, lost: 100, repaired: 90, frames: 900, decodeMs: 3, firstFrameMs: 200 };

const SOUND = { bitrateKbps: 40, lost: 0, concealedMs: 0, playedMs: 60_000, latencyMs: 60, lossPercent: 0 };
const why = (video, audio = SOUND) => whyWeak({ video: GOOD, audio: SOUND }, { video, audio });

test("a stream is weak that froze, has gaps, lost what was not repaired, or comes late, and says which", () => {
  assert.equal(why({ ...GOOD, lost: 160, repaired: 150, frozenMs: 100 }), null);
  assert.deepEqual(why({ ...GOOD, frozenMs: 440 }), { key: "frozen", values: { seconds: 0.4 } });
  assert.deepEqual(why(GOOD, { ...SOUND, concealedMs: 400 }), { key: "sound", values: {} });
  assert.deepEqual(why({ ...GOOD, lost: 160, repaired: 130 }), { key: "lost", values: { packets: 20 } });
  assert.deepEqual(why({ ...GOOD, latencyMs: 900 }), { key: "late", values: { ms: 900 } });
});

test("without two readings nothing is weak", () => {
  assert.equal(whyWeak(undefined, { video: { ...GOOD, frozenMs: 5000, latencyMs: 5000 }, audio: SOUND }), null);
  assert.equal(whyWeak({ video: GOOD }, null), null);
  assert.equal(whyWeak({ video: GOOD, audio: null }, { video: null, audio: null }), null);
});

test("a slow network is told after four seconds, and forgotten after six good ones", () => {
  const judge = new NetworkJudge();
  const told = [];
  for (let now = 0; now < 30_000; now += 1000) told.push(judge.hear(now < 12_000 ? 5 : 1, 2, now));
  assert.equal(told.indexOf("up"), 4);
  assert.equal(told.lastIndexOf("up"), 17);
  assert.equal(told.at(-1), null);
});

test("a single bad reading is no slow network, and the way down counts before the way up", () => {
  const judge = new NetworkJudge();
  for (let now = 0; now < 20_000; now += 1000) assert.equal(judge.hear(now % 3000 ? 1 : 5, 1, now), null);
  for (let now = 20_000; now < 26_000; now += 1000) judge.hear(5, 4, now);
  assert.equal(judge.hear(5, 4, 26_000), "down");
  judge.reset();
  assert.equal(judge.hear(5, 4, 27_000), null);
});

test("a word is heard at once and remembered for a moment", () => {
  const hearing = new Hearing();
  assert.equal(hearing.hear(2, 0), false);
  assert.equal(hearing.hear(30, 200), true);
  assert.equal(hearing.hear(0, 3000), true);
  assert.equal(hearing.hear(0, 3400), false);
});

test("a second of speech into a muted microphone is noticed, and then not again for a while", () => {
  const talk = new MutedTalk();
  const noticed = [];
  for (let now = 0; now < 30_000; now += 200) if (talk.heard(40, true, now)) noticed.push(now);
  assert.deepEqual(noticed, [1000, 21_000]);
});

test("what the app noticed and what the page noticed are told once", () => {
  const talk = new MutedTalk();
  assert.equal(talk.told(1000), true);
  assert.equal(talk.told(2000), false);
  for (let now = 3000; now < 20_000; now += 200) assert.equal(talk.heard(40, true, now), false);
});

test("a cough, silence, or an open microphone is nothing to say", () => {
  const talk = new MutedTalk();
  for (let now = 0; now < 10_000; now += 200) {
    assert.equal(talk.heard(now % 1000 === 0 ? 0 : 40, true, now), false);
    assert.equal(talk.heard(40, false, now), false);
  }
});
