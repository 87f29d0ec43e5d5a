// What was charged: the last thirty days, the list, and one session with its curve and its receipt.

import { bars, curve } from "./chart.js";
import { button, chip, h, icon, notice, toast } from "./dom.js";
import { call, Failed, now, remembered, SignedOut } from "./session.js";
import { isOpen, onChange, state } from "./store.js";
import { ago, calendarDay, clock, day, elapsed, kw, kwh, label, moment, money, percent, t } from "./texts.js";

export const STATES = { pending: "wait", charging: "busy", suspended: "held", ended: "ok", superseded: "off", lost: "bad" };
const DAYS = 30;

/** What stands in for a page whose data could not be had. */
export function trouble(error, again) {
  if (error instanceof SignedOut) throw error;
  const text = error instanceof Failed ? error.message : t("There is no connection, and this was not looked at before.");
  return h("div", { class: "stack" }, notice(text, "error"), button(t("Try again"), { kind: "tonal", sign: "again", on: { click: again } }));
}

export const older = (found) => (found.old ? notice(t("Offline: as of %(time)s (%(ago)s).", { time: moment(found.at), ago: ago(Date.now() - found.at) }), "warn", "offline") : null);

export function sessions(main) {
  const place = h("div", { class: "stack" });
  main.append(h("h1", { tabindex: -1 }, t("Sessions")), place);
  let over = false;

  async function load() {
    place.replaceChildren(h("p", { class: "quiet" }, t("Loading…")));
    try {
      const mine = `user=${state.me.id}`;
      const from = new Date(now() - (DAYS - 1) * 86_400_000).toISOString().slice(0, 10);
      const [found, energy, costs] = await Promise.all([
        remembered(`transactions/?${mine}&page_size=30`),
        remembered(`statistics/energy/?bucket=day&from=${from}`),
        remembered(`statistics/costs/?bucket=day&from=${from}`),
      ]);
      if (over) return;
      place.replaceChildren(...[older(found), days(energy.data, costs.data), list(found.data)].filter(Boolean));
    } catch (error) {
      if (!over) place.replaceChildren(trouble(error, load));
    }
  }

  function days(energy, costs) {
    const rows = energy.buckets.map((one) => ({ label: calendarDay(one.start), value: one.energy_wh / 1000, title: `${calendarDay(one.start)}: ${kwh(one.energy_wh)} kWh` }));
    const words = t("Energy by day: %(energy)s kWh in %(days)s days, %(cost)s", { energy: kwh(energy.total_wh), days: rows.length, cost: money(costs.total, costs.currency) });
    return h("section", { class: "card" }, h("h2", {}, t("Last %(days)s days", { days: DAYS })), h("p", { class: "sum" }, h("strong", {}, `${kwh(energy.total_wh)} kWh`), h("span", {}, money(costs.total, costs.currency))), rows.length ? bars(words, rows) : null);
  }

  function list(found) {
    if (!found.results.length) return h("section", { class: "card empty" }, icon("receipt"), h("p", {}, t("Nothing charged yet. What you charge appears here.")));
    const rows = h("ul", { class: "list" }, found.results.map(row));
    const more = button(t("Show more"), { kind: "tonal wide", on: { click: next } });
    let page = 1;
    async function next() {
      more.disabled = true;
      try {
        const data = await call(`transactions/?user=${state.me.id}&page_size=30&page=${page + 1}`);
        page += 1;
        rows.append(...data.results.map(row));
        more.hidden = !data.next;
      } catch (error) {
        toast(error instanceof Failed ? error.message : t("There is no connection."), "error");
      }
      more.disabled = false;
    }
    more.hidden = !found.next;
    return h("section", { class: "card" }, rows, more);
  }

  load();
  return () => (over = true);
}

function row(one) {
  return h("li", {}, h("a", { class: "row", href: `#/sessions/${one.id}` }, h("span", { class: "grow" }, h("strong", { class: "block" }, one.station_name), h("span", { class: "small quiet" }, `${day(one.started)}, ${clock(one.started)}`)), h("span", { class: "end" }, h("strong", { class: "block number" }, `${kwh(one.energy_wh)} kWh`), h("span", { class: "small quiet number" }, one.cost === null ? label("state", one.state) : money(one.cost, one.currency))), icon("next")));
}

