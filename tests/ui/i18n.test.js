import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { choose, LANGUAGES, sentence, setLanguage, shownCode, t } from "../../ui/i18n/index.js";
import { read, sources } from "./sources.js";

const leaves = (tree, path = "") =>
  Object.entries(tree).flatMap(([key, value]) => (typeof value === "string" ? [[`${path}${key}`, value]] : leaves(value, `${path}${key}.`)));
const blanks = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
const PAGES = ["index.html", "pip.html"];
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
  for (const code of Object.keys(LANGUAGES.en.code)) assert.ok(codes.includes(code), `${code} is no code of the protocol`);
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
  const asked = PAGES.flatMap((page) => [...read(page).matchAll(/data-i18n(?:-label|-placeholder)?="([^"]+)"/g)].map(([, key]) => key));
  for (const [, text] of sources()) asked.push(...[...text.matchAll(/\bt\("([\w.]+)"/g)].map(([, key]) => key));
  assert.ok(asked.length > 150);
  for (const key of asked) assert.ok(keys.has(key) || keys.has(`${key}.other`), key);
});

test("every sentence is asked for somewhere", () => {
  const scripts = sources().filter(([path]) => !path.startsWith("i18n/en") && !path.startsWith("i18n/zh")).map(([, text]) => text).join("\n");
  const pages = PAGES.map(read).join("\n");
  // A sentence is named whole, or by a beginning that is completed at run time.
  const whole = new Set([...`${scripts}${pages}`.matchAll(/["'`]([a-z]\w*(?:\.\w+)+)["'`]/g)].map(([, key]) => key));
  const begun = [...scripts.matchAll(/`([a-z]\w*\.(?:\w+\.)*\w*)\$\{/g)].map(([, beginning]) => beginning);
  const unused = [...keys.keys()].filter((key) => {
    const plural = key.replace(/\.(?:one|other)$/, "");
    const asked = keys.has(`${plural}.one`) ? plural : key;
    return !whole.has(asked) && !begun.some((beginning) => asked.startsWith(beginning)) && key !== "name";
  });
  assert.deepEqual(unused, []);
});

test("no words stand on the pages that no language can change", () => {
  const names = new Set(["Visavis", "JOIN", "LEAVE", "PUBLISH", "UNPUBLISH", "live", "rtc", "h264", "vp8", "480p", "720p", "1080p", "channel-server project list"]);
  const fields = new Set(["App ID", "channel", "token", "UID"]);
  for (const page of PAGES) {
    const body = read(page).replace(/<!--[^]*?-->|<kbd>[^<]*<\/kbd>/g, "").replace(/^[^]*<body[^>]*>/, "");
    const texts = [...body.matchAll(/>([^<>]*\p{L}[^<>]*)</gu)].map(([, text]) => text.trim());
    assert.deepEqual(texts.filter((text) => !names.has(text)), [], page);
    const said = [...body.matchAll(/\s(?:placeholder|title|aria-label|alt)="([^"]+)"/g)].map(([, text]) => text);
    assert.deepEqual(said.filter((text) => !fields.has(text)), [], page);
  }
});

test("no script speaks for itself", () => {
  const spoken = [
    /(?:textContent|title|placeholder|ariaLabel)\s*=\s*["'`](?=[^"'`]*\p{L}{2})[^$"'`]*["'`]/gu,
    /["'](?:aria-label|title|placeholder)["']\s*[,:]\s*["'`][^"'`$]*\p{L}/gu,
    /\.(?:info|notice|error|say|errorInFull)\(\s*["'`][^"'`]/g,
    /\[\s*["'`][^"'`\]]*\p{L}{2,} \p{L}{2,}[^"'`\]]*["'`]\s*\]/gu,
  ];
  for (const [path, text] of sources()) {
    if (path.startsWith("i18n/")) continue;
    const code = text.split("\n").filter((line) => !/^\s*(?:\*|\/\/|\/\*)/.test(line) && !line.includes("console.")).join("\n");
    for (const pattern of spoken) assert.deepEqual([...code.matchAll(pattern)].map(([match]) => match), [], path);
  }
});
