"use strict";

// The page of a customer: its forms open in a dialog, and saving keeps the reader in place.
// Each form is a page of its own, too. It leads back to the customer's page, which is put in place of the old one.

const SHOWN_FOR = 6000; // milliseconds

const box = () => document.getElementById("customer-dialog");

async function read(response) {
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function say(text, isError = false) {
  const status = document.getElementById("customer-status");
  status.textContent = text;
  status.classList.toggle("is-shown", Boolean(text));
  status.classList.toggle("is-error", isError);
  clearTimeout(say.waiting);
  if (text && !isError) say.waiting = setTimeout(() => say(""), SHOWN_FOR);
}

function texts(page, css) {
  return [...page.querySelectorAll(css)].map((each) => each.textContent.trim()).join(" ");
}

// Sends a form. Returns the customer's page if it was saved; null if the browser goes elsewhere.
async function send(form, submitter) {
  const url = form.getAttribute("action") || form.dataset.url;
  const response = await fetch(url, { method: "POST", body: new FormData(form, submitter) });
  if (!response.redirected) return { page: await read(response), isSaved: false };
  if (new URL(response.url).pathname !== location.pathname) {
    location.assign(response.url);
    return null;
  }
  const page = await read(response);
  say(texts(page, ".messagelist li"), Boolean(page.querySelector(".messagelist .error")));
  return { page, isSaved: true };
}

function replace(page, css) {
  const [old, fresh] = [document.querySelector(css), page.querySelector(css)];
  if (!old || !fresh) return;
  const open = [...old.querySelectorAll("details[id][open]:not(.menu)")].map((each) => each.id);
  old.replaceWith(document.adoptNode(fresh));
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  prepare(fresh);
}

function prepare(root) {
  for (const form of root.querySelectorAll(".customer-tags-form")) form.classList.add("is-live");
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

// Shows the form of a page in the dialog.
function show(page, url) {
  const form = page.querySelector("form.subpage-form");
  if (!form) return location.assign(url);
  const title = document.createElement("h2");
  title.id = "customer-dialog-title";
  title.textContent = page.querySelector("#content h1, h1")?.textContent || page.title;
  form.dataset.url = url;
  box().replaceChildren(title, document.adoptNode(form));
  document.dispatchEvent(new CustomEvent("fragment", { detail: box() }));
  if (!box().open) box().showModal();
  const first = form.querySelector("[role=alert], input:not([type=hidden]), select, textarea, button");
  first?.focus();
}

async function openDialog(link) {
  link.closest(".menu")?.removeAttribute("open");
  const response = await fetch(link.href);
  if (response.redirected || !response.ok) return location.assign(link.href);
  box().dataset.link = link.getAttribute("href");
  show(await read(response), link.href);
}

async function submitDialog(form, submitter) {
  const url = form.dataset.url;
  const sent = await send(form, submitter);
  if (!sent) return;
  if (!sent.isSaved) return show(sent.page, url);
  box().close();
  replace(sent.page, "#customer");
  document.title = sent.page.title;
  replace(sent.page, ".breadcrumbs");
  document.dispatchEvent(new CustomEvent("fragment", { detail: document.getElementById("customer") }));
  focusLink();
}

function focusLink() {
  const link = document.querySelector(`#customer a[href="${CSS.escape(box().dataset.link)}"]`);
  const isHidden = link?.closest("details:not([open])");
  // Without the link, as after a block, the menu that had it.
  const target = isHidden ? isHidden.querySelector("summary") : link ?? document.querySelector("#customer-danger summary");
  target?.focus();
}

// A note, or tags: only the activity changes with them.
async function stay(form) {
  if (form.dataset.sending) {
    form.dataset.again = "yes";
    return;
  }
  form.dataset.sending = "yes";
  const tags = form.elements["tags"];
  try {
    do {
      delete form.dataset.again;
      const written = tags?.value;
      const sent = await send(form);
      if (!sent) return;
      if (!sent.isSaved) return say(`Not saved. ${texts(sent.page, ".errorlist li")}`, true);
      if (tags) form.elements["initial-tags"].value = written;
      replace(sent.page, "#timeline");
    } while (form.dataset.again);
    if (!tags) document.querySelector("#timeline textarea")?.focus();
  } finally {
    delete form.dataset.sending;
  }
}

const failed = () => say("The store could not be reached. Nothing was saved.", true);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
    event.preventDefault();
    openDialog(link).catch(() => location.assign(link.href));
  }
  if (event.target.closest("#customer-dialog .button-cancel")) {
    event.preventDefault();
    box().close();
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(copy.dataset.copy).then(() => say("Copied."));
});

document.addEventListener("submit", (event) => {
  const isDialog = event.target.closest("#customer-dialog");
  if (!isDialog && !event.target.matches("[data-stay]")) return;
  event.preventDefault();
  (isDialog ? submitDialog(event.target, event.submitter) : stay(event.target)).catch(failed);
});

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-stay] [data-suggestions]")) stay(target.form).catch(failed);
});

document.addEventListener("DOMContentLoaded", () => {
  prepare(document);
  box().addEventListener("close", focusLink);
});
