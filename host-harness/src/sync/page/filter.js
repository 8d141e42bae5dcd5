"use strict";
// Shows only entries that hold every word typed, and opens the blocks that they are in.
const box = document.querySelector(".filter");
if (box) {
  const input = box.querySelector("input"), told = box.querySelector("output");
  let entries = null, waiting = 0;
  const narrow = () => {
    entries ??= [...document.querySelectorAll("section .entries > li")].map(
      (element) => ({ element, text: element.textContent.toLowerCase() }));
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const blocks = new Map();
    let found = 0;
    for (const { element, text } of entries) {
      const fits = words.every((word) => text.includes(word));
      element.hidden = !fits;
      found += fits;
      const block = element.parentElement.closest("details");
      if (block) blocks.set(block, (blocks.get(block) ?? 0) + fits);
    }
    let opened = 0;
    for (const [block, some] of blocks) {
      block.hidden = some === 0;
      // So many at once are laid out without a pause that is felt.
      block.open = words.length > 0 && some > 0 && (opened += some) <= 500;
    }
    told.textContent = words.length ? `${found} found` : "";
  };
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(narrow, 120); });
  box.hidden = false;
}
addEventListener("beforeprint", () => {
  for (const block of document.querySelectorAll("details")) block.open = true;
});
