// @ts-check
/** What cards and token forms share: a button that copies, and the words for a failure. */
import { problemOf } from "../api.js";
import { element, icon } from "../dom.js";
import { sentence, t } from "../i18n/index.js";

/**
 * The sentence for a failure, and its code. A file's mistake is named by the app: only it knows the line.
 * @param {unknown} thrown
 */
export function wordsFor(thrown) {
  const { code, message } = problemOf(thrown);
  return code === "PROJECTS_FILE" ? `${sentence(code)} ${message} (${code})` : `${sentence(code) ?? message} (${code})`;
}

/**
 * A button that puts a text on the clipboard.
 * @param {() => Promise<string>} text
 * @param {(said: string) => void} say
 * @param {(thrown: unknown) => void} failed
 */
export function copyButton(text, say, failed) {
  const button = element("button", { type: "button", class: "link copy" }, [icon("copy")]);
  const label = element("span");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(await text());
      say(t("toast.copied"));
    } catch (thrown) {
      if (thrown instanceof Error) say(t("projects.copyFailed"));
      else failed(thrown);
    }
  });
  return {
    element: button,
    /**
     * @param {string} words
     * @param {boolean} [shown] whether they stand beside the drawing
     */
    draw(words, shown = false) {
      if (shown) {
        label.textContent = words;
        button.append(label);
      } else {
        button.setAttribute("aria-label", words);
        button.title = words;
      }
    },
  };
}
