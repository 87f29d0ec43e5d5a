// Home: the station card, live, and one big Start or Stop.

import { act, busy, dismiss, perform, settle } from "./act.js";
import { button, chip, h, icon, say, segments, select, sheet, show, svg, toast } from "./dom.js";
import { keep, kept } from "./keep.js";
import { call, now, remembered } from "./session.js";
import { go, isOpen, keyOf, manages, mayCharge, onChange, outlets, sessionAt, shown, state } from "./store.js";
import { clock, clockSeconds, elapsed, kw, kwh, label, money, percent, t } from "./texts.js";

const RING = 2 * Math.PI * 88;
const COLOURS = {
  Available: "ok", Preparing: "wait", Occupied: "wait", Charging: "busy", SuspendedEV: "held", SuspendedEVSE: "held",
  Finishing: "wait", Reserved: "held", Unavailable: "off", Faulted: "bad", Unknown: "off",
};

export const outletName = (station, outlet) =>
  station.protocol === "1.6" || outlet.connector_id === 1
    ? t("Connector %(number)s", { number: outlet.evse_id })
    : t("EVSE %(evse)s, connector %(number)s", { evse: outlet.evse_id, number: outlet.connector_id });

/** 2.x stations say only that a connector is occupied; their transactions say the rest. */
function statusOf(outlet, session) {
  if (outlet.status !== "Occupied" || !session) return outlet.status;
  if (["SuspendedEV", "SuspendedEVSE"].includes(session.charging_state)) return session.charging_state;
  return session.state === "charging" ? "Charging" : outlet.status;
}

/** What the big button would do, and why it may not. */
function deed(station, outlet, session) {
  const mine = session && (session.user === state.me?.id || manages(station.organization));
  const kind = session ? "stop" : "start";
  let why = "";
  if (!mayCharge(station.organization)) why = t("Your role may look, and not charge.");
  else if (state.line === "offline") why = t("You are offline: nothing can be sent now.");
  else if (!station.online) why = t("The station is offline.");
  else if (session && !mine) why = t("Someone else is charging here.");
  else if (!session && outlet?.transaction) why = t("Someone else is charging here.");
  else if (!session && outlet?.status === "Faulted") why = t("The connector is out of order.");
  else if (!session && outlet?.status === "Unavailable") why = t("Out of service.");
  else if (!session && !usable(station).length) why = t("You have no id tag to charge with. Ask whoever runs the station.");
  return { kind, why };
}

const usable = (station) => state.tags.filter((tag) => tag.organization === station.organization && !tag.blocked);
function chosenTag(station) {
  const rows = usable(station);
  const wanted = kept("tag") ?? state.me?.default_id_tag;
  return rows.find((tag) => tag.id === wanted) || rows.find((tag) => tag.id === state.me?.default_id_tag) || rows.find((tag) => tag.user === state.me?.id) || rows[0];
}
function chosenCar(station) {
  const rows = state.cars.filter((car) => car.organization === station.organization);
  return rows.find((car) => car.id === (kept("car") ?? state.me?.default_car));
}

function press() {
  const { station } = state;
  const outlet = shown();
  const session = outlet && sessionAt(station.identity, outlet);
  const { kind, why } = deed(station, outlet, session);
  if (busy()) return;
  if (why) {
    toast(why, "error");
    return;
  }
  const body = { command: kind };
  if (kind === "stop") body.transaction = String(session.id);
  else {
    if (outlet) Object.assign(body, { evse_id: outlet.evse_id, connector_id: outlet.connector_id });
    body.id_tag = chosenTag(station).id_tag;
    const car = chosenCar(station);
    if (car) body.car = car.id;
  }
  perform(kind, station.identity, keyOf(outlet), body);
}

