// The page of a growing picture. It never trusts the stream alone: seen again, it asks for the whole state.
import {follow, get} from "/static/stream.js";
const tray = document.querySelector("[data-key]"), key = tray.dataset.key;
const text = (id, words) => { const at = document.getElementById(id); if (at && at.textContent !== words) at.textContent = words; };
let shown = tray.dataset.live || "", version = "";

function show(one) {
  if (["done", "failed", "cancelled"].includes(one.state)) {
    try { sessionStorage.setItem("dreamrig ended", key); } catch { /* it is not announced */ }
    location.reload(); return;
  }
  // The worker's first words come after the page: what it does not know, where it goes on.
  const isTold = !tray.dataset.told && (one.resumed_at || one.note || Object.keys(one.unknown_words || {}).length);
  if (one.state !== tray.dataset.state || isTold) { location.reload(); return; }
  if (one.state === "running") {
    const bar = document.getElementById("bar");
    bar.max = one.steps; bar.value = one.steps_done;
    text("steps", `step ${one.steps_done} of ${one.steps}`);
    text("left", `time left: ${one.left}`);
    text("change", one.moving || "");
    if (one.live && one.live !== shown) develop(one.live);
  } else {
    text("place", one.number == null ? "" : `number ${one.number} in the line`);
    text("left", `time left: ${one.left}`); text("behind", one.behind || "");
  }
}
function develop(address) {
  shown = address;
  const next = new Image();
  next.alt = tray.dataset.alt; next.className = "fresh";
  next.onload = () => {
    const old = tray.querySelector("img:not(.under)");
    tray.querySelectorAll(".under, .empty, .paper").forEach(it => it.remove());
    if (old) { old.className = "under"; old.alt = ""; }
    tray.append(next);
  };
  next.src = address;
}
async function ask(patience, wait = "") {
  const one = await get(`/api/v1/jobs/${key}${wait}`, patience);
  version = one.version;
  show(one);
}
const find = jobs => (jobs || []).find(one => one.key === key);
follow({
  state: state => { const one = find(state.line); if (one) show(one); else ask().catch(() => location.reload()); },
  live: now => { const one = find(now.running); if (one) show(one); },
}, ask, () => ask(35000, `?wait=25&seen=${version}`));
