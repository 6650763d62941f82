// The page in a browser with the fake app behind it: what needs real elements, focus and time.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";

const skip = missing() ?? false;
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

const press = (page, selector) => page.locator(selector).evaluate((element) => element.click());
const toast = (page, text) => page.locator(".toast", { hasText: text }).first().waitFor();
const state = (page, wanted) => page.waitForFunction((value) => document.documentElement.dataset.state === value, wanted);

test("lobby -> JOIN -> call -> LEAVE -> lobby, and the focus follows", { skip }, async () => {
  const page = await browser.open("lobby");
  await page.locator("#preview_slot #local_stream").waitFor();
  await page.locator("#channel").fill("demo");
  await page.keyboard.press("Enter");
  await toast(page, "join channel: demo success, uid: 40961");
  await state(page, "call");
  await toast(page, "stream published success");
  await page.locator("#video > #local_video_panel #local_stream").waitFor();
  await page.locator("#remote_video_panel_2882341273 #remote_video_2882341273 canvas").waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => document.activeElement.id), "call_title");
  for (const id of ["join", "leave", "publish", "unpublish"]) assert.ok(await page.locator(`#call #${id}`).isVisible(), id);
  await page.locator("#leave").click();
  await toast(page, "leave success");
  await state(page, "lobby");
  assert.equal(await page.evaluate(() => document.activeElement.id), "join");
  assert.equal(await page.locator("[id^=remote_video_panel_]").count(), 0);
  await page.locator("#preview_slot #local_stream").waitFor();
  assert.deepEqual(page.errors, []);
});

test("a refused button says why on hover and to screen readers, and in a toast when pressed", { skip }, async () => {
  const page = await browser.open("lobby");
  for (const [id, text] of [["leave", "Please Join First!"], ["publish", "Please Join Room First"], ["unpublish", "Please Join Room First"]]) {
    const button = page.locator(`#${id}`);
    assert.equal(await button.getAttribute("aria-disabled"), "true");
    const note = await page.locator(`#${await button.getAttribute("aria-describedby")}`).textContent();
    assert.equal(await button.getAttribute("title"), note);
    await press(page, `#${id}`);
    await toast(page, text);
  }
  assert.equal(await page.locator("#join").getAttribute("aria-disabled"), null);
});

test("a failed JOIN shows its sentence, its code, and leads to the field", { skip }, async () => {
  const page = await browser.open("error");
  await page.locator("#join").click();
  await toast(page, "client join failed, please open console see more detail");
  const problem = page.locator("#form_problem");
  assert.match(await problem.textContent(), /Somebody in this channel has that UID.*UID_CONFLICT/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "uid");
  assert.equal(await page.locator("#uid").getAttribute("aria-invalid"), "true");
  await page.locator("#uid").fill("8");
  assert.ok(await problem.isHidden());
});

test("a page that begins in a call draws it and fills the form from it", { skip }, async () => {
  const page = await browser.open("three");
  await state(page, "call");
  assert.equal(await page.locator("[id^=remote_video_panel_]").count(), 2);
  assert.equal(await page.locator("[name=channel]").inputValue(), "design review");
  await press(page, "#join");
  await toast(page, "Your already joined");
  await press(page, "#publish");
  await toast(page, "Your already published");
});

test("keys switch the devices, the statistics, the pin and the help, and not while somebody types", { skip }, async () => {
  const page = await browser.open("three");
  await state(page, "call");
  await page.keyboard.press("m");
  assert.equal(await page.locator("#microphone_toggle").getAttribute("aria-pressed"), "false");
  await page.keyboard.press("v");
  assert.equal(await page.locator("#local_video_panel").getAttribute("data-picture"), "off");
  await page.keyboard.press("s");
  await page.locator("#remote_video_info_2882341273", { hasText: "Video recv: 30fps 1280x720" }).waitFor();
  await page.keyboard.press("s");
  assert.ok(await page.locator("#remote_video_info_2882341273").isHidden());
  await page.locator("#remote_video_panel_2882341273").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.id), "remote_video_panel_ana.lima");
  await page.keyboard.press("p");
  assert.ok(await page.locator("[id='remote_video_panel_ana.lima'].pinned").isVisible());
  await page.keyboard.press("?");
  assert.ok(await page.locator("#help").isVisible());
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#help").isHidden());
  assert.equal(await page.locator(".pinned").count(), 1, "Escape closes one thing at a time");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".pinned").count(), 0);
  const lobby = await browser.open("lobby");
  await lobby.locator("#channel").fill("");
  await lobby.locator("#channel").pressSequentially("mv?");
  assert.equal(await lobby.locator("#channel").inputValue(), "mv?");
  assert.equal(await lobby.locator("#microphone_toggle").getAttribute("aria-pressed"), "true");
});

