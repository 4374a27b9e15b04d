// The page of a growing picture. It never trusts the stream alone: seen again, it asks for the whole state.
const tray = document.querySelector("[data-key]"), key = tray.dataset.key;
const text = (id, words) => { const at = document.getElementById(id); if (at && at.textContent !== words) at.textContent = words; };
let shown = tray.dataset.live || "", version = "", streaming = false, polls = 0;

function show(one) {
  if (["done", "failed", "cancelled"].includes(one.state) || one.state !== tray.dataset.state) { location.reload(); return; }
  if (one.state === "running") {
    const bar = document.getElementById("bar");
    bar.max = one.steps; bar.value = one.steps_done;
    text("steps", `step ${one.steps_done} of ${one.steps}`);
    text("left", `time left: ${one.left}`);
    // Early and slow steps move little although much is to come: so it says how still it is from a quarter on.
    text("change", one.change == null || one.steps_done * 4 < one.steps ? "" : one.change < 0.004 ? "· nearly still" : one.change < 0.015 ? "· settling" : "· changing a lot");
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
async function ask() {
  const answer = await fetch(`/api/v1/jobs/${key}`, {cache: "no-store"});
  if (answer.ok) show(await answer.json());
}
async function poll() {
  const mine = ++polls;
  while (mine === polls && !streaming) {
    try {
      const answer = await fetch(`/api/v1/jobs/${key}?wait=25&seen=${version}`, {cache: "no-store"});
      if (answer.ok) { const one = await answer.json(); version = one.version; show(one); continue; }
    } catch { /* the server restarts, or the phone is in a tunnel */ }
    await new Promise(done => setTimeout(done, 2000));
  }
}
const find = jobs => (jobs || []).find(one => one.key === key);
const stream = new EventSource("/api/v1/events");
const deadline = setTimeout(() => { if (!streaming) poll(); }, 5000);
stream.addEventListener("state", event => {
  streaming = true; clearTimeout(deadline);
  const one = find(JSON.parse(event.data).line);
  if (one) show(one); else ask();
});
stream.addEventListener("live", event => { const one = find(JSON.parse(event.data).running); if (one) show(one); });
stream.onerror = () => { if (streaming) { streaming = false; poll(); } };
for (const name of ["visibilitychange", "pageshow", "online"])
  (name === "visibilitychange" ? document : window).addEventListener(name, () => { if (!document.hidden) ask().catch(() => {}); });
