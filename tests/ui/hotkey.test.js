import assert from "node:assert/strict";
import { test } from "node:test";
import { fromEvent } from "../../ui/settings/hotkey.js";

const press = (code, key, held = {}) => fromEvent({ code, key, ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, ...held });

test("a combination is written in one order, whatever was pressed first", () => {
  assert.deepEqual(press("KeyM", "M", { shiftKey: true, ctrlKey: true }), { keys: "Ctrl+Shift+M", bare: false });
  assert.deepEqual(press("Digit5", "5", { metaKey: true, altKey: true }), { keys: "Alt+Super+5", bare: false });
});

test("the physical key counts, not what a layout writes on it", () => {
  assert.equal(press("KeyM", "ь", { ctrlKey: true }).keys, "Ctrl+M");
});

test("a letter needs a modifier that is not Shift, a function key none", () => {
  assert.ok(press("KeyM", "m").bare);
  assert.ok(press("KeyM", "M", { shiftKey: true }).bare);
  assert.ok(press("Space", " ").bare);
  assert.deepEqual(press("F9", "F9"), { keys: "F9", bare: false });
});

test("modifiers alone are nothing yet, nor is a key without a name", () => {
  assert.equal(press("ControlLeft", "Control", { ctrlKey: true }), null);
  assert.equal(press("", "Unidentified", { ctrlKey: true }), null);
  assert.equal(press("IntlRo", "\\", { ctrlKey: true }), null);
});
