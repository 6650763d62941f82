// Every toast that tells of a failure: how it comes about on the page, and the words that stand in it.

/** Has the app refuse a command from now on. */
const refuse = (page, command, code) => page.evaluate(([name, why]) => {
  globalThis.__VISAVIS_API__[name] = () => Promise.reject({ code: why, message: "No." });
}, [command, code]);

/** Has it refuse the command from the start. */
const refuseAtStart = async (page, command, code) => {
  await page.addInitScript(([name, why]) => {
    let api;
    const broken = { [name]: () => Promise.reject({ code: why, message: "No." }) };
    Object.defineProperty(globalThis, "__VISAVIS_API__", { get: () => api, set: (whole) => (api = { ...whole, ...broken }) });
  }, [command, code]);
  await page.reload();
};

const tell = (page, event) => page.evaluate((one) => globalThis.visavisFake.tell(one), event);
const change = (page, what) => page.evaluate((call) => globalThis.visavisFake.change(call), what);
const click = (page, selector) => page.locator(selector).evaluate((element) => element.click());
const lost = (device) => (page) => tell(page, { event: "device-lost", device, lost: true, code: "DEVICES_NOT_FOUND", message: "Gone." });
const error = (code) => (page) => tell(page, { event: "error", code, message: "No." });
const code = (name) => (words) => words.code[name];

/**
 * By key under `toast`: the scene, the deed, and what must stand below besides; null: the toast's own words say what to do.
 * @type {Record<string, [string, (page: any) => Promise<any>, ((words: any) => string) | null][]>}
 */
export const FAILURES = {
  enter: [["lobby", async (page) => {
    await page.fill("#channel", "");
    await page.click("#join");
  }, null]],
  initFailed: [
    ["lobby", (page) => refuseAtStart(page, "getDefaults", "ERR_INTERNAL_ERROR"), code("ERR_INTERNAL_ERROR")],
    ["lobby", async (page) => {
      await page.fill("#appID", "970ca3");
      await page.click("#join");
      await page.locator("#form_problem", { hasText: "INVALID_VENDOR_KEY" }).waitFor();
    }, null],
  ],
  joinFailed: [["error", async (page) => {
    await page.click("#join");
    await page.locator("#form_problem", { hasText: "UID_CONFLICT" }).waitFor();
  }, null]],
  streamFailed: [
    ["lobby", async (page) => {
      await refuse(page, "startPreview", "INVALID_PARAMETER");
      await page.locator("#cameraResolution").evaluate((select) => select.dispatchEvent(new Event("change")));
    }, code("INVALID_PARAMETER")],
    ["lobby", async (page) => {
      await change(page, { local: { stream: "local", audio: false, video: false, audioMuted: false, videoMuted: false, audioProcessing: {}, problems: [{ device: "camera", lost: false, code: "DEVICES_NOT_FOUND", message: "No camera found." }] } });
      await page.click("#join");
    }, code("DEVICES_NOT_FOUND")],
  ],
  publishFailed: [["two", async (page) => {
    await change(page, { published: false });
    await refuse(page, "publish", "PUBLISH_STREAM_FAILED");
    await click(page, "#publish");
  }, code("PUBLISH_STREAM_FAILED")]],
  unpublishFailed: [["two", async (page) => {
    await refuse(page, "unpublish", "SOCKET_ERROR");
    await click(page, "#unpublish");
  }, code("SOCKET_ERROR")]],
  leaveFailed: [["two", async (page) => {
    await refuse(page, "leave", "SOCKET_ERROR");
    await click(page, "#leave");
  }, code("SOCKET_ERROR")]],
  tokenWillExpire: [["two", (page) => tell(page, { event: "onTokenPrivilegeWillExpire", seconds: 30 }), (words) => words.toast.tokenWillExpireHint.replace("{seconds}", "30")]],
  tokenDidExpire: [["two", (page) => tell(page, { event: "onTokenPrivilegeDidExpire", code: "DYNAMIC_KEY_EXPIRED", message: "Over." }), code("DYNAMIC_KEY_EXPIRED")]],
  copyFailed: [["two", async (page) => {
    await page.evaluate(() => (navigator.clipboard.write = () => Promise.reject(new Error("denied"))));
    await page.keyboard.press("i");
  }, null]],
  windowFailed: [["lobby", async (page) => {
    await refuse(page, "newWindow", "ERR_INTERNAL_ERROR");
    await page.click("#lobby_more");
    await page.click("#more [data-do=window]");
  }, code("ERR_INTERNAL_ERROR")]],
  deviceFailed: [["two", async (page) => {
    await refuse(page, "setCamera", "MEDIA_OPTION_INVALID");
    await page.click("#camera_pick");
    await page.click("#cameras [value='camera:2']");
    await page.keyboard.press("Escape");
  }, code("MEDIA_OPTION_INVALID")]],
  cameraLost: [["two", lost("camera"), null]],
  microphoneLost: [["lobby", lost("microphone"), null]],
  speakerLost: [["two", lost("speaker"), null]],
  linkBad: [["two", (page) => tell(page, { event: "link-opened", link: null, problem: { code: "LINK_INVALID", message: "No." } }), code("LINK_INVALID")]],
  settingsFailed: [
    ["two", async (page) => {
      await refuse(page, "setSettings", "SETTINGS_FILE");
      await page.keyboard.press("s");
    }, (words) => `${words.code.SETTINGS_FILE} No.`],
    ["settings-broken", async () => {}, code("SETTINGS_FILE")],
  ],
  nameFailed: [["two", async (page) => {
    await refuse(page, "setName", "INVALID_OPERATION");
    await page.keyboard.press(",");
    await page.fill("#settings_name", "Bea");
    await page.keyboard.press("Enter");
    await page.locator("#settings_name").blur();
  }, code("INVALID_OPERATION")]],
  pipFailed: [["two", async (page) => {
    await refuse(page, "openPip", "ERR_INTERNAL_ERROR");
    await page.keyboard.press("o");
  }, code("ERR_INTERNAL_ERROR")]],
  screenStopFailed: [["sharing", async (page) => {
    await refuse(page, "stopScreen", "SOCKET_ERROR");
    await page.keyboard.press("d");
  }, code("SOCKET_ERROR")]],
  screenEnded: [["sharing", (page) => tell(page, { event: "stopScreenSharing", reason: "The window was closed." }), (words) => words.toast.screenEndedHint]],
  publishingEnded: [["two", error("NO_AUTHORIZED"), code("NO_AUTHORIZED")]],
  callEnded: [["two", error("INVALID_VENDOR_KEY"), code("INVALID_VENDOR_KEY")]],
  notReceived: [["two", error("PEERCONNECTION_FAILED"), code("PEERCONNECTION_FAILED")]],
  crowded: [["two", error("ERR_TOO_MANY_USERS"), (words) => words.toast.crowdedHint]],
  renewFailed: [["two", async (page) => {
    await change(page, { params: { ...(await page.evaluate(() => globalThis.visavisFake.state().params)), token: "007" } });
    await page.click("#call_more");
    await page.fill("#renew_token", "a slip");
    await page.keyboard.press("Enter");
  }, code("INVALID_VENDOR_KEY")]],
  removed: [["two", (page) => tell(page, { event: "client-banned", uid: 40961, attr: "K_UID_BANNED", message: "Out." }), code("K_UID_BANNED")]],
  networkGone: [["two", (page) => tell(page, { event: "network-type-changed", networkType: "none" }), (words) => words.toast.networkGoneHint]],
};
