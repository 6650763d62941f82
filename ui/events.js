// @ts-check
/** What the app reports, in the sample's toasts. What is drawn comes from the whole state, not from these. */
import { t } from "./i18n/index.js";

/** @typedef {import("./api.js").PageEvent} PageEvent */

/**
 * @typedef {object} Listeners
 * @property {import("./toasts.js").Toasts} toasts
 * @property {(call: import("./api.js").CallState) => void} callChanged
 * @property {() => void} devicesChanged
 * @property {(levels: import("./types/app").Volume[]) => void} heard five times a second
 * @property {(problem: import("./types/app").Problem) => void} deviceLost
 */

/**
 * @param {PageEvent} event
 * @param {Listeners} listeners
 */
export function handle(event, { toasts, callChanged, devicesChanged, heard, deviceLost }) {
  switch (event.event) {
    case "call-state":
      return callChanged(event.call);
    case "devices-changed":
      return devicesChanged();
    case "volume-indicator":
      return heard(event.levels);
    case "peer-leave":
      return toasts.notice(t("toast.peerLeave"));
    case "stream-published":
      return toasts.notice(t("toast.streamPublished"));
    case "stream-added":
      return toasts.info(t("toast.streamAdded", { uid: event.stream }));
    case "stream-subscribed":
      return toasts.info(t("toast.streamSubscribed", { uid: event.stream }));
    case "stream-removed":
      return toasts.info(t("toast.streamRemoved", { uid: event.stream }));
    case "device-lost":
      return deviceLost(event);
    case "client-banned":
      return toasts.error(t("toast.removed"), event);
    case "error":
      return console.error("error", event);
  }
}
