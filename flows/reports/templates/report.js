"use strict";
/* The page reads in full without this. It adds filter, sort and keys, the swipe between two pictures, and opens what a link leads into. */
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
    const id = decodeURIComponent(location.hash.slice(1).split("?")[0]);
    const target = id && document.getElementById(id);
    if (!target) return;
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.scrollIntoView();
    if (target.tabIndex === -1) target.focus({ preventScroll: true });
  }

  function addFilter(section) {
    const controls = section.querySelector(".controls");
    const rows = [...section.querySelectorAll("tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
    const field = (name) => controls.querySelector(`[name=${name}]`);
    const output = controls.querySelector("output");
    const names = ["text", "kind", "change", "state"];
    /* The link to the page holds what is filtered, so that it can be sent on: #cases?state=confirmed&news=1 */
    const keep = () => {
      const state = new URLSearchParams(names.filter((name) => field(name).value).map((name) => [name, field(name).value]));
      if (field("news").checked) state.set("news", "1");
      history.replaceState(null, "", String(state) ? `#cases?${state}` : "#cases");
    };
    const recall = () => {
      const [id, query] = location.hash.slice(1).split("?");
      if (id !== "cases" || !query) return;
      const state = new URLSearchParams(query);
      for (const name of names) field(name).value = state.get(name) ?? "";
      field("news").checked = state.has("news");
      update();
    };
    const update = () => {
      const words = field("text").value.toLowerCase().split(/\s+/);
      let shown = 0;
      for (const [row, content] of rows) {
        const fits = ["kind", "change", "state"].every((name) => !field(name).value || row.dataset[name] === field(name).value);
        row.hidden = !(fits && (!field("news").checked || "news" in row.dataset) && words.every((word) => content.includes(word)));
        shown += !row.hidden;
      }
      output.textContent = output.dataset.shown.replace("{n}", shown);
    };
    controls.addEventListener("input", () => {
      update();
      keep();
    });
    field("reset").addEventListener("click", () => {
      for (const name of names) field(name).value = "";
      field("news").checked = false;
      update();
      keep();
    });
    controls.hidden = false;
    recall();
    addEventListener("hashchange", recall);
  }

  function addSort(table) {
    const body = table.tBodies[0];
    const key = (row, i) => row.cells[i].dataset.key;
    const order = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b, document.documentElement.lang) : a - b);
    [...table.tHead.rows[0].cells].forEach((head, i, heads) => {
      const button = make("button", { type: "button", textContent: head.textContent, title: head.dataset.label });
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sorted = [...body.rows].sort((a, b) => order(key(a, i), key(b, i)) * (down ? -1 : 1));
        body.append(...sorted);
        button.title = `${head.dataset.label}, ${down ? text.sorted_down : text.sorted_up}`;
      });
      head.replaceChildren(button);
    });
  }

  function step(forward) {
    const cases = [...document.querySelectorAll("article.case")].filter((part) => part.offsetParent);
    const here = (part) => part.getBoundingClientRect().top;
    const next = forward ? cases.find((part) => here(part) > 20) : cases.reverse().find((part) => here(part) < -20);
    if (next) {
      next.scrollIntoView();
      next.focus({ preventScroll: true });
    }
  }

  function onKey(event) {
    const typing = event.target.closest("input:not([type=checkbox]):not([type=range]), select, textarea");
    const keys = document.querySelector("[name=keys]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keys || !keys.checked) return;
    if (event.key === "j" || event.key === "k") step(event.key === "j");
    if (event.key === "/") {
      event.preventDefault();
      document.querySelector("[name=text]").focus();
    }
  }

  document.querySelectorAll("#cases").forEach(addFilter);
  document.querySelectorAll("#cases table").forEach(addSort);
  addEventListener("keydown", onKey);
  document.querySelectorAll(".pair[data-swipe]").forEach(addSwipe);
  addEventListener("hashchange", openTarget);
  openTarget();
})();
