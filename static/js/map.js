// A map of tiles with pins: pan by dragging or with the arrow keys, zoom with buttons, the wheel, plus and minus.
// It asks for tiles only where the server names them; without this script the plain plan is shown.
(() => {
  "use strict";
  const card = document.querySelector("[data-map]");
  if (!card) return;
  const SIZE = 256;
  const [LEAST, MOST] = [2, 18];
  const APART = 38;
  const map = card.querySelector(".map");
  const layer = card.querySelector(".map-tiles");
  const pins = Array.from(card.querySelectorAll("[data-lat]"), (link) => ({ link, ...flat(link.dataset) }));
  const tiles = new Map();
  let zoom = LEAST;
  let centre = { x: 0.5, y: 0.5 };
  let held = null;
  let moved = false;

  /** Degrees as Web Mercator, the world from 0 to 1. */
  function flat({ lat, lon }) {
    const angle = (Math.max(-85.05, Math.min(85.05, Number(lat))) * Math.PI) / 180;
    return {
      x: (Number(lon) + 180) / 360,
      y: (1 - Math.log(Math.tan(angle) + 1 / Math.cos(angle)) / Math.PI) / 2,
    };
  }

  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
  const world = () => SIZE * 2 ** zoom;

  /** Pins that would cover each other stand side by side. */
  function spread() {
    const taken = new Set();
    for (const pin of pins) {
      const row = Math.round((pin.y * world()) / APART);
      let column = Math.round((pin.x * world()) / APART);
      pin.aside = 0;
      const near = () => [-1, 0, 1].some((up) => [-1, 0, 1].some((on) => taken.has(`${column + on}/${row + up}`)));
      while (near()) {
        column += 1;
        pin.aside += APART;
      }
      taken.add(`${column}/${row}`);
    }
  }

  function fit() {
    const [xs, ys] = [pins.map((pin) => pin.x), pins.map((pin) => pin.y)];
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    centre = { x: (left + right) / 2, y: (top + bottom) / 2 };
    const room = { x: map.clientWidth - 96, y: map.clientHeight - 96 };
    zoom = 15;
    while (zoom > LEAST && ((right - left) * world() > room.x || (bottom - top) * world() > room.y)) zoom -= 1;
    spread();
    draw();
  }

  function address(x, y) {
    const values = { z: zoom, x: ((x % 2 ** zoom) + 2 ** zoom) % 2 ** zoom, y };
    return card.dataset.tiles.replace(/{([xyz])}/g, (_all, name) => values[name]);
  }

  function picture(x, y) {
    const image = new Image();
    image.alt = "";
    image.draggable = false;
    image.referrerPolicy = "strict-origin-when-cross-origin";
    image.addEventListener("error", () => {
      image.hidden = true;
      card.querySelector("[data-failed]").hidden = false;
    });
    image.src = address(x, y);
    layer.append(image);
    return image;
  }

  function draw() {
    const corner = { x: centre.x * world() - map.clientWidth / 2, y: centre.y * world() - map.clientHeight / 2 };
    const wanted = new Set();
    const last = 2 ** zoom - 1;
    for (let x = Math.floor(corner.x / SIZE); x * SIZE < corner.x + map.clientWidth; x += 1) {
      for (let y = Math.floor(corner.y / SIZE); y * SIZE < corner.y + map.clientHeight; y += 1) {
        if (y < 0 || y > last) continue;
        const key = `${zoom}/${x}/${y}`;
        wanted.add(key);
        if (!tiles.has(key)) tiles.set(key, picture(x, y));
        tiles.get(key).style.transform = `translate(${Math.round(x * SIZE - corner.x)}px, ${Math.round(y * SIZE - corner.y)}px)`;
      }
    }
    for (const [key, image] of tiles) {
      if (wanted.has(key)) continue;
      image.remove();
      tiles.delete(key);
    }
    for (const { link, x, y, aside } of pins) {
      const left = Math.round(x * world() - corner.x + aside);
      link.style.transform = `translate(${left}px, ${Math.round(y * world() - corner.y)}px)`;
    }
  }

  function pan(right, down) {
    centre = { x: (centre.x + right / world() + 1) % 1, y: clamp(centre.y + down / world(), 0, 1) };
    draw();
  }

  /** Zoom by steps and keep what is at the point, given from the map's middle, where it is. */
  function zoomBy(steps, point = { x: 0, y: 0 }) {
    const before = world();
    zoom = clamp(zoom + steps, LEAST, MOST);
    const after = world();
    if (after === before) return;
    spread();
    pan(point.x * (after / before - 1), point.y * (after / before - 1));
  }

  card.hidden = false;
  const plan = document.getElementById("sites-plan");
  if (plan) plan.hidden = true;
  fit();

  card.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.zoom) zoomBy(Number(button.dataset.zoom));
    else if (button) fit();
    else if (moved && event.target.closest(".map-pin")) event.preventDefault();
  });
  map.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button")) return;
    held = { x: event.clientX, y: event.clientY };
    moved = false;
  });
  map.addEventListener("dragstart", (event) => event.preventDefault());
  addEventListener("pointermove", (event) => {
    if (!held) return;
    const [right, down] = [held.x - event.clientX, held.y - event.clientY];
    if (!moved && Math.abs(right) + Math.abs(down) < 4) return;
    moved = true;
    map.classList.add("moving");
    held = { x: event.clientX, y: event.clientY };
    pan(right, down);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    addEventListener(name, () => {
      held = null;
      map.classList.remove("moving");
    });
  }
  map.addEventListener(
    "wheel",
    (event) => {
      // Who scrolls the page does not zoom: the map is to be focused, or Ctrl pressed.
      if (!event.ctrlKey && document.activeElement !== map) return;
      event.preventDefault();
      const box = map.getBoundingClientRect();
      const point = { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
      zoomBy(event.deltaY < 0 ? 1 : -1, point);
    },
    { passive: false },
  );
  const KEYS = { ArrowLeft: [-80, 0], ArrowRight: [80, 0], ArrowUp: [0, -80], ArrowDown: [0, 80] };
  map.addEventListener("keydown", (event) => {
    if (event.target !== map) return;
    if (KEYS[event.key]) pan(...KEYS[event.key]);
    else if (event.key === "+" || event.key === "=") zoomBy(1);
    else if (event.key === "-") zoomBy(-1);
    else return;
    event.preventDefault();
  });
  new ResizeObserver(draw).observe(map);
})();
