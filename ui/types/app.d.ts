// What crosses between the app and its page. Generated from the types in src-tauri/src (see page_types.rs) by their test:
// change those and run `cargo test -p app`.

/**
 * A code of Agora's Web SDK (or ours) and a sentence that says what happened and what to do.
 */
export type Problem = { code: string, message: string, };

/**
 * The devices of a window.
 */
export type DeviceKind = "camera" | "microphone" | "speaker";

/**
 * What is wrong with a device.
 */
export type DeviceProblem = { device: DeviceKind, 
/**
 * It was open and is gone; a camera or microphone goes on by itself when it is there again.
 */
lost: boolean, code: string, message: string, };

/**
 * Where a window is between lobby and call.
 */
export type Phase = "lobby" | "joining" | "call" | "leaving";

/**
 * Agora's connection states.
 */
export type Connection = "DISCONNECTED" | "CONNECTING" | "CONNECTED" | "DISCONNECTING";

/**
 * How far a remote stream's media has come.
 */
export type RemoteMedia = "connecting" | "playing" | "stalled" | "waiting" | "sound";

/**
 * What is done to the microphone's sound, in Agora's words.
 */
export type AudioProcessing = { 
/**
 * Echo cancellation.
 */
AEC: boolean, 
/**
 * Noise suppression.
 */
ANS: boolean, 
/**
 * Gain control.
 */
AGC: boolean, };

/**
 * This window's own stream: the lobby's preview, or what is published.
 */
export type LocalState = { 
/**
 * Always `"local"`.
 */
stream: string, 
/**
 * Whether the stream has a sound track, and a picture track.
 */
audio: boolean, video: boolean, audioMuted: boolean, videoMuted: boolean, audioProcessing: AudioProcessing, 
/**
 * What did not open or was lost. The call goes on without it.
 */
problems: Array<DeviceProblem>, };

/**
 * Somebody else's stream.
 */
export type RemoteState = { stream: string, uid: number | string, 
/**
 * The name that the user goes by: a claim, not a proof.
 */
name: string | null, source: "camera" | "screen", audio: boolean, video: boolean, audioMuted: boolean, videoMuted: boolean, state: RemoteMedia, };

/**
 * What a window's call is now. Sent whole after each change, so that a page that was reloaded needs nothing else.
 */
export type CallState = { 
/**
 * Grows with every change: an answer that an event has overtaken is known by it.
 */
revision: number, state: Phase, joined: boolean, published: boolean, connection: Connection, 
/**
 * What the call was joined with.
 */
params: JoinParams | null, uid: number | string | null, 
/**
 * In `rtc` mode everyone is a host.
 */
role: "host" | "audience" | null, 
/**
 * The name that this user goes by in the call.
 */
name: string | null, local: LocalState | null, 
/**
 * The screen that is shared.
 */
screen: ScreenState | null, remote: Array<RemoteState>, 
/**
 * What stands in the way of any call, such as `PORT_TAKEN`.
 */
problem: Problem | null, };

/**
 * What the page's form says. Empty texts and a uid of 0 mean "not given".
 */
export type JoinParams = { appId: string, channel: string, token: string | null, uid: number | string | null, cameraId: string | null, microphoneId: string | null, 
/**
 * `"default"`, a profile of AGORA's table such as `"720p_2"`, or `WxH@FPS:MAX_KBPS`.
 */
resolution: string | null, mode: "rtc" | "live", codec: string | null, 
/**
 * The name to go by, if any. It is cleaned and cut to 64 characters, never refused.
 */
name: string | null, 
/**
 * The channel service for this call, where a link named one; none: the one in the settings.
 */
server: string | null, };

/**
 * What the lobby shows.
 */
export type PreviewSpec = { cameraId: string | null, microphoneId: string | null, 
/**
 * As `JoinParams.resolution`.
 */
profile: string | null, 
/**
 * Whether the camera, or the microphone, is off from the start; without it, as it is.
 */
cameraOff?: boolean | null, microphoneOff?: boolean | null, };

/**
 * The answer to `join`.
 */
export type Joined = { uid: number | string, };

/**
 * A device as a person chooses it.
 */
export type Device = { id: string, label: string, };

/**
 * All devices, the one to start with first.
 */
export type Devices = { cameras: Array<Device>, microphones: Array<Device>, speakers: Array<Device>, };

/**
 * A device that came (`ACTIVE`) or went (`INACTIVE`).
 */
export type DeviceChange = { state: Presence, device: Device, };

/**
 * Whether a device is there.
 */
export type Presence = "ACTIVE" | "INACTIVE";

/**
 * A whole screen, or one window.
 */
export type ScreenKind = "screen" | "window";

/**
 * Something that can be shared, as a person chooses it.
 */
export type ScreenSource = { id: string, kind: ScreenKind, title: string, 
/**
 * The program a window belongs to, where the system says.
 */
app: string | null, width: number, height: number, 
/**
 * A `data:` URL of a picture of at most 320×180 pixels; none if it could not be made in time.
 */
thumbnail: string | null, };

