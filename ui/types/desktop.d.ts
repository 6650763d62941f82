// What the desktop tells the page, by hand until the app's own types name it.
import type { AudioProcessing, Problem } from "./app";

/**
 * What a person chose, kept in one file for all windows.
 */
export type Settings = { theme: "system" | "light" | "dark", language: "system" | "en" | "zh-CN", 
/**
 * The display name; empty: none.
 */
name: string, statistics: boolean, mirror: boolean, hideSelf: boolean, form: SettingsForm, devices: SettingsDevices, sound: Partial<AudioProcessing>, 
/**
 * How frames are drawn; `auto` measures.
 */
video: "auto" | "i420" | "rgba", 
/**
 * The channel service's address; none: the app's own.
 */
server: string | null, nearby: boolean, notifications: boolean, hotkeys: SettingsHotkeys, };

/**
 * What JOIN was pressed with last.
 */
export type SettingsForm = { appId: string, channel: string, resolution: string | null, };

/**
 * The devices that were chosen last, and which were off.
 */
export type SettingsDevices = { camera: string | null, microphone: string | null, speaker: string | null, cameraOff: boolean, microphoneOff: boolean, };

/**
 * Keys that work while another program has the focus, such as `Ctrl+Shift+M`.
 */
export type SettingsHotkeys = { mute: string | null, pushToTalk: string | null, };

/**
 * The settings and what is to be said of them.
 */
export type SettingsReport = { settings: Settings, 
/**
 * Where they are kept.
 */
file: string, 
/**
 * Why the file could not be read or written.
 */
problem: Problem | null, hotkeys: HotkeyReport, };

/**
 * Whether this desktop allows keys of one's own, and if not, why.
 */
export type HotkeyReport = { available: boolean, reason: string | null, };

/**
 * The desktop's part of `PageEvent`.
 */
export type DesktopEvent = { "event": "settings-changed", settings: Settings, } | { "event": "link-opened", link: Link | null, problem: Problem | null, } | { "event": "nearby-changed" } | { "event": "pip-changed", stream: string | null, } | { "event": "speaking-while-muted" };

/**
 * What a link invites to.
 */
export type Link = { appId: string, channel: string, token: string | null, server: string | null, };

/**
 * What the app was opened with.
 */
export type OpenedLink = { link: Link | null, problem: Problem | null, };

/**
 * A channel that somebody on this network offers.
 */
export type NearbyCall = { appId: string, channel: string, host: string, server: string, };
