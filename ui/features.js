// @ts-check
/** What the app behind this page can do. An older one lacks commands; what needs them is hidden. */
import { MISSING, problemOf } from "./api.js";

/**
 * @typedef {"settings" | "links" | "nearby" | "screen" | "names" | "speaker"} Feature
 */

/** Asked once at the start: each of these changes nothing. */
const HARMLESS = /** @type {const} */ ({ links: "readLink", nearby: "listNearby" });

/**
 * @param {import("./api.js").Api} api
 * @param {import("./types/app").CallState} call
 * @param {boolean} settings whether the app keeps them
 * @returns {Promise<Set<Feature>>}
 */
export async function probe(api, call, settings) {
  const found = /** @type {Set<Feature>} */ (new Set());
  if (settings) found.add("settings");
  await Promise.all(
    Object.entries(HARMLESS).map(async ([feature, command]) => {
      if (await answers(api, command)) found.add(/** @type {Feature} */ (feature));
    }),
  );
  // The state tells of these by fields of its own.
  if (call.screen !== undefined && has(api, "listScreens")) found.add("screen");
  if (call.name !== undefined) found.add("names").add("speaker");
  return found;
}

/**
 * Hides what needs a feature that is not there.
 * @param {Set<Feature>} found
 */
export function hideMissing(found) {
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-needs]"))) {
    element.classList.toggle("absent", !found.has(/** @type {Feature} */ (element.dataset.needs)));
  }
}

/**
 * @param {import("./api.js").Api} api
 * @param {string} command
 */
function has(api, command) {
  return typeof (/** @type {any} */ (api)[command]) === "function";
}

/**
 * Whether the app knows the command, whatever it says to it.
 * @param {import("./api.js").Api} api
 * @param {string} command
 */
async function answers(api, command) {
  if (!has(api, command)) return false;
  try {
    await /** @type {any} */ (api)[command]("");
    return true;
  } catch (thrown) {
    return problemOf(thrown).code !== MISSING;
  }
}
