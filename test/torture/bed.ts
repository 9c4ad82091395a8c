// One tortured system: booted, put through rounds after each of which the model must hold, and ended under fire.

import { symlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { account } from "../support/accounts.js";
import { bootSystem, type Scope, type System } from "../support/harness.js";
import { Ambush, armedFile, type CrashPoint } from "./ambush.js";
import { namedLabels } from "./crash-points.js";
import type { FaultName } from "./faults.js";
import { config, directories, files, fleet, memberOf, systemLog } from "./fleet.js";
import { describeHistory, type History, type Killed } from "./history.js";
import { LogLedger } from "./log-ledger.js";
import { lostLines, mayChange, unclaimed, violations } from "./model.js";
import { carryOut, killProcess, signal } from "./operator.js";
import { buildSender } from "./sender.js";
import { describeSnapshot, printedBy, type Snapshot, takeSnapshot } from "./snapshot.js";
import { isTold } from "./timer-model.js";
import type { Round } from "./workload.js";

export interface BedOptions {
  readonly boot?: readonly CrashPoint[];
  readonly fault?: FaultName;
  /** The keeper is a child subreaper and not PID 1. */
  readonly subreaper?: boolean;
  /** Another directory with the native programs. */
  readonly native?: string;
  /** Milliseconds for a supervisor that was killed to have everything in order again. */
  readonly patience?: number;
}

/** What came of a round. */
export interface Verdict {
  readonly wrong: readonly string[];
  readonly history: History;
  /** Where daemons died at crash points. */
  readonly hits: readonly string[];
  /** For people: everything that one wants to know of a violation. */
  readonly report: string;
}

/** Seconds for which an event may stay unacknowledged until the keeper takes the daemon for dead. */
const silence = 5;
/** What a keeper that is not PID 1 leaves behind: processes of services. */
const leftFile = "left";
const findLeft = `grep -lz '^SHEPHERD_MARK=' /proc/[0-9]*/environ >"$SHEPHERD_TORTURE/${leftFile}" 2>/dev/null`;
/** A stop takes 5 s at most, and the machine may be busy. */
const usualPatience = 15_000;
const interval = 40;
/** How long, in ms, nothing may be wrong before it is believed, where something may be about to happen. */
const lull = 600;
/** How long, in ms, an end may take after the last request for it: the supervisor's own deadline, and some more. */
const endPatience = 60_000;

export class Bed {
  readonly system: System;
  readonly #ambush: Ambush;
  readonly #ledgers: readonly LogLedger[];
  readonly #patience: number;
  #before: Snapshot;

  private constructor(
    system: System,
    ambush: Ambush,
    ledgers: readonly LogLedger[],
    before: Snapshot,
    patience: number,
  ) {
    this.#patience = patience;
    this.system = system;
    this.#ambush = ambush;
    this.#ledgers = ledgers;
    this.#before = before;
  }

  /** Resolves when everything that the configuration starts has come up, whatever befell the first daemons. */
  static async boot(scope: Scope, options: BedOptions): Promise<Bed> {
    const root = account("root");
    const sender = await buildSender(scope);
    const system = await bootSystem(scope, {
      config,
      files: { ...files, ...armedFile(options.boot ?? []) },
      directories: Object.fromEntries(directories.map((name) => [name, root])),
      // Deaths are the point here: they must not add up to rescue mode, nor to long pauses.
      keeperOptions: ["--deaths=0", "--window=1", `--silence=${silence}`],
      nodeOptions: [`--import=${new URL("./interposer.js", import.meta.url).href}`],
      env: {
        SHEPHERD_TORTURE: "{directory}",
        SENDER: sender,
        ...(options.fault === undefined ? {} : { SHEPHERD_TORTURE_FAULT: options.fault }),
      },
      ...(options.subreaper === true ? { init: false, afterKeeper: findLeft } : {}),
      ...(options.native === undefined ? {} : { native: options.native }),
    });
    symlinkSync(sender, system.path("sender"));
    const ledgers = ledgersOf(system);
    scope.after(() => {
      for (const ledger of ledgers) ledger.close();
    });
    const before = await firstSnapshot(system, ledgers);
    const ambush = new Ambush(system.directory);
    return new Bed(system, ambush, ledgers, before, options.patience ?? usualPatience);
  }

  /** Where daemons have died that nobody has asked about yet; first of all, at the boot. */
  takeHits(): readonly string[] {
    const hits = this.#ambush.hits();
    this.#ambush.forget(hits.length);
    return hits.map(({ name }) => name);
  }

  /** Labels that no crash point is named after. */
  unnamed(): readonly string[] {
    return [...this.#ambush.seen()].filter((label) => !namedLabels.has(label));
  }

  /** How many numbered lines have arrived. */
  get lines(): number {
    return this.#ledgers.reduce((sum, { total }) => sum + total, 0);
  }

  async round(round: Round): Promise<Verdict> {
    const carriedOut = await carryOut(this.system, this.#ambush, round);
    const { found, snapshot, history } = await this.#settle(carriedOut);
    this.#ambush.disarm();
    const wrong = [...found, ...this.#anomalies()];
    const hits = this.#hitsOf(history);
    this.#ambush.forget(hits.length);
    const report = wrong.length === 0 ? "" : this.#report(wrong, history, snapshot);
    if (snapshot !== undefined) {
      // What was reported must not be met, and crashed, in later rounds.
      if (wrong.length > 0) for (const { pid } of unclaimed(snapshot)) signal(pid, "SIGKILL");
      this.#before = snapshot;
    }
    return { wrong, history, hits, report };
  }

  /** Leaves everything alone for so long that the keeper must have lost patience with a daemon that owes it anything. */
  async rest(): Promise<Verdict> {
    await delay((silence + 1) * 1000);
    return await this.round({ operations: [], kills: [], ambush: [] });
  }

  /** Tells the system to end, kills what has to see to that, and looks at what is left. */
  async end(round: Round): Promise<Verdict> {
    const { system } = this;
    const keeper = system.keeper();
    const before = await carryOut(system, this.#ambush, { ...round, kills: [] });
    const kills = round.kills.map(async ({ victim, at }): Promise<Killed> => {
      await delay(at);
      return { victim, pid: await killProcess(keeper, victim), instant: "", done: at };
    });
    const isOver = await this.#endWithin(endPatience);
    const killed = await Promise.all(kills);
    const hits = this.#ambush.hits();
    const history = { ...before, kills: [...killed, ...hits.map(killedAt)] };
    this.#ambush.forget(hits.length);
    for (const ledger of this.#ledgers) ledger.read();
    const logged = new Map(this.#ledgers.flatMap(({ lines }) => [...lines]));
    const end = isOver ? await system.ended : undefined;
    const wrong = [
      ...(end === undefined ? ["the system does not end"] : []),
      ...(end !== undefined && end.code !== 0 ? [`the system ended with ${end.code ?? end.signal}`] : []),
      ...(system.read(leftFile) === "" ? [] : [`processes are left: ${system.read(leftFile)}`]),
      ...lostLines(printedBy(system), logged),
      ...this.#anomalies(),
    ];
    const report = wrong.length === 0 ? "" : this.#report(wrong, history, undefined);
    return { wrong, history, hits: hits.map(({ name }) => name), report };
  }

  /** A request that a daemon took with it into death is made again, as people do. */
  async #endWithin(limit: number): Promise<boolean> {
    const { system } = this;
    const deadline = performance.now() + limit;
    while (!system.hasEnded && performance.now() < deadline) {
      await Promise.race([system.herd("stop", "root"), system.ended]);
      await Promise.race([delay(1000), system.ended]);
    }
    return system.hasEnded;
  }

  /** Looks until nothing is wrong, or has been for too long. */
  async #settle(carriedOut: History): Promise<{
    readonly found: readonly string[];
    readonly snapshot: Snapshot | undefined;
    readonly history: History;
  }> {
    const deadline = performance.now() + this.#patience;
    // What a daemon took with it into death may be carried out by the next one.
    const isUnderWay = carriedOut.operations.some(
      ({ operation, outcome }) => operation.verb === "relaunch" || outcome === "cut",
    );
    let soundSince = Number.POSITIVE_INFINITY;
    for (;;) {
      // First, so that a daemon which dies after this is missed rather than expected, and looked for again.
      const history = { ...carriedOut, kills: [...carriedOut.kills, ...this.#ambush.hits().map(killedAt)] };
      if (this.system.hasEnded) return { found: ["the keeper has ended"], snapshot: undefined, history };
      const snapshot = await takeSnapshot(this.system, this.#ledgers);
      const found =
        snapshot === undefined
          ? ["the supervisor does not answer"]
          : violations(this.#before, history, snapshot);
      const now = performance.now();
      soundSince = found.length === 0 ? Math.min(soundSince, now) : Number.POSITIVE_INFINITY;
      const mayGoOn = isUnderWay || (snapshot !== undefined && mayChange(snapshot));
      if (now - soundSince >= (mayGoOn ? lull : 0) || now > deadline) return { found, snapshot, history };
      await delay(interval);
    }
  }

  #hitsOf({ kills }: History): readonly string[] {
    return kills
      .filter(({ done, victim }) => done === undefined && victim === "daemon")
      .map(({ instant }) => instant);
  }

  /** What was wrong in the logs since the last look. */
  #anomalies(): readonly string[] {
    return this.#ledgers.flatMap((ledger) => ledger.anomalies());
  }

  #report(wrong: readonly string[], history: History, snapshot: Snapshot | undefined): string {
    return [
      ...wrong.map((text) => `  ${text}`),
      "operations:",
      describeHistory(history),
      "state:",
      snapshot === undefined ? "(none)" : describeSnapshot(snapshot),
      "the supervisor's log:",
      tail(this.system),
      "",
    ].join("\n");
  }
}

function killedAt({ pid, name }: { readonly pid: number; readonly name: string }): Killed {
  return { victim: "daemon", pid, instant: name };
}

function ledgersOf(system: System): readonly LogLedger[] {
  const own = fleet
    .filter(({ kind, ownLog }) => kind === "process" && ownLog)
    .map(({ name }) => new LogLedger(system.path(`logs/${name}.log`), "own"));
  const others = [
    new LogLedger(system.path("shepherd.log"), "shared"),
    new LogLedger(system.path(systemLog), "system"),
  ];
  return [...own, ...others];
}

async function firstSnapshot(system: System, ledgers: readonly LogLedger[]): Promise<Snapshot> {
  return await system.waitFor("the fleet is up", async () => {
    const snapshot = await takeSnapshot(system, ledgers);
    const isUp = (name: string): boolean => {
      const service = snapshot?.services.get(name);
      const { kind } = memberOf(name);
      // The first daemons may have died in the midst of its start function.
      if (service?.failure?.startsWith("interrupted") === true) return true;
      if (kind === "timer")
        return snapshot !== undefined && service?.timer !== undefined && isTold(name, snapshot);
      return kind === "one-shot"
        ? service?.changes.length !== 0
        : service?.status === "running" && (kind !== "process" || snapshot?.lives.get(name)?.length === 1);
    };
    const expected = fleet.filter(({ module }) => module === undefined);
    return expected.every(({ name }) => isUp(name)) ? snapshot : undefined;
  });
}

/** The last lines of the log, without the numbered ones. */
function tail(system: System): string {
  const lines = system.log().split("\n");
  return lines
    .filter((line) => !/-{40};$/.test(line))
    .slice(-60)
    .join("\n");
}
