// A Chromium with the page in it, where this machine has one: playwright-core beside the repository or at PLAYWRIGHT,
// Chromium at CHROMIUM or /usr/bin/chromium. Nothing the page itself needs.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { serve } from "./serve.js";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

function playwright() {
  try {
    return createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "/"))("playwright-core");
  } catch {
    return null;
  }
}

/** Why there is no browser here; null where there is one. */
export function missing() {
  if (!existsSync(CHROMIUM)) return `no Chromium at ${CHROMIUM}`;
  return playwright() ? null : "no playwright-core";
}

/**
 * Serves the page and starts the browser.
 * @param {string} [pictures] for serve.js
 */
export async function browse(pictures) {
  const server = await serve(0, pictures);
  const browser = await playwright().chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  return {
    /** Opens a scene of the fake app. */
    async open(scene, options = {}) {
      const context = await browser.newContext({ viewport: { width: 1000, height: 700 }, locale: "en", ...options });
      const page = await context.newPage();
      const errors = [];
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      await page.goto(`http://127.0.0.1:${server.address().port}/?scene=${scene}`);
      return Object.assign(page, { errors });
    },
    async close() {
      await browser.close();
      server.close();
    },
  };
}
