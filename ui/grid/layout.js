// @ts-check
/**
 * Where the tiles of a call stand: pure arithmetic in CSS pixels, no element in sight.
 *
 * ```text
 * one tile          stage          fills the room to its edges, as far as a camera's picture can be cropped with taste
 * one and yourself  stage + float  the other fills the stage, you float in a corner
 * more              tiling         the grid with the largest tiles, above the controls
 * one pinned        spotlight      the pinned one large, the others in a strip beside or below it, above the controls
 * ```
 *
 * Where there are more than can be told apart, they stand on pages; oneself and who is pinned stand on each.
 */

/** @typedef {{ x: number, y: number, width: number, height: number }} Rect */

/**
 * @typedef {object} Scene
 * @property {number} width of the room
 * @property {number} height
 * @property {number} [covered] how much of its lower edge the controls cover
 * @property {string[]} remote ids in the order of appearance
 * @property {string | null} self the id of one's own tile, null when one only watches
 * @property {string | null} [pinned]
 * @property {boolean} [screen] whether the pinned one is a screen, which is shown whole in any shape
 * @property {number} [page] which page is wanted, from 0; the last one where there are fewer
 */

/**
 * @typedef {object} Placed
 * @property {Map<string, Rect>} rects of those on this page
 * @property {string | null} stage
 * @property {string | null} floating
 * @property {number} page the one that is shown
 * @property {number} pages how many there are
 */

export const ASPECT = 16 / 9;
export const GAP = 12;
/** Tiles on one page of the grid, and of the strip beside a pinned one. */
export const MOST = 16;
export const MOST_STRIP = 8;
/** How wide a tile of the grid must be for a face and a name; in a small window fewer stand on a page. */
export const LEAST = 88;

// How far a 16:9 picture is cropped on the stage: to a portrait, or to cinema's width.
const NARROWEST = 9 / 16;
const WIDEST = 2.4;

const FLOAT_SHARE = 0.22;
const FLOAT_MIN = 132;
const FLOAT_MAX = 320;
const STRIP_SHARE = 0.2;

/**
 * How far tiles of a grid are cropped to fill a room: a face stays whole, and so do two beside each other in a wide window.
 * @param {number} width
 * @param {number} height
 */
export function narrowestTile(width, height) {
  return width < height ? 1 : 4 / 3;
}

/**
 * The best tiling of `count` tiles: how many columns and rows, and a tile's size.
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @param {number} [narrowest] the least that a tile is wide for its height; at most it is 16:9
 */
