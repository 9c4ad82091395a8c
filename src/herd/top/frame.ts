// The whole screen of `herd top` as lines, as many as there are, each no longer than it may be. Pure.

import type { RecentMessage } from "../../protocol/service-status.js";
import { count, logStamp } from "../render/time.js";
import { oneLine } from "./columns.js";
import type { Row } from "./sample.js";
import { fitted, headingLine, layoutFor, rowLine, type TableOptions } from "./table.js";
import { type View, visibleRows } from "./view.js";

export interface Frame {
  /** All of them. */
  readonly rows: readonly Row[];
  readonly view: View;
  /** Seconds since the epoch of the sample. */
  readonly now: number;
  /** What is to be said about the last action, or the daemon. */
  readonly message?: { readonly text: string; readonly isError: boolean };
  /** Of the service whose log is shown, newest first; absent: not there yet. */
  readonly log?: readonly RecentMessage[];
}

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** The lines that are no rows: two above, two below. */
const AROUND = 4;
const MARK = "> ";
const NO_MARK = "  ";

/** How many rows of the table are shown. */
export function tableHeight({ rows }: ScreenSize): number {
  return Math.max(1, rows - AROUND);
}

export function renderFrame(frame: Frame, size: ScreenSize, options: TableOptions): readonly string[] {
  const height = tableHeight(size);
  const { style } = options;
  const body = bodyOf(frame, height, size, options);
  const filled = [...body, ...Array.from({ length: height + 1 }, () => "")].slice(0, height + 1);
  const lines = [
    style.bold(fitted(titleOf(frame), size.columns)),
    ...filled,
    messageOf(frame, size, options),
    style.dim(fitted(hintOf(frame), size.columns)),
  ];
  // On a terminal of next to no height the table is what counts.
  return lines.slice(0, Math.max(1, size.rows));
}

function titleOf({ rows, view, now }: Frame): string {
  if (view.mode.kind === "log") return `herd top - what ${oneLine(view.mode.service)} wrote`;
  const inState = (state: Row["state"]): string => {
    const many = rows.filter((row) => row.state === state).length;
    return many === 0 ? "" : `, ${many} ${state}`;
  };
  const states = (["running", "starting", "stopping", "failed", "disabled"] as const).map(inState).join("");
  const { by, reversed } = view.order;
  const filter = view.filter === "" ? "" : `; with "${view.filter}"`;
  const clock = logStamp(now).slice(-8);
  return `herd top - ${clock}, ${count(rows.length, "service")}${states}; by ${by}${reversed ? " reversed" : ""}${filter}`;
}

/** A heading, and as many lines as there are rows. */
function bodyOf(
  { rows, view, log }: Frame,
  height: number,
  { columns: width }: ScreenSize,
  options: TableOptions,
): readonly string[] {
  const { style } = options;
  if (view.mode.kind === "help") return help.map((line) => fitted(line, width));
  if (view.mode.kind === "log") {
    if (log === undefined) return [""];
    const lines = log.slice(0, height).reverse();
    if (lines.length === 0) return ["", "It has written nothing that is kept."];
    return ["", ...lines.map(({ time, line }) => fitted(`${logStamp(time)} ${oneLine(line)}`, width))];
  }
  const shown = visibleRows(rows, view);
  const layout = layoutFor(shown, width - MARK.length);
  const lines = shown.slice(view.top, view.top + height).map((row) => {
    const isSelected = row.name === view.selected;
    const line = rowLine(row, layout, options);
    return isSelected ? `${style.hint(MARK)}${line}` : `${NO_MARK}${line}`;
  });
  const heading = style.bold(`${NO_MARK}${headingLine(layout)}`);
  return [heading, ...(lines.length === 0 ? [`${NO_MARK}no service has that in its name`] : lines)];
}

function messageOf(
  { rows, view, message }: Frame,
  { columns: width }: ScreenSize,
  { style }: TableOptions,
): string {
  const { mode, filter } = view;
  if (mode.kind === "filter") return fitted(`Filter: ${filter}_`, width);
  if (mode.kind === "confirm") {
    const others = mode.action === "stop" ? "what requires it" : "what requires it, for a moment";
    return style.warning(fitted(`${questions[mode.action]} ${mode.service}, and ${others}? (y/n)`, width));
  }
  if (message !== undefined)
    return (message.isError ? style.error : style.bold)(fitted(oneLine(message.text), width));
  const selected = rows.find(({ name }) => name === view.selected);
  if (mode.kind !== "table" || selected?.reason === undefined) return "";
  return fitted(oneLine(`${selected.name}: ${selected.reason}`), width);
}

const questions = { start: "Start", stop: "Stop", restart: "Restart" } as const;

function hintOf({ view }: Frame): string {
  switch (view.mode.kind) {
    case "table":
      return "q quit  up/down select  s start  x stop  r restart  l log  / filter  o sort  ? help";
    case "filter":
      return "return keep  escape clear";
    case "confirm":
      return "y yes  any other key no";
    case "log":
    case "help":
      return "any key back";
  }
}

const help: readonly string[] = [
  "",
  "  up down k j pageup pagedown home end   select a service",
  "  s  x  r        start, stop, restart it; a stop or restart asks first",
  "  l              what it wrote last",
  "  /              show only services with a text in their names",
  "  escape         show all of them again",
  "  o              sort by the next column",
  "  O              sort the other way round",
  "  P M T R        sort by CPU, memory, uptime, restarts",
  "  N S I          sort by name, state, PID",
  "  space          look now",
  "  ctrl-z  q      suspend, quit",
  "",
  "  CPU is in percent of one processor. CPU and memory are those of the",
  "  service's cgroup or, without one, of its main process. The highest bar",
  "  of a history is the service's own peak, at least 10 %.",
];
