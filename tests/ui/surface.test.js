// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { quickestFormat } from "../../ui/video/surface.js";

test("WebGL is not tried where the app knows that it is software", (context) => {
  const page = /** @type {any} */ (globalThis);
  let tried = 0;
  page.document = { createElement: () => { tried += 1; throw new Error("no canvas"); } };
  context.after(() => { delete page.document; delete page.__VISAVIS_SOFTWARE__; });
  page.__VISAVIS_SOFTWARE__ = true;
  assert.deepEqual([quickestFormat(), tried], ["rgba", 0]);
  page.__VISAVIS_SOFTWARE__ = false;
  assert.deepEqual([quickestFormat(), tried], ["rgba", 1]);
});
