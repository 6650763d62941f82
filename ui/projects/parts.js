// @ts-check
/** What cards and token forms share: a button that copies. */
import { copy } from "../clipboard.js";
import { element, icon } from "../dom.js";
import { t } from "../i18n/index.js";

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
      await copy(text());
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
