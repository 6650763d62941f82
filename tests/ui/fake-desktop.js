// What the fake app has of a desktop: settings that outlive a reload, links, channels nearby, screens, the small window.
// A classic script, so that serve.js can put it before the page's modules. `?scene=older` leaves all of it out.
(() => {
  const KEPT = "fake.settings";
  const scene = new URLSearchParams(location.search).get("scene") ?? "lobby";
  const older = scene === "older";
  const soon = (ms = 40) => new Promise((done) => setTimeout(done, ms));
  const refuse = (code, message) => Promise.reject({ code, message });

  const settings = {
    theme: "system", language: "system", name: scene === "first" ? "" : "Ana Lima", statistics: false, mirror: true, hideSelf: false,
    form: { appId: "", channel: "", resolution: null },
    devices: { camera: null, microphone: null, speaker: null, cameraOff: false, microphoneOff: false },
    sound: {}, video: "auto", server: null, nearby: false, notifications: true, hotkeys: { mute: "Ctrl+Shift+M", pushToTalk: null },
    ...JSON.parse(localStorage.getItem(KEPT) ?? "{}"),
  };
  if (!older) globalThis.__VISAVIS_SETTINGS__ = structuredClone(settings);

  /** A desktop with a page of text on it: what a shared screen looks like. */
  class Desk {
    paint(context, seconds) {
      const { width, height } = context.canvas;
      const unit = height / 36;
      context.fillStyle = "#20344f";
      context.fillRect(0, 0, width, height);
      context.fillStyle = "#f7f8fa";
      context.fillRect(width * 0.08, unit * 2, width * 0.84, height - unit * 4);
      context.fillStyle = "#dfe3ea";
      context.fillRect(width * 0.08, unit * 2, width * 0.84, unit * 2.4);
      context.fillStyle = "#1d2533";
      context.font = `600 ${unit * 1.8}px sans-serif`;
      context.fillText("Quarterly review", width * 0.12, unit * 8);
      context.font = `${unit * 1.1}px sans-serif`;
      ["Calls that began within a second: 99.2 %", "Median time to the first picture: 210 ms", "Packets lost and repaired: 98.7 %", "Next: screens, names, a quieter night"].forEach((line, at) => context.fillText(line, width * 0.12, unit * (11.5 + at * 2)));
      [0.4, 0.62, 0.55, 0.8, 0.72, 0.93].forEach((share, at) => {
        context.fillStyle = at === 5 ? "#1d5fd1" : "#9db4d8";
        context.fillRect(width * (0.12 + at * 0.09), height - unit * 4 - unit * 10 * share, width * 0.06, unit * 10 * share);
      });
      context.fillStyle = "#1d5fd1";
      context.fillRect(width * 0.12 + (Math.sin(seconds) + 1) * width * 0.02, unit * 8.6, width * 0.2, unit * 0.3);
      return true;
    }
  }

  function thumbnail(hue) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const context = canvas.getContext("2d");
    new Desk().paint(context, hue);
    context.fillStyle = `hsl(${hue} 60% 50% / 0.18)`;
    context.fillRect(0, 0, 320, 180);
    return canvas.toDataURL("image/jpeg", 0.8);
  }

  const sources = () => [
    { id: "screen:1", kind: "screen", title: "Built-in display", app: null, width: 2560, height: 1440, thumbnail: thumbnail(210) },
    { id: "screen:2", kind: "screen", title: "DELL U2723QE", app: null, width: 3840, height: 2160, thumbnail: thumbnail(30) },
    { id: "window:1", kind: "window", title: "Quarterly review – LibreOffice Writer", app: "LibreOffice", width: 1400, height: 900, thumbnail: thumbnail(120) },
    { id: "window:2", kind: "window", title: "<img src=x onerror=alert(1)> a title with markup and of some length", app: "Firefox", width: 1280, height: 800, thumbnail: thumbnail(280) },
    { id: "window:3", kind: "window", title: "Terminal", app: "Terminal", width: 800, height: 600, thumbnail: null },
  ];

  /** @param tools what fake-app.js lends: `tell` an event, `change` the call, its `state()` */
  function desktop({ tell, change, state }) {
    if (older) return {};
    const link = /^visavis:\/\/join\?/;
    return {
      getSettings: async () => ({
        settings: structuredClone(settings), file: "/home/ana/.config/org.visavis.app/settings.json",
        problem: scene === "settings-broken" ? { code: "SETTINGS_FILE", message: "settings.json was cut in half; it is kept as settings.json.bad, and the defaults are used." } : null,
        hotkeys: scene === "wayland" ? { available: false, reason: "On Wayland no program may have keys outside its own windows." } : { available: true, reason: Object.values(settings.hotkeys).includes("Ctrl+Alt+T") ? "Ctrl+Alt+T belongs to another program." : null },
      }),
      async setSettings(wanted) {
        await soon(5);
        Object.assign(settings, wanted);
        localStorage.setItem(KEPT, JSON.stringify(settings));
        tell({ event: "settings-changed", settings });
        return structuredClone(settings);
      },
      async makeLink({ appId, channel }) {
        return `visavis://join?appId=${appId}&channel=${encodeURIComponent(channel)}`;
      },
      async readLink(text) {
        if (!link.test(text)) return refuse("LINK_INVALID", "No.");
        const query = new URLSearchParams(text.replace(link, ""));
        return { appId: query.get("appId"), channel: query.get("channel"), token: query.get("token"), server: query.get("server") };
      },
      takeLink: async () => ({
        link: scene === "link" ? { appId: "970ca35de60c44645bbae8a215061b33", channel: "design review", token: null, server: "wss://calls.example.org" } : null,
        problem: scene === "link-bad" ? { code: "LINK_INVALID", message: "No." } : null,
      }),
      listNearby: async () => (scene === "nearby" ? [
        { appId: "76697361766973206c6f63616c206170", channel: "design review", host: "anas-laptop.local", server: "ws://192.168.1.20:47880" },
        { appId: "76697361766973206c6f63616c206170", channel: "<b>standup</b>", host: "living-room.local", server: "ws://192.168.1.31:47880" },
      ] : []),
      getDiagnostics: async () => "Visavis 0.1.0\nLinux",
      openLogs: async () => {},
      openPip: async (stream) => tell({ event: "pip-changed", stream }),
      closePip: async () => tell({ event: "pip-changed", stream: null }),
      async listScreens() {
        await soon(scene === "screens-looking" ? 3_600_000 : 60);
        return scene === "wayland" ? refuse("SHARING_SCREEN_NOT_SUPPORT", "Wayland.") : sources();
      },
      async startScreen({ id }) {
        await soon();
        change({ screen: { stream: "local-screen", label: sources().find((source) => source.id === id)?.title ?? id, paused: false } });
      },
      stopScreen: async () => change({ screen: null }),
      setName: async (name) => change({ name: name || null }),
      setSpeaker: async (id) => void (globalThis.visavisFake.speaker = id),
      testSpeaker: () => soon(1200),
    };
  }

  Object.assign(globalThis.visavisFake, { Desk, desktop, settings, older });
})();
