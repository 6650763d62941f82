// @ts-check
/**
 * The app as the page sees it. The only file that knows Tauri: a page in a plain browser, a test or a later guest
 * puts an object of this shape at `globalThis.__VISAVIS_API__` before `main.js` runs, and nothing else changes.
 */

/** @typedef {import("./types/app").CallState} CallState */
/** @typedef {import("./types/app").PageEvent} PageEvent */
/** @typedef {import("./types/app").Settings} Settings */
/** @typedef {import("./types/app").SettingsReport} SettingsReport */
/** @typedef {import("./types/app").HotkeyReport} HotkeyReport */
/** @typedef {import("./types/app").Link} Link */
/** @typedef {import("./types/app").OpenedLink} OpenedLink */
/** @typedef {import("./types/app").Nearby} Nearby */
/** @typedef {import("./types/app").Problem} Problem */
/** @typedef {import("./video/frame-source.js").Socket} Socket */

/**
 * Every promise rejects with a `Problem`.
 * @typedef {object} Api
 * @property {() => Promise<CallState>} getState
 * @property {() => Promise<import("./types/app").Devices>} getDevices
 * @property {() => Promise<import("./types/app").Defaults>} getDefaults
 * @property {(spec: import("./types/app").PreviewSpec) => Promise<void>} startPreview
 * @property {() => Promise<void>} stopPreview closes camera and microphone, unless a call has them
 * @property {(params: import("./types/app").JoinParams) => Promise<import("./types/app").Joined>} join
 * @property {() => Promise<void>} leave
 * @property {() => Promise<void>} publish
 * @property {() => Promise<void>} unpublish
 * @property {(tracks: { audio?: boolean, video?: boolean }) => Promise<void>} mute true silences
 * @property {(id: string) => Promise<void>} setCamera
 * @property {(id: string) => Promise<void>} setMicrophone
 * @property {(switches: import("./types/app").AudioProcessing) => Promise<void>} setAudioProcessing
 * @property {(stream: string, volume: number) => Promise<void>} setVolume 0 to 100
 * @property {(token: string) => Promise<void>} renewToken
 * @property {() => Promise<import("./types/app").CallStats>} getStats
 * @property {() => Promise<Socket>} openFrameSocket at a fresh address each time
 * @property {(handler: (event: PageEvent) => void) => Promise<void>} subscribe
 * @property {() => Promise<void>} newWindow
 * @property {() => Promise<import("./types/app").ProjectList>} listProjects
 * @property {(name: string) => Promise<import("./types/app").Project>} createProject
 * @property {(appId: string, on: boolean) => Promise<void>} setCertificate on: a new one
 * @property {(appId: string) => Promise<string>} revealCertificate
 * @property {(appId: string, enabled: boolean) => Promise<void>} setEnabled
 * @property {(order: import("./types/app").TokenOrder) => Promise<import("./types/app").MadeToken>} makeToken
 * @property {() => Promise<SettingsReport>} getSettings
 * @property {(change: Partial<Settings>) => Promise<Settings>} setSettings
 * @property {(link: Link) => Promise<string>} makeLink
 * @property {(text: string) => Promise<Link>} readLink
 * @property {() => Promise<OpenedLink>} takeLink
 * @property {() => Promise<Nearby[]>} listNearby
 * @property {() => Promise<string>} getDiagnostics
 * @property {() => Promise<void>} openLogs
 * @property {(stream: string) => Promise<void>} openPip
 * @property {() => Promise<void>} closePip
 * @property {() => Promise<import("./types/app").ScreenSource[]>} listScreens
 * @property {(share: import("./types/app").ShareSpec) => Promise<void>} startScreen
 * @property {() => Promise<void>} stopScreen
 * @property {(name: string) => Promise<void>} setName
 * @property {(id: string) => Promise<void>} setSpeaker
 * @property {() => Promise<void>} testSpeaker resolves when the chime is over
 */

