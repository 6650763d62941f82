// @ts-check
/** Puts the page together: state in the middle, views around it, the app at the other end of `api.js`. */
import { Actions } from "./actions.js";
import { connect, problemOf } from "./api.js";
import { drawButtons, drawCall, drawPager, drawSlow } from "./call.js";
import { DevicesView } from "./devices.js";
import { byId } from "./dom.js";
import { handle } from "./events.js";
import { hideMissing, probe } from "./features.js";
import { readFields } from "./form.js";
import { nameOf } from "./grid/names.js";
import { GridView } from "./grid/view.js";
import { language, t } from "./i18n/index.js";
import { Idle } from "./idle.js";
import { Links } from "./links.js";
import { acceptInvitations, drawHearing, drawLobby, fillForm, fillFromProject, namedChannel, rememberForm } from "./lobby.js";
import { setUpLook } from "./look.js";
import { setUpMenu } from "./menu.js";
import { MutedHint } from "./muted-hint.js";
import { paced } from "./pace.js";
import { comings, PeopleView } from "./people.js";
import { followDialogs, placeShared } from "./placement.js";
import { anyOpen, openBeside } from "./popover.js";
import { pref, setUpPrefs, take, watchPrefs } from "./prefs.js";
import { ProjectsPanel } from "./projects/panel.js";
import { NetworkJudge } from "./quality.js";
import { Rest } from "./rest.js";
import { ScreenShare } from "./screen/share.js";
import { SettingsPanel } from "./settings/panel.js";
import { SoundView } from "./sound.js";
import { deviceProblems, initialState, Store } from "./state.js";
import { StatisticsView } from "./stats.js";
import { keepClear } from "./toast-place.js";
import { Toasts } from "./toasts.js";
import { FrameSource } from "./video/frame-source.js";
import { quickestFormat } from "./video/surface.js";

const api = connect();
const store = new Store({ ...initialState(), statistics: pref("statistics"), hideSelf: pref("hideSelf") });
const toasts = new Toasts(byId("toasts"), byId("toast_log"), keepClear(byId("toasts"), byId("join")));
const form = /** @type {HTMLFormElement} */ (byId("form"));
const actions = new Actions({ api, store, toasts, fields: () => ({ ...readFields(form), server: links.server }) });
const sound = new SoundView({ api, store, toasts });
const devices = new DevicesView({ api, store, toasts, actions, sound });
const rest = new Rest({ api, store, toasts, preview: () => devices.preview() });
const screen = new ScreenShare({ api, store, toasts });
const links = new Links({ api, store, toasts, fill });

const frames = FrameSource.ofPage(() => api.openFrameSocket());
// For measurements from outside: `visavisFrames.tiles` lists what is drawn, each with its `draw` and its `meter`.
Object.assign(globalThis, { visavisFrames: frames });

const wish = pref("video");
const grid = new GridView(byId("video"), byId("bar"), {
  frames,
  format: wish === "auto" ? quickestFormat() : wish,
  pin: togglePin,
  setVolume,
  openPip,
  stopScreen: () => screen.stop(),
  explain: (button, why) => {
    byId("why_text").textContent = why;
    openBeside(byId("why"), button);
  },
  paged: drawPager,
});
byId("preview_slot").append(grid.local.panel);
placeShared(false);
followDialogs();
const people = new PeopleView({ store, setVolume, weak: () => grid.weak });
const statistics = new StatisticsView(api, store, grid);
const bar = byId("bar");
// After a tap a finger still "hovers", for ever; a mouse leaves again.
const pointed = () => matchMedia("(hover: hover)").matches && bar.matches(":hover");
const hint = byId("muted_hint");
const idle = new Idle(byId("call"), bar, () => anyOpen() || pointed() || !hint.hidden || bar.querySelector(":focus-visible") !== null);
const projects = new ProjectsPanel({ api, channel: namedChannel, use: useProject });
const mutedHint = new MutedHint(hint, () => idle.wake());
const network = new NetworkJudge();
const menu = setUpMenu({
  store, actions, grid,
  toggle: (track) => devices.toggle(track),
  unpin: () => store.set({ pinned: null, dismissed: store.state.pinned ? store.state.dismissed : store.state.focus }),
  deeds: {
    settings: () => settings.open(),
    projects: () => openProjects(),
    window: () => api.newWindow().catch((thrown) => failed("toast.windowFailed", thrown)),
    invite: () => links.copy(true),
    link: () => links.copy(!store.state.features.has("links")),
    screen: () => screen.toggle(),
    pip: () => openPip(grid.foremost.stream),
    fullscreen: () => grid.foremost.toggleFullscreen(),
    diagnostics: () => settings.copyDiagnostics(),
    logs: () => settings.openLogs(),
  },
});
const settings = new SettingsPanel({ api, store, fillKeys: menu.fillKeys, processing: () => sound.processing(), shown: () => hearAgain() });

