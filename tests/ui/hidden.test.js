// What nobody sees is not written: in a call the lobby, closed dialogs and closed popovers rest.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";
import { enter } from "./scenes.js";

const skip = missing() ?? false;
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

/** Notes from now on what is written where nobody sees it, by the nearest id. */
const watch = (page) => page.evaluate(() => {
  globalThis.unseen = new Set();
  globalThis.writes = 0;
  new MutationObserver((records) => {
    globalThis.writes += records.length;
    for (const { target, type, attributeName, oldValue } of records) {
      // To hide what was seen is no such thing.
      if (attributeName === "hidden" && oldValue === null) continue;
      const element = target instanceof Element ? target : target.parentElement;
      if (element?.isConnected && !element.checkVisibility()) globalThis.unseen.add(`#${element.closest("[id]")?.id} ${element.className} ${attributeName ?? type}`);
    }
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeOldValue: true, characterData: true });
});

const unseen = (page) => page.evaluate(() => [...globalThis.unseen]);

/** What happens in a call all the time, each in a task of its own. */
async function happens(page) {
  await page.evaluate(() => {
    const { state, tell } = globalThis.visavisFake;
    for (let step = 0; step < 40; step += 1) {
      tell({ event: "volume-indicator", levels: [{ stream: "local", level: step * 2 }, ...state().remote.map(({ stream }) => ({ stream, level: 80 - step * 2 }))] });
      tell({ event: "network-quality", uplinkNetworkQuality: 1 + (step % 3), downlinkNetworkQuality: 1 });
    }
  });
  for (const [change, value] of [["audioMuted", true], ["state", "stalled"], ["audioMuted", false], ["state", "playing"]]) {
    await page.evaluate(([name, now]) => globalThis.visavisFake.change({ remote: globalThis.visavisFake.state().remote.map((remote) => ({ ...remote, [name]: now })) }), [change, value]);
  }
  for (const connection of ["CONNECTING", "CONNECTED"]) await page.evaluate((now) => globalThis.visavisFake.change({ connection: now }), connection);
}

for (const hideSelf of [false, true]) {
  test(`in a call nothing is written where nobody sees it${hideSelf ? ", nor on one's own hidden picture" : ""}`, { skip }, async (t) => {
    const page = await enter(browser, "three", { reducedMotion: "reduce" });
    t.after(() => page.context().close());
    if (hideSelf) await page.keyboard.press("h");
    await page.locator("#local_video_panel").waitFor({ state: hideSelf ? "hidden" : "visible" });
    await page.clock.install();
    await watch(page);
    await happens(page);
    await page.clock.runFor(5000);
    assert.ok((await page.evaluate(() => globalThis.writes)) > 10);
    assert.deepEqual(await unseen(page), []);
  });
}

test("what was hidden says how loud one is as soon as it is seen", { skip }, async (t) => {
  const page = await enter(browser, "three", { reducedMotion: "reduce" });
  t.after(() => page.context().close());
  const level = (selector) => page.locator(selector).evaluate((bar) => bar.style.getPropertyValue("--level"));
  await page.evaluate(() => clearInterval(globalThis.visavisFake.levels));
  await page.keyboard.press("h");
  await page.locator("#local_video_panel").waitFor({ state: "hidden" });
  // A tone is as loud all the time, and what does not change is told once.
  await page.evaluate(() => globalThis.visavisFake.tell({ event: "volume-indicator", levels: [{ stream: "local", level: 30 }] }));
  await page.keyboard.press("h");
  await page.locator("#local_video_panel").waitFor();
  assert.equal(await level("#local_video_panel .meter"), "0.6");
  await page.keyboard.press(",");
  await page.click("#tab_sound");
  assert.equal(await level("#settings_sound .level"), "0.5");
});
