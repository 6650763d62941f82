import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { migrated } from "../../ui/migration.js";

/** A storage as a browser's, filled. */
function storage(entries) {
  const map = new Map(Object.entries(entries));
  const methods = { getItem: (key) => map.get(key) ?? null, setItem: (key, value) => map.set(key, value), removeItem: (key) => map.delete(key) };
  return new Proxy(methods, { ownKeys: () => [...map.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: (target, name) => target[name] });
}

let page = 0;
/** The settings' module as a fresh page loads it. */
const load = () => import(`../../ui/prefs.js?page=${(page += 1)}`);

beforeEach(() => {
  delete globalThis.__VISAVIS_SETTINGS__;
  delete globalThis.localStorage;
});

const OLD = {
  "visavis.theme": "dark", "visavis.language": "zh-CN", "visavis.statistics": "true",
  "visavis.form": JSON.stringify({ appID: "a", channel: "demo", cameraId: "camera:1", microphoneId: "m", cameraResolution: "720p" }),
  "visavis.sound": JSON.stringify({ AEC: false, ANS: true, AGC: true }),
};

test("what earlier pages kept is read in today's words", () => {
  assert.deepEqual(migrated((name) => OLD[`visavis.${name}`] ?? null), {
    theme: "dark", language: "zh-CN", statistics: true, sound: { AEC: false, ANS: true, AGC: true },
    form: { appId: "a", channel: "demo", resolution: "720p" },
    devices: { camera: "camera:1", microphone: "m", speaker: null, cameraOff: false, microphoneOff: false },
  });
  assert.equal(migrated(() => null), null);
  assert.deepEqual(migrated((name) => (name === "form" ? "{half" : name === "theme" ? "light" : null)), { theme: "light" });
});

test("a file of another kind changes nothing that it does not say rightly", async () => {
  const { merge, defaults } = await load();
  const merged = merge(defaults(), { theme: 7, name: "Ana", form: { appId: null, channel: "x" }, devices: "none", hotkeys: { mute: "F9" }, server: 3, later: 1 });
  assert.deepEqual(merged, { ...defaults(), name: "Ana", form: { appId: "", channel: "x", resolution: null }, hotkeys: { mute: "F9", pushToTalk: null } });
});

test("the app takes what the page kept, once, and the page forgets it only then", async () => {
  globalThis.localStorage = storage(OLD);
  const prefs = await load();
  const asked = [];
  const refuses = { getSettings: async () => ({ settings: prefs.defaults() }), setSettings: async () => Promise.reject({ code: "SETTINGS_FILE", message: "Full." }) };
  const complaints = [];
  await prefs.setUpPrefs(refuses, (thrown) => complaints.push(thrown.code));
  assert.deepEqual(complaints, ["SETTINGS_FILE"]);
  assert.ok(Object.keys(localStorage).length > 0, "nothing is lost");
  const takes = { ...refuses, setSettings: async (change) => (asked.push(change), { ...prefs.defaults(), ...change }) };
  await prefs.setUpPrefs(takes, () => {});
  assert.equal(asked[0].form.channel, "demo");
  assert.equal(prefs.pref("theme"), "dark");
  assert.deepEqual(Object.keys(localStorage), []);
  await prefs.setUpPrefs(takes, () => {});
  assert.equal(asked.length, 1);
});

test("without an app's settings the page keeps its own", async () => {
  globalThis.localStorage = storage(OLD);
  const first = await load();
  assert.equal(await first.setUpPrefs({ getSettings: async () => Promise.reject({ code: "COMMAND_MISSING", message: "" }) }, () => {}), null);
  assert.equal(first.pref("language"), "zh-CN");
  await first.remember("name", "Ana");
  const second = await load();
  assert.deepEqual([second.pref("name"), second.pref("form").channel], ["Ana", "demo"]);
});

test("what the app wrote into the page holds from its first moment", async () => {
  globalThis.localStorage = storage(OLD);
  globalThis.__VISAVIS_SETTINGS__ = { theme: "light", mirror: false };
  const { pref } = await load();
  assert.deepEqual([pref("theme"), pref("mirror"), pref("language")], ["light", false, "system"]);
});

test("a change is told to watchers at once, and one that cannot be kept says why", async () => {
  const prefs = await load();
  const told = [];
  prefs.watchPrefs((now, before) => told.push([before.mirror, now.mirror]));
  const api = { getSettings: async () => ({ settings: prefs.defaults() }), setSettings: async () => Promise.reject({ code: "SETTINGS_FILE", message: "Read-only." }) };
  await prefs.setUpPrefs(api, () => {});
  const problem = await prefs.remember("mirror", false);
  assert.equal(problem.code, "SETTINGS_FILE");
  assert.deepEqual(told, [[true, false]]);
  prefs.take({ ...prefs.defaults(), mirror: true });
  assert.deepEqual(told.at(-1), [false, true], "another window's change");
  assert.equal(await prefs.remember("mirror", true), null, "nothing to keep");
});
