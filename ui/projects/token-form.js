// @ts-check
/** Makes a temporary token for a project with a certificate: for a channel, a uid, a role and a time. */
import { problemOf } from "../api.js";
import { element, icon } from "../dom.js";
import { language, t } from "../i18n/index.js";
import { worded } from "../problem.js";
import { copyButton } from "./parts.js";

/** The times to choose from, in seconds; a token lives a day at most. */
export const LIFETIMES = [60, 600, 3600, 86_400];
const USUAL = 3600;

export class TokenForm {
  element = element("details", { class: "token" });
  #appId;
  #deeds;
  #title = element("span");
  #form = element("form", { autocomplete: "off" });
  #result = element("div", { class: "token-result" });
  #problem = element("p", { class: "form-problem", role: "alert" });
  #channel = element("input", { type: "text", name: "channel", maxlength: "64", required: "", spellcheck: "false" });
  #uid = element("input", { type: "number", name: "uid", min: "1", max: "4294967295", step: "1" });
  /** The language of its words. */
  #drawn = "";
  /** @type {Record<string, string> | null} what the last token was made for */
  #made = null;

  /**
   * @param {string} appId
   * @param {import("./card.js").Deeds} deeds
   */
  constructor(appId, deeds) {
    this.#appId = appId;
    this.#deeds = deeds;
    this.#problem.hidden = true;
    this.#result.hidden = true;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#make();
    });
    this.element.append(element("summary", {}, [icon("chevron"), this.#title]), this.#form, this.#result, this.#problem);
    this.element.addEventListener("toggle", () => {
      if (this.element.open && !this.#channel.value) this.#channel.value = this.#deeds.channel();
    });
  }

  /** Writes the words anew where the language is another: moving a field takes the focus off it. What is filled in stays. */
  draw() {
    if (this.#drawn === language()) return;
    this.#drawn = language();
    this.#title.textContent = t("projects.token.title");
    const data = new FormData(this.#form);
    const role = data.get("role") ?? "publisher";
    const seconds = Number(data.get("seconds") ?? USUAL);
    const roles = ["publisher", "subscriber"].map((value) => {
      const radio = element("input", { type: "radio", name: "role", value });
      radio.checked = value === role;
      return element("label", {}, [radio, element("span", {}, [t(`projects.token.${value}`)])]);
    });
    const times = LIFETIMES.map((value) => new Option(duration(value), String(value), value === USUAL, value === seconds));
    this.#uid.placeholder = t("projects.token.anyone");
    this.#form.replaceChildren(
      field(t("field.channel"), this.#channel),
      field(t("field.uid"), this.#uid),
      element("fieldset", {}, [element("legend", {}, [t("projects.token.role")]), element("div", { class: "segments" }, roles)]),
      field(t("projects.token.lifetime"), element("select", { name: "seconds" }, times)),
      element("button", { type: "submit", class: "button primary" }, [t("projects.token.make")]),
    );
    this.#drawResult();
  }

  /** The certificate is another: the token is worth nothing. */
  forget() {
    this.#made = null;
    this.#drawResult();
  }

  async #make() {
    const data = new FormData(this.#form);
    const [channel, uid] = [String(data.get("channel")).trim(), String(data.get("uid"))];
    this.#problem.hidden = true;
    try {
      const made = await this.#deeds.api.makeToken({
        appId: this.#appId,
        channel,
        uid: uid ? Number(uid) : null,
        role: data.get("role") === "subscriber" ? "subscriber" : "publisher",
        seconds: Number(data.get("seconds")),
      });
      this.#made = { channel, uid, token: made.token, until: time(made.expiresAt) };
      this.#deeds.say(t("projects.token.made"));
      this.#drawResult();
      this.#result.scrollIntoView({ block: "nearest" });
      this.#result.querySelector("button")?.focus({ preventScroll: true });
    } catch (thrown) {
      this.#problem.replaceChildren(...worded(problemOf(thrown)));
      this.#problem.hidden = false;
    }
  }

  #drawResult() {
    const made = this.#made;
    this.#result.hidden = !made;
    if (!made) return;
    const use = element("button", { type: "button", class: "button primary use-token" }, [t("projects.token.use")]);
    use.addEventListener("click", () => this.#deeds.use({ appID: this.#appId, channel: made.channel, token: made.token, uid: made.uid }));
    const copy = copyButton(async () => made.token, this.#deeds.say, () => {});
    copy.draw(t("projects.token.copy"), true);
    const text = element("textarea", { readonly: "", rows: "4", "aria-label": t("field.token"), spellcheck: "false" });
    text.value = made.token;
    this.#result.replaceChildren(text, element("p", { class: "reason" }, [t("projects.token.until", { time: made.until })]), element("div", { class: "row" }, [use, copy.element]));
  }
}

/**
 * @param {string} words
 * @param {HTMLElement} control
 */
function field(words, control) {
  return element("label", { class: "field" }, [element("span", {}, [words]), control]);
}

/** @param {number} seconds */
function duration(seconds) {
  const [value, unit] = seconds < 3600 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "long" }).format(value);
}

/** @param {number} unix seconds */
function time(unix) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(unix * 1000));
}
