"use strict";
/* The page reads in full without this. It adds the swipe between two pictures, and opens what a link leads into. */
(() => {
  const text = JSON.parse(document.getElementById("script-words").textContent);

  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

  function addSwipe(pair) {
    const row = make("div", { className: "swipe-row" });
    const toggle = make("button", { type: "button", textContent: text.swipe });
    const slider = make("input", { type: "range", min: 0, max: 100, value: 50, step: 1 });
    slider.setAttribute("aria-label", pair.dataset.swipe);
    toggle.setAttribute("aria-pressed", "false");
    toggle.addEventListener("click", () => {
      const swiping = pair.classList.toggle("swipe");
      toggle.setAttribute("aria-pressed", String(swiping));
      toggle.textContent = swiping ? text.side_by_side : text.swipe;
    });
    slider.addEventListener("input", () => pair.style.setProperty("--cut", `${slider.value}%`));
    row.append(toggle, slider);
    pair.append(row);
  }

  function openTarget() {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id && document.getElementById(id);
    if (!target) return;
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.scrollIntoView();
    if (target.tabIndex === -1) target.focus({ preventScroll: true });
  }

  document.querySelectorAll(".pair[data-swipe]").forEach(addSwipe);
  addEventListener("hashchange", openTarget);
  openTarget();
})();
