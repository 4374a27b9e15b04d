// The line is right again whenever it changes, and whenever the page is looked at again.
let last = document.querySelector("[data-event]").dataset.event;
const again = event => { const now = JSON.parse(event.data).event; if (String(now) !== last) location.reload(); };
const stream = new EventSource("/api/v1/events");
let heard = false;
stream.addEventListener("state", event => { heard = true; again(event); });
setTimeout(() => { if (!heard) setInterval(() => location.reload(), 10000); }, 5000);
addEventListener("pageshow", event => { if (event.persisted) location.reload(); });
