import assert from "node:assert/strict";
import { test } from "node:test";
import { read } from "./sources.js";

const TEXT = 4.5;
const SHAPE = 3;
/** What lies on what, and WCAG 2.2 AA's ratio for it: 4.5 for text, 3 for outlines and drawings. */
const PAIRS = [
  ["text", "page", TEXT], ["text", "surface", TEXT], ["text", "raised", TEXT], ["text", "hover", TEXT],
  ["dim", "page", TEXT], ["dim", "surface", TEXT], ["dim", "raised", TEXT],
  ["accent", "page", TEXT], ["accent", "surface", TEXT], ["on-accent", "accent", TEXT], ["on-accent", "accent-hover", TEXT],
  ["on-danger", "danger", TEXT], ["on-danger", "danger-hover", TEXT], ["danger-text", "surface", TEXT], ["danger", "surface", SHAPE],
  ["weak", "surface", TEXT], ["weak", "raised", TEXT], ["good", "surface", TEXT], ["edge", "surface", SHAPE], ["edge", "page", SHAPE],
  ["on-tile", "tile", TEXT], ["on-tile", "tile-empty", TEXT], ["speaking", "tile", SHAPE], ["on-tile-weak", "tile", TEXT],
  ...Array.from({ length: 6 }, (_, index) => ["on-tile", `avatar-${index}`, SHAPE]),
];

function colours(theme) {
  const found = {};
  for (const [, name, value] of read("css/tokens.css").matchAll(/--([\w-]+): ([^;]+);/g)) {
    const halves = /^light-dark\((#\w{6}), (#\w{6})\)$/.exec(value);
    const colour = halves ? halves[theme === "light" ? 1 : 2] : value;
    if (/^#\w{6}$/.test(colour)) found[name] = colour;
  }
  return found;
}

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** Relative luminance, WCAG 2.2. */
function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

for (const theme of ["light", "dark"]) {
  test(`what is written can be read in the ${theme} theme`, () => {
    const colour = colours(theme);
    for (const [on, under, least] of PAIRS) {
      const ratio = contrast(channels(colour[on]), channels(colour[under]));
      assert.ok(ratio >= least, `${on} on ${under}: ${ratio.toFixed(2)}, wants ${least}`);
    }
  });
}

test("a caption can be read over a white picture, and what rests over one that does", () => {
  const [, r, g, b, alpha] = /--tile-veil: rgb\((\d+) (\d+) (\d+) \/ ([\d.]+)\)/.exec(read("css/tokens.css")).map(Number);
  const [, left] = /\[data-picture="resting"\] canvas \{[^}]*opacity: ([\d.]+)/.exec(read("css/tile.css")).map(Number);
  const { "on-tile": text, tile } = colours("light");
  const resting = channels(tile).map((value) => value * (1 - left) + 255 * left);
  for (const picture of [[255, 255, 255], resting]) {
    const veil = [r, g, b].map((value, at) => value * alpha + picture[at] * (1 - alpha));
    assert.ok(contrast(channels(text), veil) >= TEXT);
  }
});

test("colours are named in tokens.css alone", () => {
  for (const sheet of ["base", "lobby", "call", "tile", "overlay", "popover", "projects", "settings", "screen", "people", "pip", "forced", "toasts"]) {
    const bare = read(`css/${sheet}.css`).match(/#[0-9a-f]{3,8}\b(?=[^{]*;)/gi) ?? [];
    assert.deepEqual(bare, [], sheet);
  }
});
