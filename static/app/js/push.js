// Push to this phone: the browser's subscription, and the server's knowledge of it.

import { call } from "./session.js";

export const pushable = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
export const permitted = () => ("Notification" in window ? Notification.permission : "denied");

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

async function manager() {
  return (await navigator.serviceWorker.ready).pushManager;
}

export async function subscribed() {
  const registration = await navigator.serviceWorker.getRegistration("/app/");
  return registration?.active ? registration.pushManager.getSubscription() : null;
}

export async function subscribe(text) {
  if ((await Notification.requestPermission()) !== "granted") throw new Error(permitted());
  const pushes = await manager();
  const key = bytes(text);
  const before = await pushes.getSubscription();
  // One that was made for another key takes nothing that is signed with this one.
  if (before && String(new Uint8Array(before.options.applicationServerKey || [])) !== String(key)) await before.unsubscribe();
  await tell(await pushes.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
}

const tell = (made) => call("push-subscriptions/", { method: "POST", body: { endpoint: made.endpoint, keys: made.toJSON().keys } });

/** Whoever signs in here is who this phone's subscription is for. */
export async function renew() {
  const made = pushable() && (await subscribed());
  if (made) await tell(made);
}

/** Send nothing here any more: the push service is told, and the server as far as it can be reached. */
export async function unsubscribe() {
  const made = await subscribed();
  if (!made) return;
  const { results } = await call("push-subscriptions/?page_size=50");
  const row = results.find((one) => one.endpoint === made.endpoint);
  if (row) await call(`push-subscriptions/${row.id}/`, { method: "DELETE" });
  await made.unsubscribe();
}
