// What the app knows, and how it learns of it: a snapshot of REST, then every event of the live line.
//
// While a snapshot is on its way, events are applied and kept; after it they are applied once more, so that a snapshot
// which is older than an event does not undo it.

import { keep, kept } from "./keep.js";
import { Line } from "./live.js";
import { call, session, SignedOut } from "./session.js";
import { preferred } from "./texts.js";

const OPEN = ["pending", "charging", "suspended"];
const MOST = 100;

export const state = {
  me: null,
  station: null,
  outlet: null,
  open: new Map(),
  ended: null,
  tags: [],
  cars: [],
  schedules: [],
  unread: 0,
  line: "connecting",
  at: 0,
  loaded: false,
  missing: "",
};

const listeners = new Set();
let due = false;
/** Tell everyone who shows something, once for all that changed together. */
export function changed() {
  if (due) return;
  due = true;
  queueMicrotask(() => {
    due = false;
    for (const listener of [...listeners]) listener();
  });
}
/** -> what ends it */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
const eventListeners = new Set();
export function onEvent(listener) {
  eventListeners.add(listener);
  return () => eventListeners.delete(listener);
}

// --- What it all means ------------------------------------------------------------------------------------------------

export const isOpen = (transaction) => OPEN.includes(transaction.state);
export const outlets = (station) =>
  (station?.evses || []).flatMap(({ evse_id, connectors }) => connectors.map((one) => ({ evse_id, ...one })));
export const keyOf = (outlet) => (outlet ? `${outlet.evse_id}-${outlet.connector_id}` : "");
/** The connector that is shown. */
export function shown() {
  const all = outlets(state.station);
  return all.find((one) => keyOf(one) === state.outlet) || all[0] || null;
}
/** The open session at a connector, as far as it may be seen. */
export function sessionAt(identity, outlet) {
  return [...state.open.values()].find(
    (one) => one.station === identity && one.evse_id === outlet?.evse_id && [null, 0, outlet?.connector_id].includes(one.connector_id),
  );
}
export function roleIn(organization) {
  if (state.me?.is_platform_admin) return "owner";
  return state.me?.organizations.find((one) => one.id === organization)?.role || null;
}
export const manages = (organization) => ["owner", "manager"].includes(roleIn(organization));
export const mayCharge = (organization) => ["owner", "manager", "driver"].includes(roleIn(organization));

// --- Snapshots --------------------------------------------------------------------------------------------------------

let held = null;

/** Ask REST, and apply again what was heard meanwhile. */
async function snapshot(ask) {
  const mine = (held ??= []);
  try {
    await ask();
    mine.forEach(apply);
    state.at = Date.now();
    save();
  } finally {
    if (held === mine) held = null;
    changed();
  }
}

async function station(identity) {
  try {
    return await call(`stations/${encodeURIComponent(identity)}/`);
  } catch (error) {
    if (error.status !== 404) throw error;
    return null;
  }
}

/** Everything, as after a sign-in. */
export function loadAll() {
  return snapshot(async () => {
    const [me, open, tags, cars, news] = await Promise.all([
      call("me/"),
      call(`transactions/?open=true&page_size=${MOST}`),
      call(`id-tags/?page_size=${MOST}&ordering=name`),
      call(`cars/?page_size=${MOST}&ordering=name`),
      call("me/notifications/"),
    ]);
    state.me = await introduce(me);
    state.open = new Map(open.results.map((one) => [one.id, one]));
    state.tags = tags.results;
    state.cars = cars.results;
    state.unread = news.unread;
    await choose(kept("chosen") || {}, me);
    await loadSchedules();
    state.loaded = true;
  });
}

/** Mails and pushes speak a language and name times, too: those of this phone, where the person has chosen none. The
 * language is said once, at the sign-in, so that "as the browser" can be chosen afterwards. */
async function introduce(me) {
  const body = {};
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!me.time_zone && zone) body.time_zone = zone;
  if (!me.language && kept("arrived")) body.language = preferred();
  keep("arrived", null);
  if (!Object.keys(body).length) return me;
  return call("me/", { method: "PATCH", body }).catch(() => me);
}

/** What is live of what is shown: after a break, meter values were not told again. */
export function loadValues() {
  return snapshot(async () => {
    const [found, open] = await Promise.all([
      state.station ? station(state.station.identity) : null,
      call(`transactions/?open=true&page_size=${MOST}`),
    ]);
    if (found) state.station = found;
    state.open = new Map(open.results.map((one) => [one.id, one]));
    await loadUnread();
  });
}

export async function loadUnread() {
  state.unread = (await call("me/notifications/")).unread;
  changed();
}

export async function loadSchedules() {
  if (!state.me) return;
  state.schedules = (await call(`schedules/?user=${state.me.id}&page_size=${MOST}`)).results;
  changed();
}

