import assert from "node:assert/strict";
import { test } from "node:test";
import { Attention, REST_MS } from "../../ui/attention.js";
import { initialState, resting, Store } from "../../ui/state.js";

const NOTHING = { rest: false, next: null };
const REST = { rest: true, next: null };
const SOONER_MS = REST_MS / 3;

/** A lobby at moment 0. */
function lobby(focused = true) {
  const attention = new Attention(focused, 0);
  attention.turn(true, 0);
  return attention;
}

test("a lobby without a sign of life rests after a while, once", () => {
  const attention = lobby();
  assert.deepEqual(attention.step(0), { rest: false, next: REST_MS });
  assert.deepEqual(attention.step(REST_MS - 1), { rest: false, next: REST_MS });
  assert.deepEqual(attention.step(REST_MS), REST);
  assert.deepEqual(attention.step(2 * REST_MS), NOTHING);
});

test("a sign of life begins the wait anew, and ends a rest", () => {
  const attention = lobby();
  assert.equal(attention.sign(1000), false);
  assert.deepEqual(attention.step(REST_MS), { rest: false, next: REST_MS + 1000 });
  assert.deepEqual(attention.step(REST_MS + 1000), REST);
  assert.deepEqual([attention.sign(REST_MS + 2000), attention.sign(REST_MS + 2001)], [true, false]);
  assert.deepEqual(attention.step(REST_MS + 2001), { rest: false, next: 2 * REST_MS + 2001 });
});

test("a window without the focus rests sooner, counted from when it lost it", () => {
  assert.deepEqual(lobby(false).step(SOONER_MS), REST);
  const attention = lobby();
  assert.equal(attention.focus(false, 50_000), false);
  assert.deepEqual(attention.step(50_000), { rest: false, next: 50_000 + SOONER_MS });
  attention.sign(60_000);
  assert.deepEqual(attention.step(60_000 + SOONER_MS), REST, "a pointer over it is a sign, too");
  assert.equal(attention.focus(false, 90_000), false, "to lose the focus is none");
  assert.equal(attention.focus(true, 99_000), true);
  assert.deepEqual(attention.step(99_000), { rest: false, next: 99_000 + REST_MS });
});

test("nothing rests but a lobby; whoever comes back to it has the whole wait", () => {
  const attention = new Attention(true, 0);
  assert.deepEqual(attention.step(REST_MS), NOTHING);
  attention.turn(true, REST_MS);
  assert.equal(attention.turn(false, REST_MS + 1), false);
  assert.deepEqual(attention.step(9 * REST_MS), NOTHING);
  attention.turn(true, 9 * REST_MS);
  assert.deepEqual(attention.step(9 * REST_MS), { rest: false, next: 10 * REST_MS });
  assert.deepEqual(attention.step(10 * REST_MS), REST);
  assert.equal(attention.turn(false, 10 * REST_MS), true, "a call has its devices");
});

const LOCAL = { stream: "local", audio: true, video: true, audioMuted: false, videoMuted: false, problems: [] };

test("what rests is what was on", () => {
  assert.equal(resting(LOCAL), "both");
  assert.equal(resting({ ...LOCAL, audioMuted: true }), "camera");
  assert.equal(resting({ ...LOCAL, video: false }), "microphone");
  assert.equal(resting({ ...LOCAL, audio: false, videoMuted: true }), null);
  assert.equal(resting(null), null);
});

test("of a preview that rests what it was is shown, until the app has it again", () => {
  const { call } = initialState();
  const store = new Store(initialState());
  store.receive({ ...call, revision: 1, local: LOCAL });
  store.set({ rest: "resting" });
  store.receive({ ...call, revision: 2 });
  assert.equal(store.call.local, LOCAL);
  store.set({ rest: "waking", call: { ...store.call, local: { ...LOCAL, audioMuted: true } } });
  store.receive({ ...call, revision: 3 });
  assert.deepEqual([store.state.rest, store.call.local?.audioMuted], ["waking", true]);
  store.receive({ ...call, revision: 4, local: { ...LOCAL, video: false } });
  assert.deepEqual([store.state.rest, store.call.local?.video], ["awake", false]);
  store.receive({ ...call, revision: 5 });
  assert.equal(store.call.local, null);
});
