"use strict";

// The form of a new custom field shows only the limits that its type has. What is hidden is not sent.

document.addEventListener("DOMContentLoaded", () => {
  const type = document.querySelector("select[data-limits]");
  if (!type) return;
  const limits = JSON.parse(type.dataset.limits);
  const names = new Set(Object.values(limits).flat());

  function show() {
    const shown = new Set(limits[type.value] ?? []);
    for (const name of names) {
      const field = document.querySelector(`[name="${name}"]`);
      field.disabled = !shown.has(name);
      field.closest(".form-row").hidden = field.disabled;
    }
    for (const group of document.querySelectorAll("fieldset.module")) {
      const rows = [...group.querySelectorAll(".form-row")];
      group.hidden = rows.length > 0 && rows.every((row) => row.hidden);
    }
  }

  type.addEventListener("change", show);
  show();
});
