// @ts-check
/** Which channel service calls go to, and how it is: who runs it, or what stands in its way. */
import { problemOf } from "../api.js";
import { byId } from "../dom.js";
import { t } from "../i18n/index.js";
import { pref, remember } from "../prefs.js";
import { meaning } from "../problem.js";

export class ServicePage {
  #api;
  #store;
  /** @type {import("../types/app").ProjectList | null} */
  #list = null;

  /**
   * @param {import("../api.js").Api} api
   * @param {import("../state.js").Store} store
   */
  constructor(api, store) {
    this.#api = api;
    this.#store = store;
    byId("service_form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  async load() {
    this.#complain(null);
    field().value = pref("server") ?? "";
    field().placeholder = this.#store.state.defaults?.server ?? "";
    field().readOnly = !this.#store.state.features.has("settings");
    try {
      this.#list = await this.#api.listProjects();
    } catch (thrown) {
      this.#list = null;
      this.#complain(problemOf(thrown));
    }
    this.draw();
  }

  draw() {
    const { call } = this.#store.state;
    const list = this.#list;
    const place = byId("service_state");
    place.classList.toggle("bad", call.problem !== null);
    if (call.problem) place.textContent = meaning(call.problem);
    else place.textContent = list ? t(`settings.place.${list.place}`, { server: list.server }) : "";
  }

  async #save() {
    const text = field().value.trim();
    if (text && !/^wss?:\/\/[^\s/]+/.test(text)) {
      this.#complain({ code: "INVALID_PARAMETER", message: t("settings.serverInvalid") }, t("settings.serverInvalid"));
      return field().focus();
    }
    const problem = await remember("server", text || null);
    this.#complain(problem);
    if (!problem) byId("settings_status").textContent = t("settings.saved");
    if (!problem) await this.load();
  }

  /**
   * @param {import("../types/app").Problem | null} problem
   * @param {string} [words]
   */
  #complain(problem, words = problem ? meaning(problem) : "") {
    const place = byId("service_problem");
    place.hidden = !problem;
    place.textContent = words;
    field().toggleAttribute("aria-invalid", problem !== null);
    if (problem) field().setAttribute("aria-invalid", "true");
  }
}

function field() {
  return /** @type {HTMLInputElement} */ (byId("settings_server"));
}
