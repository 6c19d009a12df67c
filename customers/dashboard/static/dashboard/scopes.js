"use strict";

// A set of permissions ticks its boxes. A box that is changed by hand makes it "Choose below".

document.addEventListener("change", ({ target }) => {
  const boxes = [...document.querySelectorAll("[name=allowed_scopes]")];
  if (target.name === "preset" && "scopes" in target.dataset) {
    const scopes = new Set(target.dataset.scopes.split(" "));
    for (const box of boxes) box.checked = scopes.has(box.value);
  } else if (boxes.includes(target)) {
    const choose = document.querySelector("[name=preset][value=choose]");
    if (choose) choose.checked = true;
  }
});
