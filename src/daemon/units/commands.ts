// The commands of a phase, one after the other: each is spawned, waited for and judged. Those of an earlier daemon are found
// in the service's note, and none is run a second time.

import type { Command } from "../../../systemd-compat/parser/command-line.js";
import type { Request } from "../keeper/types.js";
import type { Child, End } from "../processes.js";
import { SpawnError } from "../processes.js";
import { commandSpec } from "./execution/command.js";
import { prepareUnit } from "./execution/prepare.js";
import type { CommandRequest, Phase } from "./execution/types.js";
import { type Limit, limitOf } from "./limit.js";
import { describeEnd, type Role, resultOf, type UnitResult } from "./result.js";
import { childOf, lastOf, mainVariables, stepName, type UnitRun, unitMark } from "./run.js";

/** A process that was spawned, and its time. */
export interface Begun {
  readonly child: Child;
  readonly limit: Limit;
}

/** What a command gets beside what all of the unit's get. */
export interface Additions {
  readonly request?: Pick<CommandRequest, "variables" | "listen" | "attendantEnvironment" | "connection">;
  readonly pidVariable?: string;
  /** What goes into the step of the spawn. */
  readonly after?: readonly Request[];
}

export interface PhaseOptions {
  /** Seconds that each command may take. */
  readonly timeout: number;
  /** Aborted when it is given up: nothing is spawned after that, and what runs is left to whoever gave it up. */
  readonly signal?: AbortSignal;
  readonly role?: Role;
  /** Says what is not as the unit has it. */
  say(line: string): void;
  /** Of each command, when it is about to run; `isLast` of its phase. */
  additions?(isLast: boolean): Promise<Additions>;
}

/** Why a phase did not come to its end. */
export interface PhaseFailure {
  readonly result: UnitResult;
  readonly reason: string;
  /** How the process ended, where it did. */
  readonly end?: End;
}

/** As the unit's file has it, such as `ExecStartPre`. */
const directives: Readonly<Record<Phase, string>> = {
  condition: "ExecCondition",
  "start-pre": "ExecStartPre",
  start: "ExecStart",
  "start-post": "ExecStartPost",
  reload: "ExecReload",
  stop: "ExecStop",
  "stop-post": "ExecStopPost",
};

/** Phases whose output is told to be that of the program which runs at that time. */
const labelled: readonly Phase[] = ["condition", "start-pre", "start", "stop-post"];

/** Such as `ExecStartPre=/usr/bin/install`, without the arguments, which may be secret. */
export function commandText(phase: Phase, command: Command): string {
  return `${directives[phase]}=${command.path}`;
}

/**
 * Runs those commands of a phase that have not been run; resolves with what failed, after which the others are left out.
 * Rejects with the signal's reason when that is aborted.
 */
