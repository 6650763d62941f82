// @ts-check
/** The sample's form: reading it, checking it, filling it. */

/** @typedef {import("./types/app").JoinParams} JoinParams */
/** @typedef {import("./types/app").Device} Device */

/**
 * The form's fields as they are named on the page, spaces at the ends taken off: a pasted App ID with a blank before
 * it is one of the commonest reasons for INVALID_VENDOR_KEY.
 * @typedef {{ appID: string, channel: string, token: string, uid: string, cameraId: string, microphoneId: string, cameraResolution: string, mode: string, codec: string, server?: string | null }} Fields
 */

const REQUIRED = /** @type {const} */ (["appID", "channel"]);

/**
 * @param {HTMLFormElement} form
 * @returns {Fields}
 */
export function readFields(form) {
  const data = new FormData(form);
  const names = /** @type {const} */ (["appID", "channel", "token", "uid", "cameraId", "microphoneId", "cameraResolution", "mode", "codec"]);
  return /** @type {Fields} */ (Object.fromEntries(names.map((name) => [name, String(data.get(name) ?? "").trim()])));
}

/**
 * The first required field that is empty; null if none is.
 * @param {Fields} fields
 */
export function missingField(fields) {
  return REQUIRED.find((name) => !fields[name]) ?? null;
}

/**
 * @param {Fields} fields
 * @param {string} [name] the display name
 * @returns {JoinParams}
 */
export function joinParams({ appID, channel, token, uid, cameraId, microphoneId, cameraResolution, mode, codec, server }, name = "") {
  return {
    appId: appID,
    channel,
    token: token || null,
    uid: uid ? Number(uid) : null,
    cameraId: cameraId || null,
    microphoneId: microphoneId || null,
    resolution: cameraResolution,
    mode: mode === "rtc" ? "rtc" : "live",
    codec,
    name: name.trim() || null,
    server: server ?? null,
  };
}

/** Which field a code speaks of. @type {Record<string, "appID" | "channel" | "token" | "uid">} */
const FIELD_OF_CODE = {
  INVALID_VENDOR_KEY: "appID",
  INVALID_CHANNEL_NAME: "channel",
  ERR_TOO_MANY_USERS: "channel",
  ERR_INVALID_UID: "uid",
  UID_CONFLICT: "uid",
  K_UID_BANNED: "uid",
  ERR_DYNAMIC_USE_STATIC_KE: "token",
  ERR_STATIC_USE_DYANMIC_KE: "token",
  DYNAMIC_KEY_EXPIRED: "token",
  DYNAMIC_KEY_TIMEOUT: "token",
  NO_AUTHORIZED: "token",
};

/** @param {string} code */
export function fieldOfCode(code) {
  return FIELD_OF_CODE[code] ?? null;
}

/**
 * Whether the app could not even have asked the service with this App ID: the sample's `client.init` fails on it.
 * @param {string} appID
 */
export function wellFormedAppId(appID) {
  return /^[0-9a-fA-F]{32}$/.test(appID);
}

/**
 * A device's name on the page; one without gets the sample's, "camera-0".
 * @param {Device} device
 * @param {string} kind
 * @param {number} index
 */
export function deviceLabel(device, kind, index) {
  return device.label || `${kind}-${index}`;
}

/**
 * Puts the devices into a select and keeps what was chosen, or else the first.
 * @param {HTMLSelectElement} select
 * @param {Device[]} devices
 * @param {{ kind: string, none: string, wanted?: string }} words
 */
export function fillSelect(select, devices, { kind, none, wanted = select.value }) {
  const options = devices.map((device, index) => new Option(deviceLabel(device, kind, index), device.id));
  if (!options.length) options.push(new Option(none, ""));
  select.replaceChildren(...options);
  if (devices.some(({ id }) => id === wanted)) select.value = wanted;
}
