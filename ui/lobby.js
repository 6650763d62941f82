// @ts-check
/** The lobby: the form, what is wrong with the devices, and why the last JOIN failed. */
import { problemLine } from "./devices.js";
import { byId, setText } from "./dom.js";
import { fieldOfCode } from "./form.js";
import { t } from "./i18n/index.js";
import { readInvitation } from "./invitation.js";
import { pref, remember } from "./prefs.js";
import { worded } from "./problem.js";
import { Hearing } from "./quality.js";
import { deviceProblems } from "./state.js";

/** @typedef {import("./state.js").State} State */

const FORM = () => /** @type {HTMLFormElement} */ (byId("form"));
const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (FORM().elements.namedItem(name));

/**
 * Fills the form so that JOIN works at once: with the call that runs, with what was joined last, or with the defaults.
 * @param {State} state
 */
export function fillForm({ call, defaults }) {
  const last = pref("form");
  const { params } = call;
  field("appID").value = params?.appId || last.appId || defaults?.app_id || "";
  field("channel").value = params?.channel || last.channel || defaults?.channel || "";
  addProfiles(defaults?.profiles ?? []);
  const resolution = params?.resolution || last.resolution;
  const select = /** @type {HTMLSelectElement} */ (byId("cameraResolution"));
  if (resolution && [...select.options].some(({ value }) => value === resolution)) select.value = resolution;
  if (!params) return;
  field("token").value = params.token ?? "";
  field("uid").value = params.uid ? String(params.uid) : "";
  for (const [name, value] of [["mode", params.mode], ["codec", params.codec]]) {
    const radio = /** @type {HTMLInputElement | null} */ (FORM().querySelector(`[name="${name}"][value="${value}"]`));
    if (radio) radio.checked = true;
  }
}

/** @param {string[]} profiles */
function addProfiles(profiles) {
  const select = /** @type {HTMLSelectElement} */ (byId("cameraResolution"));
  const known = new Set([...select.options].map(({ value }) => value));
  select.append(...profiles.filter((name) => !known.has(name)).map((name) => new Option(name, name)));
}

/** Keeps the form for the next start; the token and the uid belong to this call only. */
export function rememberForm() {
  const resolution = field("cameraResolution").value || pref("form").resolution;
  remember("form", { appId: field("appID").value.trim(), channel: field("channel").value.trim(), resolution });
}

/**
 * Puts a project's App ID, or all that a token was made for, into the form.
 * @param {import("./projects/panel.js").Filling} filling
 */
export function fillFromProject({ appID, channel, token = "", uid = "" }) {
  field("appID").value = appID;
  if (channel) field("channel").value = channel;
  field("token").value = token;
  field("uid").value = uid;
  if (uid) /** @type {HTMLDetailsElement} */ (byId("advanced")).open = true;
}

/** The channel that the form names now. */
export function namedChannel() {
  return field("channel").value.trim();
}

/**
 * An invitation or a link pasted into any field fills the form.
 * @param {() => void} filled
 * @param {(text: string) => boolean} link takes a link, if it is one
 */
export function acceptInvitations(filled, link) {
  FORM().addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const invitation = readInvitation(text);
    if (invitation) {
      field("appID").value = invitation.appID;
      field("channel").value = invitation.channel;
      filled();
    }
    if (invitation || link(text)) event.preventDefault();
  });
}

const hearing = new Hearing();

/**
 * Shows how loud one's own microphone is, and says that it is heard, where that can be seen. While it rests, neither; that there is
 * none, or that it is off, goes on being said.
 * @param {number} level 0 to 100
 * @param {State} state
 * @param {number} now ms
 */
export function drawHearing(level, { call: { local }, rest }, now) {
  const listens = Boolean(local?.audio && !local.audioMuted);
  const on = listens && rest === "awake";
  const heard = hearing.hear(on ? level : 0, now);
  for (const bar of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".level"))) {
    if (bar.closest("[hidden], dialog:not([open])")) continue;
    // In steps, and only when another one is reached: what does not change is not painted.
    const step = String(on ? Math.round(Math.min(level / 60, 1) * 20) / 20 : 0);
    if (bar.style.getPropertyValue("--level") !== step) bar.style.setProperty("--level", step);
  }
  const place = byId("heard");
  if (place.closest("[hidden]")) return;
  const key = !local?.audio ? "noMicrophone" : local.audioMuted ? "microphoneOff" : heard ? "heard" : "speak";
  const words = rest === "awake" || !listens ? t(`lobby.${key}`) : "";
  place.classList.toggle("yes", key === "heard");
  setText(place, words);
}

/**
 * @param {State} state
 * @param {State} before
 * @param {() => void} retry tries the chosen devices once more
 */
export function drawLobby(state, before, retry) {
  const { call, joinProblem } = state;
  const joining = call.state === "joining";
  if (FORM().ariaBusy !== String(joining)) FORM().ariaBusy = String(joining);
  byId("join").classList.toggle("busy", joining);
  if (call.local !== before.call.local || call.problem !== before.call.problem || state === before) drawProblems(call, retry);
  if (joinProblem !== before.joinProblem || state === before) drawJoinProblem(joinProblem);
  // The wrong field is where one goes on; only when the failure is new, not at every redraw.
  if (joinProblem && joinProblem !== before.joinProblem) goToField(joinProblem.code);
}

/**
 * @param {State["call"]} call
 * @param {() => void} retry
 */
function drawProblems({ local, problem }, retry) {
  const rows = deviceProblems(local).map(({ key, kind, problem: own }) => problemLine(key, own, kind === "speaker" ? undefined : retry));
  if (problem) rows.unshift(problemLine(null, problem));
  byId("problems").replaceChildren(...rows);
}

/** @param {State["joinProblem"]} problem */
function drawJoinProblem(problem) {
  const place = byId("form_problem");
  place.hidden = !problem;
  place.replaceChildren(...(problem ? worded(problem) : []));
  const wrong = problem && fieldOfCode(problem.code);
  for (const name of ["appID", "channel", "token", "uid"]) {
    const input = field(name);
    if (name === wrong) {
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", "form_problem");
    } else {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }
}

/** @param {string} code */
function goToField(code) {
  const name = fieldOfCode(code);
  if (!name) return;
  if (name === "uid") /** @type {HTMLDetailsElement} */ (byId("advanced")).open = true;
  field(name).focus();
}
