// What a page does beyond what HTML does by itself. Without it everything can be read; nothing here loads anything.
"use strict";

// A link to something closed opens it, and whatever it stands in.
function open(id) {
  const target = document.getElementById(id);
  if (!target) return;
  for (let it = target; it; it = it.parentElement) {
    if (it.tagName === "DETAILS") it.open = true;
    it.hidden = false;
  }
  const own = target.closest("details");
  const shown = own && target.parentElement === own ? own : target;
  for (const old of document.querySelectorAll(".shown")) old.classList.remove("shown");
  shown.classList.add("shown");
  shown.scrollIntoView({ block: "start" });
  const summary = own && own.querySelector("summary");
  if (summary) summary.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const href = link && link.getAttribute("href");
  if (!href || !href.startsWith("#")) return;
  // Also where the address has this anchor already, which is no change of it.
  setTimeout(() => open(href.slice(1)));
});
window.addEventListener("hashchange", () => open(location.hash.slice(1)));
if (location.hash) open(location.hash.slice(1));

function button(text, action) {
  const it = document.createElement("button");
  it.type = "button";
  it.textContent = text;
  it.addEventListener("click", action);
  return it;
}

function bar(...parts) {
  const it = document.createElement("div");
  it.className = "bar";
  it.append(...parts);
  return it;
}

// Squares are stepped through.
for (const figure of document.querySelectorAll("[data-steps]")) {
  const last = Number(figure.dataset.steps);
  // The cells of a column come with its head.
  const heads = figure.querySelectorAll("thead th");
  for (const row of figure.querySelectorAll("tbody tr")) {
    [...row.children].forEach((cell, i) => { if (heads[i].dataset.at) cell.dataset.at = heads[i].dataset.at; });
  }
  const parts = figure.querySelectorAll("[data-at]");
  const where = document.createElement("output");
  let step = last;
  const show = (to) => {
    step = Math.min(last, Math.max(1, to));
    for (const it of parts) {
      const at = Number(it.dataset.at);
      it.classList.toggle("later", at > step);
      it.classList.toggle("now", at === step);
    }
    const caption = figure.querySelector("li.now");
    where.textContent = `Step ${step} of ${last}`;
    where.setAttribute("aria-label", `Step ${step} of ${last}. ${caption ? caption.textContent : ""}`);
  };
  const controls = bar(
    button("From the start", () => show(1)),
    button("Back", () => show(step - 1)),
    button("Next", () => show(step + 1)),
    button("All", () => show(last)),
    where,
  );
  figure.querySelector("figcaption").after(controls);
  where.textContent = `All ${last} steps`;
}

// Cards are found by name or class, and opened together.
for (const cards of document.querySelectorAll(".cards")) {
  const all = [...cards.children];
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "find: popf, or: sensitive: control";
  field.setAttribute("aria-label", "Find instructions by name or class");
  const count = document.createElement("output");
  const shown = () => all.filter((it) => !it.hidden);
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase().trim();
    for (const it of all) {
      const text = it.firstElementChild.textContent.toLowerCase();
      it.hidden = !text.includes(wanted);
    }
    count.textContent = `${shown().length} of ${all.length}`;
  });
  const set = (open) => () => shown().forEach((it) => { it.open = open; });
  cards.before(bar(field, count, button("Open all", set(true)), button("Close all", set(false))));
}

// What a filter hides is printed all the same.
window.addEventListener("beforeprint", () => {
  for (const it of document.querySelectorAll(".later")) it.classList.remove("later");
});
