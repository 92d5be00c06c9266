// Usage charts, loaded only by pages that have one. The numbers come from the table beside the chart, which is what
// a reader without JavaScript sees, so chart and table cannot disagree.
import uPlot from "uplot";

const DAY = 86400;
const charts = new Map();

/** The rows of the table as uPlot wants them: times in seconds, then values. */
function readTable(table) {
  const rows = [...table.querySelectorAll("tbody tr")];
  return [
    rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000),
    rows.map((row) => Number(row.querySelector("[data-value]").dataset.value)),
  ];
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  return { accent: token("--color-primary"), line: token("--color-base-300"), text: token("--color-muted") };
}

/** A small label that follows the pointer: the time and the number under it. */
function tooltip(bucket) {
  const box = document.createElement("div");
  box.className = "chart-tip";
  box.hidden = true;
  const format = new Intl.DateTimeFormat("en-GB", bucket === "hour"
    ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "UTC" }
    : { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  return {
    hooks: {
      init: (u) => u.over.appendChild(box),
      setCursor: (u) => {
        const { idx, left } = u.cursor;
        box.hidden = idx == null || left < 0;
        if (box.hidden) return;
        box.textContent = `${format.format(new Date(u.data[0][idx] * 1000))} · ${u.data[1][idx].toLocaleString("en")}`;
        const at = Math.min(Math.max(left - box.offsetWidth / 2, 0), u.over.clientWidth - box.offsetWidth);
        box.style.left = `${at}px`;
        box.style.top = "0px";
      },
    },
  };
}

function axisLabel(bucket) {
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const hour = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
  return (_u, splits) => splits.map((at) => (bucket === "hour" && at % DAY ? hour : day).format(new Date(at * 1000)));
}

const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

function draw(holder) {
  const table = document.getElementById(holder.dataset.table);
  const bucket = holder.dataset.bucket;
  const data = readTable(table);
  const paint = colours();
  charts.get(holder)?.destroy();
  if (data[0].length === 0) return;
  const step = bucket === "hour" ? 3600 : DAY;
  const font = '12px "Geist Variable", system-ui, sans-serif';
  const axis = { stroke: paint.text, font, ticks: { show: false }, gap: 6 };
  const chart = new uPlot({
    width: holder.clientWidth,
    height: holder.clientHeight,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    plugins: [tooltip(bucket)],
    scales: {
      x: { range: (_u, from, to) => [from - step / 2, to + step / 2] },
      y: { range: (_u, _from, to) => [0, Math.max(to * 1.1, 4)] },
    },
    axes: [
      { ...axis, grid: { show: false }, values: axisLabel(bucket), space: 64, size: 28 },
      {
        ...axis,
        grid: { stroke: paint.line, width: 1 },
        space: 34,
        size: 46,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7],
        values: (_u, splits) => splits.map((value) => short.format(value)),
      },
    ],
    series: [
      {},
      {
        fill: paint.accent,
        stroke: paint.accent,
        width: 0,
        paths: uPlot.paths.bars({ size: [0.62, 26], radius: 0.22 }),
        points: { show: false },
      },
    ],
  }, data, holder);
  charts.set(holder, chart);
}

function drawAll() {
  for (const holder of charts.keys()) {
    if (!holder.isConnected) {
      charts.get(holder).destroy();
      charts.delete(holder);
    }
  }
  for (const holder of document.querySelectorAll("[data-chart]")) draw(holder);
}

const fit = new ResizeObserver((entries) => {
  for (const { target } of entries) charts.get(target)?.setSize({ width: target.clientWidth, height: target.clientHeight });
});

function start() {
  drawAll();
  for (const holder of document.querySelectorAll("[data-chart]")) fit.observe(holder);
}

start();
document.documentElement.addEventListener("themechange", drawAll);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
document.addEventListener("htmx:after:swap", start);
