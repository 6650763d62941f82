// The page's own files, for tests that read them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const UI = fileURLToPath(new URL("../../ui", import.meta.url));

/** @param {string} path inside ui/ */
export function read(path) {
  return readFileSync(join(UI, path), "utf8");
}

/** Every script of the page: its path inside ui/ and its text. @returns {[string, string][]} */
export function sources(folder = "") {
  return readdirSync(join(UI, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return path.endsWith(".js") ? [[path, read(path)]] : [];
  });
}
