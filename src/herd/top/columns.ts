// The columns of `herd top`: what stands in them, how wide they are, in which order they sort.

import { size } from "../render/size.js";
import type { Row } from "./sample.js";

export type ColumnName = "name" | "state" | "pid" | "cpu" | "memory" | "uptime" | "restarts";

export interface Column {
  readonly name: ColumnName;
  readonly title: string;
  readonly width: number;
  readonly isNumber: boolean;
  /** Whether the greatest comes first. */
  readonly isDescending: boolean;
  readonly text: (row: Row) => string;
  readonly key: (row: Row) => number | string;
}

const unknown = "-";
const last = Number.NEGATIVE_INFINITY;

const states = ["failed", "starting", "stopping", "running", "done", "disabled", "stopped"] as const;

export const columns: readonly Column[] = [
  {
    name: "name",
    title: "SERVICE",
    width: 0,
    isNumber: false,
    isDescending: false,
    text: ({ name }) => oneLine(name),
    key: ({ name }) => name,
  },
  {
    name: "state",
    title: "STATE",
    width: 8,
    isNumber: false,
    isDescending: false,
    text: ({ state }) => state,
    key: ({ state }) => states.indexOf(state),
  },
  {
    name: "pid",
    title: "PID",
    width: 7,
    isNumber: true,
    isDescending: false,
    text: ({ pid }) => (pid === undefined ? unknown : String(pid)),
    key: ({ pid = Number.POSITIVE_INFINITY }) => pid,
  },
  {
    name: "cpu",
    title: "CPU %",
    width: 6,
    isNumber: true,
    isDescending: true,
    text: ({ cpu }) => (cpu === undefined ? unknown : cpu.toFixed(1)),
    key: ({ cpu = last }) => cpu,
  },
  {
    name: "memory",
    title: "MEMORY",
    width: 10,
    isNumber: true,
    isDescending: true,
    text: ({ memory }) => (memory === undefined ? unknown : size(memory)),
    key: ({ memory = last }) => memory,
  },
  {
    name: "uptime",
    title: "UPTIME",
    width: 7,
    isNumber: true,
    isDescending: true,
    text: ({ uptime }) => (uptime === undefined ? unknown : shortDuration(uptime)),
    key: ({ uptime = last }) => uptime,
  },
  {
    name: "restarts",
    title: "RESTARTS",
    width: 8,
    isNumber: true,
    isDescending: true,
    text: ({ restarts }) => String(restarts),
    key: ({ restarts }) => restarts,
  },
];

export interface Order {
  readonly by: ColumnName;
  /** The other way round than usual. */
  readonly reversed: boolean;
}

export function isColumnName(name: string): name is ColumnName {
  return columns.some((column) => column.name === name);
}

/** Those that are equal by name. */
export function sorted(rows: readonly Row[], { by, reversed }: Order): readonly Row[] {
  const column = columns.find(({ name }) => name === by);
  if (column === undefined) return rows;
  const sign = column.isDescending === reversed ? 1 : -1;
  return [...rows].sort(
    (one, other) => sign * compare(column.key(one), column.key(other)) || compare(one.name, other.name),
  );
}

function compare(one: number | string, other: number | string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** `5s`, `3m12s`, `2h05m`, `3d04h`. */
export function shortDuration(seconds: number): string {
  const [first, unit, second, below] =
    seconds < 3600
      ? ([Math.floor(seconds / 60), "m", seconds % 60, "s"] as const)
      : seconds < 86_400
        ? ([Math.floor(seconds / 3600), "h", Math.floor((seconds % 3600) / 60), "m"] as const)
        : ([Math.floor(seconds / 86_400), "d", Math.floor((seconds % 86_400) / 3600), "h"] as const);
  return seconds < 60 ? `${seconds}s` : `${first}${unit}${String(second).padStart(2, "0")}${below}`;
}

export function oneLine(text: string): string {
  return text.replace(/[\n\t]/g, " ");
}
