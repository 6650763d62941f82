// What the page has of a desktop, in a browser with the fake app behind it: settings, links, screens, names, a crowd.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";

const skip = missing() ?? false;
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

const state = (page, wanted) => page.waitForFunction((value) => document.documentElement.dataset.state === value, wanted);
const toast = (page, text) => page.locator(".toast", { hasText: text }).first().waitFor();
const focused = (page) => page.evaluate(() => document.activeElement.id);
const fake = (page, read) => page.evaluate(read);
async function call(scene, options) {
  const page = await browser.open(scene, options);
  await state(page, "call");
  return page;
}

test("the settings open by a key from lobby and call, keep the focus, and give it back", { skip }, async () => {
  for (const [scene, wanted] of [["lobby", "lobby"], ["two", "call"]]) {
    const page = await browser.open(scene);
    await state(page, wanted);
    await page.locator("#microphone_toggle").focus();
    await page.keyboard.press(",");
    await page.locator("#settings[open]").waitFor();
    for (let step = 0; step < 30; step += 1) {
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("#settings") !== null), `step ${step}`);
    }
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#settings").isHidden());
    assert.equal(await focused(page), "microphone_toggle");
    assert.deepEqual(page.errors, []);
  }
});

test("tabs are walked by arrows, each shows its page alone", { skip }, async () => {
  const page = await browser.open("lobby");
  await page.keyboard.press(",");
  await page.locator("#tab_general").focus();
  for (const name of ["video", "sound", "shortcuts", "service", "about", "general"]) {
    await page.keyboard.press("ArrowDown");
    assert.equal(await focused(page), `tab_${name}`);
    assert.deepEqual(await page.locator("#settings [role=tabpanel]:visible").evaluateAll((panels) => panels.map(({ id }) => id)), [`settings_${name}`]);
  }
});

test("a setting counts at once, is kept by the app, and follows another window", { skip }, async () => {
  const page = await browser.open("lobby");
  await page.keyboard.press(",");
  await page.locator("#tab_video").click();
  await page.locator("#settings [data-setting=mirror]").click();
  assert.equal(await page.locator("html").getAttribute("data-mirror"), "off");
  await page.waitForFunction(() => globalThis.visavisFake.settings.mirror === false);
  await fake(page, () => globalThis.visavisFake.tell({ event: "settings-changed", settings: { ...globalThis.visavisFake.settings, mirror: true, name: "Bea", theme: "dark" } }));
  assert.equal(await page.locator("html").getAttribute("data-mirror"), "on");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  assert.equal(await page.locator("#display_name").inputValue(), "Bea");
});

test("an older app hides what it cannot do and breaks nothing", { skip }, async () => {
  const page = await call("older");
  for (const id of ["screen_toggle", "display_name", "speakerId"]) assert.ok(await page.locator(`#${id}`).isHidden(), id);
  await page.keyboard.press("d");
  await page.keyboard.press(",");
  await page.locator("#settings[open]").waitFor();
  assert.ok(await page.locator("[data-setting=notifications]").isHidden());
  await page.locator("[name=theme][value=dark]").check({ force: true });
  await page.reload();
  await state(page, "call");
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  assert.deepEqual(page.errors, []);
});

test("microphone and camera stay off in the next lobby and call", { skip }, async () => {
  const page = await browser.open("lobby");
  await page.locator("#camera_toggle").click();
  await page.waitForFunction(() => globalThis.visavisFake.settings.devices.cameraOff);
  await page.reload();
  await page.waitForFunction(() => globalThis.visavisFake.state().local?.videoMuted);
  await page.locator("#camera_toggle[aria-pressed=false]").waitFor();
  assert.equal(await page.locator("#microphone_toggle").getAttribute("aria-pressed"), "true");
});

