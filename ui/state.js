// @ts-check
/** The page's state: what the app says of the call, and what only the page knows. Views draw it, nothing else holds it. */

import { isScreen } from "./grid/names.js";

/** @typedef {import("./types/app").CallState} CallState */
/** @typedef {import("./types/app").Devices} Devices */
/** @typedef {import("./types/app").Defaults} Defaults */
/** @typedef {import("./types/app").Problem} Problem */

/**
 * @typedef {object} State
 * @property {CallState} call
 * @property {boolean} inCall whether the window shows the call, not the lobby: an attempt that fails or is called off
 * leaves by way of "leaving", too, and must not flash the call
 * @property {"awake" | "resting" | "waking"} rest whether the lobby's preview rests, or is about to be there again
 * @property {Devices} devices
 * @property {Defaults | null} defaults
 * @property {Problem | null} joinProblem why the last JOIN failed
 * @property {string | null} pinned a stream's id
 * @property {string | null} focus the stream that is shown large: the pinned one, or else a screen that somebody shares
 * @property {string | null} dismissed a screen that somebody did not want large
 * @property {boolean} statistics whether the overlay is shown
 * @property {boolean} hideSelf whether one's own picture is left out of the tiles
 * @property {Record<string, number>} volumes by stream, 0 to 100; who is not named is heard in full
 * @property {Set<import("./features.js").Feature>} features what the app can do
 */

/** @returns {State} */
export function initialState() {
  return {
    call: {
      revision: 0, state: "lobby", joined: false, published: false, connection: "DISCONNECTED",
      params: null, uid: null, role: null, local: null, remote: [], screen: null, name: null, problem: null,
    },
    inCall: false,
    rest: "awake",
    devices: { cameras: [], microphones: [], speakers: [] },
    defaults: null,
    joinProblem: null,
    pinned: null,
    focus: null,
    dismissed: null,
    statistics: false,
    hideSelf: false,
    volumes: {},
    features: new Set(),
  };
}

/** @typedef {(state: State, before: State) => void} Watcher */

export class Store {
  /** @type {Watcher[]} */
  #watchers = [];
  #state;

  /** @param {State} state */
  constructor(state) {
    this.#state = state;
  }

  get state() {
    return this.#state;
  }

  get call() {
    return this.#state.call;
  }

  /** @param {Partial<State>} change */
  set(change) {
    const before = this.#state;
    this.#state = settle({ ...before, ...change });
    for (const watcher of this.#watchers) watcher(this.#state, before);
  }

  /**
   * Takes what the app says of the call, unless it has said something newer: its answers and its events come by ways of their own.
   * Of a preview that rests it knows no devices: what they were, and how they are switched meanwhile, is shown until it wakes.
   * @param {CallState} call
   */
  receive(call) {
    if (call.revision < this.call.revision) return;
    const { rest } = this.#state;
    if (rest !== "awake" && !call.local) this.set({ call: { ...call, local: this.call.local } });
    else this.set({ call, rest: rest === "waking" ? "awake" : rest });
  }

  /** Has the watcher called after every change, and once now. @param {Watcher} watcher */
  watch(watcher) {
    this.#watchers.push(watcher);
    watcher(this.#state, this.#state);
  }

  /** Calls every watcher with nothing changed: the language is another. */
  redraw() {
    for (const watcher of this.#watchers) watcher(this.#state, this.#state);
  }
}

/**
 * What follows from the rest: which face the window shows, which stream is large, and that a pin goes with its stream.
 * @param {State} state
 * @returns {State}
 */
function settle(state) {
  const { call, dismissed } = state;
  const inCall = call.state === "call" || (call.state === "leaving" && state.inCall);
  const there = (/** @type {string | null} */ stream) =>
    stream === "local" || (stream === "local-screen" && Boolean(call.screen)) || call.remote.some((remote) => remote.stream === stream);
  const pinned = inCall && there(state.pinned) ? state.pinned : null;
  const screen = inCall ? call.remote.filter((remote) => isScreen(remote) && remote.stream !== dismissed).at(-1) : undefined;
  return { ...state, inCall, pinned, focus: pinned ?? screen?.stream ?? null, dismissed: inCall && there(dismissed) ? dismissed : null };
}

/** What rests, a key under `rest`; null where both are off, which needs no words. @param {CallState["local"]} local */
export function resting(local) {
  const [camera, microphone] = [local?.video && !local.videoMuted, local?.audio && !local.audioMuted];
  if (camera) return microphone ? "both" : "camera";
  return microphone ? "microphone" : null;
}

/** @typedef {import("./types/app").DeviceKind} Kind */
/** @typedef {import("./types/app").DeviceProblem} DeviceProblem */

/**
 * What is wrong with one's own devices, a key under `problem` each with its code, the camera first.
 * @param {CallState["local"]} local
 * @returns {{ kind: Kind, key: string | null, problem: DeviceProblem }[]}
 */
export function deviceProblems(local) {
  if (!local) return [];
  const { audio, video, problems } = local;
  const named = problems.map((problem) => ({ kind: problem.device, key: deviceKey(problem), problem }));
  const missing = named.filter(({ key }) => key === "cameraMissing" || key === "microphoneMissing");
  const rest = named.filter((entry) => !missing.includes(entry));
  const neither = !audio && !video && missing.length > 1;
  return [...(neither ? [{ ...missing[0], key: "neither" }] : missing), ...rest];
}

/** @param {DeviceProblem} problem */
function deviceKey({ code, device, lost }) {
  if (lost) return `${device}Lost`;
  switch (code) {
    case "DEVICES_NOT_FOUND":
      return `${device}Missing`;
    case "MEDIA_OPTION_INVALID":
      return `${device}Busy`;
    case "PERMISSION_DENIED":
      return `${device}Denied`;
    default:
      return null;
  }
}
