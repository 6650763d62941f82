// @ts-check
/** The settings: one dialog for lobby and call. What a control changes counts at once; there is nothing to save but an address. */
import { problemOf } from "../api.js";
import { copy } from "../clipboard.js";
import { byId, element } from "../dom.js";
import { LANGUAGES, t } from "../i18n/index.js";
import { worded } from "../problem.js";
import { setUpTabs } from "../tabs.js";
import { bindSettings } from "./bind.js";
import { Hotkeys } from "./hotkeys.js";
import { ServicePage } from "./service.js";

/** @typedef {"general" | "video" | "sound" | "shortcuts" | "service" | "about"} Page */

export class SettingsPanel {
  #api;
  #choose;
  #hotkeys;
  #service;
  #fillKeys;
  #processing;
  #seen;

  /**
   * @param {object} tools
   * @param {import("../api.js").Api} tools.api
   * @param {import("../state.js").Store} tools.store
   * @param {(list: HTMLElement) => void} tools.fillKeys lists the page's own shortcuts
   * @param {() => HTMLElement[]} tools.processing the switches of the microphone's sound
   * @param {() => void} tools.shown called when another page of it is seen
   */
  constructor({ api, store, fillKeys, processing, shown }) {
    this.#api = api;
    this.#fillKeys = fillKeys;
    this.#processing = processing;
    this.#seen = shown;
    this.#hotkeys = new Hotkeys((problem) => this.complain(problem), () => this.#report());
    this.#service = new ServicePage(api, store);
    addLanguages();
    bindSettings(document);
    this.#choose = setUpTabs(byId("settings_tabs"), (tab) => this.#shown(tab));
    for (const twin of twins()) twin.addEventListener("change", () => passOn(twin));
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-close]"))) {
      button.addEventListener("click", () => /** @type {HTMLDialogElement} */ (byId(button.dataset.close ?? "")).close());
    }
    for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog.sheet"))) {
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }
  }

  /** @param {Page} [page] */
  async open(page) {
    if (page) this.#choose(byId(`tab_${page}`));
    this.complain(null);
    byId("settings_status").textContent = "";
    this.draw();
    dialog().showModal();
    this.#seen();
    byId("settings_tabs").querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    await this.#report();
  }

  /** Draws what is known, in the language of the moment. */
  draw() {
    for (const twin of twins()) mirror(twin);
    byId("settings_processing").replaceChildren(...this.#processing());
    this.#fillKeys(byId("settings_keys"));
    this.#hotkeys.draw();
    this.#service.draw();
  }

  /** Follows what changes outside while it is open. */
  follow() {
    if (!dialog().open) return;
    for (const twin of twins()) mirror(twin);
    this.#service.draw();
  }

  /** @param {import("../api.js").SettingsReport | null} report */
  learn(report) {
    this.#hotkeys.learn(report?.hotkeys ?? null);
    byId("settings_file").textContent = report ? t("settings.file", { file: report.file }) : "";
    this.complain(report?.problem ?? null);
  }

  /** @param {import("../types/app").Problem | null} problem */
  complain(problem) {
    const place = byId("settings_problem");
    place.hidden = !problem;
    if (problem) place.replaceChildren(...worded(problem));
  }

  async copyDiagnostics() {
    const status = byId("settings_status");
    try {
      status.textContent = t("settings.collecting");
      await copy(this.#api.getDiagnostics());
      status.textContent = t("settings.diagnosticsCopied");
    } catch (thrown) {
      status.textContent = "";
      this.complain(problemOf(thrown));
    }
  }

  async openLogs() {
    try {
      await this.#api.openLogs();
    } catch (thrown) {
      this.complain(problemOf(thrown));
    }
  }

  async #report() {
    try {
      this.learn(await this.#api.getSettings());
    } catch {
      // An app that keeps no settings has nothing to say of them.
    }
  }

  /** @param {HTMLElement} tab */
  #shown(tab) {
    if (tab.id === "tab_service") this.#service.load();
    byId("settings_status").textContent = "";
    document.querySelector(".settings-pages")?.scrollTo(0, 0);
    if (dialog().open) this.#seen();
  }
}

function dialog() {
  return /** @type {HTMLDialogElement} */ (byId("settings"));
}

/** The languages by their own names: who does not read the page's finds theirs. */
function addLanguages() {
  const names = [["system", null], ...Object.entries(LANGUAGES).map(([tag, { name }]) => [tag, name])];
  byId("languages").replaceChildren(
    ...names.map(([tag, name]) => {
      const radio = element("input", { type: "radio", name: "language", value: tag ?? "", "data-setting": "language" });
      return element("label", {}, [radio, name ? element("span", { lang: tag ?? "" }, [name]) : element("span", { "data-i18n": "more.system" })]);
    }),
  );
}

/** Selects that show another one of the page and change it. */
function twins() {
  return /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll("[data-twin]"));
}

/** @param {HTMLSelectElement} twin */
function mirror(twin) {
  const first = /** @type {HTMLSelectElement} */ (byId(twin.dataset.twin ?? ""));
  const same = twin.length === first.length && [...first.options].every(({ value, text }, at) => twin.options[at].value === value && twin.options[at].text === text);
  if (!same) twin.replaceChildren(...[...first.options].map(({ text, value }) => new Option(text, value)));
  twin.value = first.value;
}

/** @param {HTMLSelectElement} twin */
function passOn(twin) {
  const first = /** @type {HTMLSelectElement} */ (byId(twin.dataset.twin ?? ""));
  first.value = twin.value;
  first.dispatchEvent(new Event("change", { bubbles: true }));
}
