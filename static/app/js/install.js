// The service worker, its updates, and putting the app on the home screen.

import { button, h, say } from "./dom.js";
import { t } from "./texts.js";

const LOOK_EVERY_MS = 3_600_000;
let prompt = null;

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  prompt = event;
});

/** Registers the worker; `updated(take)` is told of a new version, which `take()` brings. */
export async function install(updated, open) {
  if (!("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.register("/app/worker.js", { scope: "/app/" });
  const offer = () => {
    const { waiting } = registration;
    // The first worker of all takes over by itself, and is no news.
    if (waiting && navigator.serviceWorker.controller) updated(() => waiting.postMessage("take-over"));
  };
  offer();
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", offer);
  });
  let controlled = Boolean(navigator.serviceWorker.controller);
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (controlled) location.reload();
    controlled = true;
  });
  navigator.serviceWorker.addEventListener("message", (event) => event.data.open && open(event.data.open));
  const look = () => registration.update().catch(() => {});
  setInterval(look, LOOK_EVERY_MS);
  addEventListener("online", look);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
}

/** How to put it on the home screen, as this browser does it. */
export function installable() {
  if (matchMedia("(display-mode: standalone)").matches) return null;
  const note = h("p", { class: "small quiet" });
  if (prompt) {
    return button(t("Install the app"), { kind: "filled wide", sign: "download", on: { click: () => prompt.prompt() } });
  }
  say(note, isSecureContext ? t("To install: open the browser's menu, then “Add to home screen”.") : t("To install, open this page over https."));
  return note;
}