/**
 * What the shared picture keeps longest where the network does not carry all.
 */
export type SharePreference = "detail" | "motion";

/**
 * The largest picture that is sent; never larger than the screen.
 */
export type ShareResolution = "480p" | "720p" | "1080p" | "native";

/**
 * What to share, and how.
 */
export type ShareSpec = { 
/**
 * A `ScreenSource`'s id.
 */
id: string, preference: SharePreference, resolution: ShareResolution, };

/**
 * The screen that this window shares.
 */
export type ScreenState = { 
/**
 * Always `"local-screen"`.
 */
stream: string, 
/**
 * The screen's or window's title.
 */
label: string, 
/**
 * The window is minimised: what it last showed is sent.
 */
paused: boolean, };

/**
 * What the page fills its form with.
 */
export type Defaults = { app_id: string, channel: string, 
/**
 * The channel service's address, `ws://…`.
 */
server: string, 
/**
 * Choices for `resolution`.
 */
profiles: Array<string>, 
/**
 * The devices this app was started with, if any. They come before what a person chose in an earlier run.
 */
camera_id: string | null, microphone_id: string | null, version: string, };

/**
 * Where the page's frames come from (see `frame_socket`).
 */
export type FrameSocket = { url: string, };

/**
 * Who runs the service that calls go to.
 */
export type Place = "here" | "shared" | "stranger" | "external";

/**
 * A project as the panel shows it.
 */
export type Project = { appId: string, 
/**
 * May be empty.
 */
name: string, 
/**
 * Whether joins need a token.
 */
certificate: boolean, enabled: boolean, 
/**
 * Whether this is the App ID that every Visavis knows.
 */
isDefault: boolean, };

/**
 * What the panel shows.
 */
export type ProjectList = { place: Place, 
/**
 * The channel service's address, `ws://…`.
 */
server: string, 
/**
 * The process that runs it, where that is another one of this user's.
 */
process: number | null, 
/**
 * Where the projects are kept; none where they are not this app's to change.
 */
file: string | null, projects: Array<Project>, 
/**
 * Why the file cannot be used.
 */
problem: Problem | null, };

/**
 * A token as a person asks for it.
 */
export type TokenOrder = { appId: string, channel: string, 
/**
 * Nobody is anyone.
 */
uid: number | string | null, role: "publisher" | "subscriber", 
/**
 * How long it is valid, from now.
 */
seconds: number, };

/**
 * A token, and when it ends.
 */
export type MadeToken = { token: string, 
/**
 * Unix seconds.
 */
expiresAt: number, };

/**
 * A sent picture.
 */
export type SentVideo = { fps: number, width: number, height: number, bitrateKbps: number, targetKbps: number, 
/**
 * Time the encoder takes for a frame, in ms.
 */
encodeMs: number, 
/**
 * What the camera gives.
 */
captureFps: number, captureWidth: number, captureHeight: number, };

/**
 * Sent sound.
 */
export type SentAudio = { bitrateKbps: number, };

/**
 * What is sent of a stream of this window.
 */
export type SentStats = { video: SentVideo | null, audio: SentAudio | null, 
/**
 * The worst loss on the way to anybody.
 */
lossPercent: number | null, };

/**
 * A received picture.
 */
export type ReceivedVideo = { fps: number, width: number, height: number, bitrateKbps: number, frozenMs: number, 
/**
 * Capture to decoded picture; none before the sender's clock is known.
 */
latencyMs: number | null, lost: number, repaired: number, frames: number, decodeMs: number, 
/**
 * Lost on the way over the last two seconds, before repair; none before it is known.
 */
lossPercent: number | null, 
/**
 * From joining to the first picture.
 */
firstFrameMs: number | null, };

/**
 * Received sound.
 */
export type ReceivedAudio = { bitrateKbps: number, lost: number, concealedMs: number, playedMs: number, latencyMs: number | null, lossPercent: number | null, };

/**
 * What is received of one remote stream.
 */
export type ReceivedStats = { stream: string, uid: number | string, video: ReceivedVideo | null, audio: ReceivedAudio | null, };

/**
 * A call in numbers. Outside a call nothing is sent and nobody received.
 */
export type CallStats = { 
/**
 * The longest round trip to any other end, in ms.
 */
rttMs: number | null, users: number, 
/**
 * As in the event `network-quality`.
 */
uplinkQuality: number, downlinkQuality: number, send: SentStats, 
/**
 * The screen, while one is shared.
 */
screen: SentStats | null, receive: Array<ReceivedStats>, };

export type Theme = "system" | "light" | "dark";

export type Language = "system" | "en" | "zh-CN";

/**
 * How frames are drawn; `auto` measures.
 */
export type VideoPath = "auto" | "i420" | "rgba";

/**
 * What the form begins with. A token or a uid is never kept: they belong to one call.
 */
export type FormSettings = { appId: string, channel: string, resolution: string | null, };

/**
 * The devices chosen last, and whether to join without.
 */
