// The line is right again whenever it or the machine changes, and whenever the page is looked at again.
import {follow, get, pause, LOOK_MS} from "/static/stream.js";
const page = document.querySelector("[data-event]").dataset;
// What the page says of the machine: a worker that is ready and one that draws are told alike, a nap is not told.
const words = now => [now.mode, now.until, now.reason, now.worker === "ready" ? "drawing" : now.worker, now.slept_seconds > 60].join("|");
const said = words(JSON.parse(page.about));
let looked = Date.now();
function text(at, words) { if (at && at.textContent !== words) at.textContent = words; }
function move(one) {
  const peg = document.querySelector(`[data-key="${one.key}"]`);
  text(peg?.querySelector(".steps"), `step ${one.steps_done} of ${one.steps}`);
  text(peg?.querySelector(".left"), one.left);
}
function show(state) {
  looked = Date.now();
  if (String(state.event) !== page.event || words(state) !== said) location.reload();
  else state.line.forEach(move);
}
function live(now) {
  if (words(now) !== said) location.reload();
  now.running.forEach(move);
  if (Date.now() - looked > LOOK_MS) { looked = Date.now(); ask().catch(() => { /* the stream will tell */ }); }
}
async function ask(patience) { show(await get("/api/v1/queue", patience)); }
follow({state: show, live}, ask, async () => { await ask(); await pause(5000); });
