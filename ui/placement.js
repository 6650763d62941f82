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
  byId(places.toasts).append(byId("toasts"));
}
