// The button by which a browser takes push: it asks the person, then the browser, then tells the server.
(() => {
  "use strict";
  const place = document.getElementById("push");
  const start = place?.querySelector("[data-push-start]");
  if (!start) return;

  const problem = place.querySelector("[data-push-problem]");
  function complain(text) {
    problem.querySelector(":last-child").textContent = text;
    problem.hidden = false;
  }
  function bytes(text) {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }
  async function subscribe() {
    problem.hidden = true;
    if ((await Notification.requestPermission()) !== "granted") {
      complain(place.dataset.refused);
      return;
    }
    const registration = await navigator.serviceWorker.register(place.dataset.worker);
    const key = bytes(place.dataset.key);
    const before = await registration.pushManager.getSubscription();
    // One that was made for another key takes nothing that is signed with this one.
    if (before && String(new Uint8Array(before.options.applicationServerKey || [])) !== String(key)) {
      await before.unsubscribe();
    }
    const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const { endpoint, keys } = made.toJSON();
    const answer = await fetch(place.dataset.url, {
      method: "POST",
      headers: { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] },
      body: new URLSearchParams({ endpoint, p256dh: keys.p256dh, auth: keys.auth }),
    });
    if (answer.ok) location.reload();
    else complain(await answer.text());
  }

  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    place.querySelector("[data-push-none]").hidden = false;
    return;
  }
  start.hidden = false;
  start.addEventListener("click", async () => {
    start.disabled = true;
    try {
      await subscribe();
    } catch (error) {
      complain(`${place.dataset.failed} ${error.message}`);
    }
    start.disabled = false;
  });
})();
