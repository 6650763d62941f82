import assert from "node:assert/strict";
import { test } from "node:test";
import { broughtForward, renewed } from "../../ui/grid/order.js";

test("who stays keeps the place, who comes stands last", () => {
  assert.deepEqual(renewed(["c", "a", "b"], ["a", "b", "d", "c"]), ["c", "a", "b", "d"]);
  assert.deepEqual(renewed(["c", "a", "b"], ["b"]), ["b"]);
});

test("a speaker changes places with whoever was heard least lately", () => {
  const heard = new Map([["a", 50], ["b", 10]]);
  assert.deepEqual(broughtForward(["a", "b", "c", "d"], ["a", "b"], "d", heard), ["a", "d", "c", "b"]);
  assert.deepEqual(broughtForward(["a", "b", "c", "d"], ["a", "b", "local"], "d", new Map([["a", 50]])), ["a", "d", "c", "b"]);
});

test("nobody moves for a stranger, or where nobody may", () => {
  const order = ["a", "b"];
  assert.equal(broughtForward(order, ["a"], "x", new Map()), order);
  assert.equal(broughtForward(order, [], "b", new Map()), order);
});