export function bestTiling(count, width, height, narrowest = ASPECT) {
  let best = { columns: 1, rows: count, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const [across, down] = [(width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows];
    const fit = { width: Math.min(across, down * ASPECT), height: Math.min(down, across / narrowest) };
    if (fit.width > 0 && fit.height > 0 && fit.width * fit.height > best.width * best.height) best = { columns, rows, ...fit };
  }
  return best;
}

/**
 * @param {Scene} scene
 * @returns {Placed}
 */
export function layout({ width, height, covered = 0, remote, self, pinned = null, screen = false, page: wanted = 0 }) {
  const everybody = self === null ? remote : [...remote, self];
  const whole = { x: 0, y: 0, width, height };
  const room = { x: GAP, y: GAP, width: width - 2 * GAP, height: height - 2 * GAP };
  // In a window that is hardly higher than the controls, tiles lie below them like a stage.
  const free = covered > 0 && height > 2 * covered + 2 * GAP ? { ...room, height: height - covered - 2 * GAP } : room;
  if (pinned !== null && everybody.length > 1 && everybody.includes(pinned)) {
    const { shown, page, pages } = turnTo(wanted, remote.filter((id) => id !== pinned), self === pinned ? null : self, MOST_STRIP);
    return { rects: spotlight(free, pinned, shown, screen), stage: null, floating: null, page, pages };
  }
  const one = { page: 0, pages: 1 };
  if (everybody.length === 1) return { rects: new Map([[everybody[0], large(whole)]]), stage: everybody[0], floating: null, ...one };
  if (self !== null && remote.length === 1) {
    return { rects: new Map([[remote[0], large(whole)], [self, float(room)]]), stage: remote[0], floating: self, ...one };
  }
  const narrowest = narrowestTile(free.width, free.height);
  let most = MOST;
  while (most > 2 && bestTiling(most, free.width, free.height, narrowest).width < LEAST) most -= 1;
  const { shown, page, pages } = turnTo(wanted, remote, self, most);
  return { rects: tile(free, shown, narrowest), stage: null, floating: null, page, pages };
}

/**
 * Who stands on a page.
 * @param {number} wanted
 * @param {string[]} remote
 * @param {string | null} self
 * @param {number} most
 */
function turnTo(wanted, remote, self, most) {
  const own = self === null ? [] : [self];
  const each = most - own.length;
  const pages = Math.max(1, Math.ceil(remote.length / each));
  const page = Math.min(Math.max(0, wanted), pages - 1);
  return { shown: [...remote.slice(page * each, (page + 1) * each), ...own], page, pages };
}

/**
 * The largest rectangle of a tolerable shape in the middle of the room.
 * @param {Rect} room
 * @returns {Rect}
 */
function large(room) {
  const aspect = Math.min(Math.max(room.width / room.height, NARROWEST), WIDEST);
  const width = Math.min(room.width, room.height * aspect);
  return centred(room, width, width / aspect);
}

/**
 * @param {Rect} room
 * @returns {Rect}
 */
function float(room) {
  const wanted = Math.min(Math.max(room.width * FLOAT_SHARE, FLOAT_MIN), FLOAT_MAX);
  const width = Math.round(Math.min(wanted, room.width / 2));
  const height = Math.round(width / ASPECT);
  return { x: room.x + room.width - width, y: room.y + room.height - height, width, height };
}

/**
 * @param {Rect} room
 * @param {string} pinned
 * @param {string[]} others
 * @param {boolean} screen
 */
function spotlight(room, pinned, others, screen) {
  const beside = room.width / room.height > 1.2;
  const most = Math.round((beside ? room.width : room.height) * STRIP_SHARE);
  const { columns, rows, width, height } = beside ? bestTiling(others.length, most, room.height) : bestTiling(others.length, room.width, most);
  const depth = Math.ceil(beside ? columns * width + (columns - 1) * GAP : rows * height + (rows - 1) * GAP);
  const strip = beside ? { ...room, x: room.x + room.width - depth, width: depth } : { ...room, y: room.y + room.height - depth, height: depth };
  const main = beside ? { ...room, width: room.width - depth - GAP } : { ...room, height: room.height - depth - GAP };
  return new Map([[pinned, screen ? round(main) : large(main)], ...tile(strip, others)]);
}

/**
 * Rows of equal tiles, the last row centred.
 * @param {Rect} room
 * @param {string[]} ids
 * @param {number} [narrowest]
 * @returns {Map<string, Rect>}
 */
function tile(room, ids, narrowest) {
  const { columns, rows, width, height } = bestTiling(ids.length, room.width, room.height, narrowest);
  const top = room.y + (room.height - rows * height - (rows - 1) * GAP) / 2;
  return new Map(
    ids.map((id, index) => {
      const row = Math.floor(index / columns);
      const inRow = row === rows - 1 ? ids.length - row * columns : columns;
      const left = room.x + (room.width - inRow * width - (inRow - 1) * GAP) / 2;
      const column = index - row * columns;
      return [id, round({ x: left + column * (width + GAP), y: top + row * (height + GAP), width, height })];
    }),
  );
}

/**
 * @param {Rect} room
 * @param {number} width
 * @param {number} height
 */
function centred(room, width, height) {
  return round({ x: room.x + (room.width - width) / 2, y: room.y + (room.height - height) / 2, width, height });
}

/** Whole pixels, rounded so that nothing grows out of its room. @param {Rect} rect */
function round({ x, y, width, height }) {
  return { x: Math.round(x), y: Math.round(y), width: Math.floor(width), height: Math.floor(height) };
}

/**
 * How far `tile` reaches below the top of `bar`: what it, or its caption, must rise to be seen. 0 if they do not meet.
 * @param {Rect} tile
 * @param {Rect} bar
 */
export function overlap(tile, bar) {
  const apart = tile.x >= bar.x + bar.width || bar.x >= tile.x + tile.width;
  return apart ? 0 : Math.max(0, tile.y + tile.height - bar.y);
}
