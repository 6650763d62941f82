// A hundred people who join at once, and what that costs the page: `node tests/ui/crowd.js [RUNS]` prints the longest tasks of its
// thread. Needs what browser.js needs, and a quiet machine for figures that mean something.
import { fileURLToPath } from "node:url";
import { browse, missing } from "./browser.js";

/**
 * Has 99 people join a call, four every 16 ms, as an app would tell of them.
 * @param page in a call
 * @returns {Promise<{ made: number[] }>} how many tiles each frame found to be new
 */
export function joinAll(page) {
  return page.evaluate(async () => {
    const { change, state, tell, crowd } = globalThis.visavisFake;
    const made = [];
    let seen = document.querySelectorAll(".video-view").length;
    let watching = true;
    const watch = () => {
      const now = document.querySelectorAll(".video-view").length;
      if (now > seen) made.push(now - seen);
      seen = now;
      if (watching) requestAnimationFrame(watch);
    };
    requestAnimationFrame(watch);
    for (const one of crowd(99)) {
      change({ remote: [...state().remote, one] });
      tell({ event: "stream-added", stream: one.stream, uid: one.uid });
      tell({ event: "stream-subscribed", stream: one.stream, uid: one.uid });
      if (state().remote.length % 4 === 0) await new Promise((done) => setTimeout(done, 16));
    }
    while (document.querySelectorAll(".video-view:not([hidden])").length < 16) await new Promise(requestAnimationFrame);
    watching = false;
    return { made };
  });
}

/** The tasks of the page's thread while `work` is done, the longest first: ms by the clock, and of the processor. */
async function tasksDuring(page, work) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await session.send("Tracing.start", { traceConfig: { includedCategories: ["toplevel", "devtools.timeline"] } });
  await work();
  const complete = new Promise((done) => session.once("Tracing.tracingComplete", done));
  await session.send("Tracing.end");
  await complete;
  const { pid, tid } = events.find(({ name }) => name === "FireAnimationFrame");
  const tasks = events.filter((event) => event.pid === pid && event.tid === tid && event.name === "ThreadControllerImpl::RunTask");
  return tasks.map(({ dur, tdur = 0 }) => ({ ms: dur / 1000, cpuMs: tdur / 1000 })).sort((one, other) => other.ms - one.ms);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reason = missing();
  if (reason) throw new Error(reason);
  const browser = await browse();
  for (let run = 0; run < Number(process.argv[2] ?? 5); run += 1) {
    const page = await browser.open("alone");
    await page.waitForFunction(() => document.documentElement.dataset.state === "call");
    await page.waitForTimeout(1000);
    const tasks = await tasksDuring(page, () => joinAll(page));
    const longest = tasks.slice(0, 3).map(({ ms, cpuMs }) => `${ms.toFixed(1)} (${cpuMs.toFixed(1)} of a core)`);
    console.log(`the longest tasks, ms: ${longest.join(", ")}; over 50 ms: ${tasks.filter(({ ms }) => ms > 50).length}`);
    await page.context().close();
  }
  await browser.close();
}
