// A lobby that nobody attends to, in a browser whose time stands still.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";
import { doze } from "./scenes.js";
import { REST_MS } from "../../ui/attention.js";

const skip = missing() ?? false;
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

const SOON_MS = 300;
const WORDS = "Your camera and microphone are resting. Move the pointer or press a key to go on.";

/** A lobby in which somebody has just moved, and what its page asks the app for. */
async function lobby(t, options) {
  const page = await doze(browser, "lobby", options);
  t.after(() => page.context().close());
  await page.evaluate(() => {
    globalThis.asked = [];
    for (const name of ["startPreview", "stopPreview", "mute"]) {
      const command = globalThis.__VISAVIS_API__[name];
      globalThis.__VISAVIS_API__[name] = (...values) => (globalThis.asked.push(name), command(...values));
    }
  });
  const asked = () => page.evaluate(() => globalThis.asked.splice(0));
  const picture = () => page.locator("#local_video_panel").getAttribute("data-picture");
  return { page, asked, picture };
}

async function asleep(t, options) {
  const all = await lobby(t, options);
  await all.page.clock.runFor(REST_MS + SOON_MS);
  assert.deepEqual(await all.asked(), ["stopPreview"]);
  return all;
}

test("a lobby that nobody attends to closes camera and microphone, keeps the last picture, and says so once", { skip }, async (t) => {
  const { page, asked, picture } = await lobby(t);
  await page.clock.runFor(REST_MS - SOON_MS);
  assert.deepEqual([await asked(), await picture()], [[], "live"]);
  await page.locator("#heard", { hasText: /\S/ }).waitFor();
  await page.clock.runFor(2 * SOON_MS);
  assert.deepEqual([await asked(), await picture()], [["stopPreview"], "resting"]);
  assert.equal(await page.evaluate(() => globalThis.visavisFake.state().local), null);
  assert.equal(await page.locator("#local_video_panel .note").textContent(), WORDS);
  assert.ok(await page.locator("#local_stream canvas").count());
  assert.equal(await page.locator("#check .level").evaluate((bar) => bar.style.getPropertyValue("--level")), "0");
  assert.equal(await page.locator("#heard").textContent(), "");
  for (const toggle of ["camera_toggle", "microphone_toggle"]) assert.equal(await page.locator(`#${toggle}`).getAttribute("aria-pressed"), "true", "switched on, all the same");
  await page.clock.runFor(2 * REST_MS);
  assert.deepEqual(await asked(), []);
  assert.equal(await page.locator("#toast_log p", { hasText: WORDS }).count(), 1);
  assert.equal(await page.locator(".toast").count(), 0);
  assert.deepEqual(page.errors, []);
});

const SIGNS = {
  "a pointer that moves": (page) => page.mouse.move(420, 320),
  "a pressed key": (page) => page.keyboard.press("Shift"),
  "a wheel": (page) => page.evaluate(() => document.body.dispatchEvent(new WheelEvent("wheel", { bubbles: true, deltaY: 1 }))),
  "the focus of the window": (page) => page.evaluate(() => dispatchEvent(new Event("focus"))),
  "the focus of a field": (page) => page.locator("#channel").focus(),
  "what assistive technology presses": (page) => page.locator("#advanced summary").evaluate((summary) => summary.click()),
};

for (const [name, sign] of Object.entries(SIGNS)) {
  test(`${name} wakes the preview at once and tells nothing`, { skip }, async (t) => {
    const { page, asked, picture } = await asleep(t);
    await sign(page);
    assert.deepEqual(await asked(), ["startPreview"]);
    assert.equal(await page.locator("#local_video_panel .note").textContent(), "");
    assert.equal(await picture(), "resting", "the old picture does not pass for a new one");
    await page.clock.runFor(SOON_MS);
    assert.equal(await picture(), "live");
    assert.equal(await page.locator(".toast").count(), 0);
    await page.clock.runFor(REST_MS);
    assert.deepEqual(await asked(), ["stopPreview"], "and it rests again");
  });
}

test("a window that loses the focus rests sooner", { skip }, async (t) => {
  const { page, asked } = await lobby(t);
  await page.evaluate(() => dispatchEvent(new Event("blur")));
  await page.clock.runFor(REST_MS / 3 - SOON_MS);
  assert.deepEqual(await asked(), []);
  await page.clock.runFor(2 * SOON_MS);
  assert.deepEqual(await asked(), ["stopPreview"]);
});

