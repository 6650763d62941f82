// @ts-check
/** Puts the page together: state in the middle, views around it, the app at the other end of `api.js`. */
import { Actions } from "./actions.js";
import { connect } from "./api.js";
import { drawButtons, drawCall, drawFacts } from "./call.js";
import { DevicesView } from "./devices.js";
import { byId } from "./dom.js";
import { handle } from "./events.js";
import { readFields } from "./form.js";
import { GridView } from "./grid/view.js";
import { language, t } from "./i18n/index.js";
import { Idle } from "./idle.js";
import { acceptInvitations, drawLobby, fillForm, fillFromProject, namedChannel, rememberForm } from "./lobby.js";
import { setUpMenu } from "./menu.js";
import { placeShared } from "./placement.js";
import { anyOpen } from "./popover.js";
import { pref } from "./prefs.js";
import { ProjectsPanel } from "./projects/panel.js";
import { MutedTalk } from "./quality.js";
import { deviceProblems, initialState, Store } from "./state.js";
import { StatisticsView } from "./stats.js";
import { Toasts } from "./toasts.js";
import { FrameSource } from "./video/frame-source.js";
import { quickestFormat } from "./video/surface.js";

const api = connect();
const store = new Store({ ...initialState(), statistics: pref("statistics") });
const toasts = new Toasts(byId("toasts"), byId("toast_log"));
const form = /** @type {HTMLFormElement} */ (byId("form"));
const actions = new Actions({ api, store, toasts, fields: () => readFields(form) });
const devices = new DevicesView({ api, store, toasts, actions });

const frames = new FrameSource({
  connect: () => api.openFrameSocket(),
  hidden: () => document.hidden,
  nextPaint: (callback) => requestAnimationFrame(callback),
  after: (callback, ms) => setTimeout(callback, ms),
  now: () => performance.timeOrigin + performance.now(),
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) frames.resume();
});
// For measurements from outside: `visavisFrames.tiles` lists what is drawn, each with its `draw` and its `meter`.
Object.assign(globalThis, { visavisFrames: frames });

const wish = pref("video");
const grid = new GridView(byId("video"), byId("bar"), {
  frames,
  format: wish === "auto" ? quickestFormat() : wish,
  pin: togglePin,
  setVolume: (stream, volume) => api.setVolume(stream, volume).catch(console.error),
});
byId("preview_slot").append(grid.local.panel);
placeShared(false);
const statistics = new StatisticsView(api, store, grid);
const bar = byId("bar");
// After a tap a finger still "hovers", for ever; a mouse leaves again.
const pointed = () => matchMedia("(hover: hover)").matches && bar.matches(":hover");
const idle = new Idle(byId("call"), bar, () => anyOpen() || pointed() || bar.querySelector(":focus-visible") !== null);
const projects = new ProjectsPanel({ api, channel: namedChannel, use: useProject });
const menu = setUpMenu({ api, store, toasts, actions, grid, projects: () => projects.open() });

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
acceptInvitations(() => toasts.notice(t("toast.pasted")));
// An edited form is another attempt, which the last failure says nothing about.
form.addEventListener("input", () => store.set({ joinProblem: null }));

/** Lobby and call are two faces of one window; the focus follows. @param {boolean} call */
function turn(call) {
  grid.release();
  placeShared(call);
  byId("lobby").hidden = call;
  byId("call").hidden = !call;
  for (const popover of document.querySelectorAll(":popover-open")) /** @type {HTMLElement} */ (popover).hidePopover();
  byId(call ? "call_title" : "join").focus();
  idle.wake();
  if (call) return rememberForm();
  toasts.say(t("call.lobby"));
  devices.preview();
}

/** @param {import("./projects/panel.js").Filling} filling */
function useProject(filling) {
  fillFromProject(filling);
  store.set({ joinProblem: null });
  toasts.notice(t("toast.filledIn"));
  if (!store.state.inCall) byId("join").focus();
}

/** @param {string} stream */
function togglePin(stream) {
  const pinned = store.state.pinned === stream ? null : stream;
  store.set({ pinned });
  toasts.say(pinned ? t("tile.pinned", { name: grid.tile(stream)?.shownName ?? stream }) : t("tile.unpinned"));
}

const mutedTalk = new MutedTalk();

/** @param {import("./types/app").Volume[]} levels */
function heard(levels) {
  for (const { stream, level } of levels) grid.tile(stream)?.hear(level);
  const own = levels.find(({ stream }) => stream === "local");
  const muted = store.state.inCall && Boolean(store.call.local?.audioMuted);
  if (mutedTalk.heard(own?.level ?? 0, muted, performance.now())) toasts.info(t("toast.mutedTalk"));
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

store.watch((state, before) => {
  document.documentElement.dataset.state = state.call.state;
  document.documentElement.lang = language();
  if (state.call.state !== before.call.state && (state.call.state === "joining" || state.call.state === "leaving")) toasts.say(t(`call.${state.call.state}`));
  if (state.inCall !== before.inCall) turn(state.inCall);
  tellOfSpeaker(state, before);
  drawLobby(state, before, () => devices.preview());
  devices.draw(state, before);
  drawButtons(state);
  drawCall(state);
  drawFacts(state.call);
  grid.draw(state);
  statistics.draw(state);
  menu.draw(state);
  // The language is another.
  if (state === before) projects.draw();
});

/**
 * A page that was reloaded finds its call by `getState`; events then keep it current. The defaults come first: they hold the
 * devices that the app was told to start with, which go before what a list of devices or an earlier run would choose.
 */
async function start() {
  const defaults = await api.getDefaults();
  store.set({ defaults });
  await api.subscribe((event) =>
    handle(event, {
      toasts,
      callChanged: (call) => store.receive(call),
      devicesChanged: () => devices.load(),
      projectsChanged: () => projects.load(),
      deviceLost: (problem) => devices.lost(problem),
      deviceBack: (device) => devices.back(device),
      excepted: (exception) => statistics.note(exception),
      callEnded: (joinProblem) => store.set({ joinProblem }),
      heard,
    }),
  );
  const call = await api.getState();
  fillForm({ ...store.state, call });
  store.receive(call);
  await Promise.all([devices.preview(), devices.load()]);
}

start().catch((thrown) => {
  console.error("start", thrown);
  toasts.error(t("toast.initFailed"), { code: "ERR_INTERNAL_ERROR", message: String(thrown) });
});
