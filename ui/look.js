// @ts-check
/** The theme, the language and the mirror, as the settings say or the system does. */
import { choose, setLanguage, translate } from "./i18n/index.js";
import { pref, watchPrefs } from "./prefs.js";

/**
 * Applies them now and at every change.
 * @param {() => void} redraw called when the language is another
 */
export function setUpLook(redraw) {
  const speak = () => {
    setLanguage(choose(pref("language"), navigator.languages));
    translate(document);
    redraw();
  };
  watchPrefs((now, before) => {
    paint();
    if (now.language !== before.language) speak();
  });
  addEventListener("languagechange", speak);
  paint();
  speak();
}

function paint() {
  const { dataset } = document.documentElement;
  const theme = pref("theme");
  if (theme === "light" || theme === "dark") dataset.theme = theme;
  else delete dataset.theme;
  dataset.mirror = pref("mirror") ? "on" : "off";
}
