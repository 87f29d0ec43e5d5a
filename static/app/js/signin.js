// The door.

import { button, complain, field, h, icon, notice } from "./dom.js";
import { Failed, signIn } from "./session.js";
import { t } from "./texts.js";

/** `why` says why one is here again; `done` is told when someone is in. */
export function signInPage(place, why, done) {
  const email = h("input", { type: "email", autocomplete: "username", required: true, inputmode: "email", autocapitalize: "none" });
  const password = h("input", { type: "password", autocomplete: "current-password", required: true });
  const problem = h("div");
  const submit = button(t("Sign in"), { kind: "filled wide", type: "submit" });
  const form = h("form", { class: "card form", on: { submit: enter } }, field(t("E-mail address"), email, { name: "email" }), field(t("Password"), password, { name: "password" }), problem, submit, h("a", { href: "/password/", class: "centred" }, t("Forgot the password?")));
  place.replaceChildren(h("main", { class: "door", id: "main" }, h("div", { class: "door-mark" }, icon("bolt")), h("h1", { tabindex: -1 }, "Mobility"), h("p", { class: "quiet centred" }, t("Charge your car")), why ? notice(why, "warn") : null, form));
  email.focus();

  async function enter(event) {
    event.preventDefault();
    submit.disabled = true;
    problem.replaceChildren();
    try {
      await signIn(email.value.trim(), password.value);
      done();
    } catch (error) {
      const text = error instanceof Failed ? complain(form, error) || error.message : t("The server does not answer. Check the connection, then try again.");
      problem.replaceChildren(notice(text, "error"));
      submit.disabled = false;
      password.select();
    }
  }
}
