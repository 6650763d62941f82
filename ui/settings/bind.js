// @ts-check
/** Controls that name a setting with `data-setting` show it and change it, wherever on the page they stand. */
import { prefs, remember, watchPrefs } from "../prefs.js";

/** @typedef {import("../api.js").Settings} Settings */
/** @typedef {HTMLInputElement | HTMLSelectElement} Control */

/** @param {ParentNode} root */
export function bindSettings(root) {
  for (const control of controls(root)) {
    control.addEventListener("change", () => {
      const name = /** @type {keyof Settings} */ (control.dataset.setting);
      remember(name, /** @type {any} */ (valueOf(control)));
    });
  }
  watchPrefs(() => showSettings(root));
  showSettings(root);
}

/** Shows the settings as they are; a field that somebody types in is theirs. @param {ParentNode} root */
export function showSettings(root) {
  const all = /** @type {Record<string, any>} */ (prefs());
  for (const control of controls(root)) {
    const value = all[control.dataset.setting ?? ""];
    if (control instanceof HTMLSelectElement) control.value = value;
    else if (control.type === "radio") control.checked = control.value === value;
    else if (control.type === "checkbox") control.checked = Boolean(value);
    else if (control !== document.activeElement) control.value = value ?? "";
  }
}

/** @param {ParentNode} root */
function controls(root) {
  return /** @type {NodeListOf<Control>} */ (root.querySelectorAll("[data-setting]"));
}

/** @param {Control} control */
function valueOf(control) {
  return control instanceof HTMLInputElement && control.type === "checkbox" ? control.checked : control.value.trim();
}