form.addEventListener("submit", (event) => {
  event.preventDefault();
  actions.run("join");
});
for (const action of /** @type {const} */ (["leave", "publish", "unpublish"])) {
  byId(action).addEventListener("click", (event) => {
    event.preventDefault();
    actions.run(action);
  });
}
byId("page_back").addEventListener("click", () => grid.turn(-1));
byId("page_on").addEventListener("click", () => grid.turn(1));
acceptInvitations(() => toasts.notice(t("toast.pasted")), (text) => links.paste(text));
// An edited form is another attempt, which the last failure says nothing about.
form.addEventListener("input", () => {
  store.set({ joinProblem: null });
  links.edited();
});

/** Lobby and call are two faces of one window; the focus follows. @param {boolean} call */
function turn(call) {
  grid.release();
  placeShared(call);
  byId("lobby").hidden = call;
  byId("call").hidden = !call;
  for (const popover of document.querySelectorAll(":popover-open")) /** @type {HTMLElement} */ (popover).hidePopover();
  if (!document.querySelector("dialog[open]")) byId(call ? "call_title" : "join").focus();
  idle.wake();
  network.reset();
  drawSlow(null);
  mutedHint.hide();
  if (call) {
    links.forget();
    return rememberForm();
  }
  toasts.say(t("call.lobby"));
  devices.preview();
}

/** @param {import("./projects/panel.js").Filling} filling */
function fill(filling) {
  fillFromProject(filling);
  store.set({ joinProblem: null });
}

/** @param {import("./projects/panel.js").Filling} filling */
function useProject(filling) {
  fill(filling);
  toasts.notice(t("toast.filledIn"));
  if (!store.state.inCall) byId("join").focus();
}

function openProjects() {
  /** @type {HTMLDialogElement} */ (byId("settings")).close();
  projects.open();
}

/** A screen that is large by itself steps back when it is unpinned, until another one comes. @param {string} stream */
function togglePin(stream) {
  const { focus, pinned, dismissed } = store.state;
  if (focus === stream) store.set({ pinned: null, dismissed: stream });
  else store.set({ pinned: stream, dismissed: pinned ? dismissed : focus });
  toasts.say(store.state.focus === stream ? t("tile.pinned", { name: grid.tile(stream)?.shownName ?? stream }) : t("tile.unpinned"));
}

/**
 * @param {string} stream
 * @param {number} volume
 */
function setVolume(stream, volume) {
  store.set({ volumes: { ...store.state.volumes, [stream]: volume } });
  api.setVolume(stream, volume).catch(console.error);
}

/** @param {string} stream */
function openPip(stream) {
  if (store.state.features.has("settings")) api.openPip(stream).catch((thrown) => failed("toast.pipFailed", thrown));
}

/**
 * @param {string} toast
 * @param {unknown} thrown
 */
function failed(toast, thrown) {
  console.error(toast, thrown);
  toasts.error(t(toast), problemOf(thrown));
}

/** How loud one was last: what does not change is not told again. */
let ownLevel = 0;

/** @param {import("./types/app").Volume[]} levels */
function heard(levels) {
  const now = performance.now();
  const own = (store.state.rest === "awake" && levels.find(({ stream }) => stream === "local")?.level) || 0;
  ownLevel = own;
  if (store.state.inCall) grid.hear(levels, now);
  else grid.local.hear(own);
  drawHearing(own, store.state, now);
  mutedHint.heard(own, store.state.inCall && Boolean(store.call.local?.audioMuted), now);
}

/** Draws how loud one was last where that can be seen only now, or is not so any more. */
function hearAgain() {
  if (store.state.rest !== "awake") grid.local.hear((ownLevel = 0));
  drawHearing(ownLevel, store.state, performance.now());
}

/**
 * A speaker is opened by joining, so that its failure is news of the call.
 * @param {import("./state.js").State} state
 * @param {import("./state.js").State} before
 */
function tellOfSpeaker(state, before) {
  if (!state.inCall || state.call.local === before.call.local) return;
  const broken = (/** @type {import("./state.js").State} */ { call }) => deviceProblems(call.local).find(({ kind }) => kind === "speaker");
  const now = broken(state);
  if (now?.key && !(before.inCall && broken(before))) toasts.errorInFull(t(`problem.${now.key}`), now.problem);
}

