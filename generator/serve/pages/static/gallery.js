// j and k walk, Enter opens.
const prints = [...document.querySelectorAll("a.print")];
addEventListener("keydown", event => {
  if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = {j: 1, k: -1}[event.key];
  if (step) prints[Math.min(prints.length - 1, Math.max(0, prints.indexOf(document.activeElement) + step))]?.focus();
});
