// Every toast of a failure appears, in both languages, inside the window and uncovered, with what to do.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, missing } from "./browser.js";
import { FAILURES } from "./failures.js";
import { enter } from "./scenes.js";
import { LANGUAGES } from "../../ui/i18n/index.js";

const skip = missing() ?? false;
let browser;
before(async () => {
  if (!skip) browser = await browse();
});
after(() => browser?.close());

test("every toast that tells of a failure is in the list", () => {
  const failures = Object.keys(LANGUAGES.en.toast).filter((key) => /(?:Failed|Lost|Bad|Ended|Gone|Expire|removed|notReceived|crowded|enter)$/.test(key));
  assert.deepEqual(failures.sort(), Object.keys(FAILURES).sort());
});

/** Longer words in the wide window, the narrow one for the other. @type {Record<string, { width: number, height: number }>} */
const VIEWPORTS = { en: { width: 1000, height: 700 }, "zh-CN": { width: 480, height: 720 } };
const plain = (text) => text.replace(/\{\w+\}/g, "").trim();

for (const [locale, words] of Object.entries(LANGUAGES)) {
  for (const [key, ways] of Object.entries(FAILURES)) {
    for (const [way, [scene, deed, advice]] of ways.entries()) {
      test(`${key}${way ? ", another way" : ""}: the toast is seen and says what to do, ${locale}`, { skip }, async (t) => {
        const page = await enter(browser, scene, { locale, viewport: VIEWPORTS[locale], reducedMotion: "reduce" });
        t.after(() => page.context().close());
        await deed(page);
        const toast = page.locator(".toast", { hasText: plain(words.toast[key]) }).last();
        await toast.waitFor();
        const text = await toast.textContent();
        if (advice) assert.ok(text.includes(advice(words)), text);
        const covered = await toast.evaluate((element, wanted) => {
          const { left, right, top, bottom } = element.getBoundingClientRect();
          if (left < 0 || top < 0 || right > innerWidth || bottom > innerHeight) return "outside the window";
          const corners = [[left + 3, top + 3], [right - 3, top + 3], [left + 3, bottom - 3], [right - 3, bottom - 3], [(left + right) / 2, (top + bottom) / 2]];
          const over = corners.map(([x, y]) => document.elementFromPoint(x, y)).find((found) => !element.contains(found));
          // An open menu may say the same itself.
          if (!over || (wanted && over.closest(":popover-open")?.innerText.includes(wanted))) return null;
          return `below ${over.id || over.className}`;
        }, advice?.(words));
        assert.equal(covered, null);
      });
    }
  }
}
