// @ts-check
/**
 * Toasts with the sample's classes, bottom left. The eye's copy is hidden from screen readers, which hear the log.
 */
import { element, icon } from "./dom.js";
import { shownCode } from "./i18n/index.js";
import { meaning } from "./problem.js";
import { ToastQueue } from "./toast-queue.js";

/** @typedef {"info" | "notice" | "error"} Kind */
/** @typedef {{ code: string, message: string }} Problem */

const FADE_MS = 150;
const LOGGED = 50;

export class Toasts {
  /** @type {ToastQueue<HTMLElement>} */
  #queue = new ToastQueue();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #stack;
  #log;
  #moved;

  /**
   * @param {HTMLElement} stack
   * @param {HTMLElement} log
   * @param {() => void} moved called when the stack is another
   */
  constructor(stack, log, moved) {
    this.#stack = stack;
    this.#log = log;
    this.#moved = moved;
  }

  /**
   * @param {string} text
   * @param {string} [detail] what to do about it
   */
  info(text, detail) {
    this.#show("info", text, undefined, detail);
  }

  /** For the eye alone: who listens hears the same in other words. @param {string} text */
  seen(text) {
    this.#show("info", text, undefined, "", false);
  }

  /** @param {string} text */
  notice(text) {
    this.#show("notice", text);
  }

  /**
   * @param {string} text
   * @param {Problem} [problem] what the code means stands below, the code in small type
   */
  error(text, problem) {
    this.#show("error", text, problem);
  }

  /**
   * An error whose own words say all that its code means.
   * @param {string} text
   * @param {Problem} problem
   */
  errorInFull(text, problem) {
    this.#show("error", text, problem, "");
  }

  /** Says something that nobody needs to see. @param {string} text */
  say(text) {
    this.#log.append(element("p", {}, [text]));
    if (this.#log.childElementCount > LOGGED) this.#log.firstElementChild?.remove();
  }

  /**
   * @param {Kind} kind
   * @param {string} text
   * @param {Problem} [problem]
   * @param {string} [detail] in place of what the code means
   * @param {boolean} [said] whether it is read out, too
   */
  #show(kind, text, problem, detail = problem ? meaning(problem) : "", said = true) {
    const words = [element("p", { class: "toast-text" }, [text])];
    if (detail) words.push(element("p", { class: "toast-detail" }, [detail]));
    if (problem) words.push(element("p", { class: "code" }, [shownCode(problem.code)]));
    const toast = element("div", { class: `toast ${kind}-toast` }, [icon(kind), element("div", {}, words)]);
    toast.addEventListener("pointerenter", () => this.#hold(toast, true));
    toast.addEventListener("pointerleave", () => this.#hold(toast, false));
    if (said) this.say([text, detail, problem && shownCode(problem.code)].filter(Boolean).join(" "));
    this.#queue.add(toast);
    this.#step();
  }

  /**
   * @param {HTMLElement} toast
   * @param {boolean} held
   */
  #hold(toast, held) {
    this.#queue.hold(toast, held, performance.now());
    this.#step();
  }

  #step() {
    const now = performance.now();
    const { come, go, next } = this.#queue.step(now);
    for (const toast of go) {
      toast.classList.add("going");
      setTimeout(() => toast.remove(), FADE_MS);
    }
    this.#stack.append(...come);
    this.#moved();
    clearTimeout(this.#timer);
    if (next !== null) this.#timer = setTimeout(() => this.#step(), Math.max(0, next - now));
  }
}