test("the lobby says whether it hears the microphone, and tests the speaker", { skip }, async () => {
  const page = await browser.open("lobby");
  await page.locator("#heard", { hasText: "We hear you" }).waitFor();
  await page.locator("#microphone_toggle").click();
  await page.locator("#heard", { hasText: "Your microphone is off" }).waitFor();
  await page.locator("#speakerId").selectOption("speaker:2");
  assert.equal(await fake(page, () => globalThis.visavisFake.speaker), "speaker:2");
  await page.locator("#check .test-speaker").click();
  await page.locator("#check .test-speaker.busy").waitFor();
  await page.reload();
  await page.waitForFunction(() => globalThis.visavisFake.speaker === "speaker:2");
});

test("a link fills the form with a note and joins nothing; a bad one says so", { skip }, async () => {
  const page = await browser.open("link");
  await page.locator("#link_note", { hasText: "design review" }).waitFor();
  assert.equal(await page.locator("#appID").inputValue(), "970ca35de60c44645bbae8a215061b33");
  assert.equal(await focused(page), "join");
  assert.equal(await page.evaluate(() => document.documentElement.dataset.state), "lobby");
  assert.equal(await fake(page, () => globalThis.visavisFake.settings.server), null, "another service is used only when a person says so");
  await page.locator("#channel").fill("elsewhere");
  assert.ok(await page.locator("#link_note").isHidden(), "an edited form is another attempt");
  const again = await browser.open("link");
  await again.locator("#link_note .button").click();
  await again.locator("#link_note .button").waitFor({ state: "detached" });
  await again.locator("#join").click();
  await again.waitForFunction(() => document.documentElement.dataset.state === "call");
  assert.equal(await fake(again, () => globalThis.visavisFake.state().params?.server), "wss://calls.example.org", "for this call");
  assert.equal(await fake(again, () => globalThis.visavisFake.settings.server), null, "and for no other");
  const bad = await browser.open("link-bad");
  await bad.locator("#link_note.bad", { hasText: "LINK_INVALID" }).waitFor();
});

test("a pasted link fills the form, a link in a call waits for the lobby", { skip }, async () => {
  const page = await browser.open("lobby", { permissions: ["clipboard-read", "clipboard-write"] });
  const paste = async (text) => {
    await page.evaluate((words) => navigator.clipboard.writeText(words), text);
    await page.locator("#token").focus();
    await page.keyboard.press("ControlOrMeta+v");
  };
  await paste("visavis://join?appId=970ca35de60c44645bbae8a215061b33&channel=%3Cb%3Emaths");
  await page.locator("#link_note", { hasText: "<b>maths" }).waitFor();
  assert.equal(await page.locator("#channel").inputValue(), "<b>maths");
  await paste("visavis://elsewhere");
  await page.locator("#link_note.bad").waitFor();
  assert.equal(await page.locator("#token").inputValue(), "");
  const busy = await call("two");
  await fake(busy, () => globalThis.visavisFake.tell({ event: "link-opened", link: { appId: "970ca35de60c44645bbae8a215061b33", channel: "later", token: null, server: null }, problem: null }));
  await toast(busy, "later");
  await busy.locator("#leave").click();
  await state(busy, "lobby");
  assert.equal(await busy.locator("#channel").inputValue(), "later");
});

test("channels nearby are offered as text, and chosen with a press", { skip }, async () => {
  const page = await browser.open("nearby");
  await page.locator("#nearby .item", { hasText: "<b>standup</b>" }).click();
  assert.equal(await page.locator("#channel").inputValue(), "<b>standup</b>");
  assert.equal(await focused(page), "join");
});

test("the screen is chosen, shared, shown as a tile, and stopped", { skip }, async () => {
  const page = await call("two");
  await page.keyboard.press("d");
  await page.locator(".screen-card").first().waitFor();
  assert.equal(await page.locator(".screen-card").count(), 2);
  await page.locator("#tab_windows").click();
  await page.locator(".screen-card", { hasText: "<img src=x" }).click();
  await page.keyboard.press("Enter");
  await page.locator("#local_screen_panel .stop-screen").waitFor();
  assert.equal(await page.locator("#screen_toggle").getAttribute("aria-pressed"), "true");
  await page.locator(".stop-screen").click();
  await page.locator("#local_screen_panel").waitFor({ state: "detached" });
  assert.deepEqual(page.errors, []);
  const denied = await call("wayland");
  await denied.locator("#screen_toggle").click();
  await denied.locator("#screens_problem", { hasText: "SHARING_SCREEN_NOT_SUPPORT" }).waitFor();
  assert.ok(await denied.locator("#screens_share").isDisabled());
});

