// @ts-check
/**
 * Sentences by key, in the language of the moment. A language is one file and one line in `LANGUAGES`.
 */
import en from "./en.js";
import zhCN from "./zh-CN.js";

/** @typedef {typeof en} Sentences */

/** @type {Record<string, Sentences>} */
export const LANGUAGES = { en, "zh-CN": zhCN };

let current = "en";

/**
 * The language of `LANGUAGES` for a wish: a tag of it, or "system" for the first of the system's that is there.
 * @param {string} wish
 * @param {readonly string[]} system BCP 47 tags, the dearest first
 */
export function choose(wish, system) {
  if (wish in LANGUAGES) return wish;
  for (const tag of system) {
    const found = Object.keys(LANGUAGES).find((known) => known === tag || known.split("-")[0] === tag.split("-")[0]);
    if (found) return found;
  }
  return "en";
}

/** @param {string} language a key of `LANGUAGES` */
export function setLanguage(language) {
  current = language in LANGUAGES ? language : "en";
}

export function language() {
  return current;
}

/**
 * The sentence under a dotted key with `{name}`s filled in; a key with `one` and `other` goes by `n`.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  let found = find(LANGUAGES[current], key) ?? find(en, key);
  if (found !== null && typeof found === "object") {
    const plural = new Intl.PluralRules(current).select(Number(values.n));
    found = /** @type {Record<string, string>} */ (found)[plural === "one" ? "one" : "other"];
  }
  if (typeof found !== "string") return key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * The plain sentence for a code; null for a code nobody has written one for.
 * @param {string} code
 * @returns {string | null}
 */
export function sentence(code) {
  const key = [`code.${code}`, `own.${code}`].find((candidate) => t(candidate) !== candidate);
  return key ? t(key) : null;
}

/**
 * The code as Agora's users know it from its SDK.
 * @param {string} code
 */
export function shownCode(code) {
  const key = `media.${code}`;
  const text = t(key);
  return text === key ? code : text;
}

/**
 * @param {unknown} tree
 * @param {string} key
 * @returns {unknown}
 */
function find(tree, key) {
  return key.split(".").reduce((node, part) => (node && typeof node === "object" ? /** @type {any} */ (node)[part] : undefined), tree);
}

/**
 * Writes the sentences into every element that names one: `data-i18n` into its text, `data-i18n-label` into its
 * label and its tooltip, and `data-i18n-placeholder` of a labelled field into its placeholder.
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-i18n]")) {
    element.textContent = t(/** @type {HTMLElement} */ (element).dataset.i18n ?? "");
  }
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-i18n-label]"))) {
    const label = t(element.dataset.i18nLabel ?? "");
    element.setAttribute("aria-label", label);
    if (element instanceof HTMLInputElement && element.dataset.i18nPlaceholder) element.placeholder = t(element.dataset.i18nPlaceholder);
    if (element instanceof HTMLButtonElement) element.title = element.dataset.key ? `${label} (${element.dataset.key})` : label;
  }
}
