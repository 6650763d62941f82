import assert from "node:assert/strict";
import { test } from "node:test";
import { handle } from "../../ui/events.js";

/** What the page says of an event, and what it does. */
function said(event) {
  const all = [];
  const toasts = Object.fromEntries(["info", "notice", "error"].map((kind) => [kind, (...words) => all.push([kind, ...words])]));
  toasts.seen = (text) => all.push(["seen", text]);
  toasts.say = (text) => all.push(["said", text]);
  const ask = (name) => (value) => void all.push([name, value]);
  handle(event, {
    toasts, callEnded: (problem) => all.push(["ended", problem.code]), nameOf: () => "Ana",
    linkOpened: ask("link"), settingsChanged: ask("settings"), nearbyChanged: ask("nearby"), microphoneGone: ask("gone"), screenEnded: ask("screen"), mutedTalk: ask("muted"), networkMoved: ask("network"),
  });
  return all;
}

test("a token that is about to end is told in the sample's words, with what to do", () => {
  const [[kind, text, detail]] = said({ event: "onTokenPrivilegeWillExpire", seconds: 30 });
  assert.deepEqual([kind, text], ["info", "onTokenPrivilegeWillExpire"]);
  assert.match(detail, /30 s/);
});

test("a token that ended is told, and marks its field for the next attempt", () => {
  const [[kind, text], ended] = said({ event: "onTokenPrivilegeDidExpire", code: "DYNAMIC_KEY_EXPIRED", message: "Over." });
  assert.deepEqual([kind, text, ended], ["info", "onTokenPrivilegeDidExpire", ["ended", "DYNAMIC_KEY_EXPIRED"]]);
});

test("a device that came is told, of one that went only who cannot see hears", () => {
  const device = { id: "camera:2", label: "<b>Webcam</b>" };
  assert.deepEqual(said({ event: "camera-changed", state: "ACTIVE", device }), [["info", "Connected: <b>Webcam</b>"]]);
  assert.deepEqual(said({ event: "playout-device-changed", state: "INACTIVE", device: { id: "hw:1", label: "" } }), [["said", "Unplugged: hw:1"]]);
});

test("which microphone went is handed on, which one came is not", () => {
  const device = { id: "microphone:2", label: "Headset" };
  assert.deepEqual(said({ event: "recording-device-changed", state: "INACTIVE", device }), [["gone", device], ["said", "Unplugged: Headset"]]);
  assert.deepEqual(said({ event: "recording-device-changed", state: "ACTIVE", device }), [["info", "Connected: Headset"]]);
});

test("who cannot see hears whose connection is lost and back", () => {
  assert.deepEqual(said({ event: "stream-reconnect-start", stream: "7", uid: 7 }), [["said", "The connection to Ana is being brought back"]]);
  assert.deepEqual(said({ event: "stream-reconnect-end", stream: "7", uid: 7, success: true }), [["said", "The connection to Ana is back"]]);
  assert.deepEqual(said({ event: "stream-reconnect-end", stream: "7", uid: 7, success: false }), []);
});

test("the desktop's news reach their listeners", () => {
  const link = { appId: "a", channel: "b", token: null, server: null };
  assert.deepEqual(said({ event: "link-opened", link, problem: null }), [["link", { event: "link-opened", link, problem: null }]]);
  assert.deepEqual(said({ event: "stopScreenSharing", reason: "closed" }), [["screen", "closed"]]);
  assert.equal(said({ event: "speaking-while-muted" })[0][0], "muted");
});

test("a network of another kind is noted, none at all is told", () => {
  assert.deepEqual(said({ event: "network-type-changed", networkType: "wifi" }), [["network", "wifi"]]);
  const [[kind, text, detail], noted] = said({ event: "network-type-changed", networkType: "none" });
  assert.deepEqual([kind, text, noted], ["info", "This computer is on no network", ["network", "none"]]);
  assert.match(detail, /goes on/);
});

test("who is banned learns by which rule", () => {
  const [[kind, , problem]] = said({ event: "client-banned", uid: 7, attr: "K_IP_BANNED", message: "Out." });
  assert.deepEqual([kind, problem], ["error", { code: "K_IP_BANNED", message: "Out." }]);
});

test("what ends one's publishing or the call is told, a connection that is being brought back is not", (t) => {
  t.mock.method(console, "error", () => {});
  const told = (code) => said({ event: "error", code, message: "No." }).map(([, text]) => text);
  assert.deepEqual(told("K_UID_BANNED"), ["You are not published any more"]);
  assert.deepEqual(told("PUBLISH_STREAM_FAILED"), ["You are not published any more"]);
  assert.deepEqual(told("INVALID_VENDOR_KEY"), ["The call has ended", "INVALID_VENDOR_KEY"], "and its field is marked");
  assert.deepEqual(told("PEERCONNECTION_FAILED"), ["Somebody’s picture and sound do not arrive"]);
  assert.deepEqual(told("ERR_TOO_MANY_USERS"), ["There are more people here than can be shown"]);
  assert.equal(said({ event: "error", code: "SOCKET_DISCONNECTED", message: "Reconnecting." }).length, 0);
});