/** A call whose time stands still, in which the mouse has just moved; and whether its controls have stepped back. */
async function stillCall() {
  const page = await browser.open("two");
  await page.clock.install({ time: 1_000_000 });
  await page.reload();
  await state(page, "call");
  await page.clock.pauseAt(2_000_000);
  await page.mouse.move(300, 200);
  return { page, idle: () => page.locator("#call").evaluate((call) => call.dataset.idle !== undefined) };
}

test("controls step back when nothing moves, come back at a touch, and stay while focused", { skip }, async () => {
  const { page, idle } = await stillCall();
  await page.clock.runFor(2900);
  assert.equal(await idle(), false);
  await page.clock.runFor(200);
  assert.equal(await idle(), true);
  await page.mouse.move(310, 200);
  assert.equal(await idle(), false);
  await page.locator("#microphone_toggle").focus();
  await page.keyboard.press("Tab");
  await page.clock.runFor(9000);
  assert.equal(await idle(), false);
});

test("who speaks while muted sees the controls and the hint above them, though nothing moves", { skip }, async () => {
  const { page, idle } = await stillCall();
  await page.clock.runFor(3100);
  assert.equal(await idle(), true);
  await page.evaluate(() => {
    const { change, state: now, tell } = globalThis.visavisFake;
    change({ local: { ...now().local, audioMuted: true } });
    tell({ event: "speaking-while-muted" });
  });
  assert.equal(await idle(), false);
  await page.clock.runFor(5900);
  assert.ok(await page.locator("#muted_hint").isVisible());
  assert.equal(await idle(), false);
  await page.clock.runFor(3200);
  assert.ok(await page.locator("#muted_hint").isHidden());
  assert.equal(await idle(), true);
});

test("a tile's meter moves for speech, and not for a room's noise", { skip }, async () => {
  const page = await browser.open("two");
  await state(page, "call");
  await page.locator("#remote_video_panel_2882341273").waitFor();
  const shown = (level) => page.evaluate((loud) => {
    globalThis.visavisFake.tell({ event: "volume-indicator", levels: [{ stream: "2882341273", level: loud }] });
    const panel = document.querySelector("#remote_video_panel_2882341273");
    return [panel.querySelector(".meter").style.getPropertyValue("--level"), panel.classList.contains("speaking")];
  }, level);
  assert.deepEqual(await shown(30), ["0.6", true]);
  for (const noise of [0, 3, 5]) assert.deepEqual(await shown(noise), ["0", false]);
});

test("a touch on hidden controls only brings them back", { skip }, async () => {
  const page = await browser.open("two", { hasTouch: true });
  await state(page, "call");
  const box = await page.locator("#leave").boundingBox();
  await page.locator("#call").evaluate((call) => (call.dataset.idle = ""));
  await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);
  assert.equal(await page.evaluate(() => document.documentElement.dataset.state), "call");
  await page.touchscreen.tap(box.x + box.width / 2, box.y + box.height / 2);
  await toast(page, "leave success");
});

test("theme and language are chosen at once and kept", { skip }, async () => {
  const page = await browser.open("lobby", { colorScheme: "light" });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.locator("#lobby_settings").click();
  await page.locator("[name=theme][value=dark]").check({ force: true });
  assert.notEqual(await background(), light);
  await page.locator("[name=language][value='zh-CN']").check({ force: true });
  assert.equal(await page.locator("label[for=channel]").textContent(), "频道");
  const dark = await background();
  await page.reload();
  assert.equal(await background(), dark);
  assert.equal(await page.locator("label[for=channel]").textContent(), "频道");
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
});

test("an invitation that is copied can be pasted into the form", { skip }, async () => {
  const page = await browser.open("alone", { permissions: ["clipboard-read", "clipboard-write"] });
  await page.locator("#alone [data-do=invite]").click();
  await toast(page, "copy success");
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(text, /Channel: design review\nApp ID: [0-9a-f]{32}/);
  await page.locator("#leave").click();
  await state(page, "lobby");
  await page.locator("#channel").fill("elsewhere");
  await page.locator("#token").focus();
  await page.keyboard.press("ControlOrMeta+v");
  assert.equal(await page.locator("#channel").inputValue(), "design review");
  assert.equal(await page.locator("#token").inputValue(), "");
});

