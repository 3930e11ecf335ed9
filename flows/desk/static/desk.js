"use strict";
/* The desk works in full without this. It adds keys: each is a button or a link that stands on the page. */
(() => {
  const links = { j: "after", ArrowRight: "after", k: "before", ArrowLeft: "before", q: "up", z: "undo" };
  const line = document.querySelector(".keys");
  if (!line) return;
  const box = line.querySelector("[name=keys]");
  const kept = "sitewatch-keys";
  box.checked = localStorage.getItem(kept) !== "off";
  const show = () => document.body.classList.toggle("with-keys", box.checked);
  box.addEventListener("change", () => {
    localStorage.setItem(kept, box.checked ? "on" : "off");
    show();
  });
  line.hidden = false;
  show();

  addEventListener("keydown", (event) => {
    const typing = event.target.closest("textarea, select, input:not([type=checkbox])");
    if (typing && event.key === "Escape") event.target.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !box.checked) return;
    if (event.key === "n") {
      const note = document.querySelector("[name=note]");
      if (note) {
        event.preventDefault();
        note.focus();
      }
      return;
    }
    if (event.key === "s") {
      const swipe = document.querySelector(".swipe-row button");
      if (swipe) swipe.click();
      return;
    }
    const target = document.getElementById(links[event.key]) || document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (target) {
      event.preventDefault();
      target.click();
    }
  });
})();
