// The page's types by the TypeScript compiler, where one lies beside playwright-core.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sources } from "./sources.js";

const UI = fileURLToPath(new URL("../../ui", import.meta.url));

function compiler() {
  try {
    return join(dirname(createRequire(join(process.env.PLAYWRIGHT ?? process.cwd(), "/")).resolve("typescript/package.json")), "bin/tsc");
  } catch {
    return null;
  }
}

test("no script contradicts its types", { skip: compiler() ? false : "no typescript" }, () => {
  const options = ["--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "es2023", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2023,dom,dom.iterable", "--types", ""];
  const files = sources().map(([path]) => join(UI, path));
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler(), ...options, ...files], { encoding: "utf8" });
  assert.equal(`${stdout}${stderr}`, "");
  assert.equal(status, 0);
});
