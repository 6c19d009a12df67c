"use strict";

// Comfort for the list of customers. Everything works without it.

const form = document.getElementById("changelist-form");
if (form) {
  const toggle = document.getElementById("action-toggle");
  const boxes = [...form.querySelectorAll(".action-select")];
  const across = form.querySelector("[name=select_across]");
  const selected = form.querySelector(".selected");

  function show() {
    const ticked = boxes.filter((box) => box.checked);
    for (const box of boxes) box.closest("tr").classList.toggle("selected", box.checked);
    if (toggle) {
      toggle.checked = ticked.length === boxes.length;
      toggle.indeterminate = ticked.length > 0 && !toggle.checked;
    }
    if (!ticked.length && across) across.checked = false;
    if (selected) selected.textContent = across?.checked ? "" : `${ticked.length} selected`;
  }

  if (toggle) {
    toggle.hidden = false;
    toggle.addEventListener("change", () => {
      for (const box of boxes) box.checked = toggle.checked;
      show();
    });
  }
  form.addEventListener("change", (event) => event.target !== toggle && show());
  show();
}

// What was typed or chosen in a filter becomes a ticked box, so that the next value can be added.
for (const choices of document.querySelectorAll(".choices.can-add")) {
  const entry = choices.querySelector("select, input[type=text]");
  entry.addEventListener("change", () => {
    const value = entry.value.trim();
    if (!value) return;
    let box = [...choices.querySelectorAll("input[type=checkbox]")].find((each) => each.value === value);
    if (!box) {
      box = Object.assign(document.createElement("input"), { type: "checkbox", name: choices.dataset.name, value });
      const label = document.createElement("label");
      label.append(box, ` ${entry.selectedOptions ? entry.selectedOptions[0].text : value}`);
      entry.before(label);
    }
    box.checked = true;
    entry.value = "";
  });
}

const filters = document.querySelector("details.filters");
if (filters) {
  const close = filters.querySelector(".filters-close");
  close.hidden = false;
  close.addEventListener("click", () => {
    filters.open = false;
    filters.querySelector("summary").focus();
  });
  // Empty fields do not make the address of the page longer.
  filters.querySelector("form").addEventListener("submit", (event) => {
    for (const field of event.target.elements) field.disabled ||= field.name !== "" && field.value === "";
  });
}

// The exact number, once the page is there.
const number = document.querySelector(".how-many[data-url]");
if (number) {
  fetch(number.dataset.url, { headers: { Accept: "application/json" } })
    .then((response) => (response.ok ? response.json() : Promise.reject(new Error(response.status))))
    .then((found) => {
      number.textContent = [found.number, found.counted_at].filter(Boolean).join(", ");
      const all = form?.querySelector("label.all");
      if (all) all.lastChild.textContent = ` All ${found.number}`;
    })
    .catch(() => {});
}
