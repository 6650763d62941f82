// @ts-check
/**
 * Links that invite into a channel, and channels nearby: both fill the form, with a note that says so, and never join by
 * themselves. What they say was written by somebody else, so it is shown as text and judged by the app.
 */
import { problemOf } from "./api.js";
import { copy } from "./clipboard.js";
import { byId, element, icon } from "./dom.js";
import { t } from "./i18n/index.js";
import { writeInvitation } from "./invitation.js";
import { pref } from "./prefs.js";
import { worded } from "./problem.js";

/** @typedef {import("./api.js").Link} Link */
/** @typedef {import("./types/app").Problem} Problem */

/** More nearby channels than a person would read through. */
const MOST_NEARBY = 12;
const LINK = /^\s*visavis:/i;

export class Links {
  #api;
  #store;
  #toasts;
  #fill;
  /** @type {{ link: Link | null, problem: Problem | null } | null} what the note tells */
  #shown = null;
  /** @type {import("./api.js").Nearby[]} */
  #nearby = [];
  /** @type {string | null} the channel service of the link, if somebody chose to go there */
  #server = null;

  /**
   * @param {object} tools
   * @param {import("./api.js").Api} tools.api
   * @param {import("./state.js").Store} tools.store
   * @param {import("./toasts.js").Toasts} tools.toasts
   * @param {(filling: import("./projects/panel.js").Filling) => void} tools.fill
   */
  constructor({ api, store, toasts, fill }) {
    this.#api = api;
    this.#store = store;
    this.#toasts = toasts;
    this.#fill = fill;
  }

  /** What the app was opened with, and who is nearby. */
  async begin() {
    const { features } = this.#store.state;
    if (features.has("links")) {
      const taken = await this.#api.takeLink().catch((thrown) => ({ link: null, problem: problemOf(thrown) }));
      if (taken.link || taken.problem) this.opened(taken);
    }
    await this.look();
  }

  /**
   * A link was opened. In a call it waits in the lobby's form.
   * @param {{ link: Link | null, problem: Problem | null }} opened
   */
  opened({ link, problem }) {
    this.#shown = { link, problem };
    this.#server = null;
    if (link) this.#fill({ appID: link.appId, channel: link.channel, token: link.token ?? "", uid: "" });
    this.draw();
    if (!this.#store.state.inCall) {
      if (link) byId("join").focus();
    } else if (link) this.#toasts.info(t("toast.linkWaits", { channel: link.channel }));
    else if (problem) this.#toasts.error(t("toast.linkBad"), problem);
  }

  /** Takes a pasted link, if it is one. @param {string} text */
  paste(text) {
    if (!LINK.test(text) || !this.#store.state.features.has("links")) return false;
    this.#api.readLink(text.trim()).then(
      (link) => this.opened({ link, problem: null }),
      (thrown) => this.opened({ link: null, problem: problemOf(thrown) }),
    );
    return true;
  }

  /** Asks for the channels nearby. */
  async look() {
    if (!this.#store.state.features.has("nearby")) return;
    const found = await this.#api.listNearby().catch(() => []);
    this.#nearby = found.slice(0, MOST_NEARBY);
    this.draw();
  }

  /** The channel service for the next call alone; null: the one in the settings. */
  get server() {
    return this.#server;
  }

  /** The form was edited: another attempt, unless somebody chose the link's service for it. */
  edited() {
    if (!this.#server) this.forget();
  }

  /** Another attempt, about which the note says nothing. */
  forget() {
    if (!this.#shown) return;
    this.#shown = null;
    this.#server = null;
    this.draw();
  }

  /** Draws what is known, in the language of the moment. */
  draw() {
    this.#drawNote();
    byId("nearby").hidden = this.#nearby.length === 0;
    byId("nearby_list").replaceChildren(...this.#nearby.map((channel) => this.#offer(channel)));
  }

  #drawNote() {
    const place = byId("link_note");
    const shown = this.#shown;
    place.hidden = !shown;
    place.classList.toggle("bad", Boolean(shown?.problem));
    if (!shown) return place.replaceChildren();
    const { link, problem } = shown;
    const words = problem ? worded(problem) : [t("lobby.fromLink", { channel: link?.channel ?? "" })];
    const text = element("div", {}, [element("p", {}, words), ...(link ? this.#elsewhere(link) : [])]);
    const close = element("button", { type: "button", class: "icon-button", "aria-label": t("settings.close") }, [icon("close")]);
    close.addEventListener("click", () => this.forget());
    place.replaceChildren(icon(problem ? "error" : "link"), text, close);
  }

  /** A link may name another service: that it is used is for a person to say. @param {Link} link */
  #elsewhere({ server }) {
    const own = pref("server") ?? this.#store.state.defaults?.server;
    if (!server || server === own) return [];
    const use = element("button", { type: "button", class: "button" }, [t("lobby.useService")]);
    use.addEventListener("click", () => {
      this.#server = server;
      this.#drawNote();
      byId("join").focus();
    });
    if (server === this.#server) return [element("p", { class: "dim" }, [t("lobby.otherService", { server })])];
    return [element("p", { class: "dim" }, [t("lobby.otherService", { server })]), use];
  }

  /** @param {import("./api.js").Nearby} nearby */
  #offer({ appId, channel, host, server }) {
    const words = element("span", {}, [element("bdi", { class: "name", title: channel }, [channel]), element("small", { class: "dim" }, [t("lobby.nearbyHost", { host })])]);
    const button = element("button", { type: "button", class: "item" }, [icon("people"), words]);
    button.addEventListener("click", () => this.opened({ link: { appId, channel, token: null, server }, problem: null }));
    return element("li", {}, [button]);
  }

  /** The link into this call; null where there is none. */
  async #link() {
    const { call, features } = this.#store.state;
    if (!call.params || !features.has("links")) return null;
    const { appId, channel, token, server } = call.params;
    return this.#api.makeLink({ appId, channel, token, server: server ?? pref("server") });
  }

  /** Puts the link, or a whole invitation in words, on the clipboard. @param {boolean} whole */
  async copy(whole) {
    const { params } = this.#store.call;
    if (!params) return;
    try {
      if (!whole && !this.#store.state.features.has("links")) return;
      const made = this.#link().catch((thrown) => (whole ? null : Promise.reject(thrown)));
      await copy(made.then((link) => (whole ? writeInvitation(t("invitation.text"), { appID: params.appId, channel: params.channel, link }) : String(link))));
      this.#toasts.notice(t("toast.copied"));
    } catch (thrown) {
      console.error("copy", thrown);
      this.#toasts.error(t("toast.copyFailed"), thrown instanceof Error ? undefined : problemOf(thrown));
    }
  }
}
