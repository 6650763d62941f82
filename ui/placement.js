// @ts-check
/**
 * The parts that the lobby and the call share exist once, under the sample's ids, and move to where they are needed:
 * the own picture (which so never stops on JOIN), the device switches, the four buttons and the toasts.
 */
import { byId } from "./dom.js";

/** @param {boolean} toCall */
export function placeShared(toCall) {
  const places = toCall
    ? { picture: "video", devices: "call_primary", join: "call_secondary", leave: "call_primary", publish: "call_secondary", toasts: "call" }
    : { picture: "preview_slot", devices: "preview_controls", join: "lobby_primary", leave: "lobby_secondary", publish: "lobby_secondary", toasts: "preview_stage" };
  byId(places.picture).append(byId("local_video_panel"));
  byId(places.devices).prepend(byId("devices"));
  byId(places.join).append(byId("join"));
  byId(places.leave).append(byId("leave"));
  byId(places.publish).append(byId("publish"), byId("unpublish"));
  home = places.toasts;
  placeToasts();
}

/** Where the toasts stand while no dialog is open. */
let home = "preview_stage";

/** Has toasts follow into a dialog: all that is outside is covered by it, and silent. To be called once. */
export function followDialogs() {
  const observer = new MutationObserver(placeToasts);
  for (const dialog of document.querySelectorAll("dialog")) observer.observe(dialog, { attributeFilter: ["open"] });
}

function placeToasts() {
  const dialog = document.querySelector("dialog[open]");
  const [seen, heard] = [byId("toasts"), byId("toast_log")];
  const [place, voice] = [dialog ?? byId(home), dialog ?? document.body];
  if (seen.parentElement !== place) place.append(seen);
  if (heard.parentElement === voice) return;
  // What was said is not said again where the log is new.
  heard.replaceChildren();
  voice.append(heard);
}
