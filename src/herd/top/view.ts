// What a person who looks at `herd top` has chosen, and what a key does to it. Pure: what is to be done besides is returned.

import { type ColumnName, columns, type Order, sorted } from "./columns.js";
import type { Row } from "./sample.js";

export type ServiceAction = "start" | "stop" | "restart";

export type Mode =
  | { readonly kind: "table" }
  | { readonly kind: "help" }
  /** What is typed is the filter. */
  | { readonly kind: "filter" }
  /** An action waits for a yes. */
  | { readonly kind: "confirm"; readonly action: ServiceAction; readonly service: string }
  | { readonly kind: "log"; readonly service: string };

export interface View {
  readonly mode: Mode;
  readonly order: Order;
  /** Only services whose names have it in them. */
  readonly filter: string;
  /** Its name stays selected wherever it moves. */
  readonly selected?: string;
  /** The first row that is shown. */
  readonly top: number;
}

/** As readline names keys. */
export interface Key {
  readonly name: string;
  /** What it types; absent for one that types nothing. */
  readonly text?: string;
  readonly ctrl: boolean;
}

export type Effect =
  | { readonly kind: "quit" }
  | { readonly kind: "suspend" }
  | { readonly kind: "refresh" }
  | { readonly kind: "act"; readonly action: ServiceAction; readonly service: string }
  | { readonly kind: "say"; readonly text: string };

export interface Outcome {
  readonly view: View;
  readonly effect?: Effect;
}

const MOST_FILTER = 64;

export const initialView: View = {
  mode: { kind: "table" },
  order: { by: "cpu", reversed: false },
  filter: "",
  top: 0,
};

/** What is shown of the rows, in its order. */
export function visibleRows(rows: readonly Row[], { filter, order }: View): readonly Row[] {
  const wanted = filter.toLowerCase();
  return sorted(
    rows.filter(({ name }) => name.toLowerCase().includes(wanted)),
    order,
  );
}

/** Keeps the selection among the rows, and in sight. @param height as many rows are shown */
export function settled(view: View, shown: readonly Row[], height: number): View {
  const { selected: _, ...rest } = view;
  const index = indexOf(view, shown);
  const row = shown[index];
  const room = Math.max(1, height);
  const most = Math.max(0, shown.length - room);
  const top = Math.min(most, Math.max(Math.min(view.top, index), index - room + 1, 0));
  return row === undefined ? { ...rest, top: 0 } : { ...rest, selected: row.name, top };
}

function indexOf({ selected }: View, shown: readonly Row[]): number {
  const index = shown.findIndex(({ name }) => name === selected);
  return Math.max(0, index);
}

/** @param height as many rows are shown */
export function press(view: View, key: Key, rows: readonly Row[], height: number): Outcome {
  if (key.ctrl && key.name === "c") return { view, effect: { kind: "quit" } };
  if (key.ctrl && key.name === "z") return { view, effect: { kind: "suspend" } };
  switch (view.mode.kind) {
    case "table":
      return pressInTable(view, key, visibleRows(rows, view), height);
    case "filter":
      return { view: pressInFilter(view, key) };
    case "confirm":
      return pressInQuestion(view, view.mode, key);
    case "log":
    case "help":
      return { view: backToTable(view) };
  }
}

function backToTable(view: View): View {
  return { ...view, mode: { kind: "table" } };
}

function pressInTable(view: View, key: Key, shown: readonly Row[], height: number): Outcome {
  // A capital has the name of the small letter.
  const move = moves[key.text ?? key.name];
  if (move !== undefined) {
    const index = Math.max(0, Math.min(shown.length - 1, move(indexOf(view, shown), height, shown.length)));
    const row = shown[index];
    return { view: row === undefined ? view : { ...view, selected: row.name } };
  }
  const column = key.text === undefined ? undefined : sortKeys[key.text];
  if (column !== undefined) return { view: { ...view, order: orderBy(column, view.order) } };
  const row = shown[indexOf(view, shown)];
  switch (key.text) {
    case "q":
      return { view, effect: { kind: "quit" } };
    case "?":
    case "h":
      return { view: { ...view, mode: { kind: "help" } } };
    case "/":
      return { view: { ...view, mode: { kind: "filter" } } };
    case "o":
      return { view: { ...view, order: nextOrder(view.order) } };
    case "O":
      return { view: { ...view, order: { ...view.order, reversed: !view.order.reversed } } };
    case " ":
      return { view, effect: { kind: "refresh" } };
    case "l":
      return row === undefined
        ? { view }
        : { view: { ...view, mode: { kind: "log", service: row.name } }, effect: { kind: "refresh" } };
    case "s":
      return act(view, "start", row);
    case "x":
      return act(view, "stop", row);
    case "r":
      return act(view, "restart", row);
    default:
      return key.name === "escape" && view.filter !== "" ? { view: { ...view, filter: "" } } : { view };
  }
}

const moves: Readonly<Record<string, (index: number, height: number, count: number) => number>> = {
  up: (index) => index - 1,
  k: (index) => index - 1,
  down: (index) => index + 1,
  j: (index) => index + 1,
  pageup: (index, height) => index - height,
  pagedown: (index, height) => index + height,
  home: () => 0,
  g: () => 0,
  end: (_, __, count) => count - 1,
  G: (_, __, count) => count - 1,
};

/** Capitals, so that they are apart from what is done to a service. */
const sortKeys: Readonly<Record<string, ColumnName>> = {
  N: "name",
  S: "state",
  P: "cpu",
  M: "memory",
  T: "uptime",
  R: "restarts",
  I: "pid",
};

/** The same key again turns it round. */
function orderBy(by: ColumnName, { by: before, reversed }: Order): Order {
  return { by, reversed: by === before && !reversed };
}

function nextOrder({ by }: Order): Order {
  const index = columns.findIndex(({ name }) => name === by);
  return { by: columns[(index + 1) % columns.length]?.name ?? "name", reversed: false };
}

function act(view: View, action: ServiceAction, row: Row | undefined): Outcome {
  if (row === undefined) return { view };
  const service = row.name;
  if (service === "root")
    return { view, effect: { kind: "say", text: `root is the shepherd itself: run 'herd ${action} root'` } };
  // A start takes nothing away.
  if (action === "start") return { view, effect: { kind: "act", action, service } };
  return { view: { ...view, mode: { kind: "confirm", action, service } } };
}

function pressInQuestion(
  view: View,
  { action, service }: Extract<Mode, { kind: "confirm" }>,
  { text }: Key,
): Outcome {
  const isYes = text === "y" || text === "Y";
  return { view: backToTable(view), ...(isYes ? { effect: { kind: "act", action, service } } : {}) };
}

function pressInFilter(view: View, { name, text, ctrl }: Key): View {
  if (name === "return" || name === "enter") return backToTable(view);
  if (name === "escape") return { ...backToTable(view), filter: "" };
  if (name === "backspace") return { ...view, filter: [...view.filter].slice(0, -1).join("") };
  if (ctrl && name === "u") return { ...view, filter: "" };
  const isText = text !== undefined && !ctrl && [...text].every((one) => one >= " " && one !== "\x7f");
  return isText ? { ...view, filter: `${view.filter}${text}`.slice(0, MOST_FILTER) } : view;
}