test("a remote screen is large by itself, and steps back on Escape", { skip }, async () => {
  const page = await call("screen");
  const area = (id) => page.locator(`[id='remote_video_panel_${id}']`).evaluate(({ clientWidth, clientHeight }) => clientWidth * clientHeight);
  assert.ok((await area("2882341273-screen")) > 3 * (await area("2882341273")));
  await page.keyboard.press("Escape");
  assert.equal(await area("2882341273-screen"), await area("2882341273"));
});

test("names are text, kept apart from what stands beside them, and cut", { skip }, async () => {
  const page = await call("names");
  assert.equal(await page.locator("#video b").count(), 0);
  for (const name of await page.locator("#video .name").all()) {
    assert.equal(await name.evaluate((element) => getComputedStyle(element).unicodeBidi), "isolate");
    const inside = await name.evaluate((element) => element.getBoundingClientRect().right <= element.closest(".video-view").getBoundingClientRect().right);
    assert.ok(inside, await name.textContent());
  }
  await page.keyboard.press("u");
  assert.equal(await page.locator(".person").count(), 5);
});

test("who listens hears who came and left by name, of a crowd how many, and who reconnects", { skip }, async () => {
  const page = await call("two");
  const log = () => page.locator("#toast_log").textContent();
  const said = (words) => page.locator("#toast_log", { hasText: words }).waitFor({ state: "attached" });
  const people = (count) => page.evaluate((wanted) => globalThis.visavisFake.change({ remote: globalThis.visavisFake.crowd(wanted) }), count);
  await people(2);
  await said("Ana Lima joined");
  await people(12);
  await said("10 people joined");
  await people(11);
  await said("Guest 12 left");
  await fake(page, () => globalThis.visavisFake.tell({ event: "stream-reconnect-start", stream: "ana.lima", uid: "ana.lima" }));
  await said("The connection to Ana Lima is being brought back");
  await fake(page, () => globalThis.visavisFake.tell({ event: "stream-added", stream: "77120", uid: 77120 }));
  await toast(page, "stream-added uid: 77120");
  assert.doesNotMatch(await log(), /stream-added/);
});

test("one person's volume is one, in the list and on the tile", { skip }, async () => {
  const page = await call("two");
  await page.keyboard.press("u");
  await page.locator(".person-volume input").last().fill("30");
  assert.equal(await page.locator("#remote_video_panel_2882341273 .volume input").inputValue(), "30");
});

test("one's own picture is hidden and brought back", { skip }, async () => {
  const page = await call("three");
  await page.keyboard.press("h");
  assert.ok(await page.locator("#local_video_panel").isHidden());
  await page.keyboard.press("h");
  assert.ok(await page.locator("#local_video_panel").isVisible());
});

test("who speaks while muted is told once, until the microphone is on", { skip }, async () => {
  const page = await call("three");
  await page.keyboard.press("m");
  await fake(page, () => globalThis.visavisFake.tell({ event: "speaking-while-muted" }));
  await page.locator("#muted_hint", { hasText: "You are muted. Press M to speak." }).waitFor();
  await page.keyboard.press("m");
  assert.ok(await page.locator("#muted_hint").isHidden());
});

test("a weak connection says why, to the eye and to the ear", { skip }, async () => {
  const page = await call("weak");
  const mark = page.locator("#remote_video_panel_2882341273 .weak");
  await mark.waitFor();
  assert.match(await mark.getAttribute("aria-label"), /900 ms old/);
  await mark.click();
  assert.match(await page.locator("#why_text").textContent(), /900 ms old/);
});

