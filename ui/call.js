// @ts-check
/** What stands around the tiles in a call: the channel's name, the hint when alone, the banner, the buttons' reasons. */
import { byId, element, setHidden, setReason, setText } from "./dom.js";
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
  const title = shown ? `${channel} – Visavis` : "Visavis";
  if (document.title !== title) document.title = title;
  setText(byId("call_title"), t("call.title", { channel }));
  setText(byId("call_channel"), channel);
  setText(byId("call_people"), String(people));
  const info = byId("call_info");
  info.title = `${t("people.open")} (U)`;
  setText(byId("alone_title"), t("alone.title", { channel }));
  setHidden(byId("alone"), call.state !== "call" || call.remote.length > 0);
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
  setHidden(byId("pager"), pages < 2);
  if (pages < 2) return;
  setText(byId("page_number"), t("call.page", { page: page + 1, pages }));
  byId("page_back").setAttribute("aria-disabled", String(page === 0));
  byId("page_on").setAttribute("aria-disabled", String(page === pages - 1));
}

/**
 * @param {string} id
 * @param {string} text empty: nothing to say
 */
function banner(id, text) {
  setHidden(byId(id), !text);
  setText(byId(id), text);
}

/** The facts in the "more" popover: what to tell somebody who looks for this call. @param {State["call"]} call */
export function drawFacts({ params, uid, role }) {
  const facts = [["more.channel", params?.channel], ["more.uid", uid], ["more.appID", params?.appId]];
  if (params?.mode === "live" && role) facts.push(["more.role", t(`more.${role}`)]);
  setHidden(byId("renew"), !params?.token);
  byId("more_facts").replaceChildren(
    ...facts.flatMap(([key, value]) => [element("dt", {}, [t(String(key))]), element("dd", {}, [String(value ?? "")])]),
  );
}
