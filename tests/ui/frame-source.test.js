import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameSource } from "../../ui/video/frame-source.js";
import { frameMessage } from "./frames.js";

/** A page and an app's socket that do nothing by themselves. */
function stage() {
  const page = { hidden: false, now: 1000, paints: [], later: [], sockets: [] };
  class Socket {
    readyState = 0;
    sent = [];
    send = (text) => this.sent.push(JSON.parse(text));
    close = () => this.end();
    begin() {
      this.readyState = 1;
      this.onopen({});
    }
    end() {
      this.readyState = 3;
      this.onclose({});
    }
    brings = (frame) => this.onmessage({ data: frameMessage(frame) });
  }
  const source = new FrameSource({
    connect: async () => {
      if (page.refuses) throw new Error("refused");
      page.sockets.push(new Socket());
      return page.sockets.at(-1);
    },
    hidden: () => page.hidden,
    nextPaint: (callback) => page.paints.push(callback),
    after: (callback, ms) => page.later.push({ callback, ms }),
    now: () => page.now,
  });
  const settle = () => new Promise(setImmediate);
  const paint = () => page.paints.splice(0).forEach((callback) => callback());
  return { page, source, settle, paint };
}

async function opened(stream = "7") {
  const it = stage();
  const drawn = [];
  const tile = it.source.open(stream, (frame) => drawn.push(frame.sequence));
  await it.settle();
  const [socket] = it.page.sockets;
  socket.begin();
  tile.show(640, 360, "rgba", "cover");
  it.paint();
  return { ...it, tile, drawn, socket };
}

test("a tile asks for its stream at its size, once a paint", async () => {
  const { source, tile, socket, paint } = await opened();
  tile.show(700, 400, "rgba", "cover");
  tile.show(800, 450, "rgba", "cover");
  paint();
  tile.show(800, 450, "rgba", "cover");
  paint();
  const size = (width, height) => ({ tile: tile.number, stream: "7", width, height, format: "rgba", fit: "cover" });
  assert.deepEqual(socket.sent.filter(({ width }) => width), [size(640, 360), size(800, 450)]);
  assert.equal(source.tiles.length, 1);
});

test("a frame is drawn at once and then paid for", async () => {
  const { tile, drawn, socket } = await opened();
  socket.sent.length = 0;
  socket.brings({ tile: tile.number, sequence: 5 });
  assert.deepEqual(drawn, [5]);
  assert.deepEqual(socket.sent, [{ credit: tile.number }]);
});

test("a hidden page pays when it is shown again", async () => {
  const { page, source, tile, drawn, socket } = await opened();
  socket.sent.length = 0;
  page.hidden = true;
  socket.brings({ tile: tile.number });
  assert.deepEqual([drawn.length, socket.sent], [1, []]);
  page.hidden = false;
  source.resume();
  source.resume();
  assert.deepEqual(socket.sent, [{ credit: tile.number }]);
});

test("a frame that cannot be drawn is paid for all the same", async () => {
  const { source, socket, settle } = await opened();
  const broken = source.open("8", () => {
    throw new Error("no canvas");
  });
  await settle();
  socket.sent.length = 0;
  assert.throws(() => socket.brings({ tile: broken.number }), /no canvas/);
  assert.deepEqual(socket.sent, [{ credit: broken.number }]);
});

test("what is no frame, or for a tile that is closed, is passed over", async () => {
  const { tile, drawn, socket } = await opened();
  socket.sent.length = 0;
  socket.onmessage({ data: new ArrayBuffer(3) });
  socket.onmessage({ data: "text" });
  socket.brings({ tile: 60 });
  tile.close();
  socket.brings({ tile: tile.number });
  assert.deepEqual(drawn, []);
  assert.deepEqual(socket.sent, [{ tile: tile.number, stream: "7", width: 0, height: 0 }]);
});

test("a lost socket is opened anew and asked for every tile, more patiently each time", async () => {
  const { page, tile, socket, settle } = await opened();
  page.refuses = true;
  socket.end();
  for (const wait of [50, 100, 200]) {
    const { callback, ms } = page.later.shift();
    assert.equal(ms, wait);
    callback();
    await settle();
  }
  page.refuses = false;
  page.later.shift().callback();
  await settle();
  const again = page.sockets.at(-1);
  assert.notEqual(again, socket);
  again.begin();
  assert.deepEqual(again.sent, [{ tile: tile.number, stream: "7", width: 640, height: 360, format: "rgba", fit: "cover" }]);
  again.end();
  assert.equal(page.later.shift().ms, 50);
});

test("a lost socket that nobody needs stays closed", async () => {
  const { page, tile, socket, settle } = await opened();
  tile.close();
  socket.end();
  page.later.shift().callback();
  await settle();
  assert.equal(page.sockets.length, 1);
});

test("tile numbers stay below 64 and a fresh one is the longest unused", async () => {
  const { source, tile } = await opened();
  const others = Array.from({ length: 63 }, () => source.open("8", () => {}));
  const numbers = new Set([tile, ...others].map(({ number }) => number));
  assert.equal(numbers.size, 64);
  assert.ok(Math.max(...numbers) < 64);
  assert.throws(() => source.open("9", () => {}), RangeError);
  others[10].close();
  assert.equal(source.open("9", () => {}).number, others[10].number);
});

test("a tile knows what it shows", async () => {
  const { page, tile, socket } = await opened();
  for (const at of [1000, 1400, 1800, 2100]) {
    page.now = at;
    socket.brings({ tile: tile.number, captured: at - 45 });
  }
  assert.deepEqual(tile.meter.read(2150), { fps: 3, ageMs: 45 });
  assert.equal(tile.meter.drawn, 4);
  assert.deepEqual(tile.meter.read(9000), { fps: 0, ageMs: null });
});
