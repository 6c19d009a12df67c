"use strict";

for (const button of document.querySelectorAll("[data-copies]")) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copies);
    field.select?.();
    try {
      await navigator.clipboard.writeText(field.value ?? field.innerText);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl-C"; // plain HTTP, or the browser's settings refuse
    }
  });
}
