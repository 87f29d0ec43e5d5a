// The editor of a charging profile: the curve of the periods as they are typed, one more row, fields that have a say.
(() => {
  "use strict";
  const form = document.getElementById("profile-editor");
  if (!form) return;
  const rows = document.getElementById("period-rows");
  const preview = document.getElementById("preview");
  const add = document.getElementById("add-period");
  const most = 100;

  function number(text) {
    return text.trim() === "" ? NaN : Number(text.replace(",", "."));
  }
  function secondsOf(text) {
    const [hours, minutes] = (text.trim() || "0:00").split(":").map(Number);
    return hours * 3600 + (minutes || 0) * 60;
  }
  function periods() {
    return Array.from(rows.rows, (row) => {
      const [start, limit] = row.querySelectorAll("input");
      return { start: secondsOf(start.value), limit: number(limit.value) };
    })
      .filter((period) => Number.isFinite(period.start) && Number.isFinite(period.limit))
      .sort((one, other) => one.start - other.start);
  }
  function draw() {
    const found = periods();
    const duration = number(form.elements.duration_h.value) * 3600;
    const last = found.length ? found[found.length - 1].start : 0;
    const end = Math.max(duration > 0 ? duration : 0, last * 1.25, 3600);
    const top = Math.max(...found.map((period) => period.limit), 1) * 1.1;
    const points = found.flatMap((period, place) => {
      const until = place + 1 < found.length ? found[place + 1].start : end;
      const y = (150 - (140 * period.limit) / top).toFixed(1);
      return [`${((800 * period.start) / end).toFixed(1)},${y}`, `${((800 * until) / end).toFixed(1)},${y}`];
    });
    preview.querySelector("polyline").setAttribute("points", points.join(" "));
    preview.hidden = found.length === 0;
  }
  function fit() {
    const kind = form.elements.kind.value;
    form.elements.recurrency.closest(".field").hidden = kind !== "recurring";
    form.elements.starts_at.closest(".field").hidden = kind === "relative";
  }
  function oneMore() {
    const place = rows.rows.length;
    const row = rows.rows[0].cloneNode(true);
    for (const field of row.querySelectorAll("input, select")) {
      field.name = field.name.replace(/\d+$/, place);
      field.setAttribute("aria-label", field.getAttribute("aria-label").replace(/\d+$/, place + 1));
      field.value = "";
    }
    rows.append(row);
    row.querySelector("input").focus();
    add.hidden = rows.rows.length >= most;
  }
  form.addEventListener("input", draw);
  form.addEventListener("change", fit);
  add.addEventListener("click", oneMore);
  add.hidden = false;
  fit();
  draw();
})();
