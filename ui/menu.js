// @ts-check
/** The "more" popover, the help popover, and the keys that do the same. */
import { byId, element } from "./dom.js";
import { LANGUAGES, choose, setLanguage, t, translate } from "./i18n/index.js";
import { writeInvitation } from "./invitation.js";
import { anyOpen, setUpPopover } from "./popover.js";
import { pref, remember } from "./prefs.js";
import { pressed } from "./shortcuts.js";

/** @typedef {import("./shortcuts.js").Shortcut} Shortcut */

/**
 * @param {object} tools
 * @param {import("./api.js").Api} tools.api
 * @param {import("./state.js").Store} tools.store
 * @param {import("./toasts.js").Toasts} tools.toasts
 * @param {import("./actions.js").Actions} tools.actions
 * @param {import("./grid/view.js").GridView} tools.grid
 * @param {() => void} tools.projects opens their panel
 */
export function setUpMenu({ api, store, toasts, actions, grid, projects }) {
  const statistics = /** @type {HTMLInputElement} */ (byId("show_profile"));
  const showStatistics = (/** @type {boolean} */ shown) => {
    remember("statistics", shown);
    store.set({ statistics: shown });
  };
  const shortcuts = keys({ store, actions, grid, showStatistics });

  setUpPopover(byId("more"));
  setUpPopover(byId("help"), () => fillHelp(shortcuts));
  statistics.addEventListener("change", () => showStatistics(statistics.checked));
  addEventListener("keydown", (event) => pressed(event, shortcuts));
  const deeds = /** @type {Record<string, () => void>} */ ({
    help: () => byId("help").showPopover(),
    window: () => openWindow(api, toasts),
    invite: () => invite(store, toasts),
    projects,
  });
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-do]"))) {
    button.addEventListener("click", () => {
      byId("more").hidePopover();
      deeds[button.dataset.do ?? ""]?.();
    });
  }
  setUpRenewal(actions);
  setUpTheme();
  setUpLanguage(store);

  return {
    /** @param {import("./state.js").State} state */
    draw({ inCall, defaults, statistics: shown }) {
      statistics.checked = shown;
      byId("more").classList.toggle("in-lobby", !inCall);
      byId("version").textContent = defaults ? t("more.version", { version: defaults.version }) : "";
    },
  };
}

/**
 * @param {object} tools
 * @param {import("./state.js").Store} tools.store
 * @param {import("./actions.js").Actions} tools.actions
 * @param {import("./grid/view.js").GridView} tools.grid
 * @param {(shown: boolean) => void} tools.showStatistics
 * @returns {Shortcut[]}
 */
function keys({ store, actions, grid, showStatistics }) {
  const inside = (/** @type {() => void} */ act) => () => {
    if (store.state.inCall) act();
  };
  return [
    { key: "m", shown: "M", says: "microphone", act: () => actions.toggle("audio") },
    { key: "v", shown: "V", says: "camera", act: () => actions.toggle("video") },
    { key: "s", shown: "S", says: "statistics", act: inside(() => showStatistics(!store.state.statistics)) },
    { key: "arrow", shown: "← →", says: "tiles" },
    { key: "p", shown: "P", says: "pin", act: inside(() => grid.chosen?.pin()) },
    { key: "f", shown: "F", says: "fullscreen", act: inside(() => (grid.chosen ?? grid.tiles.at(-1))?.toggleFullscreen()) },
    {
      key: "Escape",
      shown: "Esc",
      says: "close",
      act: () => {
        if (!anyOpen() && !document.fullscreenElement) store.set({ pinned: null });
      },
    },
    { key: "?", shown: "?", says: "help", act: () => byId("help").togglePopover() },
  ];
}

/** @param {Shortcut[]} shortcuts */
function fillHelp(shortcuts) {
  const rows = shortcuts.flatMap(({ shown, says }) => [
    element("dt", {}, [element("kbd", {}, [shown ?? ""])]),
    element("dd", {}, [t(`help.${says}`)]),
  ]);
  byId("shortcuts").replaceChildren(...rows);
}

/**
 * @param {import("./api.js").Api} api
 * @param {import("./toasts.js").Toasts} toasts
 */
async function openWindow(api, toasts) {
  try {
    await api.newWindow();
  } catch (thrown) {
    console.error("new window", thrown);
    toasts.error(t("toast.windowFailed"));
  }
}

/**
 * @param {import("./state.js").Store} store
 * @param {import("./toasts.js").Toasts} toasts
 */
async function invite(store, toasts) {
  const { params } = store.call;
  if (!params) return;
  const text = writeInvitation(t("invitation.text"), { appID: params.appId, channel: params.channel });
  try {
    await navigator.clipboard.writeText(text);
    toasts.notice(t("toast.copied"));
  } catch (thrown) {
    console.error("copy", thrown);
    toasts.error(t("toast.copyFailed"));
  }
}

/** The field is emptied by success only: a token with a slip in it can be mended. @param {import("./actions.js").Actions} actions */
function setUpRenewal(actions) {
  const field = /** @type {HTMLInputElement} */ (byId("renew_token"));
  byId("renew").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await actions.renew(field.value.trim())) {
      field.value = "";
      byId("more").hidePopover();
    }
  });
}

function setUpTheme() {
  const apply = (/** @type {string} */ theme) => {
    const root = document.documentElement;
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  for (const radio of radios("theme")) {
    radio.checked = radio.value === pref("theme");
    radio.addEventListener("change", () => {
      remember("theme", /** @type {"system" | "light" | "dark"} */ (radio.value));
      apply(radio.value);
    });
  }
  apply(pref("theme"));
}

/** @param {import("./state.js").Store} store */
function setUpLanguage(store) {
  const names = [["system", null], ...Object.entries(LANGUAGES).map(([tag, { name }]) => [tag, name])];
  byId("languages").replaceChildren(
    ...names.map(([tag, name]) => {
      const radio = element("input", { type: "radio", name: "language", value: tag ?? "", form: "preferences" });
      radio.checked = tag === pref("language");
      const label = name ? element("span", { lang: tag ?? "" }, [name]) : element("span", { "data-i18n": "more.system" });
      return element("label", {}, [radio, label]);
    }),
  );
  const apply = () => {
    setLanguage(choose(pref("language"), navigator.languages));
    translate(document);
    store.redraw();
  };
  for (const radio of radios("language")) {
    radio.addEventListener("change", () => {
      remember("language", radio.value);
      apply();
    });
  }
  addEventListener("languagechange", apply);
  apply();
}

/** @param {string} name */
function radios(name) {
  return /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(`input[name="${name}"]`));
}