test("keys for every program are recorded, refused with a reason, and cleared", { skip }, async () => {
  const page = await browser.open("lobby");
  await page.keyboard.press(",");
  await page.locator("#tab_shortcuts").click();
  const record = page.locator("#hotkey_pushToTalk");
  await record.click();
  await page.keyboard.press("k");
  assert.match(await page.locator("#hotkey_hint").textContent(), /Hold Ctrl/);
  await page.keyboard.press("Control+Shift+K");
  await page.waitForFunction(() => globalThis.visavisFake.settings.hotkeys.pushToTalk === "Ctrl+Shift+K");
  assert.equal(await record.textContent(), "CtrlShiftK");
  await record.click();
  await page.keyboard.press("Control+Alt+T");
  await page.locator("#hotkeys_reason", { hasText: "Another program has these keys" }).waitFor();
  await record.click();
  await page.keyboard.press("Backspace");
  await page.locator("#hotkeys_reason").waitFor({ state: "hidden" });
  assert.equal(await fake(page, () => globalThis.visavisFake.settings.hotkeys.pushToTalk), null);
  const denied = await call("wayland");
  await denied.keyboard.press(",");
  await denied.locator("#tab_shortcuts").click();
  assert.match(await denied.locator("#hotkeys_reason").textContent(), /Wayland/);
  assert.ok(await denied.locator("#hotkey_mute").isDisabled());
});

test("the service's address is checked before it is kept", { skip }, async () => {
  const page = await browser.open("lobby");
  await page.keyboard.press(",");
  await page.locator("#tab_service").click();
  await page.locator("#service_state", { hasText: "ws://127.0.0.1:47880" }).waitFor();
  await page.locator("#settings_server").fill("calls.example.org");
  await page.keyboard.press("Enter");
  assert.ok(await page.locator("#service_problem").isVisible());
  await page.locator("#settings_server").fill("wss://calls.example.org");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => globalThis.visavisFake.settings.server === "wss://calls.example.org");
});

test("the small window shows one stream and switches the microphone", { skip }, async () => {
  const page = await browser.open("two");
  await page.goto(page.url().replace("/?", "/pip.html?stream=2882341273&"));
  await page.locator("#pip_name", { hasText: "Maria Santos" }).waitFor();
  await page.keyboard.press("m");
  await page.locator("#pip_mute[aria-pressed=false]").waitFor();
  await fake(page, () => globalThis.visavisFake.tell({ event: "pip-changed", stream: "local" }));
  await page.locator("#pip_name", { hasText: "You" }).waitFor();
  assert.deepEqual(page.errors, []);
});

