// The server's stream, for as long as somebody looks at the page. Hidden, it is closed: a locked phone would come back to
// a dead one, and six open tabs would take every connection to the server. Seen again, the page asks for all of it at once.
const PATIENCE_MS = 5000, PAUSE_MS = 2000;
export const pause = milliseconds => new Promise(done => setTimeout(done, milliseconds));

// events: name -> what to do with its data.   ask: read the whole state.   once: one poll, for where streams are held back.
export function follow(events, ask, once) {
  let stream = null, deadline = 0, heard = false, round = 0;
  function rest() { round++; heard = false; clearTimeout(deadline); stream?.close(); }
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
  function wake() { listen(); ask().catch(() => { /* the stream or a poll will tell */ }); }
  document.addEventListener("visibilitychange", () => document.hidden ? rest() : wake());
  document.addEventListener("freeze", rest);
  document.addEventListener("resume", wake);
  addEventListener("pageshow", event => { if (event.persisted) wake(); });
  addEventListener("online", wake);
  if (!document.hidden) listen();
}