/** The page; -> what ends it. */
export function home(main) {
  const emptyWords = h("p");
  const empty = h("section", { class: "card empty", hidden: true }, icon("plug"), emptyWords, button(t("Choose a station"), { kind: "tonal", on: { click: chooseStation } }));
  const stationName = h("strong");
  const stationMore = h("span", { class: "small quiet" });
  const picker = h("button", { type: "button", class: "picker", on: { click: chooseStation } }, icon("plug"), h("span", { class: "picker-text" }, stationName, stationMore), icon("next"));
  const outletPlace = h("div");
  const status = h("span", { class: "chip" });
  const fault = h("p", { class: "problem", hidden: true });
  const arc = svg("circle", { cx: 100, cy: 100, r: 88, class: "ring-value", "stroke-dasharray": RING, transform: "rotate(-90 100 100)" });
  const power = h("span", { class: "power-number" });
  const ring = h("div", { class: "ring" }, svg("svg", { viewBox: "0 0 200 200", "aria-hidden": "true" }, svg("circle", { cx: 100, cy: 100, r: 88, class: "ring-ground" }), arc), h("p", { class: "power" }, power, h("span", { class: "power-unit" }, "kW")));
  const figures = {};
  const figure = (name, text) => {
    figures[name] = h("dd");
    return h("div", {}, h("dt", {}, text), figures[name]);
  };
  const facts = h("dl", { class: "figures" }, figure("energy", t("Energy")), figure("cost", t("Cost")), figure("soc", t("Battery")), figure("time", t("Elapsed")));
  const measured = h("p", { class: "small quiet centred" });
  const price = h("p", { class: "small quiet centred" });
  const big = h("button", { type: "button", class: "big", on: { click: press } }, h("span", { class: "big-sign" }), h("span", { class: "big-word" }));
  const why = h("p", { class: "why", id: "why" });
  big.setAttribute("aria-describedby", "why");
  const outcome = h("div", { class: "outcome", role: "status", "aria-live": "polite" });
  const withPlace = h("div", { class: "with" });
  const schedule = h("a", { class: "row-card", href: "#/schedule" }, icon("calendar"), h("span", { class: "grow" }, h("strong"), h("span", { class: "small quiet block" })), icon("next"));
  const others = h("div", { class: "stack" });
  const card = h("section", { class: "card station" }, h("div", { class: "card-head" }, status, price), fault, ring, facts, measured);
  const deedPlace = h("div", { class: "deed" }, outcome, big, why);
  const page = h("div", { class: "home" }, h("div", { class: "stack" }, picker, outletPlace, card), deedPlace, h("div", { class: "stack more" }, withPlace, schedule, others));
  main.append(h("h1", { class: "visually-hidden", tabindex: -1 }, t("Charge")), empty, page);

  let outletsShown = "";
  let withShown = "";
  let outcomeShown = "";

  function update() {
    const { station } = state;
    show(empty, state.loaded && !station);
    say(emptyWords, state.missing ? t("There is no station “%(name)s”, or it is not yours.", { name: state.missing }) : t("There is no station yet that you may use. Ask whoever runs it to add you."));
    show(page, station);
    if (!station) return;
    const outlet = shown();
    const session = outlet && sessionAt(station.identity, outlet);
    say(stationName, station.name || station.identity);
    say(stationMore, station.online ? station.identity : `${station.identity} · ${t("The station is offline.")}`);
    drawOutlets(station);
    drawCard(station, outlet, session);
    drawDeed(station, outlet, session);
    drawWith(station, session);
    drawSchedule(station, outlet);
    drawOthers(session);
    tick();
  }

  function drawOutlets(station) {
    const all = outlets(station);
    const mark = `${station.identity} ${all.map(keyOf)} ${keyOf(shown())}`;
    if (mark === outletsShown) return;
    outletsShown = mark;
    outletPlace.replaceChildren(
      ...(all.length > 1 ? [segments(t("Connector"), all.map((one) => [keyOf(one), outletName(station, one)]), keyOf(shown()), (key) => go(station.identity, key))] : []),
    );
  }

  function drawCard(station, outlet, session) {
    const found = outlet ? statusOf(outlet, session) : "Unknown";
    status.className = `chip ${station.online ? COLOURS[found] || "off" : "off"}`;
    say(status, station.online ? label("status", found) : t("Offline"));
    const errors = [outlet?.error_code, outlet?.info].filter((one) => one && one !== "NoError").join(" – ");
    show(fault, errors);
    say(fault, errors);
    const running = Boolean(session || outlet?.transaction);
    say(power, running ? kw(outlet?.power_w ?? 0) : "–");
    ring.classList.toggle("running", found === "Charging");
    const soc = running ? outlet?.soc_percent : null;
    arc.setAttribute("stroke-dashoffset", RING * (1 - (soc ?? (running ? 100 : 0)) / 100));
    say(figures.energy, session ? `${kwh(session.energy_wh)} kWh` : "–");
    say(figures.cost, session ? money(session.cost, session.currency) : "–");
    say(figures.soc, soc === null || soc === undefined ? "–" : `${percent(soc)} %`);
    const tariff = station.tariff;
    say(price, tariff ? tariff.description || tariff.name : station.price_per_kwh ? t("%(price)s per kWh", { price: money(station.price_per_kwh, session?.currency) }) : "");
    const who = session && session.user !== state.me?.id ? session.user_name || session.id_tag : "";
    const when = running && outlet?.measured_at ? t("Measured at %(time)s", { time: clockSeconds(outlet.measured_at) }) : "";
    say(measured, [who, when].filter(Boolean).join(" · "));
  }

  function drawDeed(station, outlet, session) {
    const { kind, why: reason } = deed(station, outlet, session);
    const waiting = busy() && act.now.station === station.identity;
    big.className = `big ${kind}`;
    big.setAttribute("aria-disabled", Boolean(reason) || waiting);
    if (big.dataset.sign !== kind) {
      big.dataset.sign = kind;
      big.firstChild.replaceChildren(icon(kind === "stop" ? "stop" : "bolt"));
    }
    say(big.lastChild, kind === "stop" ? t("Stop") : t("Start"));
    say(why, reason);
    drawOutcome(station);
  }

  function drawOutcome(station) {
    const one = act.now?.station === station.identity ? act.now : null;
    const mark = JSON.stringify([one?.phase, one?.text]);
    if (mark === outcomeShown) return;
    outcomeShown = mark;
    if (!one) {
      outcome.replaceChildren();
      return;
    }
    const mood = { done: "success", refused: "error", unknown: "warn" }[one.phase] || "";
    const sign = { done: "check", refused: "cross", unknown: "warn" }[one.phase] || "clock";
    const text = one.phase === "beginning" ? `${one.text} ${t("Waiting for the session to begin…")}` : one.text;
    const shut = h("button", { type: "button", class: "icon-button small-target", "aria-label": t("Close"), on: { click: dismiss } }, icon("cross"));
    outcome.replaceChildren(h("div", { class: `notice ${mood}`, "data-phase": one.phase }, icon(sign), h("span", { class: "grow" }, text), ["done", "refused"].includes(one.phase) ? shut : null));
  }

  function drawWith(station, session) {
    const tags = usable(station);
    const cars = state.cars.filter((car) => car.organization === station.organization);
    const tag = chosenTag(station);
    const mark = JSON.stringify([Boolean(session), tags.map((one) => [one.id, one.name]), cars.map((one) => [one.id, one.name]), tag?.id, chosenCar(station)?.id]);
    if (mark === withShown) return;
    withShown = mark;
    const choice = (name, text, options, chosen) =>
      h("label", { class: "field" }, h("span", {}, text), select(options, chosen, { on: { change: (event) => { keep(name, Number(event.target.value) || 0); changedChoice(); } } }));
    withPlace.replaceChildren(
      ...(session || !mayCharge(station.organization) ? [] : [
        tags.length ? choice("tag", t("Charge with"), tags.map((one) => [one.id, one.name || one.id_tag]), tag?.id) : null,
        cars.length ? choice("car", t("Car"), [["", "–"], ...cars.map((one) => [one.id, one.name])], chosenCar(station)?.id) : null,
      ].filter(Boolean)),
    );
  }
  const changedChoice = () => update();

  function drawSchedule(station, outlet) {
    const one = scheduleAt(station, outlet);
    const [title, text] = schedule.querySelectorAll("strong, .small");
    say(title, one?.enabled ? label("mode", one.mode) : t("No schedule"));
    say(text, one?.enabled ? one.plan.sentence || "" : t("Charge at certain hours, or when it is cheapest."));
    show(schedule, mayCharge(station.organization));
  }

  function drawOthers(session) {
    const rest = [...state.open.values()].filter((one) => isOpen(one) && one.id !== session?.id && one.user === state.me?.id);
    const made = rest.map((one) => h("button", { type: "button", class: "row-card", on: { click: () => go(one.station, `${one.evse_id}-${one.connector_id || 1}`) } }, icon("bolt"), h("span", { class: "grow" }, h("strong", {}, t("Also charging: %(station)s", { station: one.station_name })), h("span", { class: "small quiet block" }, t("since %(time)s", { time: clock(one.started) }))), icon("next")));
    const last = state.ended;
    if (last) made.push(h("a", { class: "row-card", href: `#/sessions/${last.id}` }, icon("check"), h("span", { class: "grow" }, h("strong", {}, t("Ended: %(energy)s kWh", { energy: kwh(last.energy_wh) })), h("span", { class: "small quiet block" }, `${last.station_name} · ${money(last.cost, last.currency)}`)), icon("next")));
    const mark = made.map((one) => one.textContent).join();
    if (others.dataset.mark !== mark) {
      others.dataset.mark = mark;
      others.replaceChildren(...made);
    }
  }

  function tick() {
    const outlet = shown();
    const session = outlet && sessionAt(state.station.identity, outlet);
    // Offline nobody knows whether it still charges: the time stands still, as all the rest.
    const known = state.line === "offline" ? state.at + (now() - Date.now()) : now();
    say(figures.time, session?.started ? elapsed(known - Date.parse(session.started)) : "–");
  }

  update();
  const quiet = onChange(update);
  const ticking = setInterval(() => {
    settle();
    if (state.station) tick();
  }, 1000);
  return () => {
    quiet();
    clearInterval(ticking);
  };
}

