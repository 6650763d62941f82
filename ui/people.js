// @ts-check
/** The list of everybody in the call: who they are, whether they are muted, how the network serves them, how loud they are. */
import { byId, element, icon, setIcon } from "./dom.js";
import { avatarOf, initials, isScreen, nameOf } from "./grid/names.js";
import { language, t } from "./i18n/index.js";
import { setUpPopover } from "./popover.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./types/app").RemoteState} RemoteState */
/** @typedef {{ id: string, name: string, face: string, uid: string, own: boolean, microphone: boolean, camera: boolean, sharing: boolean, stream: string | null }} Person */

/**
 * Everybody once, oneself first, the others as they came. Somebody's two streams are one person.
 * @param {State["call"]} call
 * @param {string} you
 * @returns {Person[]}
 */
export function peopleOf({ local, uid, name, screen, remote }, you) {
  const own = {
    id: "local", face: name || String(uid ?? ""), name: name ? `${name} (${you})` : you, uid: String(uid ?? ""), own: true, stream: null,
    microphone: Boolean(local?.audio && !local.audioMuted), camera: Boolean(local?.video && !local.videoMuted), sharing: Boolean(screen),
  };
  /** @type {Map<string, Person>} */
  const others = new Map();
  for (const one of remote) {
    const id = String(one.uid);
    const person = others.get(id) ?? { id, name: nameOf(one), face: nameOf(one), uid: id, own: false, microphone: false, camera: false, sharing: false, stream: null };
    if (isScreen(one)) person.sharing = true;
    else Object.assign(person, { stream: one.stream, name: nameOf(one), microphone: one.audio && !one.audioMuted, camera: one.video && !one.videoMuted });
    others.set(id, person);
  }
  return [own, ...others.values()];
}

/**
 * Who came and who left between two states of a call, by name.
 * @param {RemoteState[]} before
 * @param {RemoteState[]} now
 */
export function comings(before, now) {
  const names = (/** @type {RemoteState[]} */ remotes) => new Map(remotes.map((remote) => [String(remote.uid), nameOf(remote)]));
  const [old, fresh] = [names(before), names(now)];
  const missing = (/** @type {Map<string, string>} */ from, /** @type {Map<string, string>} */ other) => [...from].filter(([uid]) => !other.has(uid)).map(([, name]) => name);
  return { came: missing(fresh, old), left: missing(old, fresh) };
}

export class PeopleView {
  /** @type {Map<string, ReturnType<typeof row>>} by uid */
  #rows = new Map();
  #store;
  #setVolume;
  #weak;

  /**
   * @param {object} tools
   * @param {import("./state.js").Store} tools.store
   * @param {(stream: string, volume: number) => void} tools.setVolume
   * @param {() => Map<string, string>} tools.weak
   */
  constructor({ store, setVolume, weak }) {
    this.#store = store;
    this.#setVolume = setVolume;
    this.#weak = weak;
    setUpPopover(byId("people"), () => this.#fill(store.state));
  }

  /** @param {State} state */
  draw(state) {
    if (byId("people").matches(":popover-open")) this.#fill(state);
  }

  /** @param {State} state */
  #fill({ call, volumes }) {
    const people = peopleOf(call, t("tile.you"));
    byId("people_title").textContent = t("call.people", { n: people.length });
    const there = new Set(people.map(({ id }) => id));
    for (const [id, { element: old }] of this.#rows) {
      if (there.has(id)) continue;
      old.remove();
      this.#rows.delete(id);
    }
    const fresh = document.createDocumentFragment();
    for (const person of people) {
      let known = this.#rows.get(person.id);
      if (!known) {
        known = row(this.#setVolume);
        this.#rows.set(person.id, known);
        fresh.append(known.element);
      }
      known.draw(person, volumes[person.stream ?? ""] ?? 100, this.#weak().get(person.stream ?? "") ?? null);
    }
    byId("people_list").append(fresh);
  }
}

/** @param {(stream: string, volume: number) => void} setVolume */
function row(setVolume) {
  const avatar = element("span", { class: "avatar small", "aria-hidden": "true" });
  const name = element("bdi", { class: "name" });
  const note = element("small", { class: "dim" });
  const microphone = icon("mic");
  const camera = icon("camera");
  const screen = icon("screen");
  const marks = element("span", { class: "marks", role: "img" }, [screen, camera, microphone]);
  const slider = element("input", { type: "range", min: "0", max: "100" });
  const volume = element("label", { class: "person-volume" }, [icon("volume"), slider]);
  const whole = element("li", { class: "person" }, [avatar, element("span", { class: "who" }, [name, note]), marks, volume]);
  /** @type {string | null} */
  let stream = null;
  /** What the row says now, and in which language. */
  let said = "";
  slider.addEventListener("input", () => stream && setVolume(stream, slider.valueAsNumber));
  return {
    element: whole,
    /**
     * @param {Person} person
     * @param {number} loud
     * @param {string | null} weak
     */
    draw(person, loud, weak) {
      stream = person.stream;
      if (slider.valueAsNumber !== loud) slider.value = String(loud);
      const says = JSON.stringify([language(), person, weak]);
      if (says === said) return;
      said = says;
      avatar.textContent = initials(person.face);
      avatar.dataset.colour = String(avatarOf(person.uid));
      name.textContent = person.name;
      name.title = person.name;
      note.textContent = weak ?? (person.name === person.uid ? "" : t("stats.uid", { uid: person.uid }));
      note.classList.toggle("weak-note", weak !== null);
      setIcon(microphone, person.microphone ? "mic" : "mic-off");
      setIcon(camera, person.camera ? "camera" : "camera-off");
      microphone.classList.toggle("off", !person.microphone);
      camera.classList.toggle("off", !person.camera);
      screen.classList.toggle("absent", !person.sharing);
      const states = [t(person.microphone ? "tile.microphoneOn" : "tile.microphoneOff"), t(person.camera ? "tile.cameraOn" : "tile.cameraOff")];
      if (person.sharing) states.push(t("people.sharing"));
      marks.setAttribute("aria-label", states.join(", "));
      volume.hidden = !person.stream;
      slider.setAttribute("aria-label", t("tile.volume", { name: person.name }));
    },
  };
}
