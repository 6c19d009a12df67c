"use strict";

// The number of a column: on hover, on focus (arrow keys move along), and at the first touch; the second one follows the link.

for (const plot of document.querySelectorAll(".plot")) {
  const columns = [...plot.querySelectorAll(".plot-column")];
  const tip = plot.querySelector(".plot-tip");
  let shown = null;
  let shownBefore = null; // when a touch began

  function show(column) {
    shown?.classList.remove("is-shown");
    shown = column;
    tip.hidden = !column;
    if (!column) return;
    column.classList.add("is-shown");
    tip.textContent = column.getAttribute("aria-label");
    const box = column.querySelector(".slot").getBoundingClientRect();
    const half = tip.offsetWidth / 2;
    const middle = box.left + box.width / 2 - plot.getBoundingClientRect().left;
    tip.style.left = `${Math.min(Math.max(middle, half), plot.clientWidth - half)}px`;
  }

  for (const [place, column] of columns.entries()) {
    column.addEventListener("pointerdown", () => (shownBefore = shown));
    column.addEventListener("pointerenter", () => show(column));
    column.addEventListener("focus", () => show(column));
    column.addEventListener("blur", () => show(null));
    column.addEventListener("click", (event) => {
      if (event.pointerType === "touch" && shownBefore !== column) {
        event.preventDefault();
        show(column);
      }
    });
    column.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: columns.length - 1 }[event.key];
      if (!columns[to]) return;
      event.preventDefault();
      column.setAttribute("tabindex", "-1");
      columns[to].setAttribute("tabindex", "0");
      columns[to].focus();
    });
  }
  plot.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && show(null));
}
