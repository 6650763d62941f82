// Every action by keyboard: the list of keys against what they do, the focus that can be seen, and where it goes and returns.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";
import { enter } from "./scenes.js";
import { read, sources } from "./sources.js";

const skip = missing() ?? false;
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

const focused = (page) => page.evaluate(() => document.activeElement.id);
const visible = (page, selector) => page.locator(selector).first().waitFor();
const gone = (page, selector) => page.locator(selector).first().waitFor({ state: "hidden" });
async function call(t, scene, options) {
  const page = await browser.open(scene, options);
  t.after(() => page.context().close());
  await page.waitForFunction(() => document.documentElement.dataset.state === "call");
  await page.locator(".video-view:not(.local)").first().waitFor();
  return page;
}

const press = (page, key) => page.keyboard.press(key);
const MARIA = "#remote_video_panel_2882341273";

/** What is seen when the keys of a row of the list are pressed, by the keys. */
const PROOFS = {
  M: async (page) => (await press(page, "m"), visible(page, "#microphone_toggle[aria-pressed=false]")),
  V: async (page) => (await press(page, "v"), visible(page, "#camera_toggle[aria-pressed=false]")),
  D: async (page) => (await press(page, "d"), await visible(page, "#screens[open]"), press(page, "Escape")),
  U: async (page) => (await press(page, "u"), await visible(page, "#people:popover-open"), await press(page, "u"), gone(page, "#people")),
  I: async (page) => (await press(page, "i"), visible(page, ".toast >> text=copy success")),
  "← → ↑ ↓": async (page) => {
    await page.locator(MARIA).focus();
    for (const key of ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"]) {
      const before = await focused(page);
      await press(page, key);
      assert.notEqual(await focused(page), before, key);
    }
    assert.equal(await focused(page), MARIA.slice(1));
  },
  "P Enter": async (page) => {
    await page.locator(MARIA).focus();
    for (const key of ["p", "Enter"]) {
      await press(page, key);
      await visible(page, `${MARIA}.pinned`);
      await press(page, key);
      await page.locator(`${MARIA}.pinned`).waitFor({ state: "detached" });
    }
  },
  F: async (page) => {
    await press(page, "f");
    await page.waitForFunction(() => document.fullscreenElement !== null);
    await page.evaluate(() => document.exitFullscreen());
  },
  O: async (page) => (await press(page, "o"), page.waitForFunction(() => globalThis.toldOfPip === true)),
  H: async (page) => (await press(page, "h"), await gone(page, "#local_video_panel"), press(page, "h")),
  S: async (page) => (await press(page, "s"), visible(page, "[id^=remote_video_info]:not(.hide)")),
  PgDn: async (page) => (await press(page, "PageDown"), visible(page, "#page_number >> text=2 of")),
  PgUp: async (page) => (await press(page, "PageUp"), visible(page, "#page_number >> text=1 of")),
  ",": async (page) => (await press(page, ","), await visible(page, "#settings[open]"), press(page, "Escape")),
  Esc: async (page) => {
    await page.locator(MARIA).focus();
    await press(page, "p");
    await visible(page, `${MARIA}.pinned`);
    await press(page, "Escape");
    await page.locator(".pinned").waitFor({ state: "detached" });
  },
  "?": async (page) => (await press(page, "?"), await visible(page, "#help:popover-open"), await press(page, "Escape"), gone(page, "#help")),
};

test("the list names every key, and each does what it says", { skip }, async (t) => {
  const page = await call(t, "hundred", { permissions: ["clipboard-read", "clipboard-write"] });
  await page.evaluate(() => {
    const { openPip } = globalThis.__VISAVIS_API__;
    globalThis.__VISAVIS_API__.openPip = (stream) => ((globalThis.toldOfPip = true), openPip(stream));
  });
  await press(page, "?");
  const listed = await page.locator("#shortcuts dt").evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll("kbd")].map(({ textContent }) => textContent).join(" ")));
  await press(page, "Escape");
  assert.deepEqual([...listed].sort(), Object.keys(PROOFS).sort());
  for (const [keys, proof] of Object.entries(PROOFS)) {
    t.diagnostic(keys);
    await proof(page);
  }
  assert.deepEqual(page.errors, []);
});

test("a key that stands beside a button or a menu's line is in the list", () => {
  const caps = [...read("menu.js").matchAll(/shown: (\[[^\]]+\])/g)].flatMap(([, list]) => JSON.parse(list));
  const html = read("index.html");
  const hints = [...html.matchAll(/data-key="([^"]+)"|<kbd>([^<]+)<\/kbd>/g)].map(([, key, cap]) => key ?? cap);
  assert.ok(hints.length > 10);
  for (const hint of hints) assert.ok(caps.includes(hint), hint);
});

