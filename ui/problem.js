// @ts-check
/** How a failure is worded: what it means and what to do, then its code in small type for who searches it. */
import { element } from "./dom.js";
import { sentence, shownCode } from "./i18n/index.js";

/** @typedef {import("./types/app").Problem} Problem */

/** Codes of files, of which only the app knows the line that is wrong. */
const IN_A_FILE = ["PROJECTS_FILE", "SETTINGS_FILE"];

/** What a code means. @param {Problem} problem */
export function meaning({ code, message }) {
  const words = sentence(code);
  if (!words) return message;
  return IN_A_FILE.includes(code) ? `${words} ${message}` : words;
}

/**
 * @param {Problem} problem
 * @param {string} [text] in place of what its code means
 */
export function worded(problem, text = meaning(problem)) {
  return [`${text} `, element("small", { class: "code" }, [shownCode(problem.code)])];
}
