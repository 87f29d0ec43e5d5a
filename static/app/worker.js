// Keeps the app's files for when there is no network, and shows what is pushed. `BUILD` stands before this.
"use strict";

const NAME = `app-${BUILD.version}`;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(BUILD.files)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith("app-") && name !== NAME);
      await Promise.all(old.map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

// A new version waits until the person says so: a page never changes under a finger.
self.addEventListener("message", (event) => {
  if (event.data === "take-over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname === "/app/") event.respondWith(fromCache("/app/", request));
  else if (url.pathname.startsWith(BUILD.base)) event.respondWith(fromCache(url.pathname, request));
});

async function fromCache(path, request) {
  const cache = await caches.open(NAME);
  return (await cache.match(path, { ignoreVary: true, ignoreSearch: true })) || fetch(request);
}

self.addEventListener("push", (event) => {
  const { title, body, path, tag } = event.data.json();
  const icon = `${BUILD.base}icons/icon-192.png`;
  const badge = `${BUILD.base}icons/badge-96.png`;
  event.waitUntil(self.registration.showNotification(title, { body, tag, icon, badge, data: { path } }));
});

// What the portal's paths are in the app.
function place(path) {
  const session = /^\/transactions\/(\d+)\//.exec(path || "");
  if (session) return `/app/#/sessions/${session[1]}`;
  const station = /^\/stations\/([^/]+)\//.exec(path || "");
  return station ? `/app/?station=${station[1]}` : "/app/#/news";
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = place(event.notification.data?.path);
  event.waitUntil(
    (async () => {
      const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
      const app = open.find((client) => new URL(client.url).pathname === "/app/");
      if (!app) return self.clients.openWindow(target);
      await app.focus();
      app.postMessage({ open: target });
      return undefined;
    })(),
  );
});
