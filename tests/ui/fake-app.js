// An app without Tauri behind the page's one seam, `globalThis.__VISAVIS_API__`: enough of a channel to press every
// button. `?scene=` of the address says how it begins; screenshots.js and people in a browser use it alike.
(() => {
  const { FakeSocket, Person, Desk, desktop, settings, older } = globalThis.visavisFake;
  const APP_ID = "76697361766973206c6f63616c206170";
  const query = new URLSearchParams(location.search);
  const scene = query.get("scene") ?? "lobby";
  // A real frame socket to measure with, in place of pictures made here.
  const frames = query.get("frames");

  const pictures = (globalThis.visavisPictures ?? []).map((urls) => new Person(urls));
  const uids = [2882341273, "ana.lima", 1904, "Ben", 77120, "mei-ling", 3141592653, "tom_k"];
  const names = new Map([
    [2882341273, "Maria Santos"], ["ana.lima", "Ana Lima"], ["Ben", "Ben Okafor"], [77120, "Jonas Lindqvist"], ["mei-ling", "陈美玲"],
    [3141592653, "Priya Raghunathan-Krishnamurthy"], ["tom_k", "Tom K."],
  ]);
  const own = pictures[0] ?? null;
  const desk = new Desk();

  const local = { stream: "local", audio: true, video: true, audioMuted: false, videoMuted: false, audioProcessing: { AEC: true, ANS: true, AGC: true }, problems: [] };
  const remote = (uid, change = {}) => ({
    stream: String(uid), uid, audio: true, video: true, audioMuted: false, videoMuted: false, state: "playing", ...(!older && { name: names.get(uid) ?? null, source: "camera" }), ...change,
  });
  const screenOf = (uid) => remote(uid, { stream: `${uid}-screen`, source: "screen", audio: false });
  const lobby = { revision: 0, state: "lobby", joined: false, published: false, connection: "DISCONNECTED", params: null, uid: null, role: null, local: null, remote: [], problem: null, ...(!older && { screen: null, name: null }) };
  const call = (people, change = {}) => ({
    ...lobby, state: "call", joined: true, published: true, connection: "CONNECTED", uid: 40961, role: "host", local, remote: people,
    params: { appId: APP_ID, channel: "design review", token: null, uid: null, cameraId: "camera:1", microphoneId: "microphone:1", resolution: "default", mode: "live", codec: "h264" },
    ...(!older && { name: settings.name || null }), ...change,
  });
  const crowd = (count) => Array.from({ length: count }, (_, at) => remote(at < uids.length ? uids[at] : 5000 + at, { audioMuted: at % 3 === 1, videoMuted: at % 5 === 4, ...(!older && { name: names.get(uids[at]) ?? `Guest ${at + 1}` }) }));
  const some = (count) => uids.slice(0, count).map((uid) => remote(uid));
  const missing = (what) => ({ device: what, lost: false, code: "DEVICES_NOT_FOUND", message: `No ${what} found.` });

  const SCENES = {
    lobby,
    "no-camera": lobby,
    denied: lobby,
    "port-taken": { ...lobby, problem: { code: "PORT_TAKEN", message: "Port 47880 is held by another program." } },
    error: lobby,
    alone: call([]),
    watching: call(some(1), { local: { ...local, audio: false, video: false, problems: [missing("camera"), missing("microphone")] }, published: false }),
    two: call(some(1)),
    three: call(some(2)),
    four: call(some(3)),
    nine: call(some(8)),
    "camera-off": call([remote(uids[1], { videoMuted: true, audioMuted: true })]),
    stalled: call([remote(uids[0], { state: "playing" }), remote(uids[1])]),
    connecting: call([remote(uids[0], { state: "connecting" })]),
    away: call(some(1), { connection: "CONNECTING" }),
    statistics: call(some(3)),
    weak: call(some(2)),
    slow: call(some(2)),
    older: call(some(2)),
    sixteen: call(crowd(15)),
    hundred: call(crowd(99)),
    screen: call([...some(2), screenOf(uids[0])]),
    sharing: call(some(2), { screen: { stream: "local-screen", label: "Built-in display", paused: false } }),
    wayland: call(some(1)),
    names: call([
      remote(uids[0], { name: "<b onclick=alert(1)>Bold</b>" }), remote(uids[1], { name: "👩‍👩‍👧‍👦".repeat(12) }),
      remote(uids[2], { name: "Dr. Maximiliane Schwarzenberger-Hohenfels von der Donaudampfschifffahrt" }), remote(uids[3], { name: "\u05d3\u05e0\u05d9 (\u05de\u05e0\u05d4\u05dc)" }),
    ]),
  };

  // The projects of the fake service; a scene may find another service in its place.
  const place = { "projects-stranger": "stranger", "projects-external": "external", "projects-shared": "shared" }[scene] ?? "here";
  const shared = place === "here" || place === "shared";
  let projects = [
    { appId: APP_ID, name: "Default", certificate: false, enabled: true, isDefault: true },
    { appId: "970CA35de60c44645bbae8a215061b33", name: "Lessons", certificate: true, enabled: true, isDefault: false },
  ];
  if (scene === "projects-empty") projects = [];
  const changeProject = (appId, what) => {
    projects = projects.map((project) => (project.appId === appId ? { ...project, ...what } : project));
    tell({ event: "projects-changed" });
  };

  let state = structuredClone(SCENES[scene] ?? lobby);
  const problems = { "no-camera": [missing("camera")], denied: [{ device: "camera", lost: false, code: "PERMISSION_DENIED", message: "The camera is denied." }] }[scene] ?? [];
  // Mutes last from stream to stream.
  let mutes = { audioMuted: false, videoMuted: false };
  const opened = () => ({ ...local, ...mutes, video: !problems.length, problems });
  const handlers = new Set();
  const tell = (event) => handlers.forEach((handler) => handler(structuredClone(event)));
  const change = (what) => {
    state = { ...state, ...what, revision: state.revision + 1 };
    tell({ event: "call-state", call: state });
  };
  const refuse = (code, message) => Promise.reject({ code, message });
  const soon = (ms = 40) => new Promise((done) => setTimeout(done, ms));

  // What scenes do after the page has begun.
  const levels = () => {
    if (!state.local) return tell({ event: "volume-indicator", levels: [] });
    const speaker = Math.floor(performance.now() / 2500) % (state.remote.length + 1);
    const heard = [{ stream: "local", level: speaker === 0 ? 34 : 3 }];
    state.remote.forEach(({ stream }, index) => heard.push({ stream, level: speaker === index + 1 ? 42 : 2 }));
    tell({ event: "volume-indicator", levels: heard });
  };
  globalThis.visavisFake.levels = setInterval(levels, 200);

  const personOf = (stream) => {
    if (stream === "local") return state.local ? own : null;
    if (stream.endsWith("-screen")) return desk;
    const remoteState = state.remote.find((candidate) => candidate.stream === stream);
    const index = uids.findIndex((uid) => String(uid) === stream);
    return remoteState?.state === "playing" ? (pictures[(index + 1) % pictures.length] ?? null) : null;
  };

  const api = {
    getState: async () => structuredClone(state),
    getDevices: async () => ({
      cameras: scene === "no-camera" ? [{ id: "default", label: "No camera found" }, { id: "pattern", label: "Test pattern" }] : [{ id: "camera:1", label: "HD Webcam C920" }, { id: "camera:2", label: "Integrated Camera" }, { id: "pattern", label: "Test pattern" }],
      microphones: [{ id: "microphone:1", label: "Headset (USB Audio)" }, { id: "microphone:2", label: "Built-in Audio Analog Stereo" }, { id: "tone", label: "Test tone" }],
      speakers: [{ id: "default", label: "Default" }, { id: "speaker:2", label: "Headset (USB Audio)" }],
    }),
    getDefaults: async () => ({ app_id: APP_ID, channel: "demo", server: "ws://127.0.0.1:47880", profiles: ["480p_1", "720p_2", "1080p_2"], camera_id: null, microphone_id: null, version: "0.1.0" }),
    async startPreview() {
      await soon();
      if (state.state === "lobby") change({ local: opened() });
    },
    async stopPreview() {
      if (state.state === "lobby") change({ local: null });
    },
    async join(params) {
      change({ state: "joining", connection: "CONNECTING" });
      await soon(scene === "joining" ? 3_600_000 : 60);
      if (scene === "error" || !/^[0-9a-f]{32}$/i.test(params.appId)) {
        change({ state: "lobby", connection: "DISCONNECTED" });
        return refuse(scene === "error" ? "UID_CONFLICT" : "INVALID_VENDOR_KEY", "Refused.");
      }
      const uid = params.uid ?? 40961;
      change({ state: "call", joined: true, connection: "CONNECTED", params, uid, local: state.local ?? opened(), ...(!older && { name: params.name }) });
      setTimeout(() => {
        for (const other of some(1)) {
          tell({ event: "stream-added", stream: other.stream, uid: other.uid });
          change({ remote: [other] });
          tell({ event: "stream-subscribed", stream: other.stream, uid: other.uid });
        }
      }, 900);
      return { uid };
    },
    async leave() {
      change({ state: "leaving" });
      await soon();
      change({ ...lobby, local: null });
    },
    async publish() {
      await soon();
      change({ published: true });
      tell({ event: "stream-published", stream: String(state.uid), uid: state.uid });
    },
    async unpublish() {
      await soon();
      change({ published: false });
    },
    async mute({ audio, video }) {
      const { local: mine } = state;
      mutes = { audioMuted: audio ?? mutes.audioMuted, videoMuted: video ?? mutes.videoMuted };
      if (mine) change({ local: { ...mine, audioMuted: audio ?? mine.audioMuted, videoMuted: video ?? mine.videoMuted } });
    },
    setCamera: async () => {},
    setMicrophone: async () => {},
    async setAudioProcessing(audioProcessing) {
      if (state.local) change({ local: { ...state.local, audioProcessing } });
    },
    setVolume: async () => {},
    async renewToken(token) {
      await soon();
      if (!/^00[67]/.test(token)) return refuse("INVALID_VENDOR_KEY", "Refused.");
    },
    getStats: async () => ({
      rttMs: 23.4, users: state.remote.length + 1, uplinkQuality: 1, downlinkQuality: scene === "weak" ? 4 : 1,
      send: {
        video: { fps: 29.8, width: 1280, height: 720, bitrateKbps: 1711.6, targetKbps: 2000, encodeMs: 8.1, captureFps: 30, captureWidth: 1280, captureHeight: 720 },
        audio: { bitrateKbps: 40 }, lossPercent: 0.4,
      },
      receive: state.remote.map(({ stream, uid }) => ({
        stream, uid, audio: null,
        video: { fps: 30, width: 1280, height: 720, bitrateKbps: 1488, frozenMs: 0, latencyMs: scene === "weak" ? 900 : 48.2, lost: 12, repaired: 12, frames: 900, decodeMs: 2.8, lossPercent: 1.2, firstFrameMs: 210 },
      })),
    }),
    openFrameSocket: async () => (frames ? new WebSocket(frames) : new FakeSocket(personOf)),
    subscribe: async (handler) => void handlers.add(handler),
    listProjects: async () => ({
      place, server: "ws://127.0.0.1:47880", process: place === "shared" ? 4711 : null, file: shared ? "/home/ana/.config/org.visavis.app/projects.toml" : null, projects: shared ? structuredClone(projects) : [],
      problem: scene === "projects-broken" ? { code: "PROJECTS_FILE", message: "projects.toml, line 3: unknown key `nam`." } : null,
    }),
    async createProject(name) {
      if (projects.some((project) => project.name === name && scene === "projects-full")) return refuse("PROJECTS_FILE", "The disk is full.");
      const project = { appId: "0123456789abcdef0123456789abcdef", name, certificate: false, enabled: true, isDefault: false };
      projects = [...projects, project];
      return project;
    },
    setCertificate: async (appId, on) => changeProject(appId, { certificate: on }),
    revealCertificate: async () => "5CFd2fd1755d40ecb72977518be15d3b",
    setEnabled: async (appId, enabled) => changeProject(appId, { enabled }),
    makeToken: async ({ channel, uid, role, seconds }) =>
      channel.includes("*") ? refuse("INVALID_CHANNEL_NAME", "No.") : { token: `007${btoa(JSON.stringify({ channel, uid, role }))}`, expiresAt: Math.floor(Date.now() / 1000) + seconds },
    newWindow: async () => void window.open(location.href),
    ...desktop({ tell, change }),
  };
  if (scene === "slow") setInterval(() => tell({ event: "network-quality", uplinkNetworkQuality: 5, downlinkNetworkQuality: 2 }), 500);
  globalThis.__VISAVIS_API__ = api;
  globalThis.visavisFake.change = change;
  globalThis.visavisFake.tell = tell;
  globalThis.visavisFake.crowd = crowd;
  globalThis.visavisFake.state = () => state;
})();
