// @ts-check
/** The settings as pages kept them before the app did: a key of the storage for each, in other words here and there. */

/**
 * In today's shape; null where nothing was kept. A value that cannot be read is left out.
 * @param {(name: string) => string | null} read
 * @returns {Record<string, any> | null}
 */
export function migrated(read) {
  const form = parsed(read("form"));
  const own = /** @type {Record<string, any>} */ ({
    theme: read("theme"), language: read("language"), video: read("video"),
    statistics: parsed(read("statistics")), sound: parsed(read("sound")),
    form: form && { appId: form.appID ?? "", channel: form.channel ?? "", resolution: form.cameraResolution ?? null },
    devices: form && { camera: form.cameraId ?? null, microphone: form.microphoneId ?? null, speaker: null, cameraOff: false, microphoneOff: false },
  });
  const kept = Object.entries(own).filter(([, value]) => value !== null);
  return kept.length ? Object.fromEntries(kept) : null;
}

/** @param {string | null} text */
function parsed(text) {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
