// The table of `herd top` as lines: for a terminal of some width, or for whoever reads it from a pipe. Pure.

import type { Style } from "../render/style.js";
import { type Column, columns, oneLine } from "./columns.js";
import type { Row, RowState } from "./sample.js";
import { sparkline } from "./sparkline.js";

export interface TableOptions {
  readonly style: Style;
  readonly unicode: boolean;
}

/** Where the terminal is too narrow, these are left out first. */
const expendable = ["restarts", "pid", "uptime", "memory"] as const;
const GAP = "  ";
const LEAST_NAME = 8;
const MOST_NAME = 32;
const LEAST_HISTORY = "CPU HISTORY".length;
const MOST_HISTORY = 30;

/** What fits into some width. */
export interface Layout {
  readonly columns: readonly Column[];
  readonly nameWidth: number;
  /** 0: there is no room for it. */
  readonly historyWidth: number;
}

/** @param width characters of a line; undefined: as many as it takes */
export function layoutFor(rows: readonly Row[], width?: number): Layout {
  const longest = Math.max("SERVICE".length, ...rows.map(({ name }) => [...name].length));
  if (width === undefined) return { columns, nameWidth: longest, historyWidth: 0 };
  const wanted = Math.min(longest, MOST_NAME);
  let shown = columns;
  for (const name of expendable) {
    if (LEAST_NAME + restOf(shown) <= width && wanted + restOf(shown) <= Math.max(width, 40)) break;
    shown = shown.filter((column) => column.name !== name);
  }
  const nameWidth = Math.max(1, Math.min(wanted, width - restOf(shown)));
  const room = width - nameWidth - restOf(shown) - GAP.length;
  return {
    columns: shown,
    nameWidth,
    historyWidth: room < LEAST_HISTORY ? 0 : Math.min(room, MOST_HISTORY),
  };
}

/** What all columns but the first take. */
function restOf(shown: readonly Column[]): number {
  return shown.reduce((sum, { width }) => sum + (width === 0 ? 0 : GAP.length + width), 0);
}

export function headingLine({ columns: shown, nameWidth, historyWidth }: Layout): string {
  const cells = shown.map((column) => cell(column.title, column, nameWidth));
  return [...cells, ...(historyWidth === 0 ? [] : ["CPU HISTORY"])].join(GAP).trimEnd();
}

export function rowLine(row: Row, layout: Layout, { style, unicode }: TableOptions): string {
  const { columns: shown, nameWidth, historyWidth } = layout;
  const cells = shown.map((column) => {
    const text = cell(column.text(row), column, nameWidth);
    return column.name === "state" ? stateStyle(row.state, style)(text) : text;
  });
  const history = historyWidth === 0 ? [] : [sparkline(row.history, historyWidth, unicode)];
  return [...cells, ...history].join(GAP).trimEnd();
}

/** All rows with a heading, each as long as it takes, and why what is not up is not. */
export function plainTable(rows: readonly Row[], options: TableOptions): string {
  const layout = layoutFor(rows);
  const lines = rows.map((row) => {
    const reason = row.reason === undefined ? "" : options.style.dim(`${GAP}${oneLine(row.reason)}`);
    return `${rowLine(row, layout, options)}${reason}`;
  });
  return `${[options.style.bold(headingLine(layout)), ...lines].join("\n")}\n`;
}

function stateStyle(state: RowState, style: Style): (text: string) => string {
  switch (state) {
    case "running":
      return style.success;
    case "starting":
    case "stopping":
      return style.warning;
    case "failed":
    case "disabled":
      return style.error;
    case "stopped":
    case "done":
      return style.dim;
  }
}

function cell(text: string, { width, isNumber }: Column, nameWidth: number): string {
  const space = width === 0 ? nameWidth : width;
  return isNumber ? fitted(text, space).padStart(space) : fitted(text, space).padEnd(space);
}

/** Cut to as many characters, with a mark where something is missing. */
export function fitted(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  return width < 1 ? "" : `${characters.slice(0, width - 1).join("")}~`;
}
