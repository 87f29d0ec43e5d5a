// What one was told, and what this phone is to be told of.

import { h, icon, notice, button, toast, toggle } from "./dom.js";
import { permitted, pushable, subscribe, subscribed, unsubscribe } from "./push.js";
import { call, Failed, remembered } from "./session.js";
import { older, trouble } from "./sessions.js";
import { changed, state } from "./store.js";
import { label, moment, t } from "./texts.js";

const PLACES = { session: /^\/transactions\/(\d+)\//, station: /^\/stations\/([^/]+)\// };

function placeOf(path) {
  const session = PLACES.session.exec(path);
  if (session) return `#/sessions/${session[1]}`;
  const station = PLACES.station.exec(path);
  return station ? `#/at/${station[1]}` : null;
}

export function news(main) {
  const place = h("div", { class: "stack" });
  main.append(h("h1", { tabindex: -1 }, t("News")), place);
  let over = false;

  async function load() {
    try {
      const [told, wishes] = await Promise.all([remembered("notifications/?page_size=30"), remembered("me/notifications/")]);
      if (over) return;
      place.replaceChildren(...[older(told), list(told.data), await here(wishes.data), kinds(wishes.data)].filter(Boolean));
      if (!told.old && wishes.data.unread) {
        await call("notifications/read/", { method: "POST", body: {} });
        state.unread = 0;
        changed();
      }
    } catch (error) {
      if (!over) place.replaceChildren(trouble(error, load));
    }
  }

  function list({ results }) {
    if (!results.length) return h("section", { class: "card empty" }, icon("bell"), h("p", {}, t("Nothing yet. What happens to your sessions is told here.")));
    return h("section", { class: "card" }, h("ul", { class: "list news" }, results.map((one) => {
      const target = placeOf(one.path);
      const inside = [h("span", { class: `dot ${one.read ? "" : "new"}` }), h("span", { class: "grow" }, h("strong", { class: "block" }, one.title), h("span", { class: "block lines" }, one.text), h("span", { class: "small quiet" }, moment(one.created_at)), one.read ? null : h("span", { class: "visually-hidden" }, t("new")))];
      return h("li", {}, target ? h("a", { class: "row", href: target }, inside, icon("next")) : h("div", { class: "row" }, inside));
    })));
  }

  async function here({ push_key: key }) {
    const title = h("h2", {}, t("On this phone"));
    const card = h("section", { class: "card" }, title);
    if (!pushable()) {
      card.append(notice(t("This browser takes no push here. It needs https, and on an iPhone the app on the home screen."), "", "bell"));
      return card;
    }
    const on = await subscribed();
    const why = h("p", { class: "problem", role: "alert", hidden: true });
    card.append(toggle(t("Tell me on this phone"), Boolean(on), async (wanted, input) => {
      input.disabled = true;
      why.hidden = true;
      try {
        if (wanted) await subscribe(key);
        else await unsubscribe();
      } catch (error) {
        input.checked = !wanted;
        why.textContent = permitted() === "denied" ? t("The browser does not allow notifications of this app. Allow them in its settings.") : t("It did not work: %(why)s", { why: error.message });
        why.hidden = false;
      }
      input.disabled = false;
    }), why);
    return card;
  }

  function kinds(wishes) {
    const rows = Object.entries(wishes.events).map(([kind, channels]) => {
      const box = (channel) => {
        const input = h("input", { type: "checkbox", checked: channels[channel], "aria-label": `${label("kind", kind)}: ${label("channel", channel)}`, on: { change: () => wish(kind, channel, input) } });
        return h("label", { class: "tick" }, input, h("span", {}, label("channel", channel)));
      };
      return h("li", { class: "wish" }, h("p", {}, label("kind", kind)), h("div", { class: "ticks" }, box("push"), wishes.sends_mail ? box("email") : null, box("portal")));
    });
    return h("section", { class: "card" }, h("h2", {}, t("What I want to be told")), h("ul", { class: "list" }, rows));
  }

  async function wish(kind, channel, input) {
    try {
      await call("me/notifications/", { method: "PATCH", body: { events: { [kind]: { [channel]: input.checked } } } });
    } catch (error) {
      input.checked = !input.checked;
      toast(error instanceof Failed ? error.message : t("There is no connection: nothing was changed."), "error");
    }
  }

  load();
  return () => (over = true);
}
