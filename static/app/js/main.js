// Where it begins: language and look, the sign-in, the frame around each page, and which page it is.

import { act, resume } from "./act.js";
import { button, h, icon, say, show, toast } from "./dom.js";
import { home } from "./home.js";
import { install } from "./install.js";
import { keep } from "./keep.js";
import { me, wear } from "./me.js";
import { news } from "./news.js";
import { renew, unsubscribe } from "./push.js";
import { schedule } from "./schedule.js";
import { endLate, session, SignedOut, signOut } from "./session.js";
import { sessionPage, sessions } from "./sessions.js";
import { signInPage } from "./signin.js";
import { clear, deafen, go, listen, loadSchedules, onChange, recall, state } from "./store.js";
import { ago, clockSeconds, language, speak, t, useZone } from "./texts.js";

const root = document.getElementById("app");
const PAGES = [
  ["", "home", () => t("Charge")],
  ["schedule", "calendar", () => t("Schedule")],
  ["sessions", "receipt", () => t("Sessions")],
  ["news", "bell", () => t("News")],
  ["me", "person", () => t("Profile")],
];
let leavePage = () => {};
let frame = null;
let worn = "";
let spoken = "";
let wasLive = false;
let newVersion = null;

// --- The frame --------------------------------------------------------------------------------------------------------

function drawFrame() {
  const lineWord = h("span");
  const line = h("span", { class: "live", role: "status" }, lineWord);
  const banner = h("p", { class: "notice warn banner", role: "status", hidden: true }, icon("offline"), h("span"));
  const update = h("div", { class: "notice banner", role: "status", hidden: true }, icon("again"), h("span", { class: "grow" }, t("There is a new version of the app.")), button(t("Reload"), { kind: "filled", on: { click: () => newVersion?.() } }));
  const main = h("main", { id: "main", tabindex: -1 });
  const links = PAGES.map(([path, sign, name]) => {
    const count = path === "news" ? h("span", { class: "badge", hidden: true }) : null;
    return h("a", { href: `#/${path}`, "data-page": path }, h("span", { class: "tab-sign" }, icon(sign), count), h("span", {}, name()));
  });
  const nav = h("nav", { class: "tabs", "aria-label": t("Main") }, links);
  const brand = h("span", { class: "brand" }, h("span", { class: "brand-mark" }, icon("bolt")), h("span", {}, "Mobility"));
  root.replaceChildren(h("header", { class: "top" }, brand, line), h("div", { class: "banners" }, update, banner), main, nav);
  frame = { line, lineWord, banner, update, main, nav };
  drawLine();
}

function drawLine() {
  if (!frame) return;
  const { line, lineWord, banner, update, nav } = frame;
  line.dataset.state = state.line;
  say(lineWord, { live: t("Live"), connecting: t("Connecting…"), offline: t("Offline") }[state.line]);
  const since = state.at ? t("What you see is from %(time)s (%(ago)s).", { time: clockSeconds(state.at), ago: ago(Date.now() - state.at) }) : "";
  show(banner, state.line === "offline");
  const reason = navigator.onLine === false ? t("This phone is offline.") : t("The server does not answer.");
  say(banner.lastChild, `${reason} ${since}`.trim());
  document.body.dataset.line = state.line;
  show(update, newVersion);
  const badge = nav.querySelector(".badge");
  show(badge, state.unread);
  say(badge, state.unread > 9 ? "9+" : String(state.unread));
}

function onState() {
  drawLine();
  if (state.me && worn !== state.me.theme) wear((worn = state.me.theme));
  if (state.me?.language && state.me.language !== spoken) {
    // What was chosen elsewhere, for instance in the portal.
    spoken = state.me.language;
    if (spoken !== language) speak(spoken).then(redraw).then(loadSchedules).catch(() => {});
  }
  if (state.line === "live" && !wasLive) resume();
  wasLive = state.line === "live";
  if (state.loaded && frame && frame.main.dataset.page === undefined) route();
}

