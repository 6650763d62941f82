// @ts-check
/** A combination of keys as the app takes it: modifiers in a fixed order, then one key, joined by `+`. */

const MODIFIERS = /** @type {const} */ ([["ctrlKey", "Ctrl"], ["altKey", "Alt"], ["shiftKey", "Shift"], ["metaKey", "Super"]]);
const ITSELF = new Set(["Control", "Alt", "AltGraph", "Shift", "Meta", "OS", "CapsLock", "Fn"]);
const NAMED = /^(?:F(?:[1-9]|1\d|2[0-4])|Space|Arrow(?:Up|Down|Left|Right)|Insert|Home|End|PageUp|PageDown|Pause|ScrollLock)$/;

/**
 * What was pressed; null while only modifiers are. A letter alone would be taken from every other program, so `bare` says
 * that a modifier is missing.
 * @param {Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "shiftKey" | "metaKey">} event
 * @returns {{ keys: string, bare: boolean } | null}
 */
export function fromEvent(event) {
  const key = ITSELF.has(event.key) ? null : keyOf(event.code);
  if (!key) return null;
  const modifiers = MODIFIERS.filter(([held]) => event[held]).map(([, name]) => name);
  const strong = modifiers.some((name) => name !== "Shift");
  return { keys: [...modifiers, key].join("+"), bare: !strong && !/^F\d+$|^Pause$|^ScrollLock$/.test(key) };
}

/** The physical key: what a layout writes on it changes with the language. @param {string} code */
function keyOf(code) {
  const plain = /^(?:Key([A-Z])|Digit(\d))$/.exec(code);
  if (plain) return plain[1] ?? plain[2];
  return NAMED.test(code) ? code : null;
}
