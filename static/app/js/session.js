// The sign-in of this browser: an access token that lives minutes, and a refresh token that works once.
//
// All tabs share both through localStorage. One at a time refreshes (Web Locks), each attempt under a key that is kept
// until its answer has come: a lost answer is asked for again under the same key and comes again.

import { forget, keep, kept } from "./keep.js";

const API = "/api/v1/";
const EARLY_MS = 60_000;
const WAIT_MS = 15_000;
const LOSER_WAITS_MS = 3_000;

export class Unreachable extends Error {}
export class SignedOut extends Error {}
export class Failed extends Error {
  constructor(status, said) {
    super(said?.message || `HTTP ${status}`);
    this.status = status;
    this.code = said?.code || "";
    this.fields = said?.fields || {};
  }
}

export const session = () => kept("session");
export const headers = { language: "en", zone: "" };

/** A request and its answer. Raises Unreachable where no answer of the server came. */
export async function send(path, { method = "GET", body, token, key } = {}) {
  const told = { Accept: "application/json", "Accept-Language": headers.language };
  if (headers.zone) told["Time-Zone"] = headers.zone;
  if (token) told.Authorization = `Bearer ${token}`;
  if (key) told["Idempotency-Key"] = key;
  if (body !== undefined) told["Content-Type"] = "application/json";
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), WAIT_MS);
  try {
    const answer = await fetch(API + path, {
      method, headers: told, body: body === undefined ? undefined : JSON.stringify(body),
      signal: stop.signal, cache: "no-store", credentials: "omit",
    });
    if ([502, 503, 504].includes(answer.status)) throw new Unreachable(String(answer.status));
    return answer;
  } catch (error) {
    if (error instanceof Unreachable) throw error;
    throw new Unreachable(error.message);
  } finally {
    clearTimeout(timer);
  }
}

async function failure(answer) {
  return new Failed(answer.status, await answer.json().catch(() => null));
}

/** How long a token lives, in ms, by its own account: the phone's clock need not be right. */
function lifetime(access) {
  try {
    const { exp, iat } = JSON.parse(atob(access.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return (exp - iat) * 1000;
  } catch {
    return 0;
  }
}

function store(pair, email) {
  keep("session", { ...pair, email, until: Date.now() + lifetime(pair.access) });
}

export async function signIn(email, password) {
  const answer = await send("auth/token/", { method: "POST", body: { email, password } });
  if (!answer.ok) throw await failure(answer);
  store(await answer.json(), email);
}

/** A token that works now. `rejected` is one that the server did not take. Raises SignedOut or Unreachable. */
export async function token(rejected) {
  const now = session();
  if (!now) throw new SignedOut();
  const left = now.until - Date.now();
  // A clock that was set back must not make a token seem to live for hours.
  const fresh = left > EARLY_MS && left <= lifetime(now.access);
  if (now.access !== rejected && fresh) return now.access;
  return alone(() => refresh(rejected));
}

let line = Promise.resolve();
function alone(work) {
  if (navigator.locks) return navigator.locks.request("app.refresh", work);
  // Without locks (no https) a tab at least waits for itself; between tabs the server lets one win.
  line = line.then(work, work);
  return line;
}

async function refresh(rejected) {
  const before = session();
  if (!before) throw new SignedOut();
  const left = before.until - Date.now();
  // Another tab was faster.
  if (before.access !== rejected && left > EARLY_MS && left <= lifetime(before.access)) return before.access;
  let attempt = kept("refreshing");
  if (attempt?.refresh !== before.refresh) {
    attempt = { refresh: before.refresh, key: [...crypto.getRandomValues(new Uint8Array(16))].join("-") };
    keep("refreshing", attempt);
  }
  const answer = await send("auth/token/refresh/", { method: "POST", body: { refresh: before.refresh }, key: attempt.key });
  if (answer.ok) {
    store(await answer.json(), before.email);
    keep("refreshing", null);
    return session().access;
  }
  const why = await failure(answer);
  if (why.code === "token_already_rotated") {
    const theirs = await changed(before.refresh);
    if (theirs) return theirs;
  }
  if (answer.status !== 401) throw why;
  end();
  dispatchEvent(new CustomEvent("signed-out", { detail: why.message }));
  throw new SignedOut(why.message);
}

/** What the tab that won has stored, as soon as it has. */
async function changed(refreshToken) {
  for (const end = Date.now() + LOSER_WAITS_MS; Date.now() < end; ) {
    await new Promise((resume) => setTimeout(resume, 100));
    const now = session();
    if (now && now.refresh !== refreshToken) return now.access;
  }
  return null;
}

/** Forget who was here. What waits to be told to the server, and the look of the app, stay. */
export function end() {
  forget("ending", "language");
}

export async function signOut() {
  const now = session();
  if (now) keep("ending", [...(kept("ending") || []), now.refresh]);
  end();
  await endLate();
}

/** Tell the server of sign-outs that it has not heard of, because there was no network. */
export async function endLate() {
  for (const refreshToken of kept("ending") || []) {
    try {
      await send("auth/logout/", { method: "POST", body: { refresh: refreshToken } });
    } catch {
      return;
    }
    const left = (kept("ending") || []).filter((one) => one !== refreshToken);
    keep("ending", left.length ? left : null);
  }
}

/** A call of the REST API as the one who is signed in; -> parsed JSON, or the answer itself with `raw`. */
export async function call(path, { method, body, raw = false, key } = {}) {
  let access = await token();
  let answer = await send(path, { method, body, token: access, key });
  if (answer.status === 401) {
    access = await token(access);
    answer = await send(path, { method, body, token: access, key });
  }
  if (!answer.ok) throw await failure(answer);
  const date = Date.parse(answer.headers.get("Date") || "");
  if (date) skew = date - Date.now();
  if (raw) return answer;
  return answer.status === 204 ? null : answer.json();
}

let skew = 0;
/** The server's clock: what elapses is counted by it. */
export const now = () => Date.now() + skew;

/** A GET whose last answer is kept: -> {data, at, old}; `old` where the server could not be asked. */
export async function remembered(path) {
  try {
    const data = await call(path);
    // Who has left meanwhile leaves nothing behind.
    if (session()) keep(`got.${path}`, { data, at: Date.now() });
    return { data, at: Date.now(), old: false };
  } catch (error) {
    const before = kept(`got.${path}`);
    if (error instanceof Unreachable && before) return { ...before, old: true };
    throw error;
  }
}
