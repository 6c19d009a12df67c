"use strict";

// Shows the outcome of a delivery in place: of a test, and of a delivery that is about to be sent.

const PAUSE = 500; // milliseconds between two looks
const LOOKS = 120;

async function follow(url, place) {
  for (let looks = 0; looks < LOOKS; looks += 1) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) {
      const text = await answer.text();
      const outcome = new DOMParser().parseFromString(text, "text/html").body;
      if (!outcome.querySelector("[data-pending]")) {
        place.replaceChildren(...outcome.childNodes);
        return true;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  place.textContent = "It was not sent yet. Does a worker run?";
  return false;
}

// The deliveries of the page, and the state in its heading, as they are now.
async function renew() {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["h1", "[aria-labelledby=webhook-deliveries]"]) {
    const latest = page.querySelector(`#content ${part}`);
    if (latest) document.querySelector(`#content ${part}`)?.replaceWith(latest);
  }
}

async function sendTest(form) {
  const place = form.querySelector("[role=status]");
  const button = form.querySelector("button");
  place.textContent = "Sending…";
  button.disabled = true;
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  const delivery = answer?.ok && answer.url.match(/^(.*\/delivery\/\d+\/)change\/$/);
  if (delivery) {
    await follow(`${delivery[1]}outcome/`, place);
    const link = document.createElement("a");
    link.href = answer.url;
    link.textContent = "Look at it";
    place.append(" ", link);
    await renew();
  } else {
    const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
    place.textContent = page?.querySelector(".messagelist .error, .errorlist")?.textContent ?? "It could not be sent.";
  }
  button.disabled = false;
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-test]")) return;
  event.preventDefault();
  sendTest(event.target);
});

document.addEventListener("DOMContentLoaded", async () => {
  const place = document.querySelector("[data-outcome]");
  if (place && (await follow(place.dataset.outcome, place))) location.reload();
});
