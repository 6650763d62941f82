// @ts-check
/**
 * JOIN, LEAVE, PUBLISH, UNPUBLISH and the switches: each asks the app and says what came of it in the sample's words.
 * The state itself comes back by events; a click only marks the phase it starts, so that a second one is refused.
 */
import { problemOf } from "./api.js";
import { joinParams, missingField, wellFormedAppId } from "./form.js";
import { t } from "./i18n/index.js";
import { pref } from "./prefs.js";
import { refusal } from "./rules.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./form.js").Fields} Fields */
/** @typedef {import("./rules.js").Action} Action */

/**
 * @typedef {object} Tools
 * @property {Api} api
 * @property {import("./state.js").Store} store
 * @property {import("./toasts.js").Toasts} toasts
 * @property {() => Fields} fields the form as it is now
 */

export class Actions {
  #api;
  #store;
  #toasts;
  #fields;

  /** @param {Tools} tools */
  constructor({ api, store, toasts, fields }) {
    this.#api = api;
    this.#store = store;
    this.#toasts = toasts;
    this.#fields = fields;
  }

  /** As in the sample, every button checks the form first, then whether it makes sense now. @param {Action} action */
  async run(action) {
    const fields = this.#fields();
    const missing = missingField(fields);
    if (missing) return this.#toasts.error(t("toast.enter", { field: missing }));
    const refused = refusal(action, this.#store.call);
    if (refused) return this.#toasts.error(t(`toast.${refused}`));
    switch (action) {
      case "join":
        return this.#join(fields);
      case "leave":
        return this.#leave();
      case "publish":
        return this.publish();
      case "unpublish":
        return this.#unpublish();
    }
  }

  /** @param {Fields} fields */
  async #join(fields) {
    this.#mark({ state: "joining" });
    this.#store.set({ joinProblem: null });
    try {
      const { uid } = await this.#api.join(joinParams(fields, pref("name")));
      this.#toasts.notice(t("toast.joined", { channel: fields.channel, uid }));
    } catch (thrown) {
      await this.refresh();
      // Called off by LEAVE: that has said so.
      const problem = problemOf(thrown);
      if (problem.code === "REQUEST_ABORT") return;
      console.error("join", problem);
      const early = problem.code === "NOT_SUPPORTED" || !wellFormedAppId(fields.appID);
      this.#toasts.error(t(early ? "toast.initFailed" : "toast.joinFailed"));
      this.#store.set({ joinProblem: problem });
      return;
    }
    await this.refresh();
    await this.#publishFirst();
  }

  /** The sample publishes as soon as its stream has begun. Without any device one watches. */
  async #publishFirst() {
    const { state, local } = this.#store.call;
    if (state !== "call") return;
    if (local && (local.audio || local.video)) return this.publish();
    const problem = local?.problems[0];
    if (problem) console.error("stream", problem);
    this.#toasts.error(t("toast.streamFailed"), problem);
  }

  async #leave() {
    this.#mark({ state: "leaving" });
    try {
      await this.#api.leave();
      this.#toasts.notice(t("toast.left"));
    } catch (thrown) {
      const problem = problemOf(thrown);
      console.error("leave", problem);
      // The service did not confirm; one is out all the same.
      if (problem.code === "LEAVE_MSG_TIMEOUT") this.#toasts.notice(t("toast.left"));
      else this.#toasts.error(t("toast.leaveFailed"), problem);
    }
    await this.refresh();
  }

  async publish() {
    this.#toasts.info(t("toast.publish"));
    // The app may have published by itself on joining.
    if (this.#store.call.published) return;
    this.#mark({ published: true });
    try {
      await this.#api.publish();
    } catch (thrown) {
      this.#failed("toast.publishFailed", thrown);
    }
    await this.refresh();
  }

  async #unpublish() {
    this.#mark({ published: false });
    this.#toasts.info(t("toast.unpublish"));
    try {
      await this.#api.unpublish();
    } catch (thrown) {
      this.#failed("toast.unpublishFailed", thrown);
    }
    await this.refresh();
  }

  /** Goes on by another token. Why the service did not take it, if so. @param {string} token */
  async renew(token) {
    try {
      await this.#api.renewToken(token);
      this.#toasts.notice(t("toast.renewed"));
      return null;
    } catch (thrown) {
      this.#failed("toast.renewFailed", thrown);
      return problemOf(thrown);
    }
  }

  /** Turns one's microphone or camera off, or on again. @param {"audio" | "video"} track */
  async toggle(track) {
    const { local } = this.#store.call;
    if (!local?.[track]) return;
    const muted = track === "audio" ? "audioMuted" : "videoMuted";
    const off = !local[muted];
    this.#mark({ local: { ...local, [muted]: off } });
    try {
      await this.#api.mute({ [track]: off });
    } catch (thrown) {
      this.#failed("toast.deviceFailed", thrown);
      await this.refresh();
    }
  }

  /** Asks the app how things stand, where an event might be late or lost. */
  async refresh() {
    this.#store.receive(await this.#api.getState());
  }

  /** @param {Partial<import("./api.js").CallState>} change */
  #mark(change) {
    this.#store.set({ call: { ...this.#store.call, ...change } });
  }

  /**
   * @param {string} toast
   * @param {unknown} thrown
   */
  #failed(toast, thrown) {
    const problem = problemOf(thrown);
    console.error(toast, problem);
    this.#toasts.error(t(toast), problem);
  }
}
