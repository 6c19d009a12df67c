"use strict";

// Drives a job while its page is open: one request per step.

const PAUSE = 2000; // milliseconds, after a failed request

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
    const progress = await answer.json();
    if (!answer.ok) {
      words.textContent = progress.error;
      form.hidden = false;
      return;
    }
    bar.value = progress.done;
    words.textContent = progress.words;
    if (progress.is_finished) return location.reload();
    return step();
  }

  async function run() {
    try {
      await step();
    } catch {
      words.textContent = "The store does not answer. Trying again …";
      setTimeout(run, PAUSE);
    }
  }

  run();
});