export async function runPhase(
  run: UnitRun,
  phase: Phase,
  commands: readonly Command[],
  options: PhaseOptions,
): Promise<PhaseFailure | undefined> {
  const last = lastOf(run.state, phase);
  for (let number = Math.max(1, last?.number ?? 1); number <= commands.length; number += 1) {
    const command = commands[number - 1];
    if (command === undefined) break;
    const failure =
      last?.number === number
        ? await judge(run, phase, command, goOn(run, last.made.id, phase, number, options.timeout), options)
        : await runCommand(run, phase, command, number, commands.length, options);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** What an earlier daemon has begun; a text says why it cannot be gone on with. */
export function goOn(
  run: UnitRun,
  id: string,
  phase: Phase,
  number: number,
  timeout: number,
): Begun | PhaseFailure {
  const made = run.state.processes.find((one) => one.id === id);
  const child = made === undefined ? undefined : childOf(run, made);
  if (child !== undefined) return { child, limit: limitOf(run, id, timeout) };
  return {
    result: "resources",
    reason: `command ${number} of ${directives[phase]}= was not spawned when the supervisor was restarted`,
  };
}

async function runCommand(
  run: UnitRun,
  phase: Phase,
  command: Command,
  number: number,
  count: number,
  options: PhaseOptions,
): Promise<PhaseFailure | undefined> {
  const additions = (await options.additions?.(number === count)) ?? {};
  const begun = await spawnCommand(run, phase, command, number, additions, options);
  return await judge(run, phase, command, begun, options);
}

/** Spawns a command, together with the timer of its time. Rejects when the signal is aborted. */
export async function spawnCommand(
  run: UnitRun,
  phase: Phase,
  command: Command,
  number: number,
  { request = {}, pidVariable, after = [] }: Additions,
  { timeout, signal, say }: Pick<PhaseOptions, "timeout" | "signal" | "say">,
): Promise<Begun | PhaseFailure> {
  const { host, name, data } = run;
  signal?.throwIfAborted();
  const id = host.processes.nextId(name);
  const made = await prepareUnit(host, name, data, say, host.unitPlaces)
    .then((preparation) => {
      const variables = { ...mainVariables(run), ...request.variables };
      const connection = phase === "start" ? data.connection?.socket : undefined;
      const own = connection === undefined ? {} : { connection };
      return commandSpec(host, preparation, { id, command, phase, ...own, ...request, variables });
    })
    // Both say all in their message, and what is no mistake of the unit's is the supervisor's own.
    .catch((error: unknown): PhaseFailure => ({ result: "resources", reason: reasonOf(error) }));
  signal?.throwIfAborted();
  if ("reason" in made) return { ...made, reason: `${commandText(phase, command)}: ${made.reason}` };
  const { spec, step, label } = made;
  return host.outbox.together(() => {
    const child = run.spawn(
      id,
      {
        ...spec,
        environment: [...(spec.environment ?? []), `SHEPHERD_MARK=${unitMark(host, name)}`],
        // Without LISTEN_PID a program takes no sockets; without WATCHDOG_PID it is watched all the same.
        ...(pidVariable === undefined || spec.pidVariable === "LISTEN_PID" ? {} : { pidVariable }),
      },
      { before: step.before, after: [...step.after, ...after] },
      stepName(phase, number),
    );
    if (labelled.includes(phase)) child.onPid = (pid) => host.logs.label(name, label, pid);
    return { child, limit: limitOf(run, id, timeout) };
  });
}

/** Waits until a command has ended, or its time has, and says what was wrong with that. */
async function judge(
  run: UnitRun,
  phase: Phase,
  command: Command,
  begun: Begun | PhaseFailure,
  { signal, role = "command", timeout }: PhaseOptions,
): Promise<PhaseFailure | undefined> {
  if ("reason" in begun) return begun;
  const { child, limit } = begun;
  try {
    await untilOver(child, limit, signal);
    const { end } = child;
    if (end === undefined)
      return {
        result: "timeout",
        reason: `${commandText(phase, command)} has not ended within ${timeout} s`,
      };
    return failureOf(run, phase, command, child, end, role);
  } finally {
    limit.end();
  }
}

/** Resolves when the child has ended, or its time has; rejects when the signal is aborted. */
export async function untilOver(child: Child, limit: Limit, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason as Error);
    signal?.addEventListener("abort", abort, { once: true });
  });
  try {
    if (child.end === undefined) await Promise.race([child.ended, limit.over, aborted]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** What the end of a process of a phase means for that phase. */
export function failureOf(
  { service }: Pick<UnitRun, "service">,
  phase: Phase,
  command: Command,
  child: Child,
  end: End,
  role: Role,
): PhaseFailure | undefined {
  const result = resultOf(end.status, role, service.SuccessExitStatus);
  if (command.ignoreFailure || (result === "success" && end.failure === undefined)) return undefined;
  const text = commandText(phase, command);
  if (end.failure !== undefined)
    return { result: "exit-code", reason: `${text}: ${new SpawnError(end.failure).message}`, end };
  return { result, reason: `${text} (PID ${child.pid}) ${describeEnd(end)}`, end };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
