// Arranging a site's plan by dragging. Without it, the positions are numbers in a form.
(() => {
  "use strict";
  const button = document.getElementById("arrange");
  if (!button) return;
  button.hidden = false;
  let arranging = false;
  // What is dragged: kept by its id, since the plan may come anew over the live line meanwhile.
  let held = null;

  const plan = () => document.querySelector("#site-plan svg.plan");
  const clamp = (value, most) => Math.min(Math.max(value, 0), most);

  function show() {
    button.setAttribute("aria-pressed", String(arranging));
    button.querySelector("[data-word]").textContent = arranging ? button.dataset.on : button.dataset.off;
    plan()?.classList.toggle("arranging", arranging);
    if (held) document.getElementById(`spot-${held.pk}`)?.setAttribute("transform", `translate(${held.x} ${held.y})`);
  }
  function point(event) {
    const svg = plan();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return { x: clamp(at.x, 100), y: clamp(at.y, 45) };
  }
  button.addEventListener("click", () => {
    arranging = !arranging;
    show();
  });
  document.body.addEventListener("htmx:wsAfterMessage", show);
  document.addEventListener("pointerdown", (event) => {
    const spot = arranging && event.target.closest("[data-spot]");
    if (!spot) return;
    event.preventDefault();
    held = { pk: spot.dataset.spot, ...point(event) };
  });
  document.addEventListener("dragstart", (event) => arranging && event.target.closest?.("[data-spot]") && event.preventDefault());
  document.addEventListener("click", (event) => arranging && event.target.closest("[data-spot]") && event.preventDefault());
  document.addEventListener("pointermove", (event) => {
    if (!held) return;
    Object.assign(held, point(event));
    show();
  });
  document.addEventListener("pointerup", () => {
    if (!held) return;
    const { pk, x, y } = held;
    const values = { [`x-${pk}`]: x.toFixed(1), [`y-${pk}`]: ((y / 45) * 100).toFixed(1) };
    for (const [name, value] of Object.entries(values)) {
      const field = document.getElementById(name);
      if (field) field.value = value;
    }
    htmx.ajax("POST", plan().dataset.url, { values, swap: "none" }).finally(() => (held = null));
  });
})();
