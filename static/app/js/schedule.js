// Now · Schedule · Smart for the connector that is chosen: what it does, why, at which prices; and how to change it.

import { prices } from "./chart.js";
import { button, complain, field, h, icon, notice, segments, select, toast, toggle } from "./dom.js";
import { outletName, scheduleAt } from "./home.js";
import { call, Failed, now } from "./session.js";
import { changed, mayCharge, onChange, shown, state } from "./store.js";
import { clock, label, money, t, weekday } from "./texts.js";

const DAYS = [0, 1, 2, 3, 4, 5, 6];
const SIGNS = { now: "bolt", schedule: "calendar", smart: "leaf" };
const MODES = ["now", "schedule", "smart"];
const PREVIEW_AFTER_MS = 400;
const HOUR_MS = 3_600_000;

/** Windows of the API, one per weekday, as rows of several days: [{days, begin, end, limit_w}] */
export function grouped(windows) {
  const rows = new Map();
  for (const { weekday: on, begin, end, limit_w } of windows) {
    const key = `${begin}-${end}-${limit_w ?? ""}`;
    if (!rows.has(key)) rows.set(key, { days: [], begin, end, limit_w: limit_w ?? null });
    rows.get(key).days.push(on);
  }
  return [...rows.values()];
}

export const spread = (rows) =>
  rows.flatMap(({ days, begin, end, limit_w }) => days.map((on) => ({ weekday: on, begin, end, limit_w: limit_w ?? null })));

/** What the form holds, of a schedule or of none. */
function draftOf(one, person) {
  return {
    mode: one?.mode || "smart",
    rows: one?.windows.length ? grouped(one.windows) : [{ days: DAYS, begin: "22:00", end: "06:00", limit_w: null }],
    ready_by: one?.ready_by || "07:00",
    measure: one?.target_percent ? "percent" : "kwh",
    kwh: one?.target_wh ? one.target_wh / 1000 : 20,
    percent: one?.target_percent || 80,
    soc: one?.soc_percent ?? "",
    price_limit: one?.price_limit ?? "",
    continuous: Boolean(one?.continuous),
    car: one ? one.car : person.default_car,
    id_tag: one?.id_tag ?? "",
  };
}

function bodyOf(draft, outlet) {
  const body = { mode: draft.mode, enabled: true, car: draft.car || null, id_tag: draft.id_tag || null };
  if (outlet) Object.assign(body, { evse_id: outlet.evse_id, connector_id: outlet.connector_id });
  if (draft.mode === "schedule") body.windows = spread(draft.rows);
  if (draft.mode === "smart") {
    const percent = draft.measure === "percent";
    Object.assign(body, {
      ready_by: draft.ready_by, continuous: draft.continuous,
      target_wh: percent ? null : Math.round(Number(draft.kwh) * 1000) || null,
      target_percent: percent ? Number(draft.percent) || null : null,
      soc_percent: percent && draft.soc !== "" ? Number(draft.soc) : null,
      price_limit: draft.price_limit === "" ? null : String(draft.price_limit),
    });
  }
  return body;
}

