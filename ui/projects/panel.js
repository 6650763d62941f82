// @ts-check
/**
 * The projects of the service on this computer: a panel at the side. It is modal, so that the focus stays in it and goes back
 * where it was; what is outside cannot be read meanwhile, so the panel says in a place of its own what came of a deed.
 */
import { problemOf } from "../api.js";
import { byId } from "../dom.js";
import { t } from "../i18n/index.js";
import { worded } from "../problem.js";
import { ProjectCard } from "./card.js";

/** @typedef {import("../types/app").ProjectList} ProjectList */
/** @typedef {import("../types/app").Project} Project */

/**
 * What goes into the lobby's form.
 * @typedef {{ appID: string, channel?: string, token?: string, uid?: string }} Filling
 */

export class ProjectsPanel {
  #api;
  #use;
  #channel;
  /** @type {Map<string, ProjectCard>} by App ID */
  #cards = new Map();
  /** @type {ProjectList | null} */
  #list = null;

  /**
   * @param {object} tools
   * @param {import("../api.js").Api} tools.api
   * @param {(filling: Filling) => void} tools.use fills the lobby's form
   * @param {() => string} tools.channel the channel that the form names now
   */
  constructor({ api, use, channel }) {
    this.#api = api;
    this.#use = use;
    this.#channel = channel;
    byId("projects_close").addEventListener("click", () => this.close());
    // A click beside the panel is one on the dialog itself.
    dialog().addEventListener("click", (event) => {
      if (event.target === dialog()) this.close();
    });
    const form = /** @type {HTMLFormElement} */ (byId("projects_new"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#create();
    });
  }

  async open() {
    this.say("");
    this.#complain(null);
    dialog().showModal();
    await this.load();
  }

  close() {
    dialog().close();
  }

  /** Asks for the projects while the panel is open; another window may have changed them. */
  async load() {
    if (!dialog().open) return;
    try {
      this.#list = await this.#api.listProjects();
    } catch (thrown) {
      return this.#complain(thrown);
    }
    this.draw();
  }

  /** Draws what is known, in the language of the moment. */
  draw() {
    const list = this.#list;
    if (!list) return;
    const { place } = list;
    const server = list.process === null ? list.server : t("projects.process", { server: list.server, process: list.process });
    byId("projects_place").textContent = t(`projects.place.${place}`, { server });
    byId("projects_place").title = list.file ?? "";
    byId("projects_command").hidden = place !== "stranger" && place !== "external";
    byId("projects_new").hidden = list.file === null || list.problem !== null;
    byId("projects_empty").hidden = list.file === null || list.problem !== null || list.projects.length > 0;
    this.#complain(list.problem);
    for (const [appId, card] of this.#cards) {
      if (list.projects.some((project) => project.appId === appId)) continue;
      card.element.remove();
      this.#cards.delete(appId);
    }
    for (const project of list.projects) this.#card(project).draw(project);
  }

  /** @param {string} text what came of a deed, read out and shown for whom it may concern */
  say(text) {
    byId("projects_status").textContent = text;
  }

  /** @param {Project} project */
  #card(project) {
    const known = this.#cards.get(project.appId);
    if (known) return known;
    const card = new ProjectCard(project, {
      api: this.#api,
      channel: this.#channel,
      say: (text) => this.say(text),
      changed: () => this.load(),
      use: (filling) => {
        this.close();
        this.#use(filling);
      },
    });
    this.#cards.set(project.appId, card);
    byId("project_list").append(card.element);
    return card;
  }

  async #create() {
    const field = /** @type {HTMLInputElement} */ (byId("project_name"));
    const name = field.value.trim();
    if (!name) return field.focus();
    this.#complain(null);
    try {
      const { appId } = await this.#api.createProject(name);
      field.value = "";
      await this.load();
      this.say(t("projects.created", { name }));
      this.#cards.get(appId)?.element.scrollIntoView({ block: "nearest" });
    } catch (thrown) {
      this.#complain(thrown);
    }
  }

  /** @param {unknown} thrown null: nothing is wrong */
  #complain(thrown) {
    const place = byId("projects_problem");
    place.hidden = thrown === null;
    if (thrown !== null) place.replaceChildren(...worded(problemOf(thrown)));
  }
}

function dialog() {
  return /** @type {HTMLDialogElement} */ (byId("projects"));
}