test("a tile draws I420 by WebGL and goes on with plain pixels when the context is lost", { skip }, async () => {
  const page = await browser.open("lobby");
  const result = await page.evaluate(async () => {
    const { Surface } = await import("./video/surface.js");
    const host = document.body.appendChild(document.createElement("div"));
    let changes = 0;
    const surface = new Surface(host, "i420", () => (changes += 1));
    const [width, height] = [16, 16];
    const i420 = new Uint8Array((width * height * 3) / 2).fill(128);
    // Red in limited-range BT.601.
    i420.fill(81, 0, 256).fill(90, 256, 320).fill(240, 320);
    const frame = { tile: 0, width, height, format: "i420", sequence: 0, captured: 0, sourceWidth: width, sourceHeight: height, pixels: i420 };
    const read = () => {
      const copy = new OffscreenCanvas(width, height).getContext("2d");
      copy.drawImage(host.querySelector("canvas"), 0, 0);
      return [...copy.getImageData(8, 8, 1, 1).data];
    };
    surface.draw(frame);
    const first = [surface.format, read()];
    const lost = new Promise((done) => host.querySelector("canvas").addEventListener("webglcontextlost", done));
    host.querySelector("canvas").getContext("webgl2").getExtension("WEBGL_lose_context").loseContext();
    await lost;
    surface.draw(frame);
    surface.draw({ ...frame, format: "rgba", pixels: new Uint8Array(width * height * 4).map((_, at) => (at % 4 === 3 ? 255 : 200)) });
    return { first, then: [surface.format, read()], changes, canvases: host.querySelectorAll("canvas").length };
  });
  const [format, [red, green, blue]] = result.first;
  assert.equal(format, "i420");
  assert.ok(red > 245 && green < 10 && blue < 10, String([red, green, blue]));
  assert.deepEqual(result.then, ["rgba", [200, 200, 200, 255]]);
  assert.deepEqual([result.changes, result.canvases], [1, 1]);
});

test("a popover stands inside the window, beside its button", { skip }, async () => {
  for (const viewport of [{ width: 480, height: 800 }, { width: 1000, height: 700 }]) {
    const page = await browser.open("three", { viewport });
    await state(page, "call");
    for (const [button, popover] of [["call_more", "more"], ["camera_pick", "cameras"], ["microphone_pick", "microphones"]]) {
      await page.locator(`#${button}`).click();
      await page.evaluate(() => new Promise(requestAnimationFrame));
      const box = await page.locator(`#${popover}`).boundingBox();
      assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= viewport.width && box.y + box.height <= viewport.height, popover);
      const anchor = await page.locator(`#${button}`).boundingBox();
      assert.ok(Math.abs(box.y + box.height - anchor.y) < 20, `${popover} ends where ${button} begins`);
      await page.keyboard.press("Escape");
      assert.ok(await page.locator(`#${popover}`).isHidden());
    }
  }
});

test("the microphone's switches turn its processing on and off, and are remembered", { skip }, async () => {
  const page = await browser.open("two");
  await state(page, "call");
  await page.locator("#microphone_pick").click();
  const noise = page.locator("#microphones input[name=ANS]");
  assert.ok(await noise.isChecked());
  await noise.click();
  await page.waitForFunction(() => globalThis.visavisFake.state().local.audioProcessing.ANS === false);
  assert.deepEqual(await page.evaluate(() => globalThis.visavisFake.state().local.audioProcessing), { AEC: true, ANS: false, AGC: true });
  await page.reload();
  await state(page, "call");
  await page.waitForFunction(() => globalThis.visavisFake.state().local.audioProcessing.ANS === false);
  await page.locator("#microphone_pick").click();
  assert.ok(!(await noise.isChecked()) && (await page.locator("#microphones input[name=AEC]").isChecked()));
});

test("nothing stands outside the window at any size", { skip }, async () => {
  for (const [width, height] of [[480, 800], [480, 480], [1000, 700], [1920, 1080], [3840, 2160]]) {
    for (const scene of ["lobby", "no-camera", "alone", "two", "nine", "away"]) {
      const page = await browser.open(scene, { viewport: { width, height } });
      await page.locator(scene === "lobby" || scene === "no-camera" ? "#form" : "#bar").waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${scene} at ${width}×${height}: ${wide} px too wide`);
      await page.context().close();
    }
  }
});
