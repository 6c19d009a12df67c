// A module, so its names do not clash with those in the script of a page.

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

// The search box: / or Ctrl/⌘ K leads there; arrows choose a result, Enter opens it, Esc closes.
const search = document.getElementById("search");
const box = search?.querySelector("input");
const list = document.getElementById("search-options");
const status = document.getElementById("search-status");
let shownFor = ""; // the text whose results are in the list
let asked; // an AbortController: a new request aborts the one before
let timer;
let opensFirst = false; // Enter was pressed before the results came

const options = () => [...list.querySelectorAll("[role=option]")];
const active = () => list.querySelector("[aria-selected=true]");

function choose(option) {
  active()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) box.setAttribute("aria-activedescendant", option.id);
  else box.removeAttribute("aria-activedescendant");
}

function show(isShown) {
  list.hidden = !isShown;
  box.setAttribute("aria-expanded", String(isShown));
  if (!isShown) choose(null);
}

async function update() {
  const text = box.value.trim();
  asked?.abort();
  asked = new AbortController();
  if (!text) return show(false);
  try {
    const response = await fetch(`${search.action}?${new URLSearchParams({ q: text, part: "1" })}`, { signal: asked.signal });
    if (!response.ok || response.redirected) throw new Error("The session has ended.");
    list.innerHTML = await response.text();
  } catch (error) {
    if (error.name !== "AbortError") show(false);
    return;
  }
  shownFor = text;
  const found = options();
  status.textContent = found.length === 1 ? "1 result" : `${found.length} results`;
  show(document.activeElement === box);
  choose(found[0]);
  if (opensFirst) open();
}

function open() {
  opensFirst = false;
  if (active()) active().click();
  else search.submit();
}

function step(by) {
  const found = options();
  if (found.length) choose(found[(found.indexOf(active()) + by + found.length) % found.length]);
}

if (search) {
  box.addEventListener("input", () => {
    clearTimeout(timer);
    asked?.abort(); // Enter opens a result of the whole text, not of its beginning
    opensFirst = false;
    timer = setTimeout(update, 150);
  });
  box.addEventListener("focus", () => {
    if (box.value.trim() && box.value.trim() === shownFor) show(true);
  });
  search.addEventListener("focusout", (event) => {
    if (!search.contains(event.relatedTarget)) show(false);
  });
  search.addEventListener("submit", (event) => {
    if (!box.value.trim()) return;
    event.preventDefault();
    if (box.value.trim() === shownFor) open();
    else opensFirst = true;
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) update();
      else step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      show(false);
    }
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  document.addEventListener("keydown", (event) => {
    const isShortcut = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    const types = event.target.closest?.("input, textarea, select, [contenteditable]");
    const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !types;
    if ((isShortcut || isSlash) && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  });
}
