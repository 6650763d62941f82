// The frame socket without an app: pictures over the page's own wire format, one in flight a tile.
// A classic script, so that serve.js can put it before the page's modules.
(() => {
  const FPS = 25;
  const HEADER = 32;

  /** Rows of `width`×`height` RGBA as I420, limited range BT.601. */
  function toI420(rgba, width, height, out) {
    const half = { width: (width + 1) >> 1, height: (height + 1) >> 1 };
    const blue = width * height;
    const red = blue + half.width * half.height;
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const at = (y * width + x) * 4;
        const [r, g, b] = [rgba[at], rgba[at + 1], rgba[at + 2]];
        out[y * width + x] = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
        if (x & 1 || y & 1) continue;
        const chroma = (y >> 1) * half.width + (x >> 1);
        out[blue + chroma] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
        out[red + chroma] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
      }
    }
  }

  /** A moving picture of one person: several images in turn, or one that is slowly moved. */
  class Person {
    constructor(urls) {
      this.images = urls.map((src) => Object.assign(new Image(), { src }));
    }

    /** Draws the picture of moment `seconds` so that it covers the context's canvas. */
    paint(context, seconds) {
      const { width, height } = context.canvas;
      const moving = this.images.length > 1;
      const image = this.images[moving ? Math.floor(seconds * FPS) % this.images.length : 0];
      if (!image.complete || !image.naturalWidth) return false;
      const zoom = moving ? 1 : 1.04 + 0.03 * Math.sin(seconds);
      const scale = Math.max(width / image.naturalWidth, height / image.naturalHeight) * zoom;
      const size = { width: image.naturalWidth * scale, height: image.naturalHeight * scale };
      context.drawImage(image, (width - size.width) / 2, (height - size.height) * 0.3, size.width, size.height);
      return true;
    }
  }

  class FakeSocket {
    readyState = 0;
    binaryType = "";
    onopen = null;
    onmessage = null;
    onclose = null;
    #tiles = new Map();
    #person;

    /** @param {(stream: string) => Person | null} person null: no frames for now */
    constructor(person) {
      this.#person = person;
      setTimeout(() => {
        this.readyState = 1;
        this.onopen?.({});
      });
      this.timer = setInterval(() => this.#tick(), 1000 / FPS);
    }

    send(text) {
      const message = JSON.parse(text);
      if ("credit" in message) {
        const tile = this.#tiles.get(message.credit);
        if (tile) tile.credit = true;
      } else if (!message.width || !message.height) {
        this.#tiles.delete(message.tile);
      } else {
        const known = this.#tiles.get(message.tile);
        this.#tiles.set(message.tile, { ...message, credit: known?.credit ?? true, sequence: known?.sequence ?? 0 });
      }
    }

    close() {
      clearInterval(this.timer);
      this.readyState = 3;
      this.onclose?.({});
    }

    #tick() {
      for (const tile of this.#tiles.values()) {
        const person = tile.credit ? this.#person(tile.stream) : null;
        const data = person && this.#frame(tile, person);
        if (!data) continue;
        tile.credit = false;
        this.onmessage?.({ data });
      }
    }

    #frame(tile, person) {
      const scale = Math.min(1, 1280 / tile.width, 720 / tile.height);
      const width = Math.max(2, Math.round(tile.width * scale));
      const height = Math.max(2, Math.round(tile.height * scale));
      const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
      if (!person.paint(context, performance.now() / 1000)) return null;
      const { data } = context.getImageData(0, 0, width, height);
      const i420 = tile.format === "i420";
      const size = i420 ? width * height + 2 * ((width + 1) >> 1) * ((height + 1) >> 1) : width * height * 4;
      const message = new ArrayBuffer(HEADER + size);
      const header = new DataView(message);
      header.setUint32(0, tile.tile, true);
      header.setUint16(4, width, true);
      header.setUint16(6, height, true);
      header.setUint8(8, i420 ? 0 : 1);
      header.setUint32(12, tile.sequence++, true);
      header.setFloat64(16, performance.timeOrigin + performance.now() - 40, true);
      header.setUint16(24, 1280, true);
      header.setUint16(26, 720, true);
      const pixels = new Uint8Array(message, HEADER);
      if (i420) toI420(data, width, height, pixels);
      else pixels.set(data);
      return message;
    }
  }

  globalThis.visavisFake = { FakeSocket, Person };
})();
