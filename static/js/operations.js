// What lists and stations' pages do by themselves: ticking many stations, and not losing what is being edited.
(() => {
  "use strict";
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));

  // --- Ticking: rows come anew over the live line, their ticks are kept here ------------------------------------------
  const bulk = document.getElementById("bulk");
  const ticked = new Set();
  const boxes = () => all("input[name=identity][form=bulk]");

  function showTicks() {
    const shownHere = new Set(boxes().map((box) => box.value));
    for (const value of ticked) if (!shownHere.has(value)) ticked.delete(value);
    for (const box of boxes()) box.checked = ticked.has(box.value);
    const head = document.querySelector("[data-tick-all]");
    if (head) {
      head.hidden = false;
      head.checked = boxes().length > 0 && boxes().every((box) => box.checked);
    }
    const shown = bulk.querySelector(".bulk-count");
    const everything = bulk.elements.all?.checked;
    shown.textContent = everything || ticked.size ? `${shown.dataset.some} ${everything ? bulk.elements.all.parentElement.textContent.trim() : ticked.size}` : shown.dataset.none;
    bulk.classList.toggle("idle", !everything && ticked.size === 0);
    bulk.querySelector("button").disabled = !everything && ticked.size === 0;
  }
  function showFields() {
    for (const field of all("[data-for]", bulk)) field.hidden = field.dataset.for !== bulk.elements.deed.value;
  }
  if (bulk) {
    document.addEventListener("change", (event) => {
      if (event.target.matches("[data-tick-all]")) {
        for (const box of boxes()) event.target.checked ? ticked.add(box.value) : ticked.delete(box.value);
      } else if (event.target.matches("input[name=identity][form=bulk]")) {
        event.target.checked ? ticked.add(event.target.value) : ticked.delete(event.target.value);
      }
      showTicks();
      showFields();
    });
    document.body.addEventListener("htmx:wsAfterMessage", showTicks);
    for (const box of boxes()) if (box.checked) ticked.add(box.value);
    showTicks();
    showFields();
  }

  // --- What was opened stays open when its part of the page comes anew ------------------------------------------------
  let opened = [];
  document.body.addEventListener("htmx:wsBeforeMessage", () => (opened = all("details[data-keep][open]").map((one) => one.id)));
  document.body.addEventListener("htmx:wsAfterMessage", () => {
    for (const id of opened) {
      const again = document.getElementById(id);
      if (again) again.open = true;
    }
  });
  // A setting that is being typed is not replaced by the station's report; it is read when the form is closed.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const editing = document.querySelector("#panel-configuration details.edit[open] input:focus");
    if (event.target.id === "configuration-news" && editing) event.preventDefault();
  });
})();
