import assert from "node:assert/strict";
import { test } from "node:test";
import { writeInvitation, readInvitation } from "../../ui/invitation.js";
import { avatarOf, AVATARS, initials, isScreen } from "../../ui/grid/names.js";
import { deviceProblems, initialState, Store } from "../../ui/state.js";
import { comings, peopleOf } from "../../ui/people.js";
import { localLines, remoteLines } from "../../ui/stats.js";

const missing = (device) => ({ device, lost: false, code: "DEVICES_NOT_FOUND", message: `No ${device} found.` });
const keys = (local) => deviceProblems(local).map(({ key }) => key);

test("a pin goes with its stream, and with the call", () => {
  const remote = [{ stream: "7", uid: 7, audio: true, video: true, audioMuted: false, videoMuted: false, state: "playing" }];
  const { call } = initialState();
  const store = new Store(initialState());
  store.set({ call: { ...call, state: "call", remote }, pinned: "7" });
  assert.equal(store.state.pinned, "7");
  store.set({ call: { ...store.call, remote: [] } });
  assert.equal(store.state.pinned, null);
  store.set({ pinned: "local" });
  assert.equal(store.state.pinned, "local");
  store.set({ call });
  assert.equal(store.state.pinned, null);
});

test("a failed attempt that leaves again never shows the call, a call that is left stays until it is over", () => {
  const { call } = initialState();
  const store = new Store(initialState());
  const shown = ["joining", "leaving", "lobby", "joining", "call", "leaving", "lobby"].map((state) => {
    store.set({ call: { ...call, state } });
    return store.state.inCall;
  });
  assert.deepEqual(shown, [false, false, false, false, true, true, false]);
});

test("an answer that an event has overtaken changes nothing", () => {
  const store = new Store(initialState());
  const call = initialState().call;
  store.receive({ ...call, revision: 7, state: "lobby" });
  store.receive({ ...call, revision: 6, state: "call" });
  assert.equal(store.call.state, "lobby");
  store.receive({ ...call, revision: 7, state: "joining" });
  assert.equal(store.call.state, "joining", "the same is taken, in place of what a click has marked");
});

test("a watcher sees the state before and after", () => {
  const store = new Store(initialState());
  const seen = [];
  store.watch((state, before) => seen.push([before.statistics, state.statistics]));
  store.set({ statistics: true });
  assert.deepEqual(seen, [[false, false], [false, true]]);
});

test("a missing camera, microphone or speaker each has its sentence", () => {
  assert.deepEqual(keys({ audio: true, video: false, problems: [missing("camera")] }), ["cameraMissing"]);
  assert.deepEqual(keys({ audio: false, video: true, problems: [missing("microphone")] }), ["microphoneMissing"]);
  assert.deepEqual(keys({ audio: true, video: true, problems: [missing("speaker")] }), ["speakerMissing"]);
  assert.deepEqual(keys({ audio: false, video: false, problems: [missing("camera"), missing("microphone"), missing("speaker")] }), ["neither", "speakerMissing"]);
  assert.deepEqual(keys({ audio: false, video: true, problems: [{ ...missing("microphone"), code: "PERMISSION_DENIED" }] }), ["microphoneDenied"]);
  assert.deepEqual(keys({ audio: true, video: false, problems: [{ ...missing("camera"), code: "ERR_INTERNAL_ERROR" }] }), [null]);
  assert.deepEqual(keys({ audio: true, video: true, problems: [{ ...missing("camera"), lost: true }] }), ["cameraLost"]);
  assert.deepEqual(keys(null), []);
});

test("initials come from an account's words or a number's last digits", () => {
  assert.equal(initials("2882341273"), "73");
  assert.equal(initials("ana.lima"), "AL");
  assert.equal(initials("Ben"), "BE");
  assert.equal(initials("7"), "7");
  assert.equal(initials("--"), "--");
  assert.equal(initials("陈美玲"), "陈美");
  assert.equal(initials("👩‍👩‍👧‍👦👍"), "👩‍👩‍👧‍👦👍", "a family is one letter");
  assert.equal(initials("😀".repeat(10_000)), "😀😀");
});

test("an avatar's colour belongs to its uid", () => {
  assert.equal(avatarOf("ana"), avatarOf("ana"));
  const used = new Set(Array.from({ length: 100 }, (_, uid) => avatarOf(String(uid))));
  assert.deepEqual([...used].sort(), Array.from({ length: AVATARS }, (_, index) => index));
});

