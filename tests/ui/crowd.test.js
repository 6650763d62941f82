// What a hundred people who join at once may cost the page, counted and not timed, so that a busy machine fails nothing:
// crowd.js measures the times.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";
import { joinAll } from "./crowd.js";

const skip = missing() ?? false;
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

const inCall = (page) => page.waitForFunction(() => document.documentElement.dataset.state === "call");

/**
 * Counts in `sizesRead` how often the page asks for a size where an answer may take a layout: anywhere but in an observer,
 * which is called when everything has just been laid out.
 */
function countSizesRead() {
  let observing = false;
  globalThis.sizesRead = [];
  globalThis.ResizeObserver = class extends ResizeObserver {
    constructor(told) {
      super((...news) => {
        observing = true;
        told(...news);
        observing = false;
      });
    }
  };
  const note = (name) => observing || globalThis.sizesRead.push(name);
  for (const [owner, names] of [[Element, ["clientWidth", "clientHeight", "scrollWidth", "scrollHeight"]], [HTMLElement, ["offsetWidth", "offsetHeight", "offsetLeft", "offsetTop", "offsetParent"]]]) {
    for (const name of names) {
      const { get } = Object.getOwnPropertyDescriptor(owner.prototype, name);
      Object.defineProperty(owner.prototype, name, { get() { return note(name), get.call(this); } });
    }
  }
  const { getBoundingClientRect } = Element.prototype;
  Element.prototype.getBoundingClientRect = function () { return note("getBoundingClientRect"), getBoundingClientRect.call(this); };
}

test("a hundred people who join get four tiles a frame, and nothing is laid out before its frame", { skip }, async (t) => {
  const page = await browser.open("alone");
  await page.addInitScript(countSizesRead);
  await page.reload();
  await inCall(page);
  await page.evaluate(() => (globalThis.sizesRead = []));
  const { made } = await joinAll(page);
  t.diagnostic(`new tiles a frame: ${made.join(", ")}`);
  assert.ok(Math.max(...made) <= 4, `new tiles a frame: ${made}`);
  assert.deepEqual(await page.evaluate(() => globalThis.sizesRead), []);
  assert.deepEqual(page.errors, []);
});

test("a hundred people stand on pages and in the list", { skip }, async () => {
  const page = await browser.open("alone");
  await inCall(page);
  await joinAll(page);
  await page.locator("#call_people", { hasText: /^100$/ }).waitFor();
  await page.locator("#page_number", { hasText: "1 of 7" }).waitFor();
  await page.keyboard.press("PageDown");
  assert.equal(await page.locator("#page_number").textContent(), "2 of 7");
  assert.ok((await page.locator(".toast:not(.going)").count()) <= 3);
  await page.keyboard.press("u");
  assert.equal(await page.locator(".person").count(), 100);
});
