// @ts-check
/** A row of tabs as the ARIA practices ask for it: one stop of the Tab key, arrows between them, each shows its page. */

/**
 * @param {HTMLElement} list
 * @param {(tab: HTMLElement) => void} [chosen]
 * @returns {(tab: HTMLElement) => void} chooses a tab from outside
 */
export function setUpTabs(list, chosen = () => {}) {
  const tabs = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[role=tab]")]);
  const choose = (/** @type {HTMLElement} */ wanted) => {
    for (const tab of tabs) {
      const on = tab === wanted;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      const page = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      // Tabs that share a page fill it anew.
      if (page?.getAttribute("role") === "tabpanel" && tabs.every((other) => other === tab || other.getAttribute("aria-controls") !== page.id)) page.hidden = !on;
    }
    chosen(wanted);
  };
  for (const tab of tabs) tab.addEventListener("click", () => choose(tab));
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(/** @type {HTMLElement} */ (event.target));
    const steps = /** @type {Record<string, number>} */ ({ ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: -1 });
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = tabs[(steps[event.key] + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
  choose(tabs[0]);
  return choose;
}
