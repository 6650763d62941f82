// Reads the frame number that the test clip carries in its centre off a tile's canvas; null where there is no readable one.
// Ten blocks of 32x32 at 1280x720, scaled and cropped around the centre with the picture: white, black, then 8 bits, most
// significant first.
window.visavisProbe ??= (() => {
  const probe = Object.assign(document.createElement("canvas"), { width: 320, height: 32 });
  const context = probe.getContext("2d", { willReadFrequently: true });
  return (canvas) => {
    if (!canvas || !canvas.width) return null;
    const scale = Math.max(canvas.width / 1280, canvas.height / 720);
    const [width, height] = [320 * scale, 32 * scale];
    context.drawImage(canvas, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height, 0, 0, 320, 32);
    const { data } = context.getImageData(0, 16, 320, 1);
    const bits = Array.from({ length: 10 }, (_, k) => data[(k * 32 + 16) * 4]);
    if (bits[0] < 170 || bits[1] > 90) return null;
    return bits.slice(2).reduce((number, level) => number * 2 + (level > 128 ? 1 : 0), 0);
  };
})();
