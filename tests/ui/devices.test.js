import assert from "node:assert/strict";
import { test } from "node:test";
import { arrived, standIn } from "../../ui/devices.js";

const devices = (...ids) => ids.map((id) => ({ id, label: id }));

test("the system's own choice stands in for a microphone that is gone", () => {
  assert.equal(standIn(devices("microphone:built-in", "microphone:dock", "tone"), "microphone:headset").id, "microphone:built-in");
});

test("one that the app was started with is listed though it is gone, and does not stand in for itself", () => {
  assert.equal(standIn(devices("microphone:headset", "microphone:built-in", "tone"), "microphone:headset").id, "microphone:built-in");
});

test("nothing made up stands in for a microphone", () => {
  assert.equal(standIn(devices("default", "none", "file:/voice.wav", "tone"), "microphone:headset"), null);
});

test("a device has arrived that was not in the list before, unless there was no list", () => {
  const lists = (...ids) => ({ cameras: [], microphones: devices(...ids), speakers: [] });
  assert.ok(arrived(lists("tone"), lists("tone", "microphone:headset"), "microphone"));
  assert.ok(!arrived(lists("tone", "microphone:headset"), lists("tone"), "microphone"));
  assert.ok(!arrived(lists(), lists("tone"), "microphone"));
});
