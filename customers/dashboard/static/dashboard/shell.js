"use strict";

// The drawer of a narrow screen keeps the focus while it is open. The browser itself closes it with Esc or a tap outside.
const navigation = document.getElementById("navigation");
navigation?.addEventListener("toggle", (event) => {
  const isOpen = event.newState === "open";
  for (const part of document.querySelectorAll("#header, #container > nav:not(#navigation), #main, #footer")) {
    part.inert = isOpen;
  }
  if (isOpen) {
    (navigation.querySelector("[aria-current]") ?? navigation.querySelector("a")).focus();
  } else {
    document.querySelector(".drawer-button").focus();
  }
});

// A menu closes with Esc, and when something outside is clicked or gets the focus.
const openMenus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
for (const kind of ["click", "focusin"]) {
  document.addEventListener(kind, (event) => {
    for (const menu of openMenus()) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
}