/** What an app answers that does not know a command: it is older than this page. */
export const MISSING = "COMMAND_MISSING";

/** @returns {Api} */
export function connect() {
  const surroundings = /** @type {any} */ (globalThis);
  return surroundings.__VISAVIS_API__ ?? tauri(surroundings.__TAURI__.core);
}

/**
 * @param {{ invoke: (command: string, args?: object) => Promise<any>, Channel: new () => { onmessage: (event: PageEvent) => void } }} core
 * @returns {Api}
 */
function tauri({ invoke: call, Channel }) {
  const invoke = (/** @type {string} */ command, /** @type {object} */ args = {}) => call(command, args).catch((thrown) => Promise.reject(known(thrown)));
  return {
    getState: () => invoke("get_state"),
    getDevices: () => invoke("get_devices"),
    getDefaults: () => invoke("get_defaults"),
    startPreview: (spec) => invoke("start_preview", { spec }),
    stopPreview: () => invoke("stop_preview"),
    join: (params) => invoke("join", { params }),
    leave: () => invoke("leave"),
    publish: () => invoke("publish"),
    unpublish: () => invoke("unpublish"),
    mute: (tracks) => invoke("mute", tracks),
    setCamera: (id) => invoke("set_camera", { id }),
    setMicrophone: (id) => invoke("set_microphone", { id }),
    setAudioProcessing: (switches) => invoke("set_audio_processing", { switches }),
    setVolume: (stream, volume) => invoke("set_volume", { stream, volume }),
    renewToken: (token) => invoke("renew_token", { token }),
    getStats: () => invoke("get_stats"),
    async openFrameSocket() {
      const { url } = await invoke("frame_socket");
      return new WebSocket(url);
    },
    async subscribe(handler) {
      const channel = new Channel();
      channel.onmessage = handler;
      await invoke("subscribe_events", { channel });
    },
    newWindow: () => invoke("new_window"),
    listProjects: () => invoke("list_projects"),
    createProject: (name) => invoke("create_project", { name }),
    setCertificate: (appId, on) => invoke("set_certificate", { appId, on }),
    revealCertificate: (appId) => invoke("reveal_certificate", { appId }),
    setEnabled: (appId, enabled) => invoke("set_enabled", { appId, enabled }),
    makeToken: (order) => invoke("make_token", { order }),
    getSettings: () => invoke("get_settings"),
    setSettings: (change) => invoke("set_settings", { change }),
    makeLink: (link) => invoke("make_link", { link }),
    readLink: (text) => invoke("read_link", { text }),
    takeLink: () => invoke("take_link"),
    listNearby: () => invoke("list_nearby"),
    getDiagnostics: () => invoke("get_diagnostics"),
    openLogs: () => invoke("open_logs"),
    openPip: (stream) => invoke("open_pip", { stream }),
    closePip: () => invoke("close_pip"),
    listScreens: () => invoke("list_screens"),
    startScreen: (share) => invoke("start_screen", { share }),
    stopScreen: () => invoke("stop_screen"),
    setName: (name) => invoke("set_name", { name }),
    setSpeaker: (id) => invoke("set_speaker", { id }),
    testSpeaker: () => invoke("test_speaker"),
  };
}

/** Tauri's own refusals are sentences; of a command that it does not know it says so. @param {unknown} thrown */
function known(thrown) {
  const unknown = typeof thrown === "string" && /\bnot (found|allowed)\b/.test(thrown);
  return unknown ? { code: MISSING, message: thrown } : thrown;
}

/**
 * A failure as `{code, message}`, whatever was thrown.
 * @param {unknown} thrown
 * @returns {Problem}
 */
export function problemOf(thrown) {
  if (thrown && typeof thrown === "object" && "code" in thrown && "message" in thrown) {
    return { code: String(thrown.code), message: String(thrown.message) };
  }
  return { code: "ERR_INTERNAL_ERROR", message: String(thrown) };
}
