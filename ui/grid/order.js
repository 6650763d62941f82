// @ts-check
/**
 * In which order streams stand: as they came, and who speaks on a later page comes forward. Nobody
 * moves without need, so that a face is found where it was.
 */

/**
 * Takes in who came and lets go who left.
 * @param {string[]} order
 * @param {string[]} there
 */
export function renewed(order, there) {
  const present = new Set(there);
  const known = new Set(order);
  const kept = order.filter((id) => present.has(id));
  return [...kept, ...there.filter((id) => !known.has(id))];
}

/**
 * Has the speaker change places with whoever of the shown was heard least lately.
 * @param {string[]} order
 * @param {string[]} shown those that are seen now; the speaker is none of them
 * @param {string} speaker
 * @param {Map<string, number>} heard when each was heard last
 */
export function broughtForward(order, shown, speaker, heard) {
  const [quiet] = shown.filter((id) => order.includes(id)).sort((one, other) => (heard.get(one) ?? 0) - (heard.get(other) ?? 0));
  if (quiet === undefined || !order.includes(speaker)) return order;
  return order.map((id) => (id === quiet ? speaker : id === speaker ? quiet : id));
}
