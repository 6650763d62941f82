// @ts-check
/**
 * When JOIN, LEAVE, PUBLISH and UNPUBLISH make sense, and what Agora's sample says when they do not.
 * The buttons' looks and the toasts of a click both come from here, so that they cannot disagree.
 */

/** @typedef {import("./api.js").CallState} CallState */
/** @typedef {"join" | "leave" | "publish" | "unpublish"} Action */

/**
 * Why the action is refused now: a key under `toast` and `reason`, null if it may go ahead.
 * LEAVE while joining calls the attempt off, where the sample could only wait.
 * @param {Action} action
 * @param {Pick<CallState, "state" | "published">} call
 * @returns {string | null}
 */
export function refusal(action, { state, published }) {
  switch (action) {
    case "join":
      return state === "lobby" ? null : "alreadyJoined";
    case "leave":
      if (state === "lobby") return "joinFirst";
      return state === "leaving" ? "notInChannel" : null;
    case "publish":
      if (state !== "call") return "joinRoomFirst";
      return published ? "alreadyPublished" : null;
    case "unpublish":
      if (state !== "call") return "joinRoomFirst";
      return published ? null : "notPublished";
  }
}
