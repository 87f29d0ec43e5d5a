// Start and Stop: one at a time, in sight from the press to the station's answer, also across a reload.
//
// Nothing is ever sent again by itself: a car that begins to charge an hour after a finger was on the button is worse
// than one that does not. Where the answer was lost, the app looks whether the command arrived, and says so.

import { keep, kept } from "./keep.js";
import { call, Failed, now, Unreachable } from "./session.js";
import { changed, onEvent, state } from "./store.js";
import { t } from "./texts.js";

const WAITING = ["queued", "sent"];
const POLL_MS = 3000;
const BEGINS_WITHIN_MS = 60_000;
/** How long an outcome stays in sight, where nobody closes it. */
const SHOWN_MS = { done: 10_000, refused: 600_000 };
let inFlight = false;

/** {kind, station, connector, sent, id, phase, text}; phases: sending, waiting, beginning, unknown, done, refused */
export const act = { now: kept("act") };

function set(changes) {
  act.now = changes && { ...act.now, ...changes, at: now() };
  keep("act", act.now);
  changed();
}

export const busy = () => Boolean(act.now) && ["sending", "waiting"].includes(act.now.phase);
export function dismiss() {
  act.now = null;
  keep("act", null);
  changed();
}

/** `body` is the neutral command; `kind` "start" or "stop". */
export async function perform(kind, station, connector, body) {
  if (busy()) return;
  act.now = null;
  set({ kind, station, connector, sent: now(), id: null, phase: "sending", text: t("Sending…") });
  const key = [...crypto.getRandomValues(new Uint8Array(16))].join("-");
  inFlight = true;
  try {
    const made = await call(`stations/${encodeURIComponent(station)}/commands/`, { method: "POST", body, key });
    take(made);
  } catch (error) {
    if (error instanceof Failed) set({ phase: "refused", text: [error.message, ...Object.values(error.fields)].filter((one, at, all) => all.indexOf(one) === at).join(" ") });
    else if (error instanceof Unreachable) {
      set({ phase: "unknown", text: t("The connection broke before the server answered. When it is back, the app looks whether this arrived.") });
      setTimeout(lookWhenBack, 1000);
    } else {
      dismiss();
      throw error;
    }
  } finally {
    inFlight = false;
  }
}

function take(command) {
  if (!act.now) return;
  const phase = WAITING.includes(command.status) ? "waiting" : command.status === "accepted" ? "done" : "refused";
  const begins = phase === "done" && act.now.kind === "start";
  set({ id: command.id, phase: begins ? "beginning" : phase, text: command.outcome, until: now() + BEGINS_WITHIN_MS });
  if (phase === "waiting") setTimeout(poll, POLL_MS);
  if (begins) settle();
}

async function look() {
  if (!act.now?.id) return;
  try {
    take(await call(`commands/${act.now.id}/`));
  } catch (error) {
    // No answer is asked for again; what is gone or not one's own any more is not.
    if (error instanceof Failed) dismiss();
    else setTimeout(poll, POLL_MS);
  }
}

function poll() {
  if (act.now?.phase === "waiting") look();
}

/** An accepted start is done when its session is there; what is over goes from sight after a while. */
export function settle() {
  if (now() - act.now?.at > SHOWN_MS[act.now?.phase]) dismiss();
  if (act.now?.phase !== "beginning") return;
  const begun = [...state.open.values()].some((one) => one.station === act.now.station && one.user === state.me?.id && Date.parse(one.started) > act.now.sent - 120_000);
  if (begun) set({ phase: "done", text: t("Charging has begun.") });
  else if (now() > act.now.until) set({ phase: "refused", text: t("The station accepted, but no session has begun. Is the cable plugged in on both sides?") });
}

/** After a lost answer: whether the command is at the server. */
async function lookWhenBack() {
  if (act.now?.phase !== "unknown") return;
  const { station, kind, sent } = act.now;
  try {
    const { results } = await call(`stations/${encodeURIComponent(station)}/commands/?command=${kind}&page_size=10`);
    const mine = results.find((one) => one.user === state.me?.id && Date.parse(one.created) > sent - 5000);
    if (mine) take(mine);
    else set({ phase: "refused", text: kind === "start" ? t("It did not reach the server: nothing was started.") : t("It did not reach the server: nothing was stopped.") });
  } catch {
    // Still away: the next time the line stands it is looked for again.
  }
}

/** Go on with what was under way: when the app opens, and whenever the line stands again. */
export function resume() {
  if (act.now?.phase === "sending" && !inFlight) set({ phase: "unknown" });
  if (act.now?.phase === "unknown") lookWhenBack();
  else if (act.now?.phase === "waiting") look();
  settle();
}

onEvent(({ event, data }) => {
  if (event === "command.updated" && data.id === act.now?.id && act.now.phase === "waiting") look();
  if (event.startsWith("transaction.")) settle();
});
