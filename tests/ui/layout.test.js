// Where things stand: the tiles' arithmetic, and in a browser what must not lie over what.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";
import { enter } from "./scenes.js";
import { ASPECT, bestTiling, GAP, layout, LEAST, MOST, MOST_STRIP, narrowestTile, overlap } from "../../ui/grid/layout.js";

const ids = (count) => Array.from({ length: count }, (_, index) => String(index + 1));
const SIZES = [[456, 776], [976, 676], [1896, 1056], [3816, 2136], [600, 600], [2000, 300]];

function assertInside(rects, { width, height }) {
  for (const [id, rect] of rects) {
    assert.ok(rect.x >= 0 && rect.y >= 0, `${id} begins inside: ${JSON.stringify(rect)}`);
    assert.ok(rect.x + rect.width <= width && rect.y + rect.height <= height, `${id} ends inside: ${JSON.stringify(rect)}`);
    assert.ok(rect.width > 0 && rect.height > 0, `${id} can be seen`);
  }
}

function assertApart(rects) {
  const all = [...rects.values()];
  for (const [index, one] of all.entries()) {
    for (const other of all.slice(index + 1)) {
      const apart = one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
      assert.ok(apart, `${JSON.stringify(one)} and ${JSON.stringify(other)}`);
    }
  }
}

test("any number of tiles stands inside the room without touching", () => {
  for (const [width, height] of SIZES) {
    for (let count = 2; count <= 40; count += 1) {
      const { rects } = layout({ width, height, remote: ids(count), self: "local" });
      assert.equal(rects.size, Math.min(count + 1, MOST));
      assertInside(rects, { width, height });
      assertApart(rects);
    }
  }
});

