import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { choose, LANGUAGES, sentence, setLanguage, shownCode, t } from "../../ui/i18n/index.js";
import { read, sources } from "./sources.js";

const leaves = (tree, path = "") =>
  Object.entries(tree).flatMap(([key, value]) => (typeof value === "string" ? [[`${path}${key}`, value]] : leaves(value, `${path}${key}.`)));
const blanks = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
const keys = new Map(leaves(LANGUAGES.en));

test("every language says everything, with the same blanks to fill in", () => {
  for (const [tag, tree] of Object.entries(LANGUAGES)) {
    const own = new Map(leaves(tree));
    assert.deepEqual([...own.keys()], [...keys.keys()], tag);
    for (const [key, text] of own) {
      assert.ok(text.trim(), `${tag} ${key}`);
      assert.deepEqual(blanks(text), blanks(keys.get(key)), `${tag} ${key}`);
    }
  }
});

test("every code of the protocol has a sentence", () => {
  const rust = readFileSync(new URL("../../src-tauri/crates/signal/src/error.rs", import.meta.url), "utf8");
  const codes = [...rust.matchAll(/^ {4}[A-Z]\w+ = "([A-Z_]+)",$/gm)].map(([, code]) => code);
  assert.ok(codes.length > 30);
  for (const tag of Object.keys(LANGUAGES)) {
    setLanguage(tag);
    for (const code of codes) assert.ok(sentence(code), `${tag} ${code}`);
  }
  setLanguage("en");
  assert.deepEqual(Object.keys(LANGUAGES.en.code).sort(), codes.sort());
  assert.equal(sentence("NO_SUCH_CODE"), null);
});

test("the sample's words are kept to the letter", () => {
  const said = Object.values(LANGUAGES.en.toast);
  for (const text of [
    "Your already joined", "Please Join Room First", "Please Join First!", "You are not in channel", "Your already published", "Your didn't publish",
    "client init failed, please open console see more detail", "client join failed, please open console see more detail",
    "stream init failed, please open console see more detail", "publish", "publish failed", "unpublish", "unpublish failed", "leave success", "peer leave",
    "stream published success", "onTokenPrivilegeWillExpire", "onTokenPrivilegeDidExpire",
  ]) assert.ok(said.includes(text), text);
  assert.equal(t("toast.enter", { field: "appID" }), "Please Enter appID");
  assert.equal(t("toast.joined", { channel: "demo", uid: 7 }), "join channel: demo success, uid: 7");
  assert.equal(t("toast.streamAdded", { uid: 8 }), "stream-added uid: 8");
  assert.equal(t("toast.streamSubscribed", { uid: 8 }), "stream-subscribed remote-uid: 8");
  assert.equal(t("toast.streamRemoved", { uid: 8 }), "stream-removed uid: 8");
});

test("a device's failure carries the code that Agora's users know", () => {
  assert.equal(shownCode("DEVICES_NOT_FOUND"), "Media access:NotFoundError");
  assert.equal(shownCode("UID_CONFLICT"), "UID_CONFLICT");
});

test("the system's language is taken where there is one, English where not", () => {
  assert.equal(choose("system", ["de-CH", "zh-TW"]), "zh-CN");
  assert.equal(choose("system", ["en-GB", "zh-CN"]), "en");
  assert.equal(choose("system", ["fr"]), "en");
  assert.equal(choose("zh-CN", ["en"]), "zh-CN");
  assert.equal(choose("tlh", ["en"]), "en");
});

test("a number chooses its form", () => {
  assert.equal(t("call.people", { n: 1 }), "1 person");
  assert.equal(t("call.people", { n: 3 }), "3 people");
});

test("every sentence that the page asks for exists", () => {
  const asked = [...read("index.html").matchAll(/data-i18n(?:-label)?="([^"]+)"/g)].map(([, key]) => key);
  for (const [, text] of sources()) asked.push(...[...text.matchAll(/\bt\("([\w.]+)"/g)].map(([, key]) => key));
  assert.ok(asked.length > 60);
  for (const key of asked) assert.ok(keys.has(key) || keys.has(`${key}.other`), key);
});
