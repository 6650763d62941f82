// @ts-check
/** Which screen or window to share, how sharp and how fluent: a dialog with small pictures of them all. */
import { problemOf } from "../api.js";
import { byId, element, icon } from "../dom.js";
import { t } from "../i18n/index.js";
import { worded } from "../problem.js";
import { setUpTabs } from "../tabs.js";

/** @typedef {import("../types/app").ScreenSource} ScreenSource */

export class ScreenPicker {
  #api;
  #toasts;
  /** @type {ScreenSource[] | null} null while they are looked for */
  #sources = null;
  /** @type {import("../types/app").Problem | null} */
  #problem = null;
  /** @type {"screen" | "window"} */
  #kind = "screen";
  #chosen = "";

  /**
   * @param {import("../api.js").Api} api
   * @param {import("../toasts.js").Toasts} toasts
   */
  constructor(api, toasts) {
    this.#api = api;
    this.#toasts = toasts;
    setUpTabs(byId("screens_tabs"), (tab) => {
      this.#kind = tab.dataset.kind === "window" ? "window" : "screen";
      byId("screens_list").setAttribute("aria-labelledby", tab.id);
      this.draw();
    });
    form().addEventListener("submit", (event) => {
      event.preventDefault();
      this.#share();
    });
  }

  async open() {
    this.#sources = null;
    this.#problem = null;
    this.draw();
    dialog().showModal();
    try {
      this.#sources = await this.#api.listScreens();
      const first = this.#sources.find(({ kind }) => kind === this.#kind) ?? this.#sources[0];
      if (first && !this.#sources.some(({ id }) => id === this.#chosen)) this.#chosen = first.id;
    } catch (thrown) {
      this.#sources = [];
      this.#problem = problemOf(thrown);
    }
    this.draw();
    /** @type {HTMLElement | null} */ (byId("screens_list").querySelector("input:checked"))?.focus();
  }

  /** Draws what is known, in the language of the moment. */
  draw() {
    const sources = this.#sources?.filter(({ kind }) => kind === this.#kind) ?? [];
    byId("screens_list").replaceChildren(...(sources.length ? sources.map((source) => this.#card(source)) : [this.#empty()]));
    // With nothing to choose from, there is only the reason to read.
    dialog().classList.toggle("unable", this.#problem !== null && this.#sources?.length === 0);
    const place = byId("screens_problem");
    place.hidden = !this.#problem;
    if (this.#problem) place.replaceChildren(...worded(this.#problem));
    const share = /** @type {HTMLButtonElement} */ (byId("screens_share"));
    share.disabled = !sources.some(({ id }) => id === this.#chosen);
  }

  #empty() {
    const words = this.#sources === null ? "screen.looking" : this.#kind === "screen" ? "screen.noScreens" : "screen.noWindows";
    return element("p", { class: "dim screen-empty" }, [t(words)]);
  }

  /** Titles are other programs' words: text, and nothing else. @param {ScreenSource} source */
  #card({ id, title, app, width, height, thumbnail }) {
    const radio = element("input", { type: "radio", name: "source", value: id });
    radio.checked = id === this.#chosen;
    radio.addEventListener("change", () => {
      this.#chosen = id;
      /** @type {HTMLButtonElement} */ (byId("screens_share")).disabled = false;
    });
    const picture = pictureOf(thumbnail);
    const size = t("screen.size", { width, height });
    const words = element("span", { class: "screen-words" }, [element("bdi", { class: "name", title }, [title]), element("small", { class: "dim" }, [app && app !== title ? `${app} · ${size}` : size])]);
    const card = element("label", { class: "screen-card" }, [radio, element("span", { class: "screen-picture" }, [picture ?? icon(this.#kind === "screen" ? "screen" : "window")]), words]);
    card.addEventListener("dblclick", () => this.#share());
    return card;
  }

  async #share() {
    const data = new FormData(form());
    if (!this.#chosen) return;
    const preference = data.get("preference") === "motion" ? "motion" : "detail";
    const resolution = /** @type {"480p" | "720p" | "1080p" | "native"} */ (String(data.get("resolution")));
    try {
      await this.#api.startScreen({ id: this.#chosen, preference, resolution });
      dialog().close();
      this.#toasts.say(t("screen.started"));
    } catch (thrown) {
      console.error("screen", problemOf(thrown));
      this.#problem = problemOf(thrown);
      this.draw();
    }
  }
}

/** The small picture, if it is one: nothing else is loaded. @param {string | null} thumbnail */
function pictureOf(thumbnail) {
  if (!thumbnail || !/^data:image\/(?:png|jpeg|webp);base64,/.test(thumbnail)) return null;
  return element("img", { src: thumbnail, alt: "", draggable: "false" });
}

function dialog() {
  return /** @type {HTMLDialogElement} */ (byId("screens"));
}

function form() {
  return /** @type {HTMLFormElement} */ (byId("screens_form"));
}