export function scheduleAt(station, outlet) {
  const rows = state.schedules.filter((one) => one.station === station.identity && [null, outlet?.evse_id].includes(one.evse_id) && [null, outlet?.connector_id].includes(one.connector_id));
  return rows.find((one) => one.enabled) || rows[0] || null;
}

function chooseStation() {
  const list = h("ul", { class: "list" });
  const note = h("p", { class: "small quiet", role: "status" });
  const input = h("input", { type: "search", placeholder: t("Search"), "aria-label": t("Search"), autocomplete: "off", enterkeyhint: "search" });
  const dialog = sheet(t("Choose a station"), t("Close"), h("div", { class: "search" }, icon("search"), input), note, list);
  let turn = 0;
  async function look() {
    const mine = ++turn;
    const asked = new URLSearchParams({ page_size: 30, ordering: "name" });
    if (input.value.trim()) asked.set("search", input.value.trim());
    try {
      const { data, old } = input.value.trim() ? { data: await call(`stations/?${asked}`) } : await remembered(`stations/?${asked}`);
      if (mine !== turn) return;
      say(note, old ? t("Offline: the list may be older.") : data.count > data.results.length ? t("%(count)s stations; search to find one.", { count: data.count }) : data.count ? "" : t("Nothing found."));
      list.replaceChildren(...data.results.map(row));
    } catch (error) {
      if (mine === turn) say(note, t("There is no connection, so nothing can be looked up."));
      if (error.status) say(note, error.message);
    }
  }
  function row(station) {
    const all = outlets(station);
    const free = all.filter((one) => one.status === "Available" || (["Preparing", "Occupied"].includes(one.status) && !one.transaction)).length;
    const text = station.online ? t("%(free)s of %(all)s free", { free, all: all.length }) : t("Offline");
    return h("li", {}, h("button", { type: "button", class: "row", "aria-current": station.identity === state.station?.identity ? "true" : null, on: { click: () => { dialog.close(); pick(station.identity); } } }, h("span", { class: "grow" }, h("strong", { class: "block" }, station.name || station.identity), h("span", { class: "small quiet" }, station.identity)), chip(text, station.online && free ? "ok" : "off")));
  }
  async function pick(identity) {
    try {
      await go(identity);
    } catch (error) {
      toast(error.status ? error.message : t("There is no connection, so nothing can be looked up."), "error");
    }
  }
  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 250);
  });
  look();
}
