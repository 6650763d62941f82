// @ts-check
/** What the app reports, in the sample's toasts. What is drawn comes from the whole state, not from these. */
import { sentence, t } from "./i18n/index.js";

/** @typedef {import("./api.js").PageEvent} PageEvent */
/** @typedef {Extract<PageEvent, { event: "exception" }>} Exception */

/**
 * @typedef {object} Listeners
 * @property {import("./toasts.js").Toasts} toasts
 * @property {(call: import("./api.js").CallState) => void} callChanged
 * @property {() => void} devicesChanged
 * @property {(levels: import("./types/app").Volume[]) => void} heard five times a second
 * @property {() => void} projectsChanged
 * @property {(problem: import("./types/app").DeviceProblem) => void} deviceLost
 * @property {(device: import("./types/app").DeviceKind) => void} deviceBack
 * @property {(exception: Exception) => void} excepted
 * @property {(problem: import("./types/app").Problem) => void} callEnded what to change before the next attempt
 */

/** What takes a privilege to publish away in a call. */
const ENDS_PUBLISHING = ["DYNAMIC_KEY_EXPIRED", "NO_AUTHORIZED", "K_UID_BANNED", "K_IP_BANNED", "K_CHANNEL_BANNED"];

/**
 * @param {PageEvent} event
 * @param {Listeners} listeners
 */
export function handle(event, { toasts, callChanged, devicesChanged, projectsChanged, heard, deviceLost, deviceBack, excepted, callEnded }) {
  switch (event.event) {
    case "call-state":
      return callChanged(event.call);
    case "devices-changed":
      return devicesChanged();
    case "projects-changed":
      return projectsChanged();
    case "volume-indicator":
      return heard(event.levels);
    case "exception":
      console.warn("exception", event);
      return excepted(event);
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
    case "device-back":
      return deviceBack(event.device);
    case "onTokenPrivilegeWillExpire":
      return toasts.info(t("toast.tokenWillExpire"), t("toast.tokenWillExpireHint", { seconds: event.seconds }));
    case "onTokenPrivilegeDidExpire":
      toasts.info(t("toast.tokenDidExpire"), sentence(event.code) ?? event.message);
      return callEnded(event);
    case "client-banned":
      return toasts.error(t("toast.removed"), { code: event.attr, message: event.message });
    case "error":
      console.error("error", event);
      // A privilege that ended or was taken: the picture or the sound is gone from the others' pages.
      if (ENDS_PUBLISHING.includes(event.code)) toasts.error(t("toast.publishingEnded"), event);
  }
}
