"use strict";
// Sends a decision about one entry without loading the page anew.
document.querySelector("form.list")?.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button || button.name === "all") return;
  event.preventDefault();
  const entry = button.closest("li"), form = event.target;
  const body = new URLSearchParams(new FormData(form));
  body.append(button.name, button.value);
  try {
    const answer = await fetch(form.action, {
      method: "POST", body, headers: { Accept: "text/html" }, redirect: "follow" });
    if (!answer.ok) throw new Error(answer.status);
    // Whoever no longer fits what is shown stays until the next look, to be taken back.
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector(".bar").replaceChildren(...fresh.querySelector(".bar").childNodes);
    const decided = { approve: "approved", reject: "rejected", open: "open" }[button.name];
    entry.className = `state-${decided}`;
    entry.querySelector("[name=approve]").disabled = decided === "approved";
    entry.querySelector("[name=reject]").disabled = decided === "rejected";
    entry.querySelector("[name=open]").hidden = decided === "open";
    entry.querySelector(".verdict").textContent = decided === "open" ? "" : decided;
    (decided === "open" ? entry : entry.nextElementSibling)?.querySelector(".decide button:enabled")?.focus();
  } catch {
    // The page as the program has it says what there is to say.
    location.reload();
  }
});
