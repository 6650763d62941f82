// @ts-check
/** The "more" popover, the help popover, and the keys that do the same. */
import { drawFacts } from "./call.js";
import { byId, element, setHidden, setText } from "./dom.js";
import { t } from "./i18n/index.js";
import { anyOpen, setUpPopover } from "./popover.js";
import { pref, remember } from "./prefs.js";
import { worded } from "./problem.js";
import { pressed } from "./shortcuts.js";

/** @typedef {import("./shortcuts.js").Shortcut} Shortcut */

/**
 * @typedef {object} Tools
 * @property {import("./state.js").Store} store
 * @property {import("./actions.js").Actions} actions
 * @property {import("./grid/view.js").GridView} grid
 * @property {(track: "audio" | "video") => void} toggle
 * @property {() => void} unpin lets go of what is large
 * @property {Record<string, () => void>} deeds by the names of `data-do`
 */

/** @param {Tools} tools */
export function setUpMenu(tools) {
  const { store, actions, deeds } = tools;
  const statistics = /** @type {HTMLInputElement} */ (byId("show_profile"));
  const shortcuts = keys(tools);
  const all = /** @type {Record<string, () => void>} */ ({ ...deeds, help: () => byId("help").showPopover() });

  setUpPopover(byId("more"), () => drawFacts(store.call));
  setUpPopover(byId("why"));
  setUpPopover(byId("help"), () => fillKeys(byId("shortcuts"), shortcuts));
  statistics.addEventListener("change", () => remember("statistics", statistics.checked));
  addEventListener("keydown", (event) => pressed(event, shortcuts));
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-do]"))) {
    button.addEventListener("click", () => {
      byId("more").hidePopover();
      all[button.dataset.do ?? ""]?.();
    });
  }
  setUpRenewal(actions);

  return {
    /** @param {HTMLElement} list */
    fillKeys: (list) => fillKeys(list, shortcuts),
    /** @param {import("./state.js").State} state */
    draw({ call, inCall, defaults, statistics: shown }) {
      statistics.checked = shown;
      if (byId("more").matches(":popover-open")) drawFacts(call);
      byId("more").classList.toggle("in-lobby", !inCall);
      setText(byId("version"), defaults ? t("more.version", { version: defaults.version }) : "");
    },
  };
}

/**
 * @param {Tools} tools
 * @returns {Shortcut[]}
 */
function keys({ store, grid, toggle, unpin, deeds }) {
  const inside = (/** @type {() => void} */ act) => () => {
    if (store.state.inCall) act();
  };
  return [
    { key: "m", shown: ["M"], says: "microphone", act: () => toggle("audio") },
    { key: "v", shown: ["V"], says: "camera", act: () => toggle("video") },
    { key: "d", shown: ["D"], says: "screen", act: inside(deeds.screen) },
    { key: "u", shown: ["U"], says: "people", act: inside(() => byId("people").togglePopover()) },
    { key: "i", shown: ["I"], says: "invite", act: inside(deeds.link) },
    { key: "arrow", shown: ["←", "→", "↑", "↓"], says: "tiles" },
    { key: "p", shown: ["P", "Enter"], says: "pin", act: inside(() => grid.chosen?.pin()) },
    { key: "f", shown: ["F"], says: "fullscreen", act: inside(deeds.fullscreen) },
    { key: "o", shown: ["O"], says: "pip", act: inside(deeds.pip) },
    { key: "h", shown: ["H"], says: "hideSelf", act: inside(() => remember("hideSelf", !pref("hideSelf"))) },
    { key: "s", shown: ["S"], says: "statistics", act: inside(() => remember("statistics", !pref("statistics"))) },
    { key: "PageUp", shown: ["PgUp"], says: "pageBack", act: inside(() => grid.turn(-1)) },
    { key: "PageDown", shown: ["PgDn"], says: "pageOn", act: inside(() => grid.turn(1)) },
    { key: ",", shown: [","], says: "settings", act: deeds.settings },
    {
      key: "Escape",
      shown: ["Esc"],
      says: "close",
      act: () => {
        if (!anyOpen() && !document.fullscreenElement) unpin();
      },
    },
    { key: "?", shown: ["?"], says: "help", act: () => byId("help").togglePopover() },
  ];
}

/**
 * @param {HTMLElement} list
 * @param {Shortcut[]} shortcuts
 */
function fillKeys(list, shortcuts) {
  const rows = shortcuts.flatMap(({ shown, says }) => [
    element("dt", {}, shown.map((cap) => element("kbd", {}, [cap]))),
    element("dd", {}, [t(`help.${says}`)]),
  ]);
  list.replaceChildren(...rows);
}

/**
 * The field is emptied by success only: a token with a slip in it can be mended. Why it was not taken stands below it, too: in a
 * narrow window the menu covers the toast.
 * @param {import("./actions.js").Actions} actions
 */
function setUpRenewal(actions) {
  const field = /** @type {HTMLInputElement} */ (byId("renew_token"));
  const place = byId("renew_problem");
  const complain = (/** @type {import("./types/app").Problem | null} */ problem) => {
    setHidden(place, !problem);
    place.replaceChildren(...(problem ? worded(problem) : []));
    if (problem) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  };
  field.addEventListener("input", () => complain(null));
  byId("renew").addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = await actions.renew(field.value.trim());
    complain(problem);
    if (problem) return;
    field.value = "";
    byId("more").hidePopover();
  });
}
