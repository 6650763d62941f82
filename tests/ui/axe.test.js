// What axe-core finds in every state of the page, in both themes: nothing. It lies beside playwright-core, for tests alone.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";
import { enter, SCENES } from "./scenes.js";

function axe() {
  try {
    return createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "/")).resolve("axe-core/axe.min.js");
  } catch {
    return null;
  }
}

const skip = missing() ?? (axe() ? false : "no axe-core");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

/** What is wrong with the page, a line each. */
async function faults(page, runOnly) {
  const { violations } = await page.evaluate((only) => globalThis.axe.run(document, { runOnly: only }), runOnly);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, any, all, none }) => `${id}: ${target.join(" ")} ${[...any, ...all, ...none].map(({ message }) => message).join(" ")}`));
}

for (const scene of SCENES) {
  test(`axe finds nothing in the scene ${scene}`, { skip }, async () => {
    const page = await enter(browser, scene, { colorScheme: "light", reducedMotion: "reduce" });
    await page.addScriptTag({ path: axe() });
    assert.deepEqual(await faults(page, { type: "tag", values: RULES }), [], "light");
    // The other theme has other colours and nothing else.
    await page.emulateMedia({ colorScheme: "dark" });
    assert.deepEqual(await faults(page, { type: "rule", values: ["color-contrast"] }), [], "dark");
    await page.context().close();
  });
}
