// The states of the page that are looked at and judged: how the fake app begins, and what is done on the page then.
import { REST_MS } from "../../ui/attention.js";

const settings = (tab) => async (page) => {
  await page.keyboard.press(",");
  await page.click(`#tab_${tab}`);
};
/** What is done on the page before the picture, by scene. */
export const DEEDS = {
  error: (page) => page.click("#join"),
  joining: (page) => page.click("#join"),
  statistics: (page) => page.evaluate(() => document.querySelector("#show_profile").click()),
  resting: async (page) => {
    await page.clock.install();
    await page.reload();
    await page.waitForFunction(() => document.querySelector("#local_video_panel")?.dataset.picture === "live");
    await page.waitForTimeout(500);
    const { width, height } = page.viewportSize();
    await page.mouse.move(width / 2, height / 2);
    await page.clock.fastForward(REST_MS);
    await page.locator("#local_video_panel[data-picture=resting]").waitFor();
  },
  advanced: (page) => page.click("#advanced summary"),
  menu: (page) => page.click("#call_more"),
  "camera-menu": (page) => page.click("#camera_pick"),
  help: (page) => page.keyboard.press("?"),
  pinned: (page) => page.locator(".video-view").first().dblclick(),
  stalled: (page) => page.waitForTimeout(600).then(() => page.evaluate(() => {
    const { change, state } = globalThis.visavisFake;
    change({ remote: state().remote.map((remote, index) => (index ? remote : { ...remote, state: "stalled" })) });
  })),
  toasts: async (page) => {
    await page.click("#leave", { force: true });
    await page.click("#publish", { force: true });
    await page.evaluate(() => globalThis.visavisFake.tell({ event: "device-lost", device: "camera", lost: true, code: "DEVICES_NOT_FOUND", message: "gone" }));
  },
  arrival: (page) => page.click("#join").then(() => page.waitForTimeout(1100)),
  projects: (page) => page.click(".with-button [data-do=projects]"),
  "projects-stranger": (page) => page.click(".with-button [data-do=projects]"),
  "projects-broken": (page) => page.click(".with-button [data-do=projects]"),
  "projects-empty": (page) => page.click(".with-button [data-do=projects]"),
  "projects-question": async (page) => {
    await page.click(".with-button [data-do=projects]");
    await page.locator(".project .switch.certificate input").first().click();
  },
  token: async (page) => {
    await page.click(".with-button [data-do=projects]");
    await page.click(".project:not(:first-child) .token summary");
    await page.click(".project:not(:first-child) .token [type=submit]");
  },
  general: settings("general"),
  video: settings("video"),
  sound: settings("sound"),
  shortcuts: settings("shortcuts"),
  recording: async (page) => {
    await settings("shortcuts")(page);
    await page.click("#hotkey_pushToTalk");
  },
  "hotkeys-denied": settings("shortcuts"),
  service: settings("service"),
  about: settings("about"),
  "settings-broken": settings("general"),
  screens: (page) => page.click("#screen_toggle"),
  windows: async (page) => {
    await page.click("#screen_toggle");
    await page.click("#tab_windows");
  },
  "screens-denied": (page) => page.click("#screen_toggle"),
  people: (page) => page.keyboard.press("u"),
  "people-many": (page) => page.keyboard.press("u"),
  "page-on": (page) => page.keyboard.press("PageDown"),
  "hidden-self": (page) => page.keyboard.press("h"),
  "muted-hint": async (page) => {
    await page.keyboard.press("m");
    await page.evaluate(() => globalThis.visavisFake.tell({ event: "speaking-while-muted" }));
  },
  slow: (page) => page.waitForTimeout(5000),
  why: async (page) => {
    await page.waitForTimeout(2500);
    await page.evaluate(() => document.querySelector(".weak:not([hidden])").click());
  },
  pip: (page) => page.goto(page.url().replace("/?scene=pip", "/pip.html?scene=two&stream=2882341273")).then(() => page.waitForTimeout(900)),
  muted: async (page) => {
    await page.keyboard.press("m");
    await page.keyboard.press("v");
  },
};
export const SCENE_OF = { resting: "lobby", advanced: "lobby", menu: "three", "camera-menu": "two", help: "two", pinned: "nine", toasts: "lobby", arrival: "lobby", projects: "lobby", "projects-question": "lobby", token: "lobby", muted: "two", general: "lobby", video: "two", sound: "lobby", shortcuts: "two", recording: "two", "hotkeys-denied": "wayland", service: "lobby", about: "two", screens: "two", windows: "two", "screens-denied": "wayland", people: "names", "people-many": "hundred", "page-on": "hundred", "hidden-self": "three", "muted-hint": "three", why: "weak" };
export const SCENES = [
  "lobby", "resting", "advanced", "no-camera", "denied", "error", "port-taken", "joining", "toasts", "arrival", "alone", "watching", "two", "three", "four", "nine",
  "pinned", "camera-off", "muted", "stalled", "connecting", "away", "statistics", "menu", "camera-menu", "help",
  "first", "link", "link-bad", "nearby", "names", "sixteen", "hundred", "page-on", "screen", "sharing", "screens", "windows", "screens-denied", "people", "people-many",
  "hidden-self", "muted-hint", "slow", "why", "pip", "older",
  "general", "video", "sound", "shortcuts", "recording", "hotkeys-denied", "service", "about", "settings-broken",
  "projects", "projects-question", "token", "projects-stranger", "projects-broken", "projects-empty",
];

/**
 * A lobby that has its devices and whose time stands still, in which somebody has just moved.
 * @param browser of browser.js
 * @param {string} scene
 * @param {object} options Playwright's, for the context
 */
export async function doze(browser, scene, options) {
  const page = await browser.open(scene, options);
  await page.clock.install({ time: 1_000_000 });
  await page.reload();
  await page.waitForFunction(() => globalThis.visavisFake?.state().local);
  await page.clock.pauseAt(1_010_000);
  await page.mouse.move(400, 300);
  return page;
}

/**
 * Opens the page in one of its states.
 * @param browser of browser.js
 * @param {string} scene
 * @param {object} options Playwright's, for the context
 */
export async function enter(browser, scene, options) {
  const page = await browser.open(SCENE_OF[scene] ?? scene, options);
  await page.waitForFunction(() => globalThis.visavisFake && document.querySelector("[name=appID]").value !== "");
  await page.waitForTimeout(500);
  await DEEDS[scene]?.(page);
  return page;
}
