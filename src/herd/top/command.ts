// `herd top [SERVICE…]`: live on a terminal; elsewhere, and with --once, -n or --json, tables one after the other.

import { setTimeout as delay } from "node:timers/promises";
import { isatty } from "node:tty";
import { UsageError } from "../../cli/gnu-options.js";
import type { CommandError, Reply } from "../../protocol/messages.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import { sym } from "../../protocol/sexp.js";
import type { Invocation } from "../arguments.js";
import type { Output } from "../output.js";
import { columns, isColumnName, type Order, sorted } from "./columns.js";
import { type Row, rowsOf, type Sample } from "./sample.js";
import { takeSample } from "./sampler.js";
import { Screen } from "./screen.js";
import { runSession, type SessionMeans } from "./session.js";
import { plainTable, type TableOptions } from "./table.js";
import { initialView } from "./view.js";

export interface TopSurroundings extends TableOptions {
  readonly output: Output;
  readonly isTerminal: boolean;
  /** Asks root for the status, with patience. Throws a ConnectionError. */
  readonly ask: (action: string) => Promise<Reply | undefined>;
  /** Asks without patience: undefined where there is no answer now. */
  readonly askQuietly: (action: string, service?: string) => Promise<Reply | undefined>;
  readonly act: SessionMeans["act"];
  /** Tells of an error; the exit status. */
  readonly fail: (error: CommandError) => 1;
  readonly error: (text: string) => void;
}

const ACTION = "top";
const DEFAULT_INTERVAL = 2;
/** Seconds. */
const LIMITS = { least: 0.2, most: 3600 } as const;
const STANDARD_INPUT = 0;
/** Between the two looks that a table without a past is made of. */
const GLANCE_MS = 500;

/** The exit status; undefined for any other command, and where a service's own action of that name is meant. */
export async function showTop(invocation: Invocation, around: TopSurroundings): Promise<0 | 1 | undefined> {
  const { action, service, words, options } = invocation;
  if (action !== ACTION) return undefined;
  const names = service === undefined ? [] : [service, ...words];
  const order = orderOf(options.by);
  const interval = intervalOf(options.interval) * 1000;
  const count = countOf(invocation);
  const first = await takeSample(around.askQuietly, () => around.ask("status"));
  if (first === undefined) {
    around.error("shepherd does not tell its services");
    return 1;
  }
  const named = names.map((name) => first.services.find(({ provides }) => provides.includes(name)));
  if (named[0]?.actions.includes(ACTION) === true) return undefined;
  const missing = names.find((_, index) => named[index] === undefined);
  if (missing !== undefined) return around.fail({ kind: "service-not-found", service: sym(missing) });
  const isShown = filterOf(named.filter((one) => one !== undefined));
  if (count === undefined && around.isTerminal && isatty(STANDARD_INPUT)) {
    await runSession(
      { ...around, first, interval, isShown, order },
      {
        sample: () => takeSample(around.askQuietly),
        status: (name) => around.askQuietly("status", name),
        act: around.act,
        screen: (events) => new Screen(process.stdin, process.stdout, around.output, events),
      },
    );
    // An order that is under way goes on without us, and would keep us until it is over.
    process.exit(0);
  }
  return await printTables(
    { first, count: count ?? 1, interval, isShown, order },
    options.json === true,
    around,
  );
}

/** How many tables are wanted; undefined: as the terminal has it. */
function countOf({ options: { once, json, logHistory } }: Invocation): number | undefined {
  if (once === true || json === true) return 1;
  if (logHistory === 0) throw new UsageError("top: -n: expected at least one table");
  return logHistory;
}

function orderOf(sort: string | undefined): Order {
  if (sort === undefined) return initialView.order;
  if (isColumnName(sort)) return { by: sort, reversed: false };
  throw new UsageError(
    `top: --by: expected one of ${columns.map(({ name }) => name).join(", ")}, got "${sort}"`,
  );
}

function intervalOf(seconds: number | undefined): number {
  const { least, most } = LIMITS;
  if (seconds === undefined) return DEFAULT_INTERVAL;
  if (seconds >= least && seconds <= most) return seconds;
  throw new UsageError(`top: --interval: expected ${least} to ${most} seconds`);
}

function filterOf(services: readonly ServiceStatus[]): (row: Row) => boolean {
  if (services.length === 0) return () => true;
  const names = new Set(services.map(({ provides }) => provides[0]));
  return ({ name }) => names.has(name);
}

interface Printing {
  readonly first: Sample;
  readonly count: number;
  readonly interval: number;
  readonly isShown: (row: Row) => boolean;
  readonly order: Order;
}

async function printTables(
  { first, count, interval, isShown, order }: Printing,
  json: boolean,
  around: TopSurroundings,
): Promise<0 | 1> {
  let previous = first;
  for (let printed = 0; printed < count; printed += 1) {
    await delay(printed === 0 ? GLANCE_MS : interval);
    const sample = await takeSample(around.askQuietly);
    if (sample === undefined) {
      around.error("shepherd does not answer");
      return 1;
    }
    const rows = sorted(rowsOf(sample, previous).filter(isShown), order);
    const table = json ? `${JSON.stringify(toJson(rows), undefined, 2)}\n` : plainTable(rows, around);
    around.output.write(`${printed === 0 ? "" : "\n"}${table}`);
    if (!around.output.isOpen) return 0;
    previous = sample;
  }
  return 0;
}

function toJson(rows: readonly Row[]): object {
  return {
    services: rows.map(({ name, state, pid, cpu, memory, uptime, restarts, reason }) => ({
      name,
      state,
      pid: pid ?? null,
      cpuPercent: cpu === undefined ? null : Number(cpu.toFixed(2)),
      memory: memory ?? null,
      uptime: uptime ?? null,
      restarts,
      reason: reason ?? null,
    })),
  };
}
