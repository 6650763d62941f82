// A picture of every state of the page, for people to look at: `node tests/ui/screenshots.js OUT [PICTURES] [SCENE…]`.
// Needs playwright-core (found by NODE_PATH or beside the repository) and Chromium at CHROMIUM or /usr/bin/chromium.
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { serve } from "./serve.js";

const SIZES = [[480, 800], [1000, 700], [1920, 1080]];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** What is done on the page before the picture, by scene. */
const DEEDS = {
  error: (page) => page.click("#join"),
  joining: (page) => page.click("#join"),
  statistics: (page) => page.evaluate(() => document.querySelector("#show_profile").click()),
  advanced: (page) => page.click("#advanced summary"),
  menu: (page) => page.click("#call_more"),
  "camera-menu": (page) => page.click("#camera_pick"),
  help: (page) => page.keyboard.press("?"),
  pinned: (page) => page.locator(".video-view").first().dblclick(),
  stalled: (page) => page.waitForTimeout(600).then(() => page.evaluate(() => {
    const { change, state } = globalThis.visavisFake;
    change({ remote: state().remote.map((remote, index) => (index ? remote : { ...remote, state: "stalled" })) });
  })),
  toasts: async (page) => {
    await page.click("#leave", { force: true });
    await page.click("#publish", { force: true });
    await page.evaluate(() => globalThis.visavisFake.tell({ event: "device-lost", code: "DEVICES_NOT_FOUND", message: "gone" }));
  },
  arrival: (page) => page.click("#join").then(() => page.waitForTimeout(1100)),
  muted: async (page) => {
    await page.keyboard.press("m");
    await page.keyboard.press("v");
  },
};
const SCENE_OF = { advanced: "lobby", menu: "three", "camera-menu": "two", help: "two", pinned: "nine", toasts: "lobby", arrival: "lobby", muted: "two" };
const SCENES = [
  "lobby", "advanced", "no-camera", "denied", "error", "port-taken", "joining", "toasts", "arrival", "alone", "watching", "two", "three", "four", "nine",
  "pinned", "camera-off", "muted", "stalled", "connecting", "away", "statistics", "menu", "camera-menu", "help",
];

async function shoot(browser, address, out, scene, size, theme, language) {
  const [width, height] = size;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale: language });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && console.log(`${scene}: ${message.text()}`));
  page.on("pageerror", (error) => console.log(`${scene}: ${error}`));
  await page.goto(`${address}/?scene=${SCENE_OF[scene] ?? scene}`);
  await page.waitForTimeout(700);
  await DEEDS[scene]?.(page);
  await page.mouse.move(width / 2, height / 2);
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(out, `${scene}-${width}-${theme}-${language}.png`) });
  await context.close();
}

const [out = "tests/output/ui", pictures, ...only] = process.argv.slice(2);
const require = createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "/"));
const { chromium } = require("playwright-core");
await mkdir(out, { recursive: true });
const server = await serve(0, pictures);
const address = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
for (const scene of only.length ? only : SCENES) {
  for (const size of SIZES) {
    for (const theme of ["light", "dark"]) await shoot(browser, address, out, scene, size, theme, "en");
  }
  await shoot(browser, address, out, scene, SIZES[1], "light", "zh-CN");
}
await browser.close();
server.close();