export function schedule(main) {
  const title = h("h1", { tabindex: -1 }, t("Schedule"));
  const place = h("div", { class: "columns" });
  main.append(title, place);
  let over = false;
  let drawn = "";
  let turn = 0;
  let timer;
  const outlet = shown();
  const { station } = state;

  function standing() {
    return station && scheduleAt(station, outlet);
  }

  function draw() {
    const one = standing();
    // What is being typed is not swept away by news that change nothing here.
    const mark = JSON.stringify([one, state.station?.identity]);
    if (mark === drawn) return;
    drawn = mark;
    if (!station) {
      place.replaceChildren(h("p", { class: "quiet" }, t("Choose a station first.")));
      return;
    }
    if (!mayCharge(station.organization)) {
      place.replaceChildren(notice(t("Your role may look, and not charge.")));
      return;
    }
    const { key } = document.activeElement?.dataset || {};
    place.replaceChildren(...[one ? plan(one) : null, editor(one)].filter(Boolean));
    // Whoever pressed something with the keyboard is still there.
    if (key) place.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }

  // --- What stands ----------------------------------------------------------------------------------------------------

  function plan(one) {
    const chart = h("div");
    const card = h("section", { class: "card form" },
      h("p", { class: "card-head" }, h("span", { class: `chip ${one.enabled ? "busy" : "off"}` }, icon(SIGNS[one.mode]), one.enabled ? label("mode", one.mode) : t("Switched off"))),
      h("p", { class: "reason" }, one.plan.sentence || ""), chart,
      toggle(t("Switched on"), one.enabled, (enabled) => change(one, { enabled })),
      one.enabled ? h("div", { class: "actions" },
        button(one.charge_now ? t("Back to the schedule") : t("Charge now, this once"), { kind: "tonal", sign: "bolt", "data-key": "now", on: { click: () => change(one, { charge_now: !one.charge_now }) } }),
        one.mode === "now" ? null : button(one.skipped ? t("Do not skip") : t("Skip the next time"), { kind: "tonal", sign: "next", "data-key": "skip", on: { click: () => change(one, { skip_next: !one.skipped }) } }),
        button(one.paused_until ? t("Go on") : t("Pause for a day"), { kind: "tonal", sign: "pause", "data-key": "pause", on: { click: () => change(one, { paused_until: one.paused_until ? null : new Date(now() + 24 * HOUR_MS).toISOString() }) } }),
      ) : null);
    if (one.enabled && one.mode !== "now") drawPrices(chart, one.plan, null);
    return card;
  }

  async function drawPrices(chart, shownPlan, known) {
    try {
      const begin = now();
      const ends = [shownPlan.deadline, ...(shownPlan.slots || []).map((slot) => slot.end)].filter(Boolean).map(Date.parse);
      const end = Math.min(begin + 7 * 24 * HOUR_MS, Math.max(begin + 12 * HOUR_MS, ...ends));
      const slots = known || (await call(`stations/${encodeURIComponent(station.identity)}/prices/?to=${encodeURIComponent(new Date(end - 1000).toISOString())}`)).results;
      const words = t("Price per kWh until %(end)s; marked: when it charges", { end: clock(end) });
      const made = prices(words, slots, shownPlan.slots || [], { clock, begin, end });
      if (made && !over) chart.replaceChildren(made, h("p", { class: "legend small quiet" }, h("span", { class: "key chosen" }), t("It charges"), h("span", { class: "key" }), t("Price per kWh")));
    } catch (error) {
      // The sentence stands without its picture where there is no connection.
      if (error.status) chart.replaceChildren(notice(error.message, "error"));
    }
  }

  async function change(one, changes) {
    try {
      put(await call(`schedules/${one.id}/`, { method: "PATCH", body: changes }));
    } catch (error) {
      toast(error instanceof Failed ? [error.message, ...Object.values(error.fields)].join(" ") : t("There is no connection: nothing was changed."), "error");
      drawn = "";
      draw();
    }
  }

  function put(one) {
    state.schedules = [...state.schedules.filter((other) => other.id !== one.id), one];
    changed();
    draw();
  }

  // --- What it is to be -----------------------------------------------------------------------------------------------

  function editor(one) {
    const draft = draftOf(one, state.me);
    const fields = h("div", { class: "form" });
    const problem = h("div");
    const sentence = h("p", { class: "reason", role: "status" });
    const chart = h("div");
    const submit = button(one ? t("Save") : t("Set the schedule"), { kind: "filled wide", type: "submit", "data-key": "save" });
    const modes = segments(t("How to charge"), MODES.map((mode) => [mode, label("mode", mode), SIGNS[mode]]), draft.mode, (mode) => {
      draft.mode = mode;
      drawFields();
    });
    const form = h("form", { class: "card form", on: { submit: save } }, h("h2", {}, `${station.name || station.identity}${outlet ? ` · ${outletName(station, outlet)}` : ""}`), modes, fields, sentence, chart, problem, submit);

    const typed = (name, attributes) => h("input", { ...attributes, value: draft[name], on: { input: (event) => { draft[name] = event.target.value; soon(); } } });
    const chosen = (name, options, number) => select(options, draft[name], { on: { change: (event) => { draft[name] = number ? Number(event.target.value) || null : event.target.value; soon(); } } });

    function drawFields() {
      const made = [];
      if (draft.mode === "now") made.push(h("p", { class: "quiet" }, t("Charges as soon as a car is plugged in.")));
      if (draft.mode === "schedule") made.push(windows());
      if (draft.mode === "smart") {
        const percent = draft.measure === "percent";
        made.push(
          field(t("Ready by"), typed("ready_by", { type: "time", required: true }), { name: "ready_by" }),
          segments(t("How much"), [["kwh", "kWh"], ["percent", t("Percent of the battery")]], draft.measure, (measure) => { draft.measure = measure; drawFields(); }),
          percent
            ? h("div", { class: "pair" }, field(t("Charge to (%)"), typed("percent", { type: "number", min: 1, max: 100, inputmode: "numeric" }), { name: "target_percent" }), field(t("Battery now (%)"), typed("soc", { type: "number", min: 0, max: 100, inputmode: "numeric" }), { name: "soc_percent", hint: t("Only where the station does not report it") }))
            : field(t("Energy (kWh)"), typed("kwh", { type: "number", min: 1, max: 1000, step: "any", inputmode: "decimal" }), { name: "target_wh" }),
          field(t("At most, per kWh"), typed("price_limit", { type: "number", min: 0, step: "any", inputmode: "decimal" }), { name: "price_limit", hint: t("Empty: whatever it costs") }),
          toggle(t("In one go"), draft.continuous, (on) => { draft.continuous = on; soon(); }),
        );
      }
      const cars = state.cars.filter((car) => car.organization === station.organization);
      const tags = state.tags.filter((tag) => tag.organization === station.organization && !tag.blocked);
      if (cars.length) made.push(field(t("Car"), chosen("car", [["", "–"], ...cars.map((car) => [car.id, car.name])], true), { name: "car" }));
      made.push(field(t("Charge with"), chosen("id_tag", [["", t("My default tag")], ...tags.map((tag) => [tag.id_tag, tag.name || tag.id_tag])]), { name: "id_tag" }));
      fields.replaceChildren(...made);
      soon();
    }

    function windows() {
      const list = h("div", { class: "form", "data-field": "windows" });
      const drawRows = () => list.replaceChildren(
        ...draft.rows.map((row, at) => windowRow(row, at, drawRows)),
        button(t("Add a window"), { kind: "tonal", sign: "plus", on: { click: () => { draft.rows.push({ days: [], begin: "12:00", end: "14:00", limit_w: null }); drawRows(); } } }),
        h("p", { class: "problem", hidden: true }),
      );
      drawRows();
      return list;
    }

    function windowRow(row, at, drawRows) {
      const days = DAYS.map((on) => {
        const input = h("input", { type: "checkbox", class: "visually-hidden", checked: row.days.includes(on), "aria-label": weekday(on, "long"), on: { change: () => { row.days = input.checked ? [...row.days, on].sort() : row.days.filter((one2) => one2 !== on); soon(); } } });
        return h("label", {}, input, h("span", { class: "segment", "aria-hidden": "true" }, weekday(on)));
      });
      const time = (name, text) => h("label", { class: "field" }, h("span", {}, text), h("input", { type: "time", required: true, value: row[name], on: { input: (event) => { row[name] = event.target.value; soon(); } } }));
      const remove = h("button", { type: "button", class: "icon-button", "aria-label": t("Remove the window"), on: { click: () => { draft.rows.splice(at, 1); drawRows(); soon(); } } }, icon("cross"));
      return h("fieldset", { class: "window" }, h("legend", { class: "visually-hidden" }, t("Window %(number)s", { number: at + 1 })), h("div", { class: "segments days" }, days), h("div", { class: "pair" }, time("begin", t("From")), time("end", t("To")), remove));
    }

    function soon() {
      clearTimeout(timer);
      timer = setTimeout(preview, PREVIEW_AFTER_MS);
    }

    async function preview() {
      const mine = ++turn;
      try {
        const found = await call("schedules/preview/", { method: "POST", body: { station: station.identity, ...bodyOf(draft, outlet) } });
        if (over || mine !== turn) return;
        complain(form, null);
        problem.replaceChildren();
        sentence.textContent = [found.plan.sentence, found.plan.cost && draft.mode !== "smart" ? money(found.plan.cost) : ""].filter(Boolean).join(" ");
        chart.replaceChildren();
        if (draft.mode !== "now") drawPrices(chart, found.plan, found.prices.length ? found.prices : null);
      } catch (error) {
        if (over || mine !== turn) return;
        chart.replaceChildren();
        sentence.textContent = error instanceof Failed ? "" : t("There is no connection, so nothing can be planned.");
        if (error instanceof Failed) refuse(error);
      }
    }

    function refuse(error) {
      const rest = complain(form, error);
      problem.replaceChildren(notice(rest || error.message, "error"));
    }

    async function save(event) {
      event.preventDefault();
      clearTimeout(timer);
      turn += 1;
      submit.disabled = true;
      try {
        const body = bodyOf(draft, outlet);
        const made = one ? await call(`schedules/${one.id}/`, { method: "PATCH", body }) : await call("schedules/", { method: "POST", body: { station: station.identity, ...body } });
        put(made);
        toast(t("The schedule is set."), "success");
        scrollTo({ top: 0 });
      } catch (error) {
        if (error instanceof Failed) refuse(error);
        else problem.replaceChildren(notice(t("There is no connection: the schedule was not set. What you typed stays here."), "error"));
      }
      submit.disabled = false;
    }

    drawFields();
    return form;
  }

  draw();
  const quiet = onChange(() => {
    // Figures of a plan may change while someone types; the form is drawn anew only where the schedule itself did.
    const active = document.activeElement;
    if (!active || !place.contains(active) || !["INPUT", "SELECT"].includes(active.tagName)) draw();
  });
  return () => {
    over = true;
    clearTimeout(timer);
    quiet();
  };
}