test("a tiling is the one with the largest tiles of all column counts", () => {
  for (const [width, height] of SIZES) {
    for (const narrowest of [ASPECT, 4 / 3, 1]) {
      for (let count = 1; count <= 30; count += 1) {
        const best = bestTiling(count, width, height, narrowest);
        assert.ok(best.width / best.height < ASPECT + 1e-9 && best.width / best.height > narrowest - 1e-9);
        for (let columns = 1; columns <= count; columns += 1) {
          const rows = Math.ceil(count / columns);
          const [across, down] = [(width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows];
          if (across <= 0 || down <= 0) continue;
          const aspect = Math.min(Math.max(across / down, narrowest), ASPECT);
          const wide = Math.min(across, down * aspect);
          assert.ok((wide * wide) / aspect <= best.width * best.height + 1e-6, `${count} in ${width}×${height}: ${columns} columns`);
        }
      }
    }
  }
});

test("tiles of a grid are equal, and the last row is centred", () => {
  const { rects } = layout({ width: 1896, height: 1056, remote: ids(4), self: "local" });
  const [first, , , fourth, fifth] = rects.values();
  assert.deepEqual([fifth.width, fifth.height], [first.width, first.height]);
  assert.ok(Math.abs(fourth.x + (fifth.x + fifth.width - fourth.x) / 2 - 1896 / 2) <= 1);
});

test("a grid fills a window well, by cropping tiles to 4:3 at most, or to a square where the window is tall", () => {
  for (const [width, height] of [[456, 776], [976, 676], [1256, 776], [1896, 1056], [3816, 2136]]) {
    for (let count = 3; count <= 16; count += 1) {
      const { rects } = layout({ width, height, covered: 68, remote: ids(count - 1), self: "local" });
      const free = width * (height - 68);
      const filled = [...rects.values()].reduce((sum, rect) => sum + rect.width * rect.height, 0) / free;
      assert.ok(filled > 0.52, `${count} in ${width}×${height}: ${filled.toFixed(2)}`);
      for (const { width: w, height: h } of rects.values()) assert.ok(w / h > narrowestTile(width, height) - 0.02 && w / h < ASPECT + 0.02);
    }
  }
});

test("one other person fills the stage and oneself floats in its corner", () => {
  const { rects, floating } = layout({ width: 976, height: 676, remote: ["7"], self: "local" });
  assert.equal(floating, "local");
  assert.deepEqual(rects.get("7"), { x: 0, y: 0, width: 976, height: 676 });
  const self = rects.get("local");
  assert.ok(self.width <= 976 / 2 && self.x + self.width + GAP === 976 && self.y + self.height + GAP === 676);
});

test("who is alone fills the stage, and who only watches has no tile", () => {
  assert.deepEqual([...layout({ width: 976, height: 676, remote: [], self: "local" }).rects.keys()], ["local"]);
  assert.equal(layout({ width: 976, height: 676, remote: [], self: null }).rects.size, 0);
  const watching = layout({ width: 976, height: 676, remote: ["7"], self: null });
  assert.deepEqual([[...watching.rects.keys()], watching.floating, watching.stage], [["7"], null, "7"]);
});

test("a stage in a tall window is cropped to a portrait and no further", () => {
  const { rects } = layout({ width: 400, height: 1600, remote: [], self: "local" });
  const stage = rects.get("local");
  assert.ok(Math.abs(stage.width / stage.height - 9 / 16) < 0.01);
  assert.ok(Math.abs(stage.y + stage.height / 2 - 800) <= 1);
});

test("a pinned tile is larger than all others together in a strip", () => {
  for (const [width, height] of SIZES) {
    const scene = { width, height, covered: 64, remote: ids(8), self: "local", pinned: "3" };
    const { rects, floating } = layout(scene);
    assert.equal(floating, null);
    assertInside(rects, scene);
    assertApart(rects);
    const area = ({ width: w, height: h }) => w * h;
    for (const [id, rect] of rects) assert.ok(id === "3" || area(rect) < area(rects.get("3")) / 2, `${id} at ${width}×${height}`);
  }
});

test("controls hide nothing of a grid, a pinned tile or a screen", () => {
  for (const [width, height] of SIZES) {
    for (const change of [{}, { pinned: "3" }, { pinned: "3", screen: true }, { pinned: "local" }]) {
      const scene = { width, height, covered: 64, remote: ids(8), self: "local", ...change };
      const { rects } = layout(scene);
      assertInside(rects, scene);
      assertApart(rects);
      for (const { y, height: tall } of rects.values()) assert.ok(y + tall <= height - 64 - GAP, `${width}×${height}`);
    }
  }
});

test("in a window hardly higher than the controls, tiles lie below them", () => {
  const low = { width: 480, height: 200, remote: ids(3), self: "local" };
  assert.deepEqual(layout({ ...low, covered: 128 }), layout(low));
});

test("a pin of somebody who is not there changes nothing", () => {
  const scene = { width: 976, height: 676, remote: ids(3), self: "local" };
  assert.deepEqual(layout({ ...scene, pinned: "9" }), layout(scene));
  const alone = { width: 976, height: 676, remote: [], self: "local" };
  assert.deepEqual(layout({ ...alone, pinned: "local" }), layout(alone));
});

test("more than a page of people stand on pages, each of them on one, oneself on all", () => {
  const scene = { width: 1896, height: 1056, remote: ids(40), self: "local" };
  const { pages } = layout(scene);
  assert.equal(pages, 3);
  const seen = [0, 1, 2].flatMap((page) => {
    const { rects } = layout({ ...scene, page });
    assert.ok(rects.has("local") && rects.size <= MOST);
    assertInside(rects, scene);
    assertApart(rects);
    return [...rects.keys()].filter((id) => id !== "local");
  });
  assert.deepEqual(seen, scene.remote);
  assert.equal(layout({ ...scene, page: 9 }).page, 2, "a page that is no more is the last");
  assert.equal(layout({ ...scene, remote: ids(15) }).pages, 1);
});

test("in a small window fewer stand on a page, so that each can be told apart", () => {
  const scene = { width: 500, height: 350, covered: 128, remote: ids(15), self: "local" };
  const { rects, pages } = layout(scene);
  assert.ok(pages > 1);
  for (const { width } of rects.values()) assert.ok(width >= LEAST - 1);
  assertInside(rects, scene);
});

test("the strip beside a pinned tile has pages of its own", () => {
  const scene = { width: 1896, height: 1056, remote: ids(40), self: "local", pinned: "3" };
  for (let page = 0; page < layout(scene).pages; page += 1) {
    const { rects } = layout({ ...scene, page });
    assert.ok(rects.has("3") && rects.has("local") && rects.size <= MOST_STRIP + 1);
    assertInside(rects, scene);
    assertApart(rects);
  }
  assert.equal(layout({ ...scene, pinned: "local" }).rects.size, MOST_STRIP + 1);
});

test("a caption rises by what the controls cover", () => {
  const bar = { x: 300, y: 600, width: 400, height: 56 };
  assert.equal(overlap({ x: 0, y: 0, width: 976, height: 676 }, bar), 76);
  assert.equal(overlap({ x: 0, y: 0, width: 300, height: 676 }, bar), 0);
  assert.equal(overlap({ x: 400, y: 0, width: 100, height: 500 }, bar), 0);
});

const skip = missing() ?? false;
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

/** What of `kept` lies below one of `over`, by name. */
function covered(page, over, kept) {
  return page.evaluate(
    ([above, below]) => {
      const boxes = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility()).map((element) => ({ box: element.getBoundingClientRect(), name: `${element.id} ${element.className}` }));
      const meets = (one, other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
      const tops = boxes(above);
      if (!tops.length) throw new Error(`nothing is ${above}`);
      return boxes(below).filter(({ box }) => tops.some((top) => meets(box, top.box))).map(({ name }) => name);
    },
    [over, kept],
  );
}

const HEARD_MUTED = "#call :is(.caption, .floating, .pill, .tools, .note, .toast, .weak)";
for (const viewport of [{ width: 480, height: 800 }, { width: 1000, height: 700 }]) {
  for (const [scene, locale] of [["two", "en"], ["three", "en"], ["three", "zh-CN"], ["nine", "en"], ["pinned", "en"], ["sixteen", "en"]]) {
    test(`the hint to who is muted covers no name and no picture of one's own: ${scene} at ${viewport.width}, ${locale}`, { skip }, async (t) => {
      const page = await enter(browser, scene, { viewport, locale, reducedMotion: "reduce" });
      t.after(() => page.context().close());
      await page.keyboard.press("m");
      const places = () => page.locator("#call .video-view").evaluateAll((tiles) => tiles.map(({ offsetLeft, offsetTop, offsetWidth, offsetHeight }) => [offsetLeft, offsetTop, offsetWidth, offsetHeight]));
      const before = await places();
      await page.evaluate(() => {
        globalThis.visavisFake.tell({ event: "stream-subscribed", stream: "2882341273", uid: 2882341273 });
        globalThis.visavisFake.tell({ event: "speaking-while-muted" });
      });
      await page.locator("#muted_hint").waitFor();
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      assert.deepEqual(await covered(page, "#muted_hint", HEARD_MUTED), []);
      assert.deepEqual(await places(), before, "no tile moves for it");
    });
  }
}

// The lowest is a page at 200 %.
for (const viewport of [{ width: 480, height: 800 }, { width: 480, height: 640 }, { width: 480, height: 480 }, { width: 500, height: 350 }, { width: 880, height: 640 }]) {
  test(`toasts never cover the field that has the focus, nor JOIN, in a lobby that is scrolled: ${viewport.width}×${viewport.height}`, { skip }, async (t) => {
    const page = await enter(browser, "nearby", { viewport, reducedMotion: "reduce" });
    t.after(() => page.context().close());
    await page.locator("#advanced summary").click();
    await page.evaluate(() => {
      globalThis.visavisFake.tell({ event: "device-lost", device: "microphone", lost: true, code: "DEVICES_NOT_FOUND", message: "gone" });
      for (const uid of [1, 2]) globalThis.visavisFake.tell({ event: "stream-subscribed", stream: `288234127${uid}`, uid });
      for (const popover of document.querySelectorAll(":popover-open")) popover.hidePopover();
    });
    await page.locator(".toast").nth(2).waitFor({ state: "attached" });
    const faults = await page.evaluate(async () => {
      // A toast that is pointed at stays.
      for (const toast of document.querySelectorAll(".toast")) toast.dispatchEvent(new PointerEvent("pointerenter"));
      const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const join = document.querySelector("#join");
      const found = [];
      for (const field of document.querySelectorAll("#lobby :is(input, select, button, summary)")) {
        if (!field.checkVisibility()) continue;
        field.focus();
        for (const share of [0, 0.3, 0.6, 1]) {
          field.scrollIntoView({ block: "start" });
          scrollBy(0, field.getBoundingClientRect().top - share * (innerHeight - 44));
          await drawn();
          const toasts = [...document.querySelectorAll(".toast")].filter((toast) => toast.checkVisibility()).map((toast) => toast.getBoundingClientRect());
          for (const part of [field, join]) {
            const box = part.getBoundingClientRect();
            const meets = ({ left, right, top, bottom }) => left < box.right && box.left < right && top < box.bottom && box.top < bottom;
            if (toasts.some(meets)) found.push(`${field.id || field.name}: ${part.id} at ${share}`);
          }
          if (toasts.some(({ top, bottom }) => top < 0 || bottom > innerHeight)) found.push(`${field.id}: outside at ${share}`);
          if (!toasts.length) found.push("no toast");
        }
      }
      return found;
    });
    assert.deepEqual(faults, []);
  });
}

/** How far the rows of pixels above JOIN, the nearest first, are from the plain ground: 0 to 255. */
async function aboveJoin(page, rows) {
  const { x, y, width } = await page.locator("#join").boundingBox();
  const picture = await page.screenshot({ clip: { x, y: y - rows, width, height: rows } });
  return page.evaluate(async ([base64, ground]) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    context.fillStyle = getComputedStyle(document.querySelector(ground)).backgroundColor;
    context.fillRect(0, 0, 1, 1);
    const plain = context.getImageData(0, 0, 1, 1).data;
    context.drawImage(bitmap, 0, 0);
    const { data, width: wide, height: high } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return Array.from({ length: high }, (_, row) => data.subarray((high - 1 - row) * wide * 4, (high - row) * wide * 4).reduce((most, value, at) => Math.max(most, Math.abs(value - plain[at % 4])), 0));
  }, [picture.toString("base64"), "#form"]);
}

