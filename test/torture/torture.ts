// The torture itself: boots a system, carries out the plan round by round, and checks the model after each.

import { setTimeout as delay } from "node:timers/promises";
import { account } from "../support/accounts.js";
import { bootSystem, type Scope, type System } from "../support/harness.js";
import { config, files, fleet, memberOf } from "./fleet.js";
import { describeHistory, type History } from "./history.js";
import { LogLedger } from "./log-ledger.js";
import { lostLines, mayChange, unclaimed, violations } from "./model.js";
import { carryOut, signal } from "./operator.js";
import { describeSnapshot, type Snapshot, takeSnapshot } from "./snapshot.js";
import { plan, type Round } from "./workload.js";

export interface TortureOptions {
  readonly seed: number;
  readonly kills: number;
  /** Stops at the first violation. */
  readonly untilViolation: boolean;
  /** Gets what is to be read by people. */
  readonly print: (text: string) => void;
}

export interface Tally {
  readonly kills: number;
  readonly operations: number;
  readonly services: number;
  readonly lines: number;
  readonly connections: number;
  /** Rounds after which something did not hold. */
  readonly violations: number;
  /** Milliseconds. */
  readonly time: number;
}

/** Milliseconds for a supervisor that was killed to have everything in order again; a stop takes 5 s at most. */
const patience = 8_000;
const interval = 40;
/** How long nothing may be wrong before it is believed, where a respawn may be about to happen. */
const lull = 600;

export async function torture(scope: Scope, options: TortureOptions): Promise<Tally> {
  const { seed, print } = options;
  const begin = performance.now();
  const system = await boot(scope);
  const ledgers = ledgersOf(system);
  let before = await firstSnapshot(system, ledgers);
  const tally = { kills: 0, operations: 0, connections: 0, violations: 0 };
  const complain = (where: string, found: readonly string[], history: History, after?: Snapshot): void => {
    tally.violations += 1;
    print(report(`${where} of seed ${seed}`, found, history, after, system));
  };
  for (const [index, round] of plan(seed, options.kills).entries()) {
    const history = await carryOut(system, round);
    const { found, snapshot } = await settle(system, ledgers, before, history);
    tally.kills += history.kills.length;
    tally.operations += history.operations.length;
    tally.connections += connectionsOf(round);
    const wrong = [...found, ...ledgers.flatMap((ledger) => ledger.anomalies())];
    if (wrong.length > 0) complain(`in round ${index}`, wrong, history, snapshot);
    if (system.hasEnded || (wrong.length > 0 && options.untilViolation)) break;
    if (snapshot !== undefined) {
      if (wrong.length > 0) clearAway(snapshot);
      before = snapshot;
    }
  }
  const wrong = await end(system, ledgers, before);
  if (wrong.length > 0) complain("at the end", wrong, { operations: [], kills: [] });
  const lines = ledgers.reduce((sum, { total }) => sum + total, 0);
  return { ...tally, services: fleet.length, lines, time: performance.now() - begin };
}

async function boot(scope: Scope): Promise<System> {
  const root = account("root");
  return await bootSystem(scope, {
    config,
    files,
    directories: { orders: root, lives: root, counts: root, pids: root, logs: root },
    // Deaths are the point here: they must not add up to rescue mode, nor to long pauses.
    keeperOptions: ["--deaths=0", "--window=1"],
  });
}

function ledgersOf(system: System): readonly LogLedger[] {
  const own = fleet
    .filter(({ kind, ownLog }) => kind === "process" && ownLog)
    .map(({ name }) => new LogLedger(system.path(`logs/${name}.log`), false));
  return [...own, new LogLedger(system.path("shepherd.log"), true)];
}

/** Everything that the configuration starts has come up. */
async function firstSnapshot(system: System, ledgers: readonly LogLedger[]): Promise<Snapshot> {
  return await system.waitFor("the fleet is up", async () => {
    const snapshot = await takeSnapshot(system, ledgers);
    const isUp = (name: string): boolean => {
      const service = snapshot?.services.get(name);
      const { kind } = memberOf(name);
      return kind === "one-shot"
        ? service?.changes.length !== 0
        : service?.status === "running" && (kind !== "process" || snapshot?.lives.get(name)?.length === 1);
    };
    const expected = fleet.filter(({ module }) => module === undefined);
    return expected.every(({ name }) => isUp(name)) ? snapshot : undefined;
  });
}

/** Looks until nothing is wrong, or has been for too long. */
async function settle(
  system: System,
  ledgers: readonly LogLedger[],
  before: Snapshot,
  history: History,
): Promise<{ readonly found: readonly string[]; readonly snapshot: Snapshot | undefined }> {
  const deadline = performance.now() + patience;
  let soundSince = Number.POSITIVE_INFINITY;
  for (;;) {
    if (system.hasEnded) return { found: ["the keeper has ended"], snapshot: undefined };
    const snapshot = await takeSnapshot(system, ledgers);
    const found =
      snapshot === undefined ? ["the supervisor does not answer"] : violations(before, history, snapshot);
    const now = performance.now();
    soundSince = found.length === 0 ? Math.min(soundSince, now) : Number.POSITIVE_INFINITY;
    const isOver = now - soundSince >= (snapshot !== undefined && mayChange(snapshot) ? lull : 0);
    if (isOver || now > deadline) return { found, snapshot };
    await delay(interval);
  }
}

/** After all that, it still ends as it should, with every line in its place. */
async function end(
  system: System,
  ledgers: readonly LogLedger[],
  last: Snapshot,
): Promise<readonly string[]> {
  if (system.hasEnded) return [];
  const { code, signal } = await system.stop();
  for (const ledger of ledgers) ledger.read();
  const logged = new Map(ledgers.flatMap(({ lines }) => [...lines]));
  return [
    ...(code === 0 ? [] : [`the system ended with ${code ?? signal}`]),
    ...lostLines(last.printed, logged),
    ...ledgers.flatMap((ledger) => ledger.anomalies()),
  ];
}

/** What was reported must not be met, and crashed, in later rounds. */
function clearAway(snapshot: Snapshot): void {
  for (const { pid } of unclaimed(snapshot)) signal(pid, "SIGKILL");
}

function connectionsOf({ operations }: Round): number {
  return operations.filter(({ operation }) => operation.verb !== "crash" && operation.verb !== "flood")
    .length;
}

function report(
  where: string,
  found: readonly string[],
  history: History,
  snapshot: Snapshot | undefined,
  system: System,
): string {
  return [
    `VIOLATION ${where}:`,
    ...found.map((text) => `  ${text}`),
    "operations:",
    describeHistory(history),
    "state:",
    snapshot === undefined ? "(none)" : describeSnapshot(snapshot),
    "the supervisor's log:",
    tail(system),
    "",
  ].join("\n");
}

/** The last lines of the log, without the numbered ones. */
function tail(system: System): string {
  const lines = system.log().split("\n");
  return lines
    .filter((line) => !/-{40};$/.test(line))
    .slice(-60)
    .join("\n");
}

export function summary(seed: number, tally: Tally): string {
  const { kills, operations, services, lines, connections, violations, time } = tally;
  const seconds = (time / 1000).toFixed(1);
  return `seed ${seed}: ${kills} kills, ${operations} operations, ${services} services, ${lines} log lines, ${connections} connections, ${violations} violations, ${seconds} s`;
}
