// The page of all services: a table that is kept up to date row by row, timers, and the graph.

import { sizeText, spanText, stateSigns, summaryText } from "../format.js";
import type { Change, ServiceView } from "../views.js";
import { addressOf, byId, element, setText } from "./dom.js";
import { drawGraph, drawLegend, paintGraph } from "./graph.js";
import { listen } from "./live.js";
import { orderButtons } from "./orders.js";

interface Row {
  readonly row: HTMLTableRowElement;
  readonly cells: Readonly<Record<"state" | "span" | "memory" | "restarts" | "why", HTMLTableCellElement>>;
}

const services = new Map<string, ServiceView>();
const rows = new Map<string, Row>();
/** The names of the rows, from the first to the last. */
const order: string[] = [];

export function overview(): void {
  drawLegend();
  const filter = byId("filter") as HTMLInputElement;
  filter.addEventListener("input", () => choose(filter.value));
  listen((change) => {
    learn(change);
    choose(filter.value);
  });
  setInterval(tick, 1000);
}

function learn({ whole, services: changed, removed, graph }: Change): void {
  const told = new Set(changed.map(({ name }) => name));
  for (const name of whole ? [...services.keys()].filter((one) => !told.has(one)) : removed) removeRow(name);
  for (const view of changed) {
    services.set(view.name, view);
    fill(rows.get(view.name) ?? newRow(view), view);
  }
  setText(byId("summary"), summaryText([...services.values()].map(({ state }) => state)));
  showTimers();
  if (graph !== undefined) drawGraph(graph);
  paintGraph(services);
  tick();
}

function newRow({ name, documentation }: ServiceView): Row {
  const cell = (): HTMLTableCellElement => element("td");
  const cells = {
    state: cell(),
    span: cell(),
    memory: cell(),
    restarts: cell(),
    why: element("td", { class: "why" }),
  };
  const heading = element(
    "th",
    { scope: "row" },
    element("a", { href: addressOf(name), title: documentation }, name),
  );
  const row = element(
    "tr",
    { "data-name": name },
    heading,
    cells.state,
    cells.span,
    cells.memory,
    cells.restarts,
    cells.why,
    element("td", {}, ...orderButtons(name)),
  );
  const made = { row, cells };
  rows.set(name, made);
  const place = placeOf(name);
  const next = order[place];
  order.splice(place, 0, name);
  byId("services").insertBefore(row, (next === undefined ? undefined : rows.get(next)?.row) ?? null);
  return made;
}

function removeRow(name: string): void {
  services.delete(name);
  const gone = rows.get(name);
  if (gone === undefined) return;
  gone.row.remove();
  rows.delete(name);
  order.splice(placeOf(name), 1);
}

/** Where a row of that name is, or is to be. */
function placeOf(name: string): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((order[middle] ?? "") < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fill({ cells }: Row, { state, enabled, memory, restarts, why = "", kind }: ServiceView): void {
  const { sign, word } = stateSigns[state];
  cells.state.dataset.state = state;
  setText(
    cells.state,
    `${sign} ${word}${kind === "service" ? "" : ` ${kind}`}${enabled ? "" : ", disabled"}`,
  );
  setText(cells.memory, memory === undefined ? "" : sizeText(memory));
  setText(cells.restarts, restarts === 0 ? "" : String(restarts));
  setText(cells.why, why);
}

/** What changes with time alone. */
function tick(): void {
  const now = Date.now() / 1000;
  for (const [name, { cells }] of rows) {
    const since = services.get(name)?.since;
    setText(cells.span, since === undefined ? "" : spanText(now - since));
  }
  for (const cell of byId("timers").querySelectorAll<HTMLElement>("[data-at]"))
    setText(cell, spanText(Number(cell.dataset.at) - now));
}

function showTimers(): void {
  const timers = [...services.values()]
    .filter(({ kind, alarms }) => kind === "timer" || alarms !== undefined)
    .sort(
      (a, b) => (a.alarms?.[0] ?? Number.POSITIVE_INFINITY) - (b.alarms?.[0] ?? Number.POSITIVE_INFINITY),
    );
  byId("no-timers").hidden = timers.length > 0;
  byId("timers").replaceChildren(
    ...timers.map(({ name, alarms = [], lastRun }) => {
      const [next] = alarms;
      return element(
        "tr",
        {},
        element("th", { scope: "row" }, element("a", { href: addressOf(name) }, name)),
        element("td", {}, next === undefined ? "" : momentText(next)),
        element("td", next === undefined ? {} : { "data-at": String(next) }),
        element("td", {}, lastRun === undefined ? "" : `${momentText(lastRun.end)}: ${lastRun.how}`),
      );
    }),
  );
}

function momentText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString();
}

function choose(text: string): void {
  for (const [name, { row }] of rows) row.hidden = !name.includes(text.trim());
}
