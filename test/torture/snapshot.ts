// What can be seen of a tortured system at one moment, all of it from outside of the supervisor's own code.

import type { System } from "../support/harness.js";
import { exchange, gnuRequest, parseService, type ServiceReply } from "../support/wire.js";
import { fleet, timers } from "./fleet.js";
import { isCompressor, isDaemon, isMain, isWriter, type Marked, markOfProcess, variableOf } from "./lives.js";
import type { LogLedger } from "./log-ledger.js";
import { describeTimer, parseRuns, parseTimer, type TimedRun, type TimerView } from "./timer-view.js";

export interface ServiceView extends ServiceReply {
  /** Why it was disabled, where the supervisor has done that. */
  readonly disabledBecause: string | undefined;
  /** Why its last start failed. */
  readonly failure: string | undefined;
  /** Newest first, as every history. */
  readonly exitRecords: readonly { readonly status: number; readonly time: number }[];
  /** While a timer runs. */
  readonly timer: TimerView | undefined;
}

export interface Snapshot {
  /** Absent ones are not registered. */
  readonly services: ReadonlyMap<string, ServiceView>;
  /** What lives, without the supervisor's own. */
  readonly processes: readonly Marked[];
  readonly zombies: readonly Marked[];
  /** Supervisor's own: how many of each there are. */
  readonly daemons: number;
  /** How many daemons there were before this one. */
  readonly generation: number;
  readonly writers: number;
  readonly compressors: number;
  /** Of each service: the marks that its processes have written down, in the order of their lives. */
  readonly lives: ReadonlyMap<string, readonly string[]>;
  /** Of each timer: the runs that have told of themselves, in the order of their lives. */
  readonly runs: ReadonlyMap<string, readonly TimedRun[]>;
  /** When it was taken, in seconds since the epoch. */
  readonly time: number;
  /** Of each service that a function starts: how often that was called. */
  readonly calls: ReadonlyMap<string, number>;
  /** Of each life: how many lines it has printed at least, and how many are in its log. */
  readonly printed: ReadonlyMap<string, number>;
  readonly logged: ReadonlyMap<string, number>;
  /** Whether lines that were in a log are gone from it, for now. */
  readonly logIsShort: boolean;
}

/** Undefined while the system cannot be seen as a whole, such as when the daemon dies, or a timer runs something, meanwhile. */
export async function takeSnapshot(
  system: System,
  ledgers: readonly LogLedger[],
): Promise<Snapshot | undefined> {
  const earlier = runsOf(system);
  const { text } = await exchange(system.socket, gnuRequest("status", "root"), 15_000).catch(() => ({
    text: "",
  }));
  if (!text.startsWith("(reply")) return undefined;
  const namespace = system.processes();
  const keeper = system.keeper();
  const ofKeeper = namespace.filter(({ parent }) => parent === keeper);
  const daemons = ofKeeper.filter(({ command }) => isDaemon(command));
  const writers = ofKeeper.filter(({ command }) => isWriter(command));
  const compressors = ofKeeper.filter(({ command }) => isCompressor(command));
  const own = new Set([keeper, ...[...daemons, ...writers, ...compressors].map(({ pid }) => pid)]);
  const others = namespace
    .filter(({ pid }) => !own.has(pid))
    .map((process) => ({ ...process, mark: process.state === "Z" ? undefined : markOfProcess(process.pid) }));
  for (const ledger of ledgers) ledger.read();
  // A short run may begin and end after the status was told: it would be in this snapshot by what it wrote, and not by its
  // status.
  const runs = runsOf(system);
  if ([...runs].some(([name, { length }]) => earlier.get(name)?.length !== length)) return undefined;
  return {
    services: servicesOf(text),
    processes: others.filter(({ state }) => state !== "Z"),
    zombies: others.filter(({ state }) => state === "Z"),
    daemons: daemons.length,
    generation: Number(variableOf(daemons[0]?.pid ?? 0, "SHEPHERD_GENERATION")),
    writers: writers.length,
    compressors: compressors.length,
    lives: new Map(fleet.map(({ name }) => [name, linesOf(system, `lives/${name}`)])),
    runs,
    time: Date.now() / 1000,
    calls: new Map(fleet.map(({ name }) => [name, linesOf(system, `effects/${name}`).length])),
    printed: printedBy(system),
    logged: new Map(ledgers.flatMap(({ lines }) => [...lines])),
    logIsShort: ledgers.some(({ isShort }) => isShort),
  };
}

function runsOf(system: System): ReadonlyMap<string, readonly TimedRun[]> {
  return new Map(timers.map(({ name }) => [name, linesOf(system, `runs/${name}`).map(parseRuns)]));
}

/** Of each life: how many lines it has printed at least. */
export function printedBy(system: System): ReadonlyMap<string, number> {
  return new Map(
    fleet
      .flatMap(({ name }) => linesOf(system, `counts/${name}`))
      .map((line) => {
        const [mark = "", count] = line.split(" ");
        return [mark, Number(count)] as const;
      }),
  );
}

function servicesOf(reply: string): Map<string, ServiceView> {
  const services = new Map<string, ServiceView>();
  for (const text of reply.split("(service (version 0)").slice(1)) {
    const name = text.match(/\(provides \((\S+?)[ )]/)?.[1];
    const service = parseService(text);
    if (name === undefined || service === undefined) throw new Error(`read status of root: got ${text}`);
    const exits = text.match(/\(exit-statuses \((.*?)\)\) \(recent-messages/)?.[1] ?? "";
    services.set(name, {
      ...service,
      timer: parseTimer(text),
      failure: text.match(/\(failure "([^"]*)"\)/)?.[1],
      disabledBecause: text.match(/\(disabled-because "([^"]*)"\)/)?.[1],
      exitRecords: [...exits.matchAll(/\((\d+) \. (\d+)\)/g)].map(([, status, time]) => ({
        status: Number(status),
        time: Number(time),
      })),
    });
  }
  return services;
}

function linesOf(system: System, file: string): string[] {
  const lines = system.read(file).split("\n");
  // The last one has no end yet, or is nothing.
  return lines.slice(0, -1);
}

export function describeSnapshot({ services, processes, zombies }: Snapshot): string {
  const states = [...services].map(([name, { status, enabled, pid, exits, respawns, changes, timer }]) => {
    const path = changes
      .slice(0, 6)
      .map((change) => change.status)
      .reverse();
    return `${name}: ${status}${enabled ? "" : ", disabled"}, pid ${pid ?? "-"}, exits ${exits.join(" ")}, ${respawns.length} respawns, …${path.join(" ")}${timer === undefined ? "" : describeTimer(timer)}`;
  });
  const living = [...processes, ...zombies].map(
    (process) =>
      `${process.inner} ${process.state} ${process.mark ?? "no mark"}${isMain(process) ? " (main)" : ""}: ${process.command.join(" ")}`,
  );
  return [...states, ...living].join("\n");
}
