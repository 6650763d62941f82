// Notes, for every frame a tile draws: stream, frame number on the canvas, when its capture was, when it was drawn,
// and when the paint after that began. Times in ms since the Unix epoch.
window.visavisSamples = [];
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const wrapped = new WeakSet();
  const canvasOf = (stream) => document.querySelector(stream === "local" ? "#local_stream canvas" : `[id="remote_video_${stream}"] canvas`);
  const wrap = () => {
    for (const tile of window.visavisFrames.tiles) {
      if (wrapped.has(tile)) continue;
      wrapped.add(tile);
      const draw = tile.draw;
      tile.draw = (frame) => {
        draw(frame);
        const sample = { stream: tile.stream, captured: frame.captured, drawn: now(), shown: null, width: frame.width, number: visavisProbe(canvasOf(tile.stream)) };
        window.visavisSamples.push(sample);
        requestAnimationFrame(() => (sample.shown = now()));
      };
    }
  };
  setInterval(wrap, 50);
  wrap();
  document.querySelector("#join")?.addEventListener("click", () => (window.visavisJoinClicked = now()), { capture: true });
})();