test("toasts cover no control, no name and no picture of one's own, in lobby and call", { skip }, async (t) => {
  const scenes = [["two", "#call :is(.stage .caption, .pill, .floating)"], ["sixteen", "#call .pill"], ["lobby", "#lobby :is(button, input, select, .caption)"]];
  for (const [width, height] of [[480, 800], [1000, 700], [1920, 1080], [3840, 2160]]) {
    for (const [scene, kept] of scenes) {
      const page = await browser.open(scene, { viewport: { width, height }, reducedMotion: "reduce" });
      t.after(() => page.context().close());
      await page.locator(scene === "lobby" ? "#lobby .local" : "#call .local").waitFor();
      await fake(page, () => {
        for (const uid of [1, 2, 3]) globalThis.visavisFake.tell({ event: "stream-subscribed", stream: `288234127${uid}`, uid });
      });
      await page.locator(".toast").nth(2).waitFor();
      const covered = await page.evaluate((selector) => {
        const boxes = (all) => [...document.querySelectorAll(all)].filter((element) => element.checkVisibility()).map((element) => ({ box: element.getBoundingClientRect(), name: element.id || element.className }));
        const meets = (one, other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
        const toasts = boxes(".toast");
        return boxes(selector).filter(({ box }) => toasts.some((toast) => meets(box, toast.box))).map(({ name }) => name);
      }, kept);
      assert.deepEqual(covered, [], `${scene} at ${width}×${height}`);
    }
  }
});

test("what is pressed in the bar, a dialog or a list is 44 px high, and everything is reached by Tab", { skip }, async () => {
  for (const scene of ["lobby", "two"]) {
    const page = await browser.open(scene);
    await page.locator("#microphone_toggle").waitFor();
    const small = await page.evaluate(() =>
      [...document.querySelectorAll(".icon-button, .button, .tool, #call_info, select, #form input[type=text]")]
        .filter((element) => element.checkVisibility() && !element.closest(".floating, .lobby-secondary, .pill.small"))
        .filter((element) => element.getBoundingClientRect().height < 44)
        .map((element) => element.id || element.className),
    );
    assert.deepEqual(small, [], scene);
    const reached = new Set();
    await page.evaluate(() => document.body.focus());
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press("Tab");
      reached.add(await focused(page));
    }
    const wanted = scene === "lobby" ? ["display_name", "speakerId", "appID", "channel", "token", "join", "lobby_settings", "lobby_more", "microphone_toggle", "camera_pick"] : ["call_info", "screen_toggle", "call_more", "leave", "microphone_pick", "remote_video_panel_2882341273"];
    for (const id of wanted) assert.ok(reached.has(id), `${scene}: ${id}`);
  }
});

test("who turns to the page by zoom or high contrast loses nothing", { skip }, async () => {
  for (const [viewport, scene] of [[{ width: 500, height: 350 }, "lobby"], [{ width: 500, height: 350 }, "two"], [{ width: 320, height: 560 }, "lobby"], [{ width: 320, height: 560 }, "hundred"]]) {
    const page = await browser.open(scene, { viewport, forcedColors: "active" });
    await page.locator(scene === "lobby" ? "#form" : "#bar").waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${scene} at ${viewport.width}: ${wide} px too wide`);
    if (scene !== "lobby") {
      const box = await page.locator("#call_primary").boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= viewport.width, `the buttons at ${viewport.width}: ${JSON.stringify(box)}`);
    }
    await page.context().close();
  }
  const low = await call("two", { viewport: { width: 500, height: 350 } });
  await low.keyboard.press("d");
  await low.locator(".screen-card").first().waitFor();
  const [list, choices] = await Promise.all(["#screens_list", ".screen-choices"].map((part) => low.locator(part).boundingBox()));
  assert.ok(list.height > 100 && list.y + list.height <= choices.y, "what can be shared lies above how");
});

test("who has their microphone unplugged hears which one is used now, and finds it chosen", { skip }, async () => {
  for (const scene of ["lobby", "two"]) {
    const page = await browser.open(scene);
    await page.waitForFunction(() => document.querySelector("#microphoneId").value === "microphone:1");
    await fake(page, () => {
      const api = globalThis.__VISAVIS_API__;
      const { tell } = globalThis.visavisFake;
      const list = api.getDevices;
      const used = (globalThis.visavisUsed = []);
      api.getDevices = async () => ({ ...(await list()), microphones: (await list()).microphones.slice(1) });
      api.setMicrophone = async (id) => void used.push(id);
      api.startPreview = async ({ microphoneId }) => void used.push(microphoneId);
      tell({ event: "recording-device-changed", state: "INACTIVE", device: { id: "microphone:1", label: "Headset (USB Audio)" } });
      tell({ event: "devices-changed" });
    });
    await toast(page, "The microphone “Headset (USB Audio)” was unplugged. “Built-in Audio Analog Stereo” is used now.");
    assert.equal(await fake(page, () => globalThis.visavisUsed.at(-1)), "microphone:2", scene);
    await page.locator("#microphone_pick").click();
    assert.equal(await page.locator("#microphones [name=microphones]:checked").inputValue(), "microphone:2", scene);
  }
});
