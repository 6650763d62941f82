import assert from "node:assert/strict";
import { test } from "node:test";
import { ASPECT, bestTiling, GAP, layout, MOST, MOST_STRIP, overlap } from "../../ui/grid/layout.js";

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
    for (let count = 1; count <= 30; count += 1) {
      const best = bestTiling(count, width, height);
      for (let columns = 1; columns <= count; columns += 1) {
        const rows = Math.ceil(count / columns);
        const fit = Math.min((width - GAP * (columns - 1)) / columns, ((height - GAP * (rows - 1)) / rows) * ASPECT);
        assert.ok(fit <= best.width + 1e-9);
      }
    }
  }
});

test("tiles of a grid are 16:9 and equal, and the last row is centred", () => {
  const { rects } = layout({ width: 1896, height: 1056, remote: ids(4), self: "local" });
  const [first, , , fourth, fifth] = rects.values();
  assert.ok(Math.abs(first.width / first.height - ASPECT) < 0.01);
  assert.deepEqual([fifth.width, fifth.height], [first.width, first.height]);
  assert.ok(Math.abs(fourth.x + (fifth.x + fifth.width - fourth.x) / 2 - 1896 / 2) <= 1);
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

test("controls hide nothing of a screen", () => {
  for (const [width, height] of SIZES) {
    const scene = { width, height, covered: 64, remote: ids(8), self: "local", pinned: "3", screen: true };
    const { rects } = layout(scene);
    assertInside(rects, scene);
    assertApart(rects);
    const { y, height: tall } = rects.get("3");
    assert.ok(y + tall <= height - 64, `${width}×${height}`);
  }
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

test("tiles make room for controls that would hide much of them, and only then", () => {
  const tall = { width: 456, height: 776, remote: ids(3), self: "local" };
  const { rects } = layout({ ...tall, covered: 112 });
  for (const rect of rects.values()) assert.ok(rect.y + rect.height <= 776 - 112);
  const wide = { width: 1896, height: 1056, remote: ids(3), self: "local" };
  assert.deepEqual(layout({ ...wide, covered: 68 }), layout(wide));
});

test("a caption rises by what the controls cover", () => {
  const bar = { x: 300, y: 600, width: 400, height: 56 };
  assert.equal(overlap({ x: 0, y: 0, width: 976, height: 676 }, bar), 76);
  assert.equal(overlap({ x: 0, y: 0, width: 300, height: 676 }, bar), 0);
  assert.equal(overlap({ x: 400, y: 0, width: 100, height: 500 }, bar), 0);
});
