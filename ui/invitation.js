// @ts-check
/** An invitation: a few lines for a message that the form takes back by paste. It never carries a token. */

/**
 * @param {string} greeting
 * @param {{ appID: string, channel: string, link?: string | null }} call
 */
export function writeInvitation(greeting, { appID, channel, link }) {
  return `${greeting}\n${link ? `${link}\n` : ""}Channel: ${channel}\nApp ID: ${appID}`;
}

/**
 * Reads what `writeInvitation` wrote, in whatever it was quoted; null if that is not in the text.
 * @param {string} text
 */
export function readInvitation(text) {
  const channel = /^[>\s]*Channel: (.{1,64}?)\s*$/m.exec(text)?.[1];
  const appID = /^[>\s]*App ID: ([0-9a-fA-F]{32})\s*$/m.exec(text)?.[1];
  return channel && appID ? { appID, channel } : null;
}
