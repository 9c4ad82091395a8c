// Carries out the operations and the kills of a round, each at its instant, and writes down what came of them.

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { System } from "../support/harness.js";
import { children, describe } from "../support/processes.js";
import { exchange, gnuRequest } from "../support/wire.js";
import type { Done, History, Killed, Outcome } from "./history.js";
import { findMain, isDaemon, isWriter } from "./lives.js";
import type { Kill, Operation, Round } from "./workload.js";

/** How long, in ms, a client may be left without an answer: longer than any start or stop of the fleet takes. */
const patience = 45_000;
const interval = 5;

interface Result {
  readonly outcome: Outcome;
  readonly text?: string;
  readonly mark?: string;
}

export async function carryOut(system: System, round: Round): Promise<History> {
  const begin = performance.now();
  const now = (): number => performance.now() - begin;
  const until = (at: number): Promise<void> => delay(Math.max(0, at - now()));
  const keeper = system.keeper();
  const answers = round.operations.map(async ({ operation, at }): Promise<Done> => {
    await until(at);
    const sent = now();
    const { outcome, text = "", mark } = await perform(system, keeper, operation);
    return { operation, outcome, text, sent, ended: now(), ...(mark === undefined ? {} : { mark }) };
  });
  const kills = round.kills.map(async (kill): Promise<Killed> => {
    if (kill.answerOf === undefined) await until(kill.at);
    else await answers[kill.answerOf];
    const pid = await killProcess(keeper, kill.victim);
    return { ...kill, pid, done: now() };
  });
  const [operations, killed] = await Promise.all([Promise.all(answers), Promise.all(kills)]);
  return { operations, kills: killed };
}

/** Kills the daemon or the log writer; one that is between two lives is waited for. 0 if none comes. */
async function killProcess(keeper: number, victim: Kill["victim"]): Promise<number> {
  const isVictim = victim === "writer" ? isWriter : isDaemon;
  const deadline = performance.now() + patience;
  while (performance.now() < deadline) {
    const found = children(keeper)
      .map((pid) => describe(pid))
      .find((process) => process !== undefined && process.state !== "Z" && isVictim(process.command));
    if (found !== undefined && signal(found.pid, "SIGKILL")) return found.pid;
    await delay(interval);
  }
  return 0;
}

/** Signals a process by its number out here; false if there is none any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

async function perform(system: System, keeper: number, operation: Operation): Promise<Result> {
  switch (operation.verb) {
    case "crash": {
      const main = findMain(keeper, operation.service);
      if (main?.mark === undefined) return { outcome: "missed" };
      const { mark } = main;
      const hit =
        typeof operation.by === "number"
          ? order(system, operation.service, `${mark} exit ${operation.by}`)
          : signal(main.pid, operation.by);
      return { outcome: hit ? "hit" : "missed", mark };
    }
    case "flood": {
      const mark = findMain(keeper, operation.service)?.mark;
      if (mark === undefined) return { outcome: "missed" };
      const hit = order(system, operation.service, `${mark} flood ${operation.lines}`);
      return { outcome: hit ? "hit" : "missed", mark };
    }
    case "load":
      return await ask(system, gnuRequest("load", "root", system.path(operation.module)));
    case "unload":
      return await ask(system, gnuRequest("unload", "root", operation.service));
    default:
      return await ask(system, gnuRequest(operation.verb, operation.service));
  }
}

/** Writes an order to a service's FIFO; false if nobody reads it. */
function order(system: System, service: string, text: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(system.path(`orders/${service}`), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENXIO" || code === "ENOENT") return false;
    throw error;
  }
  try {
    writeSync(descriptor, `${text}\n`);
    return true;
  } finally {
    closeSync(descriptor);
  }
}

async function ask(system: System, request: string): Promise<Result> {
  try {
    const { text, closed } = await exchange(system.socket, request, patience);
    if (!closed) return { outcome: "silent", text };
    // A reply that was cut off by the daemon's death is none.
    if (!/^\(reply .*\)\s*$/s.test(text)) return { outcome: "cut", text };
    const refused =
      /\(result #f\)/.test(text) || !/\(error #f\)/.test(text) || /\(result \(#f\)\)/.test(text);
    return { outcome: refused ? "refused" : "done", text };
  } catch (error) {
    return { outcome: "unreachable", text: String(error) };
  }
}
