// Carries out the operations and the kills of a round, each at its instant, and writes down what came of them.

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { System } from "../support/harness.js";
import { children, describe, type ProcessInfo } from "../support/processes.js";
import { exchange, gnuRequest } from "../support/wire.js";
import type { Ambush } from "./ambush.js";
import { fleet } from "./fleet.js";
import type { Done, History, Killed, Outcome } from "./history.js";
import { findMain, isDaemon, isWriter } from "./lives.js";
import { sendMessages } from "./sender.js";
import { Tracer } from "./tracer.js";
import type { Kill, Operation, Planned, Round, Trace } from "./workload.js";

/** How long, in ms, a client may be left without an answer: longer than any start or stop of the fleet takes. */
const patience = 60_000;
const interval = 5;
/** How long, in ms, what nobody waits for may take until a process is traced no more. */
const tracing = 4_000;

export interface Result {
  readonly outcome: Outcome;
  readonly text?: string;
  readonly mark?: string;
}

/** Everything but what happens at crash points: `ambush` tells that, and may do so later. */
export async function carryOut(system: System, ambush: Ambush, round: Round): Promise<History> {
  const keeper = system.keeper();
  const traced = round.trace === undefined ? undefined : await trace(keeper, round.trace);
  const floods = round.operations.filter(({ operation }) => operation.verb === "flood").length;
  const countedBefore = counted(system);
  if (round.ambush.length > 0) ambush.arm(round.ambush);
  const begin = performance.now();
  const now = (): number => performance.now() - begin;
  const until = (at: number): Promise<void> => delay(Math.max(0, at - now()));
  const answers = round.operations.map(async (planned): Promise<Done> => {
    const { operation } = planned;
    await until(planned.at);
    const sent = now();
    const { outcome, text = "", mark } = await perform(system, keeper, planned);
    return { operation, outcome, text, sent, ended: now(), ...(mark === undefined ? {} : { mark }) };
  });
  const killAt = async ({ victim, at, answerOf }: Kill): Promise<Killed> => {
    if (answerOf === undefined) await until(at);
    else await answers[answerOf];
    const pid = await killProcess(keeper, victim);
    return { victim, pid, instant: answerOf === undefined ? "" : "at an answer", done: now() };
  };
  const isFallback = (kill: Kill): boolean => kill.isFallback === true;
  const kills = round.kills.filter((kill) => !isFallback(kill)).map(killAt);
  const [operations, killed] = await Promise.all([Promise.all(answers), Promise.all(kills)]);
  const fallbacks: Killed[] = [];
  for (const kill of round.kills.filter(isFallback))
    if (ambush.hits().length === 0) fallbacks.push(await killAt({ ...kill, at: 0 }));
  const byTracer =
    traced === undefined ? [] : await traced.end(() => awaited(system, operations, countedBefore + floods));
  return { operations, kills: [...killed, ...fallbacks, ...byTracer] };
}

/** The daemon or the log writer; one that is between two lives is waited for, as long as there is a keeper. */
async function findVictim(keeper: number, victim: Kill["victim"]): Promise<ProcessInfo | undefined> {
  const isVictim = victim === "writer" ? isWriter : isDaemon;
  const deadline = performance.now() + patience;
  while (performance.now() < deadline && describe(keeper) !== undefined) {
    const found = children(keeper)
      .map((pid) => describe(pid))
      .find((process) => process !== undefined && process.state !== "Z" && isVictim(process.command));
    if (found !== undefined) return found;
    await delay(interval);
  }
  return undefined;
}

