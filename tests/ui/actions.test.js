import assert from "node:assert/strict";
import { test } from "node:test";
import { Actions } from "../../ui/actions.js";
import { refusal } from "../../ui/rules.js";
import { initialState, Store } from "../../ui/state.js";

const APP_ID = "76697361766973206c6f63616c206170";
const LOCAL = { stream: "local", audio: true, video: true, audioMuted: false, videoMuted: false, problems: [] };

/** A page in a state, with an app that does as told and notes what it was asked. */
function page({ call = {}, fields = {}, app = {} } = {}) {
  const lobby = { ...initialState().call, local: LOCAL, ...call };
  const said = [];
  const asked = [];
  const it = { call: lobby };
  const note = (name, then) => async (...args) => {
    asked.push(name);
    if (app[name]) await app[name](...args);
    return then?.(...args);
  };
  const becomes = (change) => () => {
    it.call = { ...it.call, ...change };
  };
  const api = {
    getState: async () => it.call,
    join: note("join", ({ uid }) => {
      becomes({ state: "call", joined: true, connection: "CONNECTED" })();
      return { uid: uid ?? 41 };
    }),
    leave: note("leave", becomes({ state: "lobby", joined: false, published: false })),
    publish: note("publish", becomes({ published: true })),
    unpublish: note("unpublish", becomes({ published: false })),
    mute: note("mute"),
    renewToken: note("renewToken"),
  };
  const toasts = Object.fromEntries(["info", "notice", "error"].map((kind) => [kind, (text, problem) => said.push([kind, text, ...(problem ? [problem.code] : [])])]));
  const store = new Store({ ...initialState(), call: lobby });
  const form = { appID: APP_ID, channel: "demo", token: "", uid: "", cameraId: "", microphoneId: "", cameraResolution: "default", mode: "live", codec: "h264", ...fields };
  return { actions: new Actions({ api, store, toasts, fields: () => form }), store, said, asked };
}

const quiet = (t) => t.mock.method(console, "error", () => {});

test("every button checks the form first", async () => {
  for (const action of ["join", "leave", "publish", "unpublish"]) {
    const { actions, said, asked } = page({ fields: { channel: "" } });
    await actions.run(action);
    assert.deepEqual([said, asked], [[["error", "Please Enter channel"]], []], action);
  }
  const { actions, said } = page({ fields: { appID: "", channel: "" } });
  await actions.run("join");
  assert.deepEqual(said, [["error", "Please Enter appID"]]);
});

test("lobby -> JOIN -> call, published at once", async () => {
  const { actions, store, said, asked } = page({ fields: { uid: "7" } });
  await actions.run("join");
  assert.deepEqual(asked, ["join", "publish"]);
  assert.deepEqual(said, [["notice", "join channel: demo success, uid: 7"], ["info", "publish"]]);
  assert.deepEqual([store.call.state, store.call.published], ["call", true]);
});

test("a second JOIN while the first is under way is refused", async () => {
  const { actions, said, asked } = page();
  await Promise.all([actions.run("join"), actions.run("join")]);
  assert.deepEqual(asked, ["join", "publish"]);
  assert.ok(said.some(([, text]) => text === "Your already joined"));
});

test("joining -> refused -> lobby, with the reason kept for the form", async (t) => {
  quiet(t);
  const { actions, store, said } = page({ app: { join: () => Promise.reject({ code: "UID_CONFLICT", message: "Taken." }) } });
  await actions.run("join");
  assert.deepEqual(said, [["error", "client join failed, please open console see more detail"]]);
  assert.equal(store.call.state, "lobby");
  assert.equal(store.state.joinProblem.code, "UID_CONFLICT");
  await actions.run("leave");
  assert.equal(said.at(-1)[1], "Please Join First!", "a failed join leaves nothing behind");
});

test("an App ID that cannot be one fails as the sample's client.init", async (t) => {
  quiet(t);
  const { actions, said } = page({ fields: { appID: "nonsense" }, app: { join: () => Promise.reject({ code: "INVALID_VENDOR_KEY", message: "No." }) } });
  await actions.run("join");
  assert.deepEqual(said, [["error", "client init failed, please open console see more detail"]]);
});

