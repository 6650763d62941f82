import assert from "node:assert/strict";
import { test } from "node:test";
import { handle } from "../../ui/events.js";

/** What the page says of an event, and what it does. */
function said(event) {
  const all = [];
  const toasts = Object.fromEntries(["info", "notice", "error"].map((kind) => [kind, (...words) => all.push([kind, ...words])]));
  handle(event, { toasts, callEnded: (problem) => all.push(["ended", problem.code]) });
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

test("who is banned learns by which rule", () => {
  const [[kind, , problem]] = said({ event: "client-banned", uid: 7, attr: "K_IP_BANNED", message: "Out." });
  assert.deepEqual([kind, problem], ["error", { code: "K_IP_BANNED", message: "Out." }]);
});

test("a privilege that is taken in a call is told, a connection that is being brought back is not", (t) => {
  t.mock.method(console, "error", () => {});
  assert.equal(said({ event: "error", code: "K_UID_BANNED", message: "No." }).length, 1);
  assert.equal(said({ event: "error", code: "SOCKET_DISCONNECTED", message: "Reconnecting." }).length, 0);
});
