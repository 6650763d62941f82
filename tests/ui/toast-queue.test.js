import assert from "node:assert/strict";
import { test } from "node:test";
import { GLANCE_MS, MOST, MOST_WAITING, SHOWN_MS, ToastQueue } from "../../ui/toast-queue.js";

test("a toast stays four seconds", () => {
  const queue = new ToastQueue();
  queue.add("a");
  assert.deepEqual(queue.step(0), { come: ["a"], go: [], next: SHOWN_MS });
  assert.deepEqual(queue.step(SHOWN_MS - 1), { come: [], go: [], next: SHOWN_MS });
  assert.deepEqual(queue.step(SHOWN_MS), { come: [], go: ["a"], next: null });
});

test("of many at once three are shown, and each long enough for a glance", () => {
  const queue = new ToastQueue();
  for (const toast of ["a", "b", "c", "d", "e"]) queue.add(toast);
  assert.deepEqual(queue.step(0), { come: ["a", "b", "c"], go: [], next: GLANCE_MS });
  assert.deepEqual(queue.step(GLANCE_MS - 1).come, []);
  assert.deepEqual(queue.step(GLANCE_MS), { come: ["d", "e"], go: ["a", "b"], next: SHOWN_MS });
});

test("of a flood the newest are told, and it is over soon", () => {
  const queue = new ToastQueue();
  const told = [];
  for (let toast = 0; toast < 100; toast += 1) {
    queue.add(toast);
    told.push(...queue.step(toast).come);
  }
  for (let now = 100; now < 6000; now += 50) told.push(...queue.step(now).come);
  assert.equal(told.length, MOST + MOST_WAITING);
  assert.equal(told.at(-1), 99);
});

test("never more than three, whatever comes when", () => {
  const queue = new ToastQueue();
  const shown = new Set();
  for (let now = 0; now < 20_000; now += 130) {
    if (now < 5000) queue.add(now);
    const { come, go } = queue.step(now);
    go.forEach((toast) => shown.delete(toast));
    come.forEach((toast) => shown.add(toast));
    assert.ok(shown.size <= MOST);
  }
  assert.equal(shown.size, 0);
});

test("a toast that is pointed at waits, and begins anew when let go", () => {
  const queue = new ToastQueue();
  queue.add("a");
  queue.step(0);
  queue.hold("a", true, 3000);
  assert.deepEqual(queue.step(60_000), { come: [], go: [], next: null });
  queue.hold("a", false, 60_000);
  assert.deepEqual(queue.step(60_000).next, 60_000 + SHOWN_MS);
});

test("held toasts do not make room", () => {
  const queue = new ToastQueue();
  for (const toast of ["a", "b", "c", "d"]) queue.add(toast);
  queue.step(0);
  for (const toast of ["a", "b", "c"]) queue.hold(toast, true, 0);
  assert.deepEqual(queue.step(60_000).come, []);
});