const FADE = 24;
for (const colorScheme of ["light", "dark"]) {
  for (const [width, forcedColors] of [[480, "none"], [880, "none"], [1000, "none"], [1200, "none"], [480, "active"]]) {
    test(`what is scrolled below JOIN fades out and is never cut, at a width of ${width}, ${colorScheme}${forcedColors === "active" ? ", forced colours" : ""}`, { skip }, async (t) => {
      const page = await enter(browser, "lobby", { colorScheme, forcedColors, reducedMotion: "reduce" });
      t.after(() => page.context().close());
      await page.locator("#advanced summary").click();
      await page.evaluate(() => document.activeElement.blur());
      let most = 0;
      for (const height of [420, 475, 540, 620, 707, 800, 900]) {
        await page.setViewportSize({ width, height });
        // Past the heading: before that, JOIN rides on the form.
        for (const step of [0, 37]) {
          await page.evaluate((down) => scrollTo(0, document.querySelector("#channel").getBoundingClientRect().top + scrollY - innerHeight + 130 + down), step);
          const rows = await aboveJoin(page, FADE);
          rows.forEach((difference, row) => assert.ok(difference <= (255 * row) / FADE + 4, `${difference} in row ${row} above JOIN at ${width}×${height}`));
          most = Math.max(most, ...rows);
        }
      }
      assert.ok(most > 60, "something was there to be cut");
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
      assert.deepEqual(await covered(page, "#lobby_primary", "#form > :is(h2, .field, details, .lobby-secondary), #advanced > *"), [], "in its own place it covers nothing");
    });
  }
}

test("who watches a channel that is empty sees toasts inside the window", { skip }, async (t) => {
  const page = await enter(browser, "watching", { reducedMotion: "reduce" });
  t.after(() => page.context().close());
  await page.evaluate(() => {
    globalThis.visavisFake.change({ remote: [] });
    globalThis.visavisFake.tell({ event: "peer-leave" });
  });
  await page.locator("#alone").waitFor();
  const toast = await page.locator(".toast").last().boundingBox();
  assert.ok(toast.y >= 0 && toast.y + toast.height <= 700, JSON.stringify(toast));
  assert.deepEqual(await covered(page, ".toast", "#call :is(.pill, .alone)"), []);
});