test("a pointer that rests while the page moves below it wakes nothing", { skip }, async (t) => {
  const { page, asked } = await asleep(t);
  const move = () => page.evaluate(() => document.body.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, screenX: 7, screenY: 7 })));
  await move();
  assert.deepEqual(await asked(), ["startPreview"]);
  await page.clock.runFor(REST_MS + SOON_MS);
  await move();
  assert.deepEqual(await asked(), ["stopPreview"]);
});

test("devices that come and go while it rests are listed and not opened", { skip }, async (t) => {
  const { page, asked, picture } = await asleep(t);
  await page.evaluate(() => {
    globalThis.__VISAVIS_API__.getDevices = async () => ({ cameras: [{ id: "camera:9", label: "Another camera" }], microphones: [], speakers: [] });
    globalThis.visavisFake.tell({ event: "devices-changed" });
  });
  await page.locator("#cameraId option", { hasText: "Another camera" }).waitFor({ state: "attached" });
  await page.clock.runFor(SOON_MS);
  assert.deepEqual([await asked(), await picture()], [[], "resting"]);
});

test("a switch that is pressed while it rests is what it wakes to", { skip }, async (t) => {
  const { page, asked } = await asleep(t);
  await page.keyboard.press("v");
  await page.clock.runFor(SOON_MS);
  assert.deepEqual((await asked()).sort(), ["mute", "startPreview"]);
  assert.equal(await page.locator("#camera_toggle").getAttribute("aria-pressed"), "false");
  const { audioMuted, videoMuted } = await page.evaluate(() => globalThis.visavisFake.state().local);
  assert.deepEqual([audioMuted, videoMuted], [false, true]);
});

test("JOIN while it rests publishes what was chosen", { skip }, async (t) => {
  const { page } = await lobby(t);
  await page.keyboard.press("m");
  await page.clock.runFor(REST_MS + SOON_MS);
  assert.match(await page.locator("#local_video_panel .note").textContent(), /^Your camera is resting/);
  assert.match(await page.locator("#heard").textContent(), /^Your microphone is off/);
  await page.locator("#join").evaluate((button) => button.click());
  for (let step = 0; step < 4; step += 1) await page.clock.runFor(SOON_MS);
  await page.locator(".toast", { hasText: "stream published success" }).waitFor();
  const { published, local } = await page.evaluate(() => globalThis.visavisFake.state());
  assert.deepEqual([published, local.video, local.videoMuted, local.audioMuted], [true, true, false, true]);
  assert.equal(await page.locator("#microphone_toggle").getAttribute("aria-pressed"), "false");
  assert.equal(await page.locator("#video .note", { hasText: /\S/ }).count(), 0);
  await page.evaluate(() => (globalThis.asked.length = 0));
  await page.clock.runFor(3 * REST_MS);
  assert.deepEqual(await page.evaluate(() => globalThis.asked), [], "a call does not rest");
  assert.deepEqual(page.errors, []);
});

test("an app that cannot close its devices shows the preview as it is", { skip }, async (t) => {
  const { page, picture } = await lobby(t);
  await page.evaluate(() => (globalThis.__VISAVIS_API__.stopPreview = () => Promise.reject({ code: "COMMAND_MISSING", message: "No." })));
  await page.clock.runFor(REST_MS + SOON_MS);
  assert.equal(await picture(), "live");
  assert.equal(await page.locator("#local_video_panel .note").textContent(), "");
});

test("a preview that does not come back says why", { skip }, async (t) => {
  const { page } = await asleep(t);
  await page.evaluate(() => (globalThis.__VISAVIS_API__.startPreview = () => Promise.reject({ code: "ERR_INTERNAL_ERROR", message: "No." })));
  await page.mouse.move(500, 300);
  await page.locator(".toast", { hasText: "stream init failed" }).waitFor();
});

test("nothing moves where motion is to be reduced", { skip }, async (t) => {
  const { page } = await asleep(t, { reducedMotion: "reduce" });
  const moves = await page.locator("#local_video_panel, #local_video_panel *").evaluateAll((parts) => parts.map((part) => getComputedStyle(part)).filter(({ transitionProperty, animationName }) => transitionProperty !== "none" || animationName !== "none").length);
  assert.equal(moves, 0);
});