export function sessionPage(main, id) {
  const title = h("h1", { tabindex: -1 }, t("Session"));
  const place = h("div", { class: "stack" });
  main.append(h("a", { class: "back", href: "#/sessions" }, icon("back"), t("Sessions")), title, place);
  let over = false;
  let last = 0;

  async function load() {
    last = Date.now();
    try {
      const [found, shape] = await Promise.all([remembered(`transactions/${id}/`), remembered(`transactions/${id}/curve/?points=120`)]);
      if (!over) draw(found, shape.data.points);
    } catch (error) {
      if (!over) place.replaceChildren(trouble(error, load));
    }
  }

  function draw(found, points) {
    const one = found.data;
    title.textContent = one.station_name;
    const fact = (name, value) => [h("dt", {}, name), h("dd", {}, value)];
    const open = isOpen(one);
    const lasted = one.started ? elapsed((one.ended ? Date.parse(one.ended) : now()) - Date.parse(one.started)) : "–";
    const facts = h("dl", { class: "facts" },
      fact(t("Energy"), `${kwh(one.energy_wh)} kWh`), fact(t("Cost"), money(one.cost, one.currency)),
      fact(t("Began"), moment(one.started)), fact(t("Ended"), one.ended ? moment(one.ended) : "–"), fact(t("Lasted"), lasted),
      fact(t("Connector"), one.evse_id ? String(one.evse_id) : "–"), one.car_name ? fact(t("Car"), one.car_name) : [],
      fact(t("Id tag"), one.id_tag || "–"), one.tariff ? fact(t("Tariff"), one.tariff) : one.price_per_kwh ? fact(t("Price per kWh"), money(one.price_per_kwh, one.currency)) : [],
      one.stop_reason ? fact(t("Stop reason"), one.stop_reason) : []);
    const at = points.map((point) => ({ ...point, at: Date.parse(point.at) }));
    const peak = Math.max(0, ...at.map((point) => point.power_w || 0));
    const power = curve(t("Power over time, at most %(power)s kW", { power: kw(peak) }), at.map((point) => ({ at: point.at, value: point.power_w === null ? null : point.power_w / 1000 })), { clock });
    const socs = at.map((point) => ({ at: point.at, value: point.soc_percent })).filter((point) => point.value !== null);
    const soc = socs.length > 1 ? curve(t("Battery over time, from %(from)s to %(to)s percent", { from: percent(socs[0].value), to: percent(socs.at(-1).value) }), socs, { clock, top: 100, kind: "soc" }) : null;
    const lines = (one.cost_lines || []).map((line) => h("tr", {}, h("td", {}, label("part", line.part)), h("td", { class: "end number" }, money(line.gross, one.currency))));
    place.replaceChildren(...[
      older(found),
      h("section", { class: "card" }, h("p", { class: "card-head" }, chip(label("state", one.state), STATES[one.state] || "off"), open || one.final ? null : chip(t("The bill is not final yet"), "wait")), facts,
        open ? null : button(t("Receipt (PDF)"), { kind: "tonal wide", sign: "download", on: { click: (event) => receipt(event.currentTarget, one) } })),
      power ? h("section", { class: "card" }, h("h2", {}, t("Power in kW")), power) : null,
      soc ? h("section", { class: "card" }, h("h2", {}, t("Battery in percent")), soc) : null,
      lines.length ? h("section", { class: "card" }, h("h2", {}, t("What it costs")), h("table", {}, h("tbody", {}, lines))) : null,
    ].filter(Boolean));
  }

  load();
  // A running session is looked at again as it goes on, and at once when it ends.
  const quiet = onChange(() => {
    const running = state.open.has(Number(id));
    const was = place.dataset.running === "true";
    place.dataset.running = running;
    if ((running && Date.now() - last > 10_000) || (was && !running)) load();
  });
  return () => {
    over = true;
    quiet();
  };
}

async function receipt(pressed, one) {
  pressed.disabled = true;
  try {
    const answer = await call(`transactions/${one.id}/receipt/`, { raw: true });
    const url = URL.createObjectURL(await answer.blob());
    h("a", { href: url, download: `receipt-${one.id}.pdf` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    toast(error instanceof Failed ? error.message : t("There is no connection: the receipt was not loaded."), "error");
  }
  pressed.disabled = false;
}
