// A service's own stop, whichever kind it is: a signal, a command or a function; no process is left after it.

import type { Host, StartContext } from "../constructors/host.js";
import { endProcess, endRest, type KillOptions } from "../constructors/kill.js";
import { stopSystem } from "../constructors/system.js";
import {
  type BuiltinStart,
  builtin,
  type ProcessReference,
  type RunningValue,
  type ServiceDefinition,
} from "../definition/types.js";
import type { Child } from "../processes.js";
import { type Request, runFor } from "../request.js";
import { isTimer } from "../timers/state.js";
import { finishUnit, stopUnitSocket } from "../units/runtime.js";
import { runAsUserCode } from "../user-code.js";
import { defaultGrace, gently } from "./remains.js";
import { isProcess } from "./running-value.js";
import { settledWithin } from "./settled-within.js";

/** The stop of a service that is under way. */
interface Stop {
  readonly context: StartContext;
  readonly value: RunningValue;
  /** The client's. */
  readonly args: readonly string[];
  readonly request: Request;
  /** The shell of a stop by command that an earlier daemon has begun. */
  readonly begun: Child | undefined;
  log(line: string): void;
}

/** Rejects with what user code threw; nothing of the running value's process is left then either. */
export async function destruct(
  host: Host,
  { start, stop }: Pick<ServiceDefinition, "start" | "stop">,
  by: Stop,
): Promise<void> {
  const { context, value, args, request, begun, log } = by;
  const data = stop[builtin];
  const say = (line: string): void => request.say(line);
  const process = isProcess(value) ? value : undefined;
  const { unit } = context;
  if (unit !== undefined && start[builtin]?.kind === "unit") {
    const isRestarting = (): boolean => unit.state.wanted === "restart";
    await finishUnit(unit, { commands: true, say, isRestarting });
    return;
  }
  if (data?.kind === "unit") {
    await stopBuiltinUnit(host, context, start[builtin]);
    return;
  }
  if (data?.kind === "kill") {
    if (process !== undefined) await endProcess(host, process, data, say);
    else await endRuns(host, by, data);
    return;
  }
  try {
    const trouble =
      data?.kind === "system"
        ? await stopSystem(host, context, data, begun)
        : await runFor(request, () =>
            runAsUserCode(`stop of service ${context.name}`, context, () => stop(value, ...args)),
          );
    if (trouble) log(`Service ${context.name} might have failed to stop.`);
  } finally {
    if (process !== undefined) await endLeftover(host, process, say);
    else await endRuns(host, by, gently);
  }
}

/** Of a unit that is no service. */
async function stopBuiltinUnit(
  host: Host,
  context: StartContext,
  start: BuiltinStart | undefined,
): Promise<void> {
  if (start?.kind === "unit-socket") await stopUnitSocket(host, context, start);
}

/** Of a timer: what it runs, and what runs that are over have left in its cgroup. */
async function endRuns(host: Host, { context, value, request }: Stop, options: KillOptions): Promise<void> {
  if (!isTimer(value)) return;
  await Promise.all(
    value.runs.map(async ({ id, pid }) => {
      const run = { type: "process", id, pid, start: 0, command: [] } as const;
      await endProcess(host, run, options, (line) => request.say(line));
    }),
  );
  await endRest(host, context.name, options.gracePeriod);
}

/** Waits for a process that was asked to end in some other way, then ends it. */
async function endLeftover(
  host: Host,
  process: ProcessReference,
  say: (line: string) => void,
): Promise<void> {
  const child = host.processes.get(process.id);
  if (child !== undefined && child.end === undefined) await settledWithin(defaultGrace, child.ended);
  await endProcess(host, process, gently, say);
}
