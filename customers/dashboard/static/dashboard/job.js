"use strict";

// Goes on with a job for as long as its page is open.

const PAUSE = 2000; // milliseconds, after an answer that tells nothing

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("job-step");
  if (!form) return;
  const bar = document.getElementById("job-bar");
  const words = document.getElementById("job-words");
  form.hidden = true;

  async function step() {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
    });
    if (answer.status === 404) return location.assign("../../");
    const told = await answer.json();
    if (!answer.ok) {
      words.textContent = told.error;
      form.hidden = false;
      return;
    }
    bar.value = told.done;
    words.textContent = told.words;
    if (told.is_finished) return location.reload();
    return step();
  }

  async function goOn() {
    try {
      await step();
    } catch {
      words.textContent = "The store does not answer. Trying again …";
      setTimeout(goOn, PAUSE);
    }
  }

  goOn();
});
