// The command palette: opened by its button or Ctrl-K, moved through with the arrows. The server finds, htmx fetches.
(() => {
  "use strict";
  const dialog = document.getElementById("palette");
  const template = document.getElementById("palette-template");
  if (!dialog || !template || !window.htmx) return;
  let field = null;
  let chosen = -1;
  // What is listed belongs to what was typed before; Enter waits for what belongs to it now.
  let pending = false;
  let wanted = false;

  const options = () => Array.from(dialog.querySelectorAll("[role=option]"));

  function choose(index) {
    const all = options();
    chosen = all.length ? (index + all.length) % all.length : -1;
    for (const [at, option] of all.entries()) option.setAttribute("aria-selected", String(at === chosen));
    field.setAttribute("aria-expanded", String(all.length > 0));
    if (chosen < 0) {
      field.removeAttribute("aria-activedescendant");
      return;
    }
    field.setAttribute("aria-activedescendant", all[chosen].id);
    // The first one's heading belongs to it.
    (chosen === 0 ? all[0].parentElement : all[chosen]).scrollIntoView({ block: "nearest" });
  }

  function build() {
    dialog.append(template.content.cloneNode(true));
    field = dialog.querySelector("input");
    field.addEventListener("input", () => (pending = true));
    field.addEventListener("keydown", (event) => {
      const step = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + 5, PageUp: chosen - 5 }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        const last = options().length - 1;
        choose(event.key.startsWith("Page") ? Math.max(0, Math.min(last, step)) : step);
      } else if (event.key === "Enter" && !event.isComposing) {
        event.preventDefault();
        if (pending) wanted = true;
        else options()[chosen]?.click();
      }
    });
    dialog.addEventListener("htmx:afterSwap", () => {
      pending = false;
      choose(0);
      dialog.querySelector("[data-palette-told]").textContent = dialog.querySelector("[data-told]")?.dataset.told || "";
      if (wanted) options()[0]?.click();
      wanted = false;
    });
    for (const failed of ["htmx:sendError", "htmx:responseError"]) {
      dialog.addEventListener(failed, () => (pending = wanted = false));
    }
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-palette-close]")) dialog.close();
    });
    dialog.addEventListener("pointermove", (event) => {
      const at = options().indexOf(event.target.closest("[role=option]"));
      if (at >= 0 && at !== chosen) choose(at);
    });
    htmx.process(dialog);
  }

  function open() {
    if (dialog.open || document.querySelector("dialog[open]")) return;
    if (!field) build();
    dialog.showModal();
    field.focus();
    field.select();
    pending = true;
    htmx.trigger(field, "palette:open");
  }

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette-open]") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  for (const hint of document.querySelectorAll("[data-palette-open] kbd")) hint.textContent = mac ? "⌘K" : "Ctrl K";
})();
