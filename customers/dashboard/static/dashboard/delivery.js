"use strict";

// Shows the answer to a delivery as soon as a worker has recorded it.

const PAUSE = 1000; // milliseconds between two looks
const LOOKS = 60;

document.addEventListener("DOMContentLoaded", () => {
  if (!document.getElementById("delivery-pending")) return;
  let looks = 0;

  async function look() {
    looks += 1;
    const answer = await fetch(location.href).catch(() => null);
    if (answer?.ok && !(await answer.text()).includes('id="delivery-pending"')) return location.reload();
    if (looks < LOOKS) setTimeout(look, PAUSE);
  }

  setTimeout(look, PAUSE);
});
