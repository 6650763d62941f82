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
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Forms that are scrolled below JOIN, by which axe takes what lies there for covered: judged in a window that has room for all. */
const LONG = ["advanced", "error"];
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

/** What is wrong with the page, a line each. */
async function faults(page) {
  const { violations, passes } = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: "tag", values } }), RULES);
  assert.ok(passes.some(({ id }) => id === "target-size"), "the newest rules are run, too");
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, any, all, none }) => `${id}: ${target.join(" ")} ${[...any, ...all, ...none].map(({ message }) => message).join(" ")}`));
}

for (const scene of SCENES) {
  test(`axe finds nothing in the scene ${scene}`, { skip }, async (t) => {
    const page = await enter(browser, scene, { viewport: { width: 1000, height: LONG.includes(scene) ? 1200 : 700 }, colorScheme: "light", reducedMotion: "reduce" });
    t.after(() => page.context().close());
    await page.addScriptTag({ path: axe() });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await faults(page), [], colorScheme);
    }
  });
}
