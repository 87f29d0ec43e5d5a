// Building pages: elements, icons, and the few pieces that every page uses. Texts become text nodes, never HTML.

const SVG = "http://www.w3.org/2000/svg";

/** h("p", {class: "quiet", on: {click}}, "text", node, null) -> an element. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name === "value") element.value = value ?? "";
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Set a text only where it is another one: a screen reader hears changes, not repetitions. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, shown) {
  element.hidden = !shown;
}

// Strokes in a box of 24 by 24.
const PATHS = {
  home: "M4 11 12 4l8 7M6 10v9h12v-9",
  calendar: "M5 6h14v14H5zM5 10h14M9 3v4M15 3v4",
  receipt: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6",
  bell: "M5 17h14l-2-3v-3a5 5 0 0 0-10 0v3zM10 20h4",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4.500-5 8-5s7 1 8 5",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  stop: "M7 7h10v10H7z",
  plug: "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
  next: "m9 6 6 6-6 6",
  back: "m15 6-6 6 6 6",
  warn: "M12 4 3 20h18zM12 10v4M12 16.500v1",
  check: "m5 12 5 5 9-10",
  cross: "m6 6 12 12M18 6 6 18",
  offline: "M4 4l16 16M8 9a5 5 0 0 1 9 1 4 4 0 0 1 3 6M16 19H7a4 4 0 0 1-1-8",
  pause: "M9 6v12M15 6v12",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
  leaf: "M5 19c0-9 5-14 14-14 0 9-5 14-12 12M5 19l7-7",
  search: "M11 17a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM16 16l4 4",
  plus: "M12 5v14M5 12h14",
  download: "M12 4v11m-4-4 4 4 4-4M5 19h14",
  again: "M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5",
  out: "M10 4H5v16h5M14 8l4 4-4 4M9 12h9",
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 24 24", class: "sign", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
}

export function button(label, { sign, kind = "", ...more } = {}) {
  return h("button", { type: "button", class: `button ${kind}`, ...more }, sign ? icon(sign) : null, h("span", {}, label));
}

export function notice(text, kind = "", sign = "warn") {
  return h("p", { class: `notice ${kind}`, role: kind === "error" ? "alert" : null }, icon(sign), h("span", {}, text));
}

export function chip(text, kind) {
  return h("span", { class: `chip ${kind}` }, text);
}

/** A field with its label, a hint, and a place for what is wrong with it. */
export function field(label, input, { hint = "", name = "" } = {}) {
  const id = `f-${name || Math.random().toString(36).slice(2)}`;
  input.id = id;
  if (name) input.name = name;
  const problem = h("p", { class: "problem", id: `${id}-problem`, hidden: true });
  const note = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  input.setAttribute("aria-describedby", note ? `${id}-hint ${id}-problem` : `${id}-problem`);
  const whole = h("div", { class: "field" }, h("label", { for: id }, label), input, note, problem);
  whole.dataset.field = name;
  return whole;
}

/** Write what the server says of each field beside it; -> what fits no field. */
export function complain(form, failure) {
  const left = [];
  for (const place of form.querySelectorAll("[data-field]")) {
    const why = failure?.fields?.[place.dataset.field] || "";
    const problem = place.querySelector(".problem");
    say(problem, why);
    show(problem, why);
    place.querySelector("input, select")?.toggleAttribute("aria-invalid", Boolean(why));
  }
  for (const [name, why] of Object.entries(failure?.fields || {})) {
    if (!form.querySelector(`[data-field="${CSS.escape(name)}"]`)) left.push(why);
  }
  return left.join(" ");
}

/** One of a few, as buttons of a radio group: choices are [value, label, sign]. */
export function segments(label, choices, chosen, onChoose) {
  const name = `s-${Math.random().toString(36).slice(2)}`;
  const made = choices.map(([value, text, sign]) => {
    const input = h("input", {
      type: "radio", name, value, checked: value === chosen, class: "visually-hidden",
      on: { change: () => onChoose(value) },
    });
    return h("label", {}, input, h("span", { class: "segment" }, sign ? icon(sign) : null, h("span", {}, text)));
  });
  return h("div", { class: "segments", role: "radiogroup", "aria-label": label }, made);
}

export function select(options, chosen, attributes = {}) {
  const made = options.map(([value, text]) => h("option", { value, selected: String(value) === String(chosen ?? "") }, text));
  return h("select", attributes, made);
}

export function toggle(label, on, onChange) {
  const input = h("input", { type: "checkbox", role: "switch", "data-key": label, checked: on, on: { change: () => onChange(input.checked, input) } });
  return h("label", { class: "toggle" }, h("span", {}, label), input);
}

/** A sheet from below; -> the dialog, already open. It goes from the page when it is closed. */
export function sheet(title, close, ...children) {
  const shut = h("button", { type: "button", class: "icon-button", "aria-label": close, on: { click: () => made.close() } }, icon("cross"));
  const made = h("dialog", { class: "sheet", "aria-label": title }, h("div", { class: "sheet-head" }, h("h2", {}, title), shut), ...children);
  made.addEventListener("close", () => made.remove());
  made.addEventListener("click", (event) => event.target === made && made.close());
  document.body.append(made);
  made.showModal();
  return made;
}

export function toast(text, kind = "") {
  const made = h("div", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(made);
  setTimeout(() => made.remove(), 6000);
}
