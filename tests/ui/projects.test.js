// The Projects panel in a browser with the fake app behind it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";

const skip = missing() ?? false;
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

const OPENER = "#form [data-do=projects]";
const LESSONS = "[data-app-id='970CA35de60c44645bbae8a215061b33']";
const DEFAULT = "[data-app-id='76697361766973206c6f63616c206170']";

async function panel(scene, options) {
  const page = await browser.open(scene, options);
  await page.locator(OPENER).click();
  await page.locator("#projects_place").filter({ hasText: /./ }).waitFor();
  return page;
}

test("the panel keeps the focus, closes on Escape, and gives the focus back", { skip }, async () => {
  const page = await panel("lobby");
  assert.equal(await page.locator(".project").count(), 2);
  for (let step = 0; step < 30; step += 1) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("#projects") !== null), `step ${step}`);
  }
  await page.keyboard.press("m");
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#projects").isHidden());
  assert.equal(await page.evaluate(() => document.activeElement.dataset.do), "projects");
  assert.equal(await page.locator("#microphone_toggle").getAttribute("aria-pressed"), "true", "keys of the page behind do nothing");
  assert.deepEqual(page.errors, []);
});

test("a certificate is switched on after a warning, or not", { skip }, async () => {
  const page = await panel("lobby");
  const toggle = page.locator(`${DEFAULT} .certificate input`);
  const question = page.locator(`${DEFAULT} .question`);
  await toggle.press("Space");
  assert.match(await question.textContent(), /everyone needs a token/);
  await question.getByText("Cancel").click();
  assert.ok(await question.isHidden());
  assert.equal(await toggle.isChecked(), false);
  assert.ok(await toggle.evaluate((input) => input === document.activeElement));
  await toggle.press("Space");
  await page.keyboard.press("Enter");
  await page.locator(`${DEFAULT} .badge.secured`).waitFor();
  await page.waitForFunction((selector) => document.querySelector(selector).checked, `${DEFAULT} .certificate input`);
  assert.match(await page.locator("#projects_status").textContent(), /Default asks for tokens now/);
});

test("a project is created, switched off and on", { skip }, async () => {
  const page = await panel("projects-empty");
  assert.ok(await page.locator("#projects_empty").isVisible());
  await page.locator("#project_name").fill("Seminar");
  await page.keyboard.press("Enter");
  await page.locator(".project h3", { hasText: "Seminar" }).waitFor();
  assert.ok(await page.locator("#projects_empty").isHidden());
  await page.locator(".project .enabled input").click();
  await page.locator(".project .question .primary").click();
  await page.locator(".project .badge.off").waitFor();
  await page.locator(".project .enabled input").click();
  await page.locator(".project .badge.open").waitFor();
});

test("a token is made, copied, and fills the form", { skip }, async () => {
  const page = await panel("lobby", { permissions: ["clipboard-read", "clipboard-write"] });
  await page.locator(`${LESSONS} .token summary`).click();
  // The form's own channel is offered.
  await page.waitForFunction((selector) => document.querySelector(selector).value === "demo", `${LESSONS} [name=channel]`);
  await page.locator(`${LESSONS} [name=channel]`).fill("*");
  await page.locator(`${LESSONS} [type=submit]`).click();
  await page.locator(`${LESSONS} .token .form-problem`, { hasText: "INVALID_CHANNEL_NAME" }).waitFor();
  await page.locator(`${LESSONS} [name=channel]`).fill("maths");
  await page.locator(`${LESSONS} [name=uid]`).fill("7");
  // Somebody changes the projects elsewhere: who types goes on typing.
  await page.evaluate(() => globalThis.visavisFake.tell({ event: "projects-changed" }));
  await page.evaluate(() => new Promise((done) => setTimeout(done)));
  assert.equal(await page.evaluate(() => document.activeElement.name), "uid");
  await page.locator(`${LESSONS} [type=submit]`).click();
  await page.locator(`${LESSONS} .token-result .copy`).click();
  await page.locator("#projects_status", { hasText: "copy success" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  await page.locator(`${LESSONS} .use-token`).click();
  const values = await page.evaluate(() => ["appID", "channel", "token", "uid"].map((name) => document.querySelector(`#form [name=${name}]`).value));
  assert.deepEqual(values, ["970CA35de60c44645bbae8a215061b33", "maths", copied, "7"]);
  assert.ok(await page.locator("#projects").isHidden());
  assert.equal(await page.evaluate(() => document.activeElement.id), "join");
});

test("projects that are not this app's are named and not shown, and a broken file says its line", { skip }, async () => {
  const external = await panel("projects-external");
  assert.ok(await external.locator("#projects_command").isVisible());
  assert.ok(await external.locator("#projects_new").isHidden());
  const shared = await panel("projects-shared");
  assert.match(await shared.locator("#projects_place").textContent(), /process 4711/);
  assert.equal(await shared.locator(".project").count(), 2);
  const broken = await panel("projects-broken");
  assert.match(await broken.locator("#projects_problem").textContent(), /line 3.*PROJECTS_FILE/);
  assert.ok(await broken.locator("#projects_new").isHidden());
});

test("the panel speaks the chosen language and fits into the smallest window", { skip }, async () => {
  const page = await panel("lobby", { locale: "zh-CN", viewport: { width: 480, height: 560 } });
  assert.equal(await page.locator("#projects_title").textContent(), "项目");
  const wide = await page.evaluate(() => document.querySelector("#projects .panel-body").scrollWidth - document.querySelector("#projects .panel-body").clientWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
});