export type DeviceSettings = { camera: string | null, microphone: string | null, speaker: string | null, cameraOff: boolean, microphoneOff: boolean, };

/**
 * Key combinations that work while another program has the keyboard, such as `"Ctrl+Shift+M"`; none: no such key.
 */
export type HotkeySettings = { mute: string | null, pushToTalk: string | null, };

/**
 * All that the page keeps. What a file lacks is as in [`Default`].
 */
export type Settings = { theme: Theme, language: Language, 
/**
 * The display name; empty: none.
 */
name: string, statistics: boolean, 
/**
 * Whether one's own picture is shown as in a mirror.
 */
mirror: boolean, hideSelf: boolean, form: FormSettings, devices: DeviceSettings, sound: Partial<AudioProcessing>, video: VideoPath, 
/**
 * The channel service to use, `ws://…` or `wss://…`; none: the app's own.
 */
server: string | null, 
/**
 * Whether the own service and its calls are shown to, and reached from, the local network.
 */
nearby: boolean, notifications: boolean, hotkeys: HotkeySettings, };

/**
 * Whether key combinations work outside the app's windows.
 */
export type HotkeyReport = { available: boolean, 
/**
 * A sentence that says why not, or which combination is refused and by whom.
 */
reason: string | null, };

/**
 * The settings and what stands in the way of keeping or using them.
 */
export type SettingsReport = { settings: Settings, 
/**
 * Where they are kept; empty where there is no place.
 */
file: string, problem: Problem | null, hotkeys: HotkeyReport, };

/**
 * A call to be joined, as a link names it.
 */
export type Link = { appId: string, channel: string, token: string | null, 
/**
 * The channel service; none: the reader's own.
 */
server: string | null, };

/**
 * What was opened: a link, or why the text is none; neither where nothing was.
 */
export type OpenedLink = { link: Link | null, problem: Problem | null, };

/**
 * A call that somebody on this network shows. Every text in it comes from them.
 */
export type Nearby = { appId: string, channel: string, 
/**
 * The name of the machine that shows it.
 */
host: string, 
/**
 * Where its service is reached, `ws://…`.
 */
server: string, };

/**
 * A stream and whose it is.
 */
export type StreamRef = { stream: string, uid: number | string, };

/**
 * How loud a stream is.
 */
export type Volume = { 
/**
 * The stream's id, `"local"` for this window's own.
 */
stream: string, 
/**
 * 0 to 100; above 5 somebody speaks.
 */
level: number, };

/**
 * One message to the page.
 */
export type PageEvent = { "event": "call-state", call: CallState, } | { "event": "devices-changed" } | { "event": "camera-changed" } & DeviceChange | { "event": "recording-device-changed" } & DeviceChange | { "event": "playout-device-changed" } & DeviceChange | { "event": "stopScreenSharing", reason: string, } | { "event": "projects-changed" } | { "event": "settings-changed", settings: Settings, } | { "event": "link-opened" } & OpenedLink | { "event": "nearby-changed" } | { "event": "pip-changed", stream: string | null, } | { "event": "connection-state-change", prevState: Connection, curState: Connection, } | { "event": "stream-published" } & StreamRef | { "event": "stream-unpublished" } & StreamRef | { "event": "stream-added" } & StreamRef | { "event": "stream-updated" } & StreamRef | { "event": "stream-subscribed" } & StreamRef | { "event": "stream-removed" } & StreamRef | { "event": "peer-online", uid: number | string, } | { "event": "peer-named", uid: number | string, name: string | null, } | { "event": "peer-leave", uid: number | string, reason: "Quit" | "ServerTimeOut" | "BecomeAudience", } | { "event": "mute-audio" } & StreamRef | { "event": "unmute-audio" } & StreamRef | { "event": "mute-video" } & StreamRef | { "event": "unmute-video" } & StreamRef | { "event": "first-video-frame-decode" } & StreamRef | { "event": "first-audio-frame-decode" } & StreamRef | { "event": "stream-reconnect-start" } & StreamRef | { "event": "stream-reconnect-end", stream: string, uid: number | string, success: boolean, } | { "event": "stream-type-changed", stream: string, uid: number | string, streamType: number, } | { "event": "stream-fallback", stream: string, uid: number | string, attr: number, } | { "event": "volume-indicator", levels: Array<Volume>, } | { "event": "network-quality", uplinkNetworkQuality: number, downlinkNetworkQuality: number, } | { "event": "network-type-changed", networkType: string, } | { "event": "exception", code: number, msg: string, uid: number | string, recovered: boolean, } | { "event": "device-lost" } & DeviceProblem | { "event": "device-back", device: DeviceKind, } | { "event": "speaking-while-muted" } | { "event": "client-role-changed", role: "host" | "audience", } | { "event": "onTokenPrivilegeWillExpire", seconds: number, } | { "event": "onTokenPrivilegeDidExpire" } & Problem | { "event": "client-banned", uid: number | string, attr: string, message: string, } | { "event": "error" } & Problem;
