// @ts-check
/** What the page remembers between starts. A token or a uid is never kept: they belong to one call. */

/**
 * @typedef {object} Prefs
 * @property {"system" | "light" | "dark"} theme
 * @property {string} language "system" or a key of LANGUAGES
 * @property {boolean} statistics
 * @property {{ appID?: string, channel?: string, cameraId?: string, microphoneId?: string, cameraResolution?: string }} form
 * @property {Partial<import("./types/app").AudioProcessing>} sound what somebody switched on or off of the microphone's processing; empty: nobody did
 * @property {"auto" | "i420" | "rgba"} video how frames are drawn; "auto" measures
 */

/** @type {Prefs} */
const DEFAULTS = { theme: "system", language: "system", statistics: false, form: {}, sound: {}, video: "auto" };

/**
 * @template {keyof Prefs} K
 * @param {K} name
 * @returns {Prefs[K]}
 */
export function pref(name) {
  try {
    const text = localStorage.getItem(`visavis.${name}`);
    if (text === null) return DEFAULTS[name];
    const value = typeof DEFAULTS[name] === "string" ? text : JSON.parse(text);
    return typeof value === typeof DEFAULTS[name] && value !== null ? value : DEFAULTS[name];
  } catch {
    return DEFAULTS[name];
  }
}

/**
 * @template {keyof Prefs} K
 * @param {K} name
 * @param {Prefs[K]} value
 */
export function remember(name, value) {
  try {
    localStorage.setItem(`visavis.${name}`, typeof value === "string" ? value : JSON.stringify(value));
  } catch {
    // A page without storage works, it only forgets.
  }
}
