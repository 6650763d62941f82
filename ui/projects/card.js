// @ts-check
/** One project in the panel: its App ID, its two switches, and tokens where it asks for them. */
import { problemOf } from "../api.js";
import { element, icon } from "../dom.js";
import { t } from "../i18n/index.js";
import { worded } from "../problem.js";
import { copyButton } from "./parts.js";
import { TokenForm } from "./token-form.js";

/** @typedef {import("../types/app").Project} Project */

/**
 * @typedef {object} Deeds
 * @property {import("../api.js").Api} api
 * @property {() => string} channel the channel that the form names now
 * @property {(text: string) => void} say
 * @property {() => void} changed something about the projects is another
 * @property {(filling: import("./panel.js").Filling) => void} use
 */

export class ProjectCard {
  element = element("li", { class: "project" });
  #project;
  #deeds;
  #name = element("h3");
  #badges = element("span", { class: "badges" });
  #certificate;
  #enabled;
  #question = element("div", { class: "question", role: "group" });
  #problem = element("p", { class: "form-problem", role: "alert" });
  #copy;
  #reveal;
  #useButton = element("button", { type: "button", class: "link use" });
  #token;

  /**
   * @param {Project} project
   * @param {Deeds} deeds
   */
  constructor(project, deeds) {
    this.#project = project;
    this.#deeds = deeds;
    this.element.dataset.appId = project.appId;
    this.#copy = copyButton(async () => this.#project.appId, deeds.say, (thrown) => this.#complain(thrown));
    this.#reveal = copyButton(() => deeds.api.revealCertificate(project.appId), deeds.say, (thrown) => this.#complain(thrown));
    this.#certificate = this.#switch("certificate", () => this.#ask(this.#project.certificate ? "certificateOff" : "certificateOn"));
    this.#enabled = this.#switch("enabled", () => (this.#project.enabled ? this.#ask("disable") : this.#do("enable")));
    this.#token = new TokenForm(project.appId, deeds);
    this.#useButton.addEventListener("click", () => deeds.use({ appID: project.appId }));
    this.#question.hidden = true;
    this.#problem.hidden = true;
    this.element.append(
      element("div", { class: "project-head" }, [this.#name, this.#badges]),
      element("div", { class: "project-id" }, [element("code", {}, [project.appId]), this.#copy.element, this.#useButton]),
      this.#certificate.label,
      this.#enabled.label,
      this.#question,
      this.#reveal.element,
      this.#token.element,
      this.#problem,
    );
  }

  /** @param {Project} project */
  draw(project) {
    this.#project = project;
    const { certificate, enabled } = project;
    this.#name.textContent = project.name || t("projects.unnamed");
    const badges = [project.isDefault && "default", !enabled && "off", enabled && (certificate ? "secured" : "open")].filter(Boolean);
    this.#badges.replaceChildren(...badges.map((badge) => element("span", { class: `badge ${badge}` }, [t(`projects.badge.${badge}`)])));
    this.#copy.draw(t("projects.copyAppId"));
    this.#reveal.draw(t("projects.copyCertificate"), true);
    this.#reveal.element.hidden = !certificate;
    this.#useButton.textContent = t("projects.use");
    this.#certificate.draw(certificate);
    this.#enabled.draw(enabled);
    this.#token.element.hidden = !certificate || !enabled;
    this.#token.draw();
  }

  /**
   * A switch that shows what is, and changes only when the app says so.
   * @param {"certificate" | "enabled"} what
   * @param {() => void} pressed
   */
  #switch(what, pressed) {
    const input = element("input", { type: "checkbox", role: "switch" });
    const text = element("span");
    const hint = element("small", { class: "dim" });
    const label = element("label", { class: `switch ${what}` }, [element("span", {}, [text, hint]), input]);
    input.addEventListener("click", (event) => {
      event.preventDefault();
      pressed();
    });
    return {
      label,
      input,
      /** @param {boolean} on */
      draw(on) {
        text.textContent = t(`projects.${what}`);
        hint.textContent = t(`projects.hint.${what}${on ? "On" : "Off"}`);
        // Within its own click the browser puts back what was before.
        queueMicrotask(() => setTimeout(() => (input.checked = on)));
      },
    };
  }

  /** Says what a change means before it is made. @param {"certificateOn" | "certificateOff" | "disable"} deed */
  #ask(deed) {
    const yes = element("button", { type: "button", class: "button primary" }, [t(`projects.do.${deed}`)]);
    const no = element("button", { type: "button", class: "button" }, [t("projects.cancel")]);
    const words = element("p", { id: `question_${this.#project.appId}` }, [t(`projects.warning.${deed}`)]);
    const end = () => {
      this.#question.hidden = true;
      (deed === "disable" ? this.#enabled : this.#certificate).input.focus();
    };
    yes.addEventListener("click", () => this.#do(deed).then(end));
    no.addEventListener("click", end);
    this.#question.setAttribute("aria-labelledby", words.id);
    this.#question.replaceChildren(element("div", { class: "row" }, [icon("error"), words]), element("div", { class: "row" }, [yes, no]));
    (deed === "disable" ? this.#enabled : this.#certificate).label.after(this.#question);
    this.#question.hidden = false;
    this.#question.scrollIntoView({ block: "nearest" });
    yes.focus({ preventScroll: true });
  }

  /** @param {"certificateOn" | "certificateOff" | "disable" | "enable"} deed */
  async #do(deed) {
    const { api, say, changed } = this.#deeds;
    const { appId } = this.#project;
    this.#complain(null);
    try {
      if (deed === "disable" || deed === "enable") await api.setEnabled(appId, deed === "enable");
      else await api.setCertificate(appId, deed === "certificateOn");
      say(t(`projects.done.${deed}`, { name: this.#project.name || appId }));
      if (deed !== "enable" && deed !== "disable") this.#token.forget();
      await changed();
    } catch (thrown) {
      this.#complain(thrown);
    }
  }

  /** @param {unknown} thrown null: nothing is wrong */
  #complain(thrown) {
    this.#problem.hidden = thrown === null;
    if (thrown !== null) this.#problem.replaceChildren(...worded(problemOf(thrown)));
  }
}