/**
 * Who listens to the page hears who came and who left, by name; of a crowd, how many.
 * @param {import("./state.js").State} state
 * @param {import("./state.js").State} before
 */
function tellOfPeople(state, before) {
  if (!state.inCall || !before.inCall || state.call.remote === before.call.remote) return;
  const { came, left } = comings(before.call.remote, state.call.remote);
  for (const [key, names] of /** @type {const} */ ([["came", came], ["left", left]])) {
    if (names.length > 3) toasts.say(t(`said.${key}Many`, { n: names.length }));
    else for (const name of names) toasts.say(t(`said.${key}`, { name }));
  }
}

store.watch((state, before) => {
  document.documentElement.dataset.state = state.call.state;
  document.documentElement.lang = language();
  if (state.features !== before.features) hideMissing(state.features);
  if (state.call.state !== before.call.state && (state.call.state === "joining" || state.call.state === "leaving")) toasts.say(t(`call.${state.call.state}`));
  if (state.inCall !== before.inCall) turn(state.inCall);
  tellOfSpeaker(state, before);
  tellOfPeople(state, before);
  drawLobby(state, before, () => devices.preview());
  devices.draw(state, before);
  sound.draw(state, before);
  drawButtons(state);
  drawCall(state);
  screen.draw(state);
  grid.draw(state);
  people.draw(state);
  statistics.draw(state);
  menu.draw(state);
  settings.follow();
  if (!state.call.local?.audioMuted) mutedHint.hide();
  if (state.rest !== before.rest || state.inCall !== before.inCall) hearAgain();
  // The language is another.
  if (state === before) {
    projects.draw();
    settings.draw();
    links.draw();
    hearAgain();
  }
  // Last: it may change the state.
  rest.draw(state);
});
hideMissing(store.state.features);
setUpLook(() => store.redraw());

watchPrefs((now, before) => {
  if (now.statistics !== before.statistics || now.hideSelf !== before.hideSelf) store.set({ statistics: now.statistics, hideSelf: now.hideSelf });
  if (now.name !== before.name && store.call.state === "call" && store.state.features.has("names")) api.setName(now.name).catch((thrown) => failed("toast.nameFailed", thrown));
});

/** @param {string} stream */
function nameOfStream(stream) {
  const remote = store.call.remote.find((candidate) => candidate.stream === stream);
  return remote ? nameOf(remote) : stream;
}

const receive = paced((/** @type {import("./types/app").CallState} */ call) => store.receive(call));

/**
 * A page that was reloaded finds its call by `getState`; events then keep it current. The defaults come first: they hold the
 * devices that the app was told to start with, which go before what a list of devices or an earlier run would choose.
 */
async function start() {
  const [defaults, report] = await Promise.all([api.getDefaults(), setUpPrefs(api, (thrown) => failed("toast.settingsFailed", thrown))]);
  store.set({ defaults });
  settings.learn(report);
  if (report?.problem) toasts.error(t("toast.settingsFailed"), report.problem);
  await api.subscribe((event) =>
    handle(event, {
      toasts,
      callChanged: receive,
      devicesChanged: () => devices.load(),
      projectsChanged: () => projects.load(),
      deviceLost: (problem) => devices.lost(problem),
      deviceBack: (device) => devices.back(device),
      microphoneGone: (device) => devices.unplugged(device),
      excepted: (exception) => statistics.note(exception),
      callEnded: (joinProblem) => store.set({ joinProblem }),
      settingsChanged: take,
      linkOpened: (opened) => links.opened(opened),
      nearbyChanged: () => links.look(),
      screenEnded: (reason) => screen.ended(reason),
      mutedTalk: () => mutedHint.told(performance.now()),
      networkHeard: (up, down) => drawSlow(store.state.inCall ? network.hear(up, down, performance.now()) : null),
      networkMoved: (type) => statistics.over(type),
      nameOf: nameOfStream,
      heard,
    }),
  );
  const call = await api.getState();
  fillForm({ ...store.state, call });
  store.receive(call);
  store.set({ features: await probe(api, call, report !== null) });
  await Promise.all([devices.preview(), devices.load(), links.begin()]);
}

start().catch((thrown) => {
  console.error("start", thrown);
  toasts.error(t("toast.initFailed"), { code: "ERR_INTERNAL_ERROR", message: String(thrown) });
});
