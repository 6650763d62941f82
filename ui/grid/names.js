// @ts-check
/** What a stream is called, and what stands in for its picture. */

const SCREEN = "-screen";

/**
 * The initials of a name or an account, or the last two digits of a number: those differ where the first ones often do not.
 * @param {string} face
 */
export function initials(face) {
  if (/^\d+$/.test(face)) return face.slice(-2);
  const words = face.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? begin(words[0], 1) + begin(words[words.length - 1], 1) : begin(words[0] ?? face, 2);
  return letters.toUpperCase();
}

/**
 * The first letters as a reader counts them: a family of emoji is one.
 * @param {string} text
 * @param {number} count
 */
function begin(text, count) {
  return [...new Intl.Segmenter().segment(text.slice(0, 64))].slice(0, count).map(({ segment }) => segment).join("");
}

/** How many avatar colours tokens.css has. */
export const AVATARS = 6;

/**
 * One of the avatar colours, always the same for a uid.
 * @param {string} uid
 */
export function avatarOf(uid) {
  let sum = 0;
  for (const letter of uid) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % AVATARS;
}

/**
 * Whether a stream is a screen. An app that does not say so names it.
 * @param {{ stream: string, source?: "camera" | "screen" }} remote
 */
export function isScreen({ stream, source }) {
  return source ? source === "screen" : stream.endsWith(SCREEN);
}

/**
 * What a remote stream's person is called: as they say, or else by their uid.
 * @param {{ uid: number | string, name?: string | null }} remote
 */
export function nameOf({ uid, name }) {
  return name || String(uid);
}