test("keys are heard where the list or the ARIA practices say so, and nowhere else", () => {
  const heard = sources().filter(([, text]) => /addEventListener\("key/.test(text)).map(([path]) => path);
  assert.deepEqual(heard.sort(), ["grid/view.js", "menu.js", "pip.js", "settings/hotkeys.js", "tabs.js"]);
});

/** Goes through the page by Tab and names what has the focus without showing it. */
async function unseen(page, most = 90) {
  const bare = new Set();
  for (let step = 0; step < most; step += 1) {
    await press(page, "Tab");
    const found = await page.evaluate(() => {
      const { activeElement: element } = document;
      if (!element || element === document.body) return null;
      const box = element.getBoundingClientRect();
      const shows = (one) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      };
      // What covers a whole label, unseen itself, has the label or the words beside it show the focus.
      const seen = [element, element.nextElementSibling, element.closest("label")].some((one) => one && shows(one));
      const inside = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
      const first = element.dataset.met !== undefined;
      element.dataset.met = "";
      const opacity = Math.min(...[element, element.parentElement].map((one) => Number(getComputedStyle(one).opacity)));
      const hidden = opacity === 0 && !element.matches("input");
      return { again: first, fault: !seen ? "no outline" : !inside ? "outside the window" : hidden ? "transparent" : null, name: element.id || element.className || element.outerHTML.slice(0, 60) };
    });
    if (found?.again) break;
    if (found?.fault) bare.add(`${found.name}: ${found.fault}`);
  }
  return [...bare];
}

for (const scene of ["lobby", "advanced", "link", "nearby", "alone", "three", "hundred", "sharing", "weak", "menu", "camera-menu", "people", "general", "video", "sound", "shortcuts", "service", "about", "screens", "projects", "token", "pip"]) {
  test(`the focus is seen wherever it goes in the scene ${scene}`, { skip }, async (t) => {
    const page = await enter(browser, scene, { reducedMotion: "reduce" });
    t.after(() => page.context().close());
    assert.deepEqual(await unseen(page), []);
  });
}

test("a popover takes the focus, and gives it back to the button on Escape", { skip }, async (t) => {
  const page = await call(t, "three");
  for (const [button, popover] of [["call_more", "more"], ["camera_pick", "cameras"], ["microphone_pick", "microphones"], ["call_info", "people"]]) {
    await page.locator(`#${button}`).focus();
    await press(page, "Enter");
    await page.waitForFunction((id) => document.getElementById(id).contains(document.activeElement), popover);
    await press(page, "Escape");
    await gone(page, `#${popover}`);
    assert.equal(await focused(page), button);
  }
  await page.locator("#call_more").focus();
  await press(page, "?");
  await page.waitForFunction(() => document.activeElement.id === "help");
  await press(page, "Escape");
  assert.equal(await focused(page), "call_more");
});

test("a dialog gives the focus back to the button that opened it", { skip }, async (t) => {
  const page = await call(t, "three");
  await page.locator("#screen_toggle").focus();
  await press(page, "Enter");
  await visible(page, ".screen-card");
  await press(page, "Escape");
  await gone(page, "#screens");
  assert.equal(await focused(page), "screen_toggle");
  const lobby = await browser.open("lobby");
  t.after(() => lobby.context().close());
  for (const [button, dialog] of [["lobby_settings", "settings"], [null, "projects"]]) {
    const opener = button ? lobby.locator(`#${button}`) : lobby.locator(".with-button [data-do=projects]");
    await opener.focus();
    await press(lobby, "Enter");
    await visible(lobby, `#${dialog}[open]`);
    await press(lobby, "Escape");
    await gone(lobby, `#${dialog}`);
    assert.ok(await opener.evaluate((element) => element === document.activeElement), dialog);
  }
});

test("a device that is lost opens its list, and leaves the focus alone", { skip }, async (t) => {
  const page = await call(t, "two");
  // Nobody has pressed anything lately; the test's own calls count as if somebody had.
  await page.evaluate(() => Object.defineProperty(navigator, "userActivation", { value: { isActive: false } }));
  await page.locator("#leave").focus();
  await page.evaluate(() => globalThis.visavisFake.tell({ event: "device-lost", device: "camera", lost: true, code: "DEVICES_NOT_FOUND", message: "gone" }));
  await visible(page, "#cameras:popover-open");
  assert.equal(await focused(page), "leave");
});
