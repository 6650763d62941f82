// @ts-check
/** Keys that work while another program has the focus: shown, recorded, cleared, or why this desktop has none. */
import { byId, element } from "../dom.js";
import { t } from "../i18n/index.js";
import { pref, remember } from "../prefs.js";
import { fromEvent } from "./hotkey.js";

const NAMES = /** @type {const} */ (["mute", "pushToTalk"]);
const ANSWERED_MS = 300;

export class Hotkeys {
  /** @type {import("../api.js").HotkeyReport | null} */
  #report = null;
  /** @type {"mute" | "pushToTalk" | null} which one listens */
  #recording = null;
  #hint = "";
  #say;
  #ask;

  /**
   * @param {(problem: import("../types/app").Problem | null) => void} say
   * @param {() => void} ask has the report of the keys read again
   */
  constructor(say, ask) {
    this.#say = say;
    this.#ask = ask;
  }

  /** @param {import("../api.js").HotkeyReport | null} report */
  learn(report) {
    this.#report = report;
    this.draw();
  }

  draw() {
    const possible = this.#report?.available ?? true;
    const reason = byId("hotkeys_reason");
    const words = this.#reason();
    reason.hidden = !words;
    reason.textContent = words;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.id : "";
    byId("hotkeys").replaceChildren(...NAMES.flatMap((name) => this.#row(name, possible)));
    if (focused.startsWith("hotkey_")) document.getElementById(focused)?.focus();
  }

  /** Why not all keys work: the app's own reasons are English. */
  #reason() {
    const { available = true, reason } = this.#report ?? {};
    if (available) return reason ? t("settings.hotkeysRefused") : "";
    return reason?.includes("Wayland") ? t("settings.hotkeysWayland") : t("settings.hotkeysMissing");
  }

  /**
   * @param {"mute" | "pushToTalk"} name
   * @param {boolean} possible
   */
  #row(name, possible) {
    const keys = pref("hotkeys")[name];
    const listening = this.#recording === name;
    const record = element("button", { type: "button", class: "button record", id: `hotkey_${name}`, "aria-describedby": "hotkey_hint" });
    record.append(...(listening ? [t("settings.pressKeys")] : keys ? caps(keys) : [t("settings.record")]));
    record.setAttribute("aria-labelledby", `hotkey_label_${name} ${record.id}`);
    record.setAttribute("aria-pressed", String(listening));
    record.disabled = !possible;
    record.addEventListener("click", () => this.#listen(listening ? null : name));
    record.addEventListener("keydown", (event) => listening && this.#key(event, name));
    record.addEventListener("blur", () => listening && record.isConnected && this.#listen(null));
    const clear = element("button", { type: "button", class: "link" }, [t("settings.clear")]);
    clear.setAttribute("aria-label", `${t("settings.clear")}: ${t(`settings.${name}`)}`);
    clear.hidden = !keys || !possible;
    clear.addEventListener("click", () => this.#keep(name, null));
    const row = element("div", { class: "hotkey" }, [element("span", { id: `hotkey_label_${name}` }, [t(`settings.${name}`)]), record, clear]);
    if (!listening) return [row];
    return [row, element("p", { id: "hotkey_hint", class: "reason", role: "status" }, [this.#hint || t("settings.recordHint")])];
  }

  /** @param {"mute" | "pushToTalk" | null} name */
  #listen(name) {
    this.#recording = name;
    this.#hint = "";
    this.draw();
  }

  /**
   * @param {KeyboardEvent} event
   * @param {"mute" | "pushToTalk"} name
   */
  #key(event, name) {
    if (event.key === "Tab") return this.#listen(null);
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") return this.#listen(null);
    if (event.key === "Backspace" || event.key === "Delete") return this.#keep(name, null);
    const pressed = fromEvent(event);
    if (!pressed) return;
    if (!pressed.bare) return this.#keep(name, pressed.keys);
    this.#hint = t("settings.needsModifier");
    this.draw();
  }

  /**
   * @param {"mute" | "pushToTalk"} name
   * @param {string | null} keys
   */
  async #keep(name, keys) {
    this.#recording = null;
    this.#say(await remember("hotkeys", { ...pref("hotkeys"), [name]: keys }));
    this.draw();
    // The desktop takes them a moment after the settings have.
    setTimeout(this.#ask, ANSWERED_MS);
  }
}

/** @param {string} keys */
function caps(keys) {
  return keys.split("+").map((key) => element("kbd", {}, [key]));
}
