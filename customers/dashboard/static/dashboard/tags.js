"use strict";

// Tags as chips. The form still sends its own field: tags separated by commas.

const SUGGESTIONS_AFTER = 150; // milliseconds without typing

function words(line) {
  return [...line.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)]
    .map(([, quoted, plain]) => (quoted === undefined ? plain : quoted.replaceAll('""', '"')).trim())
    .filter(Boolean);
}

function line(list) {
  return list.map((word) => (/[,"\r\n]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word)).join(", ");
}

function element(name, attributes = {}, ...children) {
  const created = Object.assign(document.createElement(name), attributes);
  created.append(...children);
  return created;
}

function enhance(field) {
  const chips = element("ul");
  const suggestions = element("datalist", { id: "customer-tag-names" });
  const entry = element("input", { type: "text", className: "vTextField", autocomplete: "off", id: "customer-tag-entry" });
  entry.setAttribute("list", suggestions.id);
  entry.setAttribute("aria-describedby", `${field.id}_helptext`);
  field.after(element("div", { className: "customer-tags" }, chips, entry, suggestions));
  field.type = "hidden";
  document.querySelector(`label[for="${field.id}"]`)?.setAttribute("for", entry.id);

  let list = words(field.value);

  function change(next) {
    list = [...new Set(next)];
    field.value = line(list);
    show();
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function show() {
    chips.replaceChildren(
      ...list.map((word) => {
        const remove = element("button", { type: "button", textContent: "×", ariaLabel: `Remove ${word}` });
        remove.addEventListener("click", () => {
          change(list.filter((each) => each !== word));
          entry.focus();
        });
        return element("li", { className: "customer-tag" }, word, remove);
      }),
    );
  }

  function take() {
    const typed = words(entry.value);
    entry.value = "";
    if (typed.length) change([...list, ...typed]);
  }

  let waiting;
  entry.addEventListener("input", (event) => {
    if (entry.value.endsWith(",") && !entry.value.trimStart().startsWith('"')) return take();
    // Choosing a suggestion fires an input event without a typed character.
    const chosen = !(event instanceof InputEvent) || event.inputType === "insertReplacementText";
    if (chosen && [...suggestions.options].some((option) => option.value === entry.value)) {
      change([...list, entry.value]);
      entry.value = "";
      return;
    }
    clearTimeout(waiting);
    waiting = setTimeout(suggest, SUGGESTIONS_AFTER);
  });
  entry.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && entry.value.trim()) {
      event.preventDefault();
      take();
    } else if (event.key === "Backspace" && !entry.value && list.length) {
      change(list.slice(0, -1));
    }
  });
  entry.addEventListener("blur", take);

  async function suggest() {
    const typed = entry.value.trim();
    if (!typed) return;
    const answer = await fetch(`${field.dataset.suggestions}?q=${encodeURIComponent(typed)}`);
    if (!answer.ok || entry.value.trim() !== typed) return;
    const { names } = await answer.json();
    suggestions.replaceChildren(
      ...names.filter((name) => !list.includes(name)).map((value) => element("option", { value })),
    );
  }

  show();
}

document.addEventListener("DOMContentLoaded", () => {
  for (const field of document.querySelectorAll("[data-suggestions]")) enhance(field);
});

// A script put a part of another page into this one.
document.addEventListener("fragment", ({ detail }) => {
  for (const field of detail.querySelectorAll("[data-suggestions]")) enhance(field);
});
