// @ts-check
/** What stands around the tiles in a call: the channel's name, the hint when alone, the banner, the buttons' reasons. */
import { byId, element, setReason } from "./dom.js";
import { t } from "./i18n/index.js";
import { refusal } from "./rules.js";

/** @typedef {import("./state.js").State} State */

const ACTIONS = /** @type {const} */ (["join", "leave", "publish", "unpublish"]);

/** @param {State} state */
export function drawButtons({ call }) {
  for (const action of ACTIONS) {
    const refused = refusal(action, call);
    setReason(byId(action), refused && t(`reason.${refused}`));
  }
}

/** @param {State} state */
export function drawCall({ call, inCall: shown }) {
  const channel = call.params?.channel ?? "";
  const people = new Set(call.remote.map(({ uid }) => String(uid))).size + 1;
  document.title = shown ? `${channel} – Visavis` : "Visavis";
  setText("call_title", t("call.title", { channel }));
  setText("call_channel", channel);
  setText("call_people", String(people));
  const info = byId("call_info");
  info.title = `${t("people.open")} (U)`;
  setText("alone_title", t("alone.title", { channel }));
  byId("alone").hidden = !(call.state === "call" && call.remote.length === 0);
  const away = call.state === "call" && call.connection !== "CONNECTED";
  banner("away", away ? t("call.away") : "");
}

/** Says which way one's own network is slow, if it is. @param {"up" | "down" | null} way */
export function drawSlow(way) {
  banner("slow", way ? t(way === "up" ? "call.slowUp" : "call.slowDown") : "");
}

/**
 * @param {number} page
 * @param {number} pages
 */
export function drawPager(page, pages) {
  byId("pager").hidden = pages < 2;
  if (pages < 2) return;
  setText("page_number", t("call.page", { page: page + 1, pages }));
  byId("page_back").setAttribute("aria-disabled", String(page === 0));
  byId("page_on").setAttribute("aria-disabled", String(page === pages - 1));
}

/**
 * @param {string} id
 * @param {string} text empty: nothing to say
 */
function banner(id, text) {
  byId(id).hidden = !text;
  setText(id, text);
}

/** The facts in the "more" popover: what to tell somebody who looks for this call. @param {State["call"]} call */
export function drawFacts({ params, uid, role }) {
  const facts = [["more.channel", params?.channel], ["more.uid", uid], ["more.appID", params?.appId]];
  if (params?.mode === "live" && role) facts.push(["more.role", t(`more.${role}`)]);
  byId("renew").hidden = !params?.token;
  byId("more_facts").replaceChildren(
    ...facts.flatMap(([key, value]) => [element("dt", {}, [t(String(key))]), element("dd", {}, [String(value ?? "")])]),
  );
}

/**
 * A live region must change only when its words do.
 * @param {string} id
 * @param {string} text
 */
function setText(id, text) {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
}
