// @ts-check
/** What a stream is called, and what stands in for its picture. */

const SCREEN = "-screen";

/**
 * The initials of an account, or the last two digits of a number: those differ where the first ones often do not.
 * @param {string} uid
 */
export function initials(uid) {
  if (/^\d+$/.test(uid)) return uid.slice(-2);
  const words = uid.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? words[0][0] + words[words.length - 1][0] : (words[0] ?? uid).slice(0, 2);
  return letters.toUpperCase();
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

/** Whether a stream's id is a screen's. @param {string} stream */
export function isScreen(stream) {
  return stream.endsWith(SCREEN);
}
