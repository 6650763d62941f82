// @ts-check
/** What the app reports, in the sample's toasts. What is drawn comes from the whole state, not from these. */
import { t } from "./i18n/index.js";
import { meaning } from "./problem.js";

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
 * @property {(device: import("./types/app").Device) => void} microphoneGone before `devicesChanged` says so
 * @property {(exception: Exception) => void} excepted
 * @property {(problem: import("./types/app").Problem) => void} callEnded what to change before the next attempt
 * @property {(settings: import("./api.js").Settings) => void} settingsChanged
 * @property {(opened: { link: import("./api.js").Link | null, problem: import("./types/app").Problem | null }) => void} linkOpened
 * @property {() => void} nearbyChanged
 * @property {(reason: string) => void} screenEnded
 * @property {() => void} mutedTalk
 * @property {(up: number, down: number) => void} networkHeard Agora's scale, 0 to 6
 * @property {(type: string) => void} networkMoved Agora's words: ethernet, wifi, …, none
 * @property {(stream: string) => string} nameOf who a stream belongs to, in words
 */

/**
 * What a call's own errors mean to whoever is in it; of others a banner or a tile tells. A privilege that ended or was taken, or
 * a stream that a service that is back did not take: picture and sound are gone from the others' pages. A join that a service
 * that is back refuses ends the call.
 */
const TROUBLE = {
  publishingEnded: ["DYNAMIC_KEY_EXPIRED", "NO_AUTHORIZED", "K_UID_BANNED", "K_IP_BANNED", "K_CHANNEL_BANNED", "PUBLISH_STREAM_FAILED"],
  callEnded: ["INVALID_VENDOR_KEY", "INVALID_CHANNEL_NAME", "ERR_INVALID_UID", "UID_CONFLICT", "ERR_DYNAMIC_USE_STATIC_KE", "ERR_STATIC_USE_DYANMIC_KE", "DYNAMIC_KEY_TIMEOUT", "UNSUPPORTED_VERSION", "BAD_MESSAGE"],
  notReceived: ["PEERCONNECTION_FAILED", "SUBSCRIBE_STREAM_FAILED"],
  crowded: ["ERR_TOO_MANY_USERS"],
};

/**
 * @param {PageEvent} event
 * @param {Listeners} listeners
 */
export function handle(event, listeners) {
  const { toasts, callChanged, devicesChanged, projectsChanged, heard, deviceLost, deviceBack, excepted, callEnded } = listeners;
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
      return toasts.seen(t("toast.streamAdded", { uid: event.stream }));
    case "stream-subscribed":
      return toasts.seen(t("toast.streamSubscribed", { uid: event.stream }));
    case "stream-removed":
      return toasts.seen(t("toast.streamRemoved", { uid: event.stream }));
    case "device-lost":
      return deviceLost(event);
    case "device-back":
      return deviceBack(event.device);
    case "onTokenPrivilegeWillExpire":
      return toasts.info(t("toast.tokenWillExpire"), t("toast.tokenWillExpireHint", { seconds: event.seconds }));
    case "onTokenPrivilegeDidExpire":
      toasts.info(t("toast.tokenDidExpire"), meaning(event));
      return callEnded(event);
    case "settings-changed":
      return listeners.settingsChanged(event.settings);
    case "link-opened":
      return listeners.linkOpened(event);
    case "nearby-changed":
      return listeners.nearbyChanged();
    case "stopScreenSharing":
      return listeners.screenEnded(event.reason);
    case "speaking-while-muted":
      return listeners.mutedTalk();
    case "network-quality":
      return listeners.networkHeard(event.uplinkNetworkQuality, event.downlinkNetworkQuality);
    case "network-type-changed":
      if (event.networkType === "none") toasts.info(t("toast.networkGone"), t("toast.networkGoneHint"));
      return listeners.networkMoved(event.networkType);
    case "recording-device-changed":
      if (event.state === "INACTIVE") listeners.microphoneGone(event.device);
      return deviceMoved(event, toasts);
    case "camera-changed":
    case "playout-device-changed":
      return deviceMoved(event, toasts);
    case "stream-reconnect-start":
      return toasts.say(t("said.reconnecting", { name: listeners.nameOf(event.stream) }));
    case "stream-reconnect-end":
      return event.success ? toasts.say(t("said.reconnected", { name: listeners.nameOf(event.stream) })) : undefined;
    case "client-banned":
      return toasts.error(t("toast.removed"), { code: event.attr, message: event.message });
    case "error":
      console.error("error", event);
      return trouble(event, listeners);
  }
}

/**
 * @param {import("./types/app").Problem} problem
 * @param {Listeners} listeners
 */
function trouble(problem, { toasts, callEnded }) {
  const kind = Object.entries(TROUBLE).find(([, codes]) => codes.includes(problem.code))?.[0];
  if (kind === "crowded") return toasts.info(t("toast.crowded"), t("toast.crowdedHint"));
  if (kind) toasts.error(t(`toast.${kind}`), problem);
  if (kind === "callEnded") callEnded(problem);
}

/**
 * A device that came is worth a look; of one that went and was in use, `device-lost` tells, or which other is used now.
 * @param {{ state: "ACTIVE" | "INACTIVE", device: import("./types/app").Device }} event
 * @param {import("./toasts.js").Toasts} toasts
 */
function deviceMoved({ state, device }, toasts) {
  const label = device.label || device.id;
  if (state === "ACTIVE") toasts.info(t("toast.deviceThere", { device: label }));
  else toasts.say(t("said.deviceGone", { device: label }));
}