test("a JOIN that LEAVE called off says nothing of its own", async () => {
  const { actions, store, said } = page({ app: { join: () => Promise.reject({ code: "REQUEST_ABORT", message: "Left." }) } });
  await actions.run("join");
  assert.deepEqual([said, store.state.joinProblem], [[], null]);
});

test("without any device one joins to watch, and hears why", async (t) => {
  quiet(t);
  const none = { ...LOCAL, audio: false, video: false, problems: [{ device: "camera", lost: false, code: "DEVICES_NOT_FOUND", message: "No camera." }] };
  const { actions, said, asked } = page({ call: { local: none } });
  await actions.run("join");
  assert.deepEqual(asked, ["join"]);
  assert.deepEqual(said.at(-1), ["error", "stream init failed, please open console see more detail", "DEVICES_NOT_FOUND"]);
});

test("call -> LEAVE -> lobby", async () => {
  const { actions, store, said } = page({ call: { state: "call", joined: true } });
  await actions.run("leave");
  assert.deepEqual([said, store.call.state], [[["notice", "leave success"]], "lobby"]);
});

test("a LEAVE that the service does not confirm has left all the same; another failure is said", async (t) => {
  quiet(t);
  for (const [code, expected] of [["LEAVE_MSG_TIMEOUT", ["notice", "leave success"]], ["ERR_INTERNAL_ERROR", ["error", "leave failed, please open console see more detail", "ERR_INTERNAL_ERROR"]]]) {
    const { actions, said } = page({ call: { state: "call" }, app: { leave: () => Promise.reject({ code, message: "" }) } });
    await actions.run("leave");
    assert.deepEqual(said, [expected]);
  }
});

test("what makes no sense now is refused in the sample's words", async () => {
  const cases = [
    ["join", { state: "call" }, "Your already joined"],
    ["join", { state: "joining" }, "Your already joined"],
    ["leave", {}, "Please Join First!"],
    ["leave", { state: "leaving" }, "You are not in channel"],
    ["publish", {}, "Please Join Room First"],
    ["publish", { state: "call", published: true }, "Your already published"],
    ["unpublish", {}, "Please Join Room First"],
    ["unpublish", { state: "call", published: false }, "Your didn't publish"],
  ];
  for (const [action, call, text] of cases) {
    const { actions, said, asked } = page({ call });
    await actions.run(action);
    assert.deepEqual([said, asked], [[["error", text]], []], `${action} in ${call.state ?? "lobby"}`);
  }
});

test("LEAVE calls a join off that is under way", () => {
  assert.equal(refusal("leave", { state: "joining", published: false }), null);
});

test("a publish that fails is taken back", async (t) => {
  quiet(t);
  const { actions, store, said } = page({ call: { state: "call" }, app: { publish: () => Promise.reject({ code: "PUBLISH_STREAM_FAILED", message: "" }) } });
  await actions.run("publish");
  assert.deepEqual(said, [["info", "publish"], ["error", "publish failed", "PUBLISH_STREAM_FAILED"]]);
  assert.equal(store.call.published, false);
});

test("a switch shows at once what it does, and nothing where there is no device", async () => {
  const { actions, store, asked } = page();
  await actions.toggle("video");
  assert.equal(store.call.local.videoMuted, true);
  const silent = page({ call: { local: { ...LOCAL, audio: false } } });
  await silent.actions.toggle("audio");
  assert.deepEqual([asked, silent.asked], [["mute"], []]);
});

test("a renewed token is confirmed, and a refused one says why", async (t) => {
  quiet(t);
  const { actions, said } = page({ call: { state: "call" } });
  assert.equal(await actions.renew("007fresh"), null);
  const refuses = page({ call: { state: "call" }, app: { renewToken: () => Promise.reject({ code: "NO_AUTHORIZED", message: "No." }) } });
  assert.deepEqual(await refuses.actions.renew("007other"), { code: "NO_AUTHORIZED", message: "No." });
  assert.deepEqual([said, refuses.said], [[["notice", "The token is renewed"]], [["error", "The token was not renewed", "NO_AUTHORIZED"]]]);
});