/** Resolves with its number in its namespace, or with 0 if there was nobody to kill. */
export async function killProcess(keeper: number, victim: Kill["victim"]): Promise<number> {
  for (;;) {
    const found = await findVictim(keeper, victim);
    if (found === undefined) return 0;
    if (signal(found.pid, "SIGKILL")) return found.inner;
  }
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

async function trace(
  keeper: number,
  { victim, call, nth }: Trace,
): Promise<{ end(isAwaited: () => boolean): Promise<readonly Killed[]> }> {
  const found = await findVictim(keeper, victim);
  if (found === undefined) throw new Error(`trace the ${victim}: there is none`);
  const tracer = await Tracer.attach(found.pid, call, nth);
  return {
    async end(isAwaited) {
      const deadline = performance.now() + tracing;
      while (!tracer.isOver && isAwaited() && performance.now() < deadline) await delay(interval);
      const isKilled = await tracer.detach();
      return isKilled ? [{ victim, pid: found.inner, instant: `before ${call} ${nth}` }] : [];
    },
  };
}

/** How many floods have come to their end. */
function counted(system: System): number {
  return fleet
    .filter(({ kind }) => kind === "process")
    .reduce((sum, { name }) => sum + system.read(`counts/${name}`).split("\n").length - 1, 0);
}

/** Whether crashes and floods have not led to what follows from them. */
function awaited(system: System, operations: readonly Done[], floods: number): boolean {
  const crashed = operations.some(
    ({ operation, outcome, mark = "" }) =>
      operation.verb === "crash" &&
      outcome === "hit" &&
      system.read(`lives/${operation.service}`).trimEnd().endsWith(mark),
  );
  return crashed || counted(system) < floods;
}

async function perform(system: System, keeper: number, { operation, byHerd }: Planned): Promise<Result> {
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
    case "send":
      return await sendMessages(system, operation.service, operation.lines);
    case "connect":
      return await talk(system.path(`sockets/${operation.service}`));
    case "spawn": {
      const log = `--log-file=${system.path(`logs/${operation.service}.log`)}`;
      const program = ["/bin/sh", system.path("member.sh"), operation.service, "plain"];
      // Its options are no strings on the wire.
      return await askByHerd(system, ["spawn", "transient", "-N", operation.service, log, "--", ...program]);
    }
    default: {
      const words = command(system, operation);
      return byHerd ? await askByHerd(system, words) : await ask(system, gnuRequest(...words));
    }
  }
}

/** Says something to a service that answers everything with itself. */
async function talk(socket: string): Promise<Result> {
  const text = "is anybody there?\n";
  try {
    const answer = await exchange(socket, text, patience);
    if (!answer.closed) return { outcome: "silent", text: answer.text };
    return { outcome: answer.text === text ? "done" : "missed", text: answer.text };
  } catch (error) {
    // Nobody listens: it is stopped.
    return { outcome: "missed", text: String(error) };
  }
}

/** Action, service and arguments. */
function command(
  system: System,
  operation: Exclude<Operation, { readonly verb: "crash" | "flood" | "connect" | "spawn" | "send" }>,
): readonly [string, string, ...string[]] {
  switch (operation.verb) {
    case "load":
    case "reload":
      return [operation.verb, "root", system.path(operation.module)];
    case "unload":
    case "rotate":
      return [operation.verb, "root", operation.service];
    case "relaunch":
      return ["restart", "root"];
    case "upgrade":
      return ["upgrade", "root", "keeper"];
    default:
      return [operation.verb, operation.service];
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
    const reply = text.split("\n").find((line) => /^\(reply .*\)\s*$/.test(line));
    if (reply === undefined) return { outcome: "cut", text };
    const refused =
      /\(result #f\)/.test(text) || !/\(error #f\)/.test(text) || /\(result \(#f\)\)/.test(text);
    return { outcome: refused ? "refused" : "done", text };
  } catch (error) {
    return { outcome: "unreachable", text: String(error) };
  }
}

/** What our own client makes of it: it never leaves its user without a word. */
async function askByHerd(system: System, words: readonly string[]): Promise<Result> {
  const { status, stdout, stderr } = await system.herd(...words);
  const text = `exit ${status}: ${stdout}${stderr}`;
  if (status === 0) return { outcome: "done", text };
  if (status !== 1 || (stdout + stderr).trim() === "") return { outcome: "silent", text };
  if (/end-of-file|supervisor (was )?restarted/.test(stderr)) return { outcome: "cut", text };
  return { outcome: /socket|refused|No such file/.test(stderr) ? "unreachable" : "refused", text };
}