test("a screen that is shared is large by itself, until somebody pins another or does not want it", () => {
  const remote = (stream, source) => ({ stream, uid: 7, source, audio: true, video: true, audioMuted: false, videoMuted: false, state: "playing" });
  const store = new Store(initialState());
  const call = (streams) => ({ ...initialState().call, state: "call", remote: streams });
  const [camera, first, second] = [remote("7", "camera"), remote("7-screen", "screen"), remote("8-screen", "screen")];
  store.set({ call: call([camera, first]) });
  assert.equal(store.state.focus, "7-screen");
  store.set({ pinned: "7" });
  assert.equal(store.state.focus, "7");
  store.set({ pinned: null, dismissed: "7-screen" });
  assert.equal(store.state.focus, null);
  store.set({ call: call([camera, first, second]) });
  assert.equal(store.state.focus, "8-screen", "another screen is news");
  store.set({ call: call([camera]) });
  assert.deepEqual([store.state.focus, store.state.dismissed], [null, null]);
});

test("who comes and goes is a person, not a stream", () => {
  const one = (uid, stream, name = null) => ({ uid, stream, name, audio: true, video: true, audioMuted: false, videoMuted: false, state: "playing", source: "camera" });
  const before = [one(7, "7", "Ana"), one(8, "8")];
  assert.deepEqual(comings(before, [...before, one(7, "7-screen", "Ana"), one(9, "9", "Ben")]), { came: ["Ben"], left: [] });
  assert.deepEqual(comings(before, [one(7, "7-screen", "Ana")]), { came: [], left: ["8"] });
});

test("people are told once, by the name they gave or else their uid", () => {
  const one = { uid: 7, name: "Ana", audio: true, video: true, audioMuted: true, videoMuted: false, state: "playing" };
  const remote = [{ ...one, stream: "7-screen", source: "screen" }, { ...one, stream: "7", source: "camera" }, { ...one, uid: 8, name: null, stream: "8", source: "camera", videoMuted: true }];
  const people = peopleOf({ ...initialState().call, remote, uid: 1, name: "Ben", local: null }, "You");
  assert.deepEqual(people.map(({ name }) => name), ["Ben (You)", "Ana", "8"]);
  assert.deepEqual(people.map(({ sharing, stream, microphone, camera }) => [sharing, stream, microphone, camera]), [[false, null, false, false], [true, "7", false, true], [false, "8", false, false]]);
});

test("a screen is told from a camera by its source, or by its id", () => {
  assert.ok(isScreen({ stream: "7-screen" }));
  assert.ok(!isScreen({ stream: "7" }));
  assert.ok(isScreen({ stream: "7", source: "screen" }));
  assert.ok(!isScreen({ stream: "x-screen", source: "camera" }));
});

test("an invitation is read back from whatever quotes it, and carries no token", () => {
  const call = { appID: "76697361766973206c6f63616c206170", channel: "design: review #2" };
  const text = writeInvitation("Join me on Visavis", call);
  assert.deepEqual(readInvitation(text), call);
  assert.deepEqual(readInvitation(`Hi,\r\n> ${text.replaceAll("\n", "\r\n> ")}\r\nBye`), call);
  const linked = writeInvitation("Join me on Visavis", { ...call, link: "visavis://join?appId=1&channel=x" });
  assert.match(linked, /^visavis:/m);
  assert.deepEqual(readInvitation(linked), call);
  assert.equal(readInvitation("Channel: demo"), null);
  assert.equal(readInvitation(call.appID), null);
});

test("the overlay has the sample's lines", () => {
  const stats = { rttMs: 23.4, users: 2, uplinkQuality: 2, downlinkQuality: 6, send: { video: { fps: 29.7, width: 1280, height: 720, bitrateKbps: 1500, targetKbps: 2000, encodeMs: 8, captureFps: 30, captureWidth: 1280, captureHeight: 720 }, audio: null, lossPercent: 3.4 }, receive: [] };
  const drawn = { fps: 30, ageMs: 41.6 };
  assert.deepEqual(localLines(stats, 7, drawn).slice(0, 3), ["Uid: 7", "SDN access delay: 23ms", "Video send: 30fps 1280x720"]);
  assert.deepEqual(localLines(stats, 7, drawn).slice(4, 7), ["Camera: 30fps 1280x720", "Lost on the way: 3%", "Network: good up, gone down"]);
  const video = { fps: 25, width: 640, height: 360, bitrateKbps: 700, frozenMs: 0, latencyMs: 48.2, lost: 3, repaired: 3, frames: 100, decodeMs: 2, lossPercent: 4.6, firstFrameMs: 200 };
  const lines = remoteLines({ stream: "8", uid: 8, video, audio: null }, null, drawn);
  assert.deepEqual(lines.slice(0, 4), ["Uid: 8", "SDN access delay: –ms", "End to end delay: 48ms", "Video recv: 25fps 640x360"]);
  assert.equal(lines.at(-2), "Lost before repair: video 5%, audio –%");
  assert.equal(lines.at(-1), "Shown: 30fps, 42ms after capture");
});
