// Oneself: name, language, look, defaults; the end of the sign-in.

import { button, complain, field, h, icon, notice, segments, select, toast } from "./dom.js";
import { installable } from "./install.js";
import { call, Failed } from "./session.js";
import { changed, state } from "./store.js";
import { label, language, speak, t, useZone } from "./texts.js";

export function wear(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    /* A browser that keeps nothing is told again each time. */
  }
}

/** `again` draws everything anew, as after a change of the language; `leave` ends the sign-in. */
export function me(main, { again, leave }) {
  const { me: person } = state;
  async function set(changes) {
    try {
      state.me = await call("me/", { method: "PATCH", body: changes });
      changed();
      return true;
    } catch (error) {
      toast(error instanceof Failed ? error.message : t("There is no connection: nothing was changed."), "error");
      return false;
    }
  }
  const languages = [["", t("As the browser")], ["en", "English"], ["de", "Deutsch"]];
  const themes = ["system", "light", "dark"].map((one) => [one, label("theme", one)]);
  const spoken = select(languages, person.language, { on: { change: async () => {
    if (!(await set({ language: spoken.value }))) return;
    await speak(spoken.value);
    again();
  } } });
  const look = h("div", { class: "field" }, h("span", { class: "label" }, t("Theme")), segments(t("Theme"), themes, person.theme, async (theme) => {
    wear(theme);
    if (!(await set({ theme }))) wear(person.theme);
  }));
  const name = h("input", { value: person.name, autocomplete: "name", maxlength: 150, on: { change: () => set({ name: name.value }) } });
  const zones = h("datalist", { id: "zones" }, (Intl.supportedValuesOf?.("timeZone") || []).map((one) => h("option", { value: one })));
  const zone = h("input", { value: person.time_zone, list: "zones", autocomplete: "off", placeholder: Intl.DateTimeFormat().resolvedOptions().timeZone, on: { change: async () => {
    if (await set({ time_zone: zone.value })) useZone(zone.value);
  } } });
  const tag = select([["", "–"], ...state.tags.map((one) => [one.id, one.name || one.id_tag])], person.default_id_tag, { on: { change: () => set({ default_id_tag: Number(tag.value) || null }) } });
  const car = select([["", "–"], ...state.cars.map((one) => [one.id, one.name])], person.default_car, { on: { change: () => set({ default_car: Number(car.value) || null }) } });
  const roles = person.organizations.map((one) => h("li", { class: "row" }, h("span", { class: "grow" }, one.name), h("span", { class: "chip off" }, label("role", one.role))));
  main.append(
    h("h1", { tabindex: -1 }, t("Profile")),
    h("div", { class: "columns" },
      h("section", { class: "card form" }, h("p", { class: "quiet" }, person.email), field(t("Name"), name, { name: "name" }), field(t("Language"), spoken, { name: "language" }), look, field(t("Time zone"), zone, { name: "time_zone" }), zones),
      h("section", { class: "card form" }, h("h2", {}, t("When I charge")), field(t("Id tag"), tag, { name: "default_id_tag", hint: t("The tag that Start uses") }), field(t("Car"), car, { name: "default_car" })),
      h("section", { class: "card" }, h("h2", {}, t("Where you belong")), h("ul", { class: "list" }, roles)),
      password(leave),
      h("section", { class: "card form" }, h("h2", {}, t("App")), installable(), h("a", { class: "button tonal wide", href: "/" }, h("span", {}, t("Open the portal"))), button(t("Sign out"), { kind: "wide danger", sign: "out", on: { click: () => leave() } }), h("p", { class: "small quiet centred" }, `${t("Version")} ${document.body.dataset.version}`)),
    ),
  );
  return () => {};
}

function password(leave) {
  const old = h("input", { type: "password", autocomplete: "current-password", required: true });
  const fresh = h("input", { type: "password", autocomplete: "new-password", required: true, minlength: 10 });
  const problem = h("div");
  const form = h("form", { class: "form", on: { submit: change } }, field(t("Old password"), old, { name: "old_password" }), field(t("New password"), fresh, { name: "new_password", hint: t("At least 10 characters") }), problem, button(t("Change password"), { kind: "tonal", type: "submit" }));
  async function change(event) {
    event.preventDefault();
    try {
      await call("me/password/", { method: "POST", body: { old_password: old.value, new_password: fresh.value } });
      leave(t("The password is changed. Sign in with the new one."));
    } catch (error) {
      problem.replaceChildren(notice(error instanceof Failed ? complain(form, error) || error.message : t("There is no connection: nothing was changed."), "error"));
    }
  }
  return h("details", { class: "card" }, h("summary", {}, h("h2", { class: "grow" }, t("Password")), icon("next")), form);
}
