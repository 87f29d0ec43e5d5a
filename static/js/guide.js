// What leads people: the time zone of whoever sets up.
(() => {
  "use strict";
  for (const field of document.querySelectorAll("[data-time-zone]")) {
    field.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  }
})();
