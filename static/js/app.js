// The little that pages do by themselves: the live line's state, asking before hard commands, toasts, clocks, theme.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const say = (name) => document.body.dataset[name] || "";

  // --- Clocks: the server's time, so that a wrong clock here shows no wrong duration --------------------------------
  const ahead = Date.parse(say("now")) - Date.now() || 0;
  const now = () => Date.now() + ahead;
  const two = (number) => String(number).padStart(2, "0");
  const relative = new Intl.RelativeTimeFormat(root.lang || "en", { numeric: "auto", style: "short" });

  function lasted(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    const hours = Math.floor(whole / 3600);
    const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
    return hours ? `${hours}:${rest}` : rest;
  }
  function ago(seconds) {
    if (seconds < 45) return relative.format(0, "second");
    if (seconds < 5400) return relative.format(-Math.round(seconds / 60), "minute");
    if (seconds < 129600) return relative.format(-Math.round(seconds / 3600), "hour");
    return relative.format(-Math.round(seconds / 86400), "day");
  }
  function tick(within = document) {
    for (const element of all("time[data-since]", within)) {
      element.textContent = lasted((now() - Date.parse(element.dateTime)) / 1000);
    }
    for (const element of all("time[data-ago]", within)) {
      element.title ||= new Date(element.dateTime).toLocaleString(root.lang, { timeZone: say("zone") || undefined });
      element.textContent = ago((now() - Date.parse(element.dateTime)) / 1000);
    }
  }
  tick();
  setInterval(tick, 1000);

  // --- Toasts -------------------------------------------------------------------------------------------------------
  const toasts = document.getElementById("toasts");
  function dismiss(toast) {
    toast.classList.add("leaving");
    setTimeout(() => toast.remove(), 220);
  }
  function watchToasts() {
    for (const toast of all(".toast:not([data-timed])", toasts)) {
      toast.dataset.timed = "1";
      setTimeout(() => dismiss(toast), toast.classList.contains("error") ? 12000 : 6000);
    }
  }
  function toast(message, level = "error") {
    const copy = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    copy.classList.add(level);
    copy.querySelector("[data-message]").textContent = message;
    toasts.append(copy);
  }
  if (toasts) {
    new MutationObserver(watchToasts).observe(toasts, { childList: true });
    watchToasts();
  }

  // --- The live line ------------------------------------------------------------------------------------------------
  const line = document.getElementById("live-line");
  let again = false;
  let leaving = false;
  addEventListener("pagehide", () => (leaving = true));

  function liveState(state) {
    const shown = document.getElementById("live");
    if (!shown) return;
    shown.dataset.state = state;
    shown.querySelector(".live-word").textContent = say(state === "live" ? "wordLive" : "wordReconnecting");
    shown.title = shown.querySelector(".live-word").textContent;
  }
  if (window.htmx && line) {
    htmx.config.wsReconnectDelay = (attempt) => Math.min(500 * 2 ** attempt, 8000) * (0.5 + Math.random() / 2);
    // A line made again asks for the whole state: what happened meanwhile is in it.
    htmx.createWebSocket = (url) => new WebSocket(again ? `${url}&again=1` : url);
    document.body.addEventListener("htmx:wsOpen", () => (again = true));
    document.body.addEventListener("htmx:wsClose", (event) => {
      if (leaving) return;
      if (event.detail.event.code === 4403) location.reload();
      else liveState("reconnecting");
    });
    // What is replaced under the keyboard's focus gets it back.
    let focused = "";
    document.body.addEventListener("htmx:wsBeforeMessage", () => (focused = document.activeElement?.id || ""));
    document.body.addEventListener("htmx:wsAfterMessage", () => {
      if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
      tick();
    });
  }

  // --- Requests -----------------------------------------------------------------------------------------------------
  document.body.addEventListener("htmx:sendError", (event) => {
    // What asks by itself says nothing: the live line's state does.
    if (!event.detail.elt?.closest("[data-quiet]")) toast(say("wordNoServer"));
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    // The station's answer may come over the live line before the answer to the press of the button.
    const command = event.detail.xhr.getResponseHeader("X-Command");
    const shown = event.detail.target && document.getElementById(event.detail.target.id);
    if (command && shown?.dataset.command === command) event.detail.shouldSwap = false;
  });
  document.body.addEventListener("htmx:afterSettle", () => tick());

  // --- Asking first -------------------------------------------------------------------------------------------------
  const dialog = document.getElementById("confirm");
  function ask(question, title, proceed) {
    dialog.querySelector("[data-question]").textContent = question;
    dialog.querySelector("[data-title]").textContent = title;
    dialog.querySelector("[data-yes]").textContent = title;
    dialog.returnValue = "";
    dialog.onclose = () => dialog.returnValue === "yes" && proceed();
    dialog.showModal();
  }
  document.body.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    const source = event.detail.elt;
    ask(event.detail.question, source.dataset.title || source.textContent.trim(), () => event.detail.issueRequest(true));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "post" && !form.elements.csrfmiddlewaretoken) {
      // A form that came over the live line, which knows nothing of this page's token.
      const token = document.createElement("input");
      Object.assign(token, { type: "hidden", name: "csrfmiddlewaretoken" });
      token.value = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
      form.append(token);
    }
    if (!form.dataset.confirm || form.dataset.confirmed) return;
    event.preventDefault();
    ask(form.dataset.confirm, form.dataset.title, () => {
      form.dataset.confirmed = "1";
      form.requestSubmit();
    });
  });

  // --- Small things -------------------------------------------------------------------------------------------------
  const themes = { system: "brightness_auto", light: "light_mode", dark: "dark_mode" };
  function applyTheme(theme) {
    root.dataset.theme = theme;
    for (const button of all("[data-theme-toggle]")) {
      button.querySelector(".icon").textContent = themes[theme];
      button.title = button.dataset[theme];
      button.setAttribute("aria-label", button.dataset[theme]);
    }
  }
  function keepTheme(theme) {
    try {
      localStorage.setItem("theme", theme);
    } catch {
      /* A browser that keeps nothing: the server keeps it for who is signed in. */
    }
  }
  applyTheme(root.dataset.theme in themes ? root.dataset.theme : "system");
  if (root.dataset.themeSaved) keepTheme(root.dataset.theme);

  document.addEventListener("click", async (event) => {
    for (const menu of all("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const target = event.target.closest("button");
    if (!target) return;
    if (target.matches("[data-dismiss]")) dismiss(target.closest(".toast"));
    if (target.matches("[data-theme-toggle]")) {
      const names = Object.keys(themes);
      const theme = names[(names.indexOf(root.dataset.theme) + 1) % names.length];
      applyTheme(theme);
      keepTheme(theme);
      if (target.dataset.url) htmx.ajax("POST", target.dataset.url, { values: { theme }, swap: "none" });
    }
    if (target.matches("[data-copy]")) {
      const source = document.getElementById(target.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
        toast(target.dataset.copied, "success");
      } catch {
        getSelection().selectAllChildren(source);
      }
    }
    if (target.matches("[aria-disabled='true']")) {
      event.preventDefault();
      toast(target.title, "info");
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[name=theme]")) {
      applyTheme(event.target.value);
      keepTheme(event.target.value);
    }
    // The tag and the car that one card chooses are chosen on all.
    if (event.target.matches(".card-choice select")) {
      for (const other of all(`.card-choice select[name=${event.target.name}]`)) {
        if (all("option", other).some((option) => option.value === event.target.value)) other.value = event.target.value;
      }
    }
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
