// @ts-check
/**
 * What a person chose, between starts: the app's settings, which all windows share. A page without such an app (a plain
 * browser, an older one) keeps the same in its own storage. A token or a uid is never kept: they belong to one call.
 */
import { problemOf } from "./api.js";
import { migrated } from "./migration.js";

/** @typedef {import("./api.js").Settings} Settings */
/** @typedef {import("./api.js").SettingsReport} Report */
/** @typedef {(now: Settings, before: Settings) => void} Watcher */

/** Where a page without an app's settings keeps its own. */
const KEY = "visavis.settings";

/** @returns {Settings} */
export function defaults() {
  return {
    theme: "system", language: "system", name: "", statistics: false, mirror: true, hideSelf: false,
    form: { appId: "", channel: "", resolution: null },
    devices: { camera: null, microphone: null, speaker: null, cameraOff: false, microphoneOff: false },
    sound: {}, video: "auto", server: null, nearby: false, notifications: true, hotkeys: { mute: null, pushToTalk: null },
  };
}

/** @type {Settings} */
let settings = begin();
/** @type {Watcher[]} */
const watchers = [];
/** @type {import("./api.js").Api | null} null: the page's own storage is all there is */
let app = null;
/** @type {(thrown: unknown) => void} */
let failed = (thrown) => console.error("settings", thrown);
let pending = 0;

/** What is known before the app is asked: what it wrote into the page, or else what the page kept. */
function begin() {
  const given = /** @type {any} */ (globalThis).__VISAVIS_SETTINGS__;
  return merge(defaults(), given ?? stored() ?? {});
}

/**
 * Known values of the right kind over the ones before; whatever else a file or a storage holds is passed over.
 * @template {Record<string, any>} T
 * @param {T} under
 * @param {any} over
 * @returns {T}
 */
export function merge(under, over) {
  const entries = Object.entries(under).map(([name, value]) => {
    const next = over?.[name];
    if (value === null) return [name, typeof next === "string" ? next : null];
    if (next === null || typeof next !== typeof value) return [name, value];
    if (name === "sound") return [name, next];
    return [name, typeof value === "object" ? merge(value, next) : next];
  });
  return /** @type {T} */ (Object.fromEntries(entries));
}

/**
 * Asks the app for its settings, and gives it once what an earlier page kept by itself. Null where the app keeps none.
 * @param {import("./api.js").Api} api
 * @param {(thrown: unknown) => void} complain
 * @returns {Promise<Report | null>}
 */
export async function setUpPrefs(api, complain) {
  failed = complain;
  try {
    const report = await api.getSettings();
    app = api;
    take(report.settings);
    await handOver();
    return report;
  } catch {
    keep(settings);
    return null;
  }
}

/** The page's own storage goes to the app once; it is emptied only when the app has taken it. */
async function handOver() {
  const old = stored();
  if (!old) return;
  try {
    const now = await app?.setSettings(old);
    for (const key of Object.keys(localStorage)) if (key.startsWith("visavis.")) localStorage.removeItem(key);
    if (now) take(now);
  } catch (thrown) {
    failed(thrown);
  }
}

/**
 * @template {keyof Settings} K
 * @param {K} name
 * @returns {Settings[K]}
 */
export function pref(name) {
  return settings[name];
}

/** All of them. */
export function prefs() {
  return settings;
}

/**
 * @template {keyof Settings} K
 * @param {K} name
 * @param {Settings[K]} value
 * @returns {Promise<import("./types/app").Problem | null>} why it could not be kept; it holds in this window all the same
 */
export async function remember(name, value) {
  if (JSON.stringify(settings[name]) === JSON.stringify(value)) return null;
  adopt({ ...settings, [name]: value });
  if (!app) {
    keep(settings);
    return null;
  }
  pending += 1;
  try {
    await app.setSettings({ [name]: value });
    return null;
  } catch (thrown) {
    failed(thrown);
    return problemOf(thrown);
  } finally {
    pending -= 1;
  }
}

/** What another window changed. What this one has under way is newer. @param {Settings} now */
export function take(now) {
  if (!pending) adopt(merge(defaults(), now));
}

/** Calls the watcher after every change. @param {Watcher} watcher */
export function watchPrefs(watcher) {
  watchers.push(watcher);
}

/** @param {Settings} next */
function adopt(next) {
  const before = settings;
  if (JSON.stringify(before) === JSON.stringify(next)) return;
  settings = next;
  for (const watcher of watchers) watcher(settings, before);
}

/** What the page kept by itself, in today's shape; null where it kept nothing. */
function stored() {
  try {
    const text = localStorage.getItem(KEY);
    return text === null ? migrated((name) => localStorage.getItem(`visavis.${name}`)) : JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {Settings} all */
function keep(all) {
  try {
    localStorage.setItem(KEY, JSON.stringify(all));
  } catch {
    // A page without storage works, it only forgets.
  }
}
