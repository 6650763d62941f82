import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameBudget, paced } from "../../ui/pace.js";

test("the first is drawn at once, of a burst then the last, and nothing after the last", () => {
  const drawn = [];
  const rests = [];
  const draw = paced((value) => drawn.push(value), { after: (callback) => rests.push(callback) });
  for (const value of [1, 2, 3, 4]) draw(value);
  assert.deepEqual(drawn, [1]);
  rests.shift()();
  assert.deepEqual(drawn, [1, 4]);
  rests.shift()();
  assert.deepEqual([drawn, rests], [[1, 4], []]);
  draw(5);
  assert.deepEqual(drawn, [1, 4, 5]);
});

/** A budget of four and a screen that paints when told. */
function screen() {
  const [frames, tasks] = [[], []];
  let called = 0;
  const budget = new FrameBudget(4, () => (called += 1), { frame: (callback) => frames.push(callback), after: (callback) => tasks.push(callback) });
  const take = (count) => Array.from({ length: count }, () => budget.take()).filter(Boolean).length;
  return { take, called: () => called, begin: () => frames.splice(0).forEach((callback) => callback()), painted: () => tasks.splice(0).forEach((callback) => callback()) };
}

test("more than a frame's share waits for the paint, and is called for then", () => {
  const { take, called, begin, painted } = screen();
  assert.equal(take(9), 4);
  begin();
  assert.deepEqual([take(1), called()], [0, 0]);
  painted();
  assert.deepEqual([called(), take(5)], [1, 4]);
});

test("what is done while a frame is painted counts for the next one as well", () => {
  const { take, begin, painted } = screen();
  assert.equal(take(1), 1);
  begin();
  assert.equal(take(3), 3);
  painted();
  assert.equal(take(4), 1);
  begin();
  painted();
  assert.equal(take(9), 4);
});

test("a budget that nobody exceeds calls for nothing", () => {
  const { take, called, begin, painted } = screen();
  assert.equal(take(4), 4);
  begin();
  painted();
  begin();
  painted();
  assert.equal(called(), 0);
});
