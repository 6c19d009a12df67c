"use strict";

// The box "All events" ticks the boxes of all published events, and shows whether all of them are ticked.

const ALL = "all";
const UNPUBLISHED = "app.uninstalled"; // concerns the app alone

document.addEventListener("change", ({ target }) => {
  const events = target.closest(".webhook-events");
  if (!events) return;
  const boxes = [...events.querySelectorAll('input[type="checkbox"]')];
  const all = boxes.find((box) => box.value === ALL);
  const published = boxes.filter((box) => box.value !== ALL && box.value !== UNPUBLISHED);
  if (target === all) {
    for (const box of published) box.checked = all.checked;
  } else {
    all.checked = published.every((box) => box.checked);
  }
});