/** Choose what is shown: what is asked for, else where one charges, else the first station there is. */
async function choose(wanted, me) {
  state.missing = "";
  let found = wanted.station ? await station(wanted.station) : null;
  if (wanted.station && !found) {
    // Not another one in its place: a finger that is on its way to Start means the station of the QR code.
    Object.assign(state, { station: null, outlet: null, missing: wanted.station });
    keep("chosen", null);
    return;
  }
  const own = [...state.open.values()].find((one) => one.user === me.id);
  if (!found && own) {
    found = await station(own.station);
    wanted = { connector: `${own.evse_id}-${own.connector_id || 1}` };
  }
  if (!found) {
    const { results } = await call("stations/?page_size=1&ordering=name");
    found = results[0] ? await station(results[0].identity) : null;
  }
  state.station = found;
  state.outlet = outlets(found).some((one) => keyOf(one) === wanted.connector) ? wanted.connector : keyOf(outlets(found)[0]);
}

/** Show a station, and one of its connectors ("2-1"). */
export async function go(identity, connector) {
  keep("chosen", { station: identity, connector });
  if (state.station?.identity === identity) {
    state.outlet = connector || state.outlet;
    state.missing = "";
    save();
    changed();
    return;
  }
  await snapshot(() => choose({ station: identity, connector }, state.me));
  if (state.station) keep("chosen", { station: state.station.identity, connector: state.outlet });
}

// --- The last known state ---------------------------------------------------------------------------------------------

function save() {
  if (!session()) return;
  const { me, outlet, tags, cars, schedules, unread, at } = state;
  keep("last", { me, station: state.station, outlet, open: [...state.open.values()], tags, cars, schedules, unread, at });
}

/** What was known when the app was closed, shown with its age until there is better. */
export function recall() {
  const last = kept("last");
  if (!last) return;
  Object.assign(state, last, { open: new Map(last.open.map((one) => [one.id, one])), loaded: true });
}

export function clear() {
  Object.assign(state, { me: null, station: null, outlet: null, open: new Map(), ended: null, tags: [], cars: [] });
  Object.assign(state, { schedules: [], unread: 0, at: 0, loaded: false, missing: "" });
}

// --- Events -----------------------------------------------------------------------------------------------------------

function apply({ event, station: identity, data }) {
  const here = state.station?.identity === identity;
  if (event === "station.updated" && here && !data.deleted) Object.assign(state.station, data);
  if (event === "connector.updated" && here) putConnector(data);
  if (event.startsWith("transaction.")) putTransaction(data);
}

function putConnector({ evse_id, ...connector }) {
  const evses = state.station.evses;
  let evse = evses.find((one) => one.evse_id === evse_id);
  if (!evse) {
    evse = { evse_id, connectors: [] };
    evses.push(evse);
    evses.sort((one, other) => one.evse_id - other.evse_id);
  }
  const before = evse.connectors.find((one) => one.connector_id === connector.connector_id);
  if (before) Object.assign(before, connector);
  else evse.connectors.push(connector);
  state.outlet ||= `${evse_id}-${connector.connector_id}`;
}

function putTransaction(transaction) {
  const evse = state.station?.identity === transaction.station && state.station.evses.find((one) => one.evse_id === transaction.evse_id);
  const places = evse ? evse.connectors.filter((one) => [null, 0, one.connector_id].includes(transaction.connector_id)) : [];
  if (isOpen(transaction)) {
    state.open.set(transaction.id, transaction);
    if (places[0] && !places.some((one) => one.transaction)) places[0].transaction = transaction.id;
    return;
  }
  if (state.open.delete(transaction.id) && transaction.user === state.me?.id) state.ended = transaction;
  for (const place of places) if (place.transaction === transaction.id) place.transaction = null;
}

const NEWS_AFTER_MS = 5000;
let newsTimer;
let saveTimer;
let schedulesTimer;

async function heard(message, first) {
  state.at = Date.now();
  const { event } = message;
  if (event === "alive") return changed();
  if (event === "hello" || event === "reset") {
    try {
      // A resumed line says `hello`, then what was missed; `reset` says that it cannot.
      await (first || event === "reset" || !state.loaded ? loadAll() : loadValues());
      line?.stands();
    } catch (error) {
      if (error instanceof SignedOut) ended(error.message);
      else line?.later();
    }
    return undefined;
  }
  apply(message);
  held?.push(message);
  for (const listener of eventListeners) listener(message);
  if (event.startsWith("schedule.")) {
    clearTimeout(schedulesTimer);
    schedulesTimer = setTimeout(() => loadSchedules().catch(() => {}), 300);
  }
  if (event.startsWith("transaction.") || event.startsWith("schedule.")) {
    // The bell rings a little later than things happen.
    clearTimeout(newsTimer);
    newsTimer = setTimeout(() => loadUnread().catch(() => {}), NEWS_AFTER_MS);
  }
  clearTimeout(saveTimer);
  saveTimer = setTimeout(save, 1000);
  return changed();
}

let ended = () => {};
let line = null;

/** Begin to listen; `onEnd(why)` is told when the sign-in has ended. */
export function listen(onEnd) {
  ended = onEnd;
  line = new Line({
    heard,
    state(name) {
      if (name === "live") state.at = Date.now();
      else if (state.line === "live") save();
      state.line = name;
      changed();
    },
    signedOut: (why) => ended(why),
  });
  line.start();
}

addEventListener("pagehide", () => line && save());

export function deafen() {
  line?.stop();
  line = null;
}
