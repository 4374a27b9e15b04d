// The server's stream, for as long as somebody looks at the page. Hidden, it is closed: a locked phone would come back to
// a dead one, and six open tabs would take every connection to the server. Seen again, the page asks for all of it at once.
const PATIENCE_MS = 5000, PAUSE_MS = 2000, LONG_MS = 10000;
// How often it asks, how long each waits for its answer, and when it is asked next: soon at first, for a network that is quick.
const LOOKS = [{tries: 8, patience: 700, next: 150}, {tries: 20, patience: 2000, next: 400}];
export const LOOK_MS = 10000; // what waits comes nearer while another one is drawn, without any event
export const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));

// JSON of ours. Given up after so long: a connection that died in a pocket answers nothing, and is kept for the next request.
export async function get(path, patience = LONG_MS) {
  const answer = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(patience)});
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

// events: name -> what to do with its data.   ask: read the whole state, within so many ms.   once: one poll, for where streams are held back.
export function follow(events, ask, once) {
  let stream = null, deadline = 0, heard = false, round = 0, looks = 0;
  function rest() { round++; looks++; heard = false; clearTimeout(deadline); stream?.close(); }
  async function poll() {
    const mine = ++round;
    while (mine === round && !heard) {
      try {
        await once();
        if (mine === round && stream.readyState === EventSource.CLOSED) { listen(); return; }
      } catch { await pause(PAUSE_MS); /* the server restarts, or the phone is in a tunnel */ }
    }
  }
  function listen() {
    rest();
    stream = new EventSource("/api/v1/events");
    deadline = setTimeout(poll, PATIENCE_MS);
    for (const [name, act] of Object.entries(events))
      stream.addEventListener(name, event => { heard = true; clearTimeout(deadline); act(JSON.parse(event.data)); });
    stream.onerror = () => { heard = false; clearTimeout(deadline); poll(); };
  }
  // A browser may have kept six dead connections: each request may meet one, and one that is given up ends it.
  async function look() {
    const mine = ++looks;
    for (let tries = 0; mine === looks && !heard; tries++) {
      const now = LOOKS.find(one => tries < one.tries) || {patience: LONG_MS, next: LONG_MS};
      ask(now.patience).then(() => { if (mine === looks) looks++; }, () => { /* the next one may arrive */ });
      await pause(now.next);
    }
  }
  function wake() { listen(); look(); }
  document.addEventListener("visibilitychange", () => document.hidden ? rest() : wake());
  document.addEventListener("freeze", rest);
  document.addEventListener("resume", wake);
  addEventListener("pageshow", event => { if (event.persisted) wake(); });
  addEventListener("online", wake);
  if (!document.hidden) listen();
}
