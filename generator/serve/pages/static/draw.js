// The draft survives a closed tab, and is let go once the picture is in the line. Enter sends, Shift+Enter makes a line.
import {follow, get, pause, LOOK_MS} from "/static/stream.js";
const field = document.querySelector("textarea"), form = field.form, name = "dreamrig draft";
const error = document.getElementById("error");
const draft = words => { try { if (words) localStorage.setItem(name, words); else localStorage.removeItem(name); } catch { /* no storage, no draft */ } };
try { if (!field.value) field.value = localStorage.getItem(name) || ""; } catch { /* as above */ }
field.addEventListener("input", () => draft(field.value));
field.addEventListener("keydown", event => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); } });
// The same wish sent twice is one picture; another wish is another, whether or not the first was answered.
const renew = () => { form.elements.request.value = `${Date.now()}.${Math.random()}`; };
form.addEventListener("input", renew);

function tell(words) { error.textContent = words; error.hidden = !words; }
async function send() {
  const {request, ...wish} = Object.fromEntries(new FormData(form));
  const answer = await fetch("/api/v1/jobs", {method: "POST", body: JSON.stringify(wish),
    headers: {"content-type": "application/json", "idempotency-key": request}});
  if (answer.status === 401) { location.assign("/enter"); return; }
  const told = await answer.json();
  if (!answer.ok) { tell(`${told.error.message} ${told.error.hint || ""}`.trim()); return; }
  draft("");
  renew();
  location.assign(`/p/${told.key}`);
}
let isOut = false;
form.addEventListener("submit", async event => {
  event.preventDefault();
  if (isOut) return;
  isOut = true;
  try { await send(); } catch { tell("The server does not answer. Nothing is lost: try again."); }
  isOut = false;
});

// Its place in the line, and how long it takes for what is chosen now: both follow the line while the words are sought.
const place = document.getElementById("next"), left = document.getElementById("left");
let next = JSON.parse(place.dataset.next), looked = Date.now();
function choose() {
  const time = next.left[`${form.elements.preset.value} ${form.elements.shape.value}`];
  place.firstChild.data = `You will be number ${next.number}`;
  left.textContent = time ? `, ${time}` : "; how long it takes is not known yet";
}
form.addEventListener("change", choose);
choose(); // a browser may have kept another choice than the page has
function show(state) { looked = Date.now(); next = state.next; choose(); }
async function ask(patience) { show(await get("/api/v1/queue", patience)); }
function live() { if (Date.now() - looked > LOOK_MS) { looked = Date.now(); ask().catch(() => { /* the stream will tell */ }); } }
follow({state: show, live}, ask, async () => { await ask(); await pause(LOOK_MS / 2); });
