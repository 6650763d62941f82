// Serves ui/ to a plain browser with the fake app before its modules: `node tests/ui/serve.js [PORT] [PICTURES]`.
// PICTURES is a folder with a folder of images a person; without it everybody's camera stays dark.
import { createServer } from "node:http";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const UI = join(HERE, "../../ui");
const PAGES = ["/index.html", "/pip.html"];
const FAKES = ["fake-frames.js", "fake-desktop.js", "fake-app.js"];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg" };

/**
 * @param {number} port 0: any
 * @param {string} [pictures]
 */
export async function serve(port, pictures) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
    try {
      const body = await answer(path === "/" ? "/index.html" : path, pictures);
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/html", "cache-control": "no-store" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(port, "127.0.0.1", () => ready(undefined)));
  return server;
}

async function answer(path, pictures) {
  if (path.startsWith("/fake/")) return readFile(join(HERE, path.slice("/fake/".length)));
  if (path.startsWith("/pictures/") && pictures) return readFile(join(pictures, path.slice("/pictures/".length)));
  const body = await readFile(join(UI, path));
  if (!PAGES.includes(path)) return body;
  const scripts = `<script>visavisPictures = ${JSON.stringify(await people(pictures))}</script>${FAKES.map((name) => `<script src="fake/${name}"></script>`).join("")}`;
  return body.toString().replace('<script src="early.js">', `${scripts}$&`);
}

async function people(pictures) {
  if (!pictures) return [];
  const folders = (await readdir(pictures, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const names = folders.map(({ name }) => name).sort();
  return Promise.all(names.map(async (name) => (await readdir(join(pictures, name))).sort().map((file) => `pictures/${name}/${file}`)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(Number(process.argv[2] ?? 8123), process.argv[3]);
  console.log(`http://127.0.0.1:${server.address().port}/?scene=two`);
}
