// The line is right again whenever it changes, and whenever the page is looked at again.
import {follow, pause} from "/static/stream.js";
const shown = document.querySelector("[data-event]").dataset.event;
const show = state => { if (String(state.event) !== shown) location.reload(); };
async function ask() {
  const answer = await fetch("/api/v1/queue", {cache: "no-store"});
  if (!answer.ok) throw new Error(answer.status);
  show(await answer.json());
}
follow({state: show}, ask, async () => { await ask(); await pause(5000); });
