// The draft survives a closed tab; Enter sends, Shift+Enter makes a line.
const field = document.querySelector("textarea"), form = field.form, name = "dreamrig draft";
try { if (!field.value) field.value = localStorage.getItem(name) || ""; } catch { /* no storage, no draft */ }
field.addEventListener("input", () => { try { localStorage.setItem(name, field.value); } catch { /* as above */ } });
form.addEventListener("submit", () => { try { localStorage.removeItem(name); } catch { /* as above */ } });
field.addEventListener("keydown", event => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); } });