// --- Pages ------------------------------------------------------------------------------------------------------------

function route(focus = false) {
  if (!frame || !session()) return;
  const [page = "", ...rest] = location.hash.replace(/^#\//, "").split("/");
  if (page === "at") {
    arrive(decodeURIComponent(rest.join("/")));
    location.replace("#/");
    return;
  }
  leavePage();
  leavePage = () => {};
  const { main, nav } = frame;
  main.replaceChildren();
  if (!state.loaded) {
    delete main.dataset.page;
    main.append(h("p", { class: "quiet centred loading" }, t("Loading…")));
    return;
  }
  main.dataset.page = page;
  for (const link of nav.children) {
    if (link.dataset.page === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (page === "sessions" && /^\d+$/.test(rest[0] || "")) leavePage = sessionPage(main, rest[0]);
  else if (page === "sessions") leavePage = sessions(main);
  else if (page === "schedule") leavePage = schedule(main);
  else if (page === "news") leavePage = news(main);
  else if (page === "me") leavePage = me(main, { again: redraw, leave });
  else leavePage = home(main);
  document.title = `${main.querySelector("h1")?.textContent || ""} · Mobility`;
  scrollTo(0, 0);
  if (focus) main.querySelector("h1")?.focus();
}

function redraw() {
  leavePage();
  leavePage = () => {};
  drawFrame();
  route();
}

async function arrive(identity, connector) {
  try {
    await go(identity, connector);
  } catch {
    // What was asked for is kept: it is shown as soon as there is a connection.
  }
}

// --- In and out -------------------------------------------------------------------------------------------------------

/** A QR code names a station: /app/?station=X&connector=1-1 */
function asked() {
  const query = new URLSearchParams(location.search);
  const station = query.get("station");
  return station ? { station, connector: query.get("connector") || undefined } : null;
}

async function enter() {
  const wanted = asked();
  if (wanted) {
    history.replaceState(null, "", "/app/#/");
    keep("chosen", wanted);
  }
  recall();
  useZone(state.me?.time_zone);
  drawFrame();
  route();
  if (wanted && state.loaded) arrive(wanted.station, wanted.connector);
  listen((why) => door(why || t("Your sign-in has ended. Sign in again.")));
}

function door(why = "") {
  deafen();
  leavePage();
  leavePage = () => {};
  frame = null;
  act.now = null;
  clear();
  document.title = `${t("Sign in")} · Mobility`;
  signInPage(root, why, async () => {
    keep("arrived", true);
    await enter();
    renew().catch(() => {});
  });
}

async function leave(why = "") {
  deafen();
  try {
    await unsubscribe();
  } catch {
    // Without a network the push service is told when it next has something for this phone.
  }
  const ending = signOut();
  door(why);
  await ending;
}

async function begin() {
  await speak();
  onChange(onState);
  onChange(() => useZone(state.me?.time_zone));
  addEventListener("hashchange", () => route(true));
  // Another tab has signed out, or in.
  addEventListener("storage", (event) => {
    if (event.key !== "app.session") return;
    if (!event.newValue && frame) door(t("Your sign-in has ended. Sign in again."));
    else if (event.newValue && !frame) enter();
  });
  addEventListener("signed-out", (event) => frame && door(event.detail));
  // Whoever waited for an answer hears no more of it: the door is open already.
  addEventListener("unhandledrejection", (event) => event.reason instanceof SignedOut && event.preventDefault());
  addEventListener("online", endLate);
  setInterval(drawLine, 10_000);
  install(
    (take) => {
      newVersion = take;
      drawLine();
    },
    (target) => {
      const url = new URL(target, location.origin);
      const station = url.searchParams.get("station");
      if (station) location.hash = `#/at/${encodeURIComponent(station)}`;
      else location.hash = url.hash;
    },
  ).catch((error) => toast(error.message, "error"));
  endLate();
  if (session()) await enter();
  else door();
}

begin();
