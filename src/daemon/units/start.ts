// The start of a unit: conditions, the commands before, the service itself until it is ready, the commands after. Each
// process is noted as the step that it is, so that a start and one that an earlier daemon has begun are one and the same.

import type { Command } from "../../../systemd-compat/parser/command-line.js";
import { serviceType } from "../../../systemd-compat/unit-checks.js";
import type { Host, StartContext } from "../constructors/host.js";
import type { ProcessReference, RunningValue } from "../definition/types.js";
import { type Child, decodeWaitStatus } from "../processes.js";
import { admit } from "./admission.js";
import { type PhaseFailure, type PhaseOptions, runPhase } from "./commands.js";
import { startTimeout } from "./defaults.js";
import type { Phase } from "./execution/types.js";
import { Skipped, UnitFailure } from "./failure.js";
import { commandAdditions, mainAdditions, startMain, withVariables } from "./main-process.js";
import { monitorVariables } from "./monitored.js";
import { mainRole } from "./result.js";
import { hasBegun, lastOf, type UnitRun } from "./run.js";
import type { UnitData } from "./types.js";

/** Exit statuses of ExecCondition= that have the unit skipped: another one is a failure, and 0 lets it start. */
const skipping = { least: 1, most: 254 } as const;

const phases = ["condition", "start-pre", "start", "start-post"] as const satisfies readonly Phase[];

/**
 * Starts a unit, or goes on where an earlier daemon was. Resolves with the running value: the main process, or `true` where
 * there is none, or none that is known.
 *
 * @throws Skipped, and UnitFailure (a StartFailure) with what the failure means; what still runs then is the caller's to end
 */
export async function startUnit(host: Host, context: StartContext, data: UnitData): Promise<RunningValue> {
  const { unit: run } = context;
  if (run === undefined)
    throw new UnitFailure("resources", "a unit is a service's whole start, and no part of a start function");
  const { service } = run;
  if (!hasBegun(run.state, phases)) {
    await admit(host, data);
    context.signal.throwIfAborted();
  }
  const commandOptions = {
    timeout: startTimeout(service),
    signal: context.signal,
    say: context.say,
    additions: () => commandAdditions(run),
  };
  await condition(run, service.ExecCondition ?? [], commandOptions);
  await command(run, "start-pre", service.ExecStartPre ?? [], {
    ...commandOptions,
    additions: async () => withVariables(await commandAdditions(run), monitorVariables(host, run.name)),
  });
  const main = await itself(run, context, commandOptions);
  await command(run, "start-post", service.ExecStartPost ?? [], commandOptions);
  return main === undefined ? true : reference(run, main);
}

/** Whether a later phase was begun, so that this one is over. */
function isPast({ state }: UnitRun, phase: (typeof phases)[number]): boolean {
  return hasBegun(state, phases.slice(phases.indexOf(phase) + 1));
}

async function condition(run: UnitRun, commands: readonly Command[], options: PhaseOptions): Promise<void> {
  if (isPast(run, "condition")) return;
  const failure = await runPhase(run, "condition", commands, options);
  if (failure === undefined) return;
  const { exitCode = 0 } = failure.end === undefined ? {} : decodeWaitStatus(0, failure.end.status);
  if (failure.result === "exit-code" && failure.end?.failure === undefined)
    if (exitCode >= skipping.least && exitCode <= skipping.most) throw new Skipped(failure.reason, true);
  throw startFailure(run, failure);
}

async function command(
  run: UnitRun,
  phase: "start-pre" | "start-post",
  commands: readonly Command[],
  options: PhaseOptions,
): Promise<void> {
  if (isPast(run, phase)) return;
  const failure = await runPhase(run, phase, commands, options);
  if (failure !== undefined) throw startFailure(run, failure);
}

function startFailure({ service }: UnitRun, { result, reason }: PhaseFailure): UnitFailure {
  const mode = service.TimeoutStartFailureMode ?? "terminate";
  return new UnitFailure(result, reason, result === "timeout" && mode !== "terminate" ? mode : undefined);
}

/** The commands of ExecStart=: of a one-shot all, one after the other, of any other type the one that is the service. */
async function itself(
  run: UnitRun,
  context: StartContext,
  options: PhaseOptions,
): Promise<Child | undefined> {
  const { service } = run;
  if (serviceType(service) !== "oneshot") return await startMain(run, context);
  if (isPast(run, "start")) return undefined;
  const failure = await runPhase(run, "start", service.ExecStart ?? [], {
    ...options,
    role: mainRole(service),
    additions: (isLast) => mainAdditions(run, isLast),
  });
  noteExit(run);
  if (failure !== undefined) throw startFailure(run, failure);
  return undefined;
}

/** How the last process of a one-shot ended is what is told of the service. */
function noteExit(run: UnitRun): void {
  const end = lastOf(run.state, "start")?.made.end;
  const isTold = run.state.exitStatuses.some(({ time }) => time === end?.time);
  if (end === undefined || end.failure !== undefined || isTold) return;
  run.dispatch({ type: "process-ended", time: end.time, status: end.status, main: true });
}

function reference({ service }: UnitRun, { id, pid, start }: Child): ProcessReference {
  const [main] = service.ExecStart ?? [];
  return { type: "process", id, pid, start, command: main?.argv ?? [] };
}
