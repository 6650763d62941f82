// A picture of every state of the page, for people to look at: `node tests/ui/screenshots.js OUT [PICTURES] [SCENE…]`.
// Needs what browser.js needs.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { browse, missing } from "./browser.js";
import { enter, SCENES } from "./scenes.js";

const SIZES = [[480, 800], [1000, 700], [1280, 800], [1920, 1080], [3840, 2160]];

async function shoot(browser, out, scene, [width, height], theme, language) {
  const page = await enter(browser, scene, { viewport: { width, height }, colorScheme: theme, locale: language });
  await page.mouse.move(width / 2, height / 2);
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(out, `${scene}-${width}-${theme}-${language}.png`) });
  for (const error of page.errors) console.log(`${scene}: ${error}`);
  await page.context().close();
}

const [out = "tests/output/ui", pictures, ...only] = process.argv.slice(2);
const reason = missing();
if (reason) throw new Error(reason);
await mkdir(out, { recursive: true });
const browser = await browse(pictures);
const sizes = SIZES.filter(([width]) => !process.env.WIDTHS || process.env.WIDTHS.split(",").includes(String(width)));
for (const scene of only.length ? only : SCENES) {
  for (const size of sizes) {
    for (const theme of ["light", "dark"]) await shoot(browser, out, scene, size, theme, "en");
  }
  await shoot(browser, out, scene, SIZES[1], "light", "zh-CN");
  await shoot(browser, out, scene, SIZES[0], "dark", "zh-CN");
}
await browser.close();
