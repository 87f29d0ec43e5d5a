// Words and figures in the language of whoever reads. The English text is the key; German comes from the server's catalogue.

import { keep, kept } from "./keep.js";
import { headers } from "./session.js";

const LANGUAGES = ["en", "de"];
let table = {};
export let language = "en";
let zone;

export function preferred() {
  const wanted = [kept("language"), ...navigator.languages].filter(Boolean);
  return wanted.map((one) => one.slice(0, 2).toLowerCase()).find((one) => LANGUAGES.includes(one)) || "en";
}

/** Speak a language from now on; "" is that of the browser. */
export async function speak(wanted) {
  if (wanted !== undefined) keep("language", wanted || null);
  language = preferred();
  const answer = await fetch(new URL(`../texts.${language}.json`, import.meta.url));
  table = answer.ok ? await answer.json() : {};
  document.documentElement.lang = headers.language = language;
}

export function useZone(name) {
  zone = name || undefined;
  headers.zone = name || Intl.DateTimeFormat().resolvedOptions().timeZone || "";
}

/** The text in the language spoken, its %(name)s filled from `values`. */
export function t(text, values) {
  const found = table[text] ?? text;
  return values ? found.replace(/%\((\w+)\)s/g, (_, name) => values[name]) : found;
}

/** The label of a value that the API gives: label("status", "Charging"). */
export function label(kind, value) {
  return table[`${kind}:${value}`] ?? value;
}

const inRegion = () => (language === "de" ? "de-DE" : "en-GB");
export function number(value, places = 0) {
  return new Intl.NumberFormat(inRegion(), { minimumFractionDigits: places, maximumFractionDigits: places }).format(value);
}
const NONE = "–";
export const kw = (watts) => (watts === null || watts === undefined ? NONE : number(watts / 1000, watts < 100_000 ? 1 : 0));
export const kwh = (wh) => (wh === null || wh === undefined ? NONE : number(wh / 1000, 2));
export const percent = (value) => (value === null || value === undefined ? NONE : number(value));
export function money(amount, currency = "EUR", places = 2) {
  if (amount === null || amount === undefined) return NONE;
  const form = new Intl.NumberFormat(inRegion(), { style: "currency", currency, currencyDisplay: "narrowSymbol" });
  const symbol = form.formatToParts(0).find((part) => part.type === "currency").value;
  return `${number(amount, places)} ${symbol}`;
}
function dated(at, form) {
  return at ? new Intl.DateTimeFormat(inRegion(), { timeZone: zone, ...form }).format(new Date(at)) : NONE;
}
export const clock = (at) => dated(at, { hour: "2-digit", minute: "2-digit" });
export const clockSeconds = (at) => dated(at, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const day = (at) => dated(at, { weekday: "short", day: "numeric", month: "short" });
export const moment = (at) => dated(at, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
/** A day of the calendar, such as "2026-11-26", which is the same in every zone. */
export const calendarDay = (text) =>
  new Intl.DateTimeFormat(inRegion(), { timeZone: "UTC", day: "numeric", month: "short" }).format(new Date(text.slice(0, 10)));
export function weekday(index, form = "short") {
  return new Intl.DateTimeFormat(inRegion(), { weekday: form, timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + index)));
}

/** h:mm:ss */
export function elapsed(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value) => String(value).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

export function ago(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return t("less than a minute ago");
  if (minutes < 60) return t("%(count)s min ago", { count: minutes });
  return minutes < 2880 ? t("%(count)s h ago", { count: Math.floor(minutes / 60) }) : t("%(count)s days ago", { count: Math.floor(minutes / 1440) });
}
