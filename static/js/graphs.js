// Draws each chart from the table behind it, in the colours of the theme, and again when the theme changes.
(() => {
  "use strict";
  const root = document.documentElement;
  const drawn = new Set();
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const number = new Intl.NumberFormat(root.lang || "en", { maximumFractionDigits: 2 });

  /** What a token is in the theme that is shown: tokens say light and dark, a canvas wants one of them. */
  function colours(within, names) {
    const probe = document.createElement("span");
    within.append(probe);
    const found = {};
    for (const name of names) {
      probe.style.color = `var(${name})`;
      found[name] = getComputedStyle(probe).color;
    }
    probe.remove();
    return found;
  }

  /** Labels, names and series of a figure's table. A column with `data-series` is a series of its axis. */
  function read(table) {
    const headings = Array.from(table.tHead.rows[0].cells);
    const rows = Array.from(table.tBodies[0].rows);
    return {
      labels: rows.map((row) => row.cells[0].dataset.short),
      places: rows.map((row) => Number(row.cells[0].dataset.x)),
      names: rows.map((row) => row.cells[0].textContent),
      series: headings.flatMap((heading, at) => {
        const { series, colour, unit, dash } = heading.dataset;
        if (!series) return [];
        const cells = rows.map((row) => row.cells[at]);
        return {
          label: heading.textContent,
          axis: series,
          colour,
          unit,
          dash: dash ? dash.split(" ").map(Number) : [],
          values: cells.map((cell) => (cell.dataset.value === "" ? null : Number(cell.dataset.value))),
          texts: cells.map((cell) => cell.textContent),
        };
      }),
    };
  }

  function axis(series, tones, font) {
    return {
      position: series.axis,
      beginAtZero: true,
      suggestedMax: Math.max(...series.values) > 0 ? undefined : 1,
      border: { display: false },
      grid: { display: series.axis === "left", color: tones["--outline-variant"] },
      title: { display: true, text: series.unit, color: tones["--on-surface-variant"], font },
      ticks: { color: tones["--on-surface-variant"], font, maxTicksLimit: 6, callback: (value) => number.format(value) },
    };
  }

  function settings(figure) {
    const { labels, names, series } = read(figure.querySelector("table"));
    const tones = colours(figure, [
      "--on-surface-variant",
      "--outline-variant",
      "--on-surface",
      "--surface-container",
      ...series.map((entry) => entry.colour),
    ]);
    const font = { family: '"Inter", system-ui, sans-serif', size: 12 };
    const scales = {
      x: {
        border: { color: tones["--outline-variant"] },
        grid: { display: false },
        ticks: { color: tones["--on-surface-variant"], font, maxRotation: 0, autoSkipPadding: 12 },
      },
    };
    for (const entry of series) scales[entry.axis] = axis(entry, tones, font);
    return {
      type: "bar",
      data: {
        labels,
        datasets: series.map((entry) => ({
          label: entry.label,
          data: entry.values,
          yAxisID: entry.axis,
          backgroundColor: tones[entry.colour],
          borderRadius: 5,
          maxBarThickness: 36,
          categoryPercentage: 0.72,
          barPercentage: 0.92,
        })),
      },
      options: {
        responsive: true,
        maintainAspectRatio: false,
        animation: calm.matches ? false : { duration: 250 },
        interaction: { mode: "index", intersect: false },
        scales,
        plugins: {
          legend: { display: false },
          tooltip: {
            backgroundColor: tones["--on-surface"],
            titleColor: tones["--surface-container"],
            bodyColor: tones["--surface-container"],
            titleFont: { ...font, weight: "600" },
            bodyFont: font,
            padding: 10,
            cornerRadius: 8,
            boxPadding: 4,
            callbacks: {
              title: (items) => names[items[0].dataIndex],
              label: (item) => `${item.dataset.label}: ${series[item.datasetIndex].texts[item.dataIndex]}`,
            },
          },
        },
      },
    };
  }

  const SHORT_MS = 600000;

  /** The same as lines over time, on an axis whose numbers are the reader's clock as if it were UTC. */
  function asLines(figure, made) {
    const { places, series } = read(figure.querySelector("table"));
    const { scales } = made.options;
    const [first, last] = [places[0], places[places.length - 1]];
    Object.assign(scales.x, { type: "linear", min: first, max: last > first ? last : first + 1000 });
    const letters = last - first < SHORT_MS ? 19 : 16;
    Object.assign(scales.x.ticks, {
      maxTicksLimit: 7,
      callback: (value) => new Date(value).toISOString().slice(11, letters),
    });
    for (const entry of series) {
      if (entry.unit === "V") scales[entry.axis].beginAtZero = false;
    }
    made.type = "line";
    made.options.animation = false;
    made.options.interaction = { mode: "nearest", axis: "x", intersect: false };
    made.data.datasets = made.data.datasets.map((set, index) => ({
      label: set.label,
      yAxisID: set.yAxisID,
      data: set.data.map((y, at) => ({ x: places[at], y })),
      borderColor: set.backgroundColor,
      backgroundColor: set.backgroundColor,
      borderWidth: 2,
      borderDash: series[index].dash,
      pointRadius: places.length < 30 ? 2 : 0,
      spanGaps: true,
    }));
    return made;
  }

  function draw(figure) {
    const canvas = figure.querySelector("canvas");
    Chart.getChart(canvas)?.destroy();
    const made = settings(figure);
    new Chart(canvas, figure.dataset.graph === "line" ? asLines(figure, made) : made);
    drawn.add(figure);
  }

  function redraw() {
    for (const figure of drawn) draw(figure);
  }

  // A session has ended somewhere: the charts are asked for again, not more often than every some seconds.
  const NEWS_EVERY_MS = 10000;
  let asked = 0;
  let planned = 0;
  let open = [];

  function ask() {
    planned = 0;
    asked = Date.now();
    open = Array.from(document.querySelectorAll("#statistics details[open] table"), (table) => table.id);
    if (document.getElementById("statistics")) htmx.trigger("#statistics", "statistics:news");
  }

  function hearNews() {
    planned ||= setTimeout(ask, Math.max(0, asked + NEWS_EVERY_MS - Date.now()));
  }

  /** What was folded out stays so. */
  function reopen() {
    for (const id of open) document.getElementById(id)?.closest("details")?.setAttribute("open", "");
    open = [];
  }

  function look(within) {
    reopen();
    for (const figure of drawn) {
      if (figure.isConnected) continue;
      Chart.getChart(figure.querySelector("canvas"))?.destroy();
      drawn.delete(figure);
    }
    for (const figure of within.querySelectorAll("[data-graph]")) draw(figure);
  }

  if (!window.Chart) return;
  document.addEventListener("htmx:load", (event) => look(event.detail.elt));
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (event.detail.target?.id === "statistics-news") hearNews();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(root, { attributeFilter: ["data-theme"] });
})();
