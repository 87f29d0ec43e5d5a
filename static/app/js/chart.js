// Small charts as SVG: bars, curves, and prices with the hours that were chosen. Each says in words what it shows.

import { h, svg } from "./dom.js";
import { number } from "./texts.js";

const WIDTH = 360;
const HEIGHT = 150;
const LEFT = 34;
const BOTTOM = 18;
const TOP = 8;
const STEPS = [1, 2, 2.5, 5, 10];

/** The next round number for the top of a scale. */
function ceiling(value) {
  if (value <= 0) return 1;
  const size = 10 ** Math.floor(Math.log10(value));
  return STEPS.map((step) => step * size).find((one) => one >= value * 0.999) || 10 * size;
}

const y = (value, top, low = 0) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (top - low));
const text = (x, at, words, anchor = "middle") => svg("text", { x, y: at, "text-anchor": anchor, class: "mark" }, words);

function frame(words, top, low, places, ...children) {
  const levels = [low, (top + low) / 2, top];
  return h("figure", { class: "chart" },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words },
      levels.map((level) => svg("line", { x1: LEFT, x2: WIDTH, y1: y(level, top, low), y2: y(level, top, low), class: "grid" })),
      levels.map((level) => text(LEFT - 4, y(level, top, low) + 3, number(level, places), "end")),
      children,
    ),
  );
}

const placesFor = (top) => (top >= 10 ? 0 : top >= 1 ? 1 : 2);

/** bars: [{label, value, title}] */
export function bars(words, rows) {
  const top = ceiling(Math.max(...rows.map((row) => row.value), 0));
  const step = (WIDTH - LEFT) / rows.length;
  const every = Math.ceil(rows.length / 6);
  return frame(words, top, 0, placesFor(top),
    rows.map((row, at) => svg("rect", { x: LEFT + at * step + step * 0.12, width: step * 0.76, y: y(row.value, top), height: Math.max(0, y(0, top) - y(row.value, top)), rx: Math.min(3, step / 4), class: "bar" }, svg("title", {}, row.title))),
    rows.map((row, at) => (at % every === 0 ? text(LEFT + (at + 0.5) * step, HEIGHT - 4, row.label) : null)),
  );
}

/** A curve over time: points [{at, value}], moments in ms; `clock` writes them. */
export function curve(words, points, { clock, top, kind = "" }) {
  const known = points.filter((point) => point.value !== null && point.value !== undefined);
  if (known.length < 2) return null;
  const begin = points[0].at;
  const span = points.at(-1).at - begin || 1;
  const high = top || ceiling(Math.max(...known.map((point) => point.value)));
  const x = (at) => LEFT + ((at - begin) / span) * (WIDTH - LEFT - 2);
  const line = known.map((point) => `${x(point.at).toFixed(1)},${y(point.value, high).toFixed(1)}`).join(" ");
  const floor = y(0, high);
  const area = `${x(known[0].at).toFixed(1)},${floor} ${line} ${x(known.at(-1).at).toFixed(1)},${floor}`;
  const times = [0, 0.5, 1].map((share) => text(LEFT + share * (WIDTH - LEFT - 2), HEIGHT - 4, clock(begin + share * span), share === 0 ? "start" : share === 1 ? "end" : "middle"));
  return frame(words, high, 0, placesFor(high), svg("polygon", { points: area, class: `area ${kind}` }), svg("polyline", { points: line, class: `line ${kind}` }), times);
}

/** Prices over time, with what was chosen of them: slots and chosen are [{begin, end, …}] of the API. */
export function prices(words, slots, chosen, { clock, begin, end }) {
  const rows = slots.map((slot) => ({ from: Math.max(Date.parse(slot.begin), begin), to: Math.min(Date.parse(slot.end), end), price: Number(slot.price_per_kwh), known: slot.known })).filter((row) => row.to > row.from);
  if (!rows.length) return null;
  const top = ceiling(Math.max(...rows.map((row) => row.price), 0.01));
  const least = Math.min(...rows.map((row) => row.price), 0);
  const low = least < 0 ? -ceiling(-least) : 0;
  const x = (at) => LEFT + ((at - begin) / (end - begin)) * (WIDTH - LEFT);
  const bar = (from, to, price, kind) => {
    const [a, b] = [y(price, top, low), y(0, top, low)];
    return svg("rect", { x: x(from), width: Math.max(0.5, x(to) - x(from) - 0.5), y: Math.min(a, b), height: Math.max(1, Math.abs(b - a)), class: `price ${kind}` });
  };
  const marked = chosen.flatMap((slot) => rows.map((row) => [Math.max(row.from, Date.parse(slot.begin)), Math.min(row.to, Date.parse(slot.end)), row.price])).filter(([from, to]) => to > from);
  const times = [0, 0.25, 0.5, 0.75, 1].map((share) => text(LEFT + share * (WIDTH - LEFT), HEIGHT - 4, clock(begin + share * (end - begin)), share === 0 ? "start" : share === 1 ? "end" : "middle"));
  return frame(words, top, low, 2, rows.map((row) => bar(row.from, row.to, row.price, row.known ? "" : "unknown")), marked.map(([from, to, price]) => bar(from, to, price, "chosen")), times);
}
