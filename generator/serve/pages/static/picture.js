// What a picture's page does once it is there: says that the picture has ended, copies its recipe.
const key = document.querySelector("[data-key]").dataset.key, end = document.getElementById("end");
// The end is a page of its own, whose words nobody is told: so they come into it a moment later.
try {
  if (end.dataset.words && sessionStorage.getItem("dreamrig ended") === key) {
    sessionStorage.removeItem("dreamrig ended");
    setTimeout(() => { end.textContent = end.dataset.words; }, 500);
  }
} catch { /* no storage: the page's title is read */ }
addEventListener("pageshow", event => { if (event.persisted) location.reload(); }); // its buttons are good for once

const button = document.getElementById("copy"), recipe = document.getElementById("recipe");
async function copy() {
  if (navigator.clipboard) return navigator.clipboard.writeText(recipe.textContent); // not without https
  getSelection().selectAllChildren(recipe);
  if (!document.execCommand("copy")) throw new Error("copy");
}
if (button) {
  button.hidden = false;
  const told = document.getElementById("copied");
  button.addEventListener("click", () => copy().then(() => "Copied.", () => "Select it, and copy by hand.").then(words => { told.textContent = words; }));
}
