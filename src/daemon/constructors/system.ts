// makeSystemConstructor and makeSystemDestructor: a shell command whose exit status 0 is success.

import { masked } from "../definition/secrets.js";
import type { ProcessOptions, SystemData } from "../definition/types.js";
import { type Child, describeTermination, type End } from "../processes.js";
import { type Host, type StartContext, StartFailure } from "./host.js";
import { openLog, runner, spawnSpec } from "./process-spec.js";

/** Runs `command` with the shell, its output to the service's log. */
async function runShell(
  host: Host,
  context: StartContext,
  command: string,
  options: ProcessOptions,
): Promise<Child> {
  const shell = process.env.SHELL || "/bin/sh";
  const identity = await runner(host, options);
  await openLog(host, context.name, shell, options, identity);
  context.signal.throwIfAborted();
  const id = host.processes.nextId(context.name);
  const spec = spawnSpec(host, context.name, id, [shell, "-c", command], options, identity);
  return context.spawn(id, spec);
}

/** Resolves with how the shell ended. */
async function endOf(host: Host, context: StartContext, child: Child): Promise<End> {
  await child.started;
  const cancel = (): void => {
    host.processes.signal(child.id, 9, "group").catch((error: unknown) => host.report(String(error)));
  };
  context.signal.addEventListener("abort", cancel, { once: true });
  try {
    if (context.signal.aborted) cancel();
    return await child.ended;
  } finally {
    context.signal.removeEventListener("abort", cancel);
  }
}

/** @param begun the shell, where an earlier daemon has begun this start */
export async function startSystem(
  host: Host,
  context: StartContext,
  { command, options }: SystemData,
  begun?: Child,
): Promise<true> {
  const end = await endOf(host, context, begun ?? (await runShell(host, context, command, options)));
  if (end.status !== 0)
    throw new StartFailure(`command "${masked(command, options.secrets)}" ${describeTermination(end)}`);
  return true;
}

/**
 * Resolves with whether the service might have failed to stop.
 * @param begun the shell, where an earlier daemon has begun this stop
 */
export async function stopSystem(
  host: Host,
  context: StartContext,
  { command, options }: SystemData,
  begun?: Child,
): Promise<boolean> {
  const end = await endOf(host, context, begun ?? (await runShell(host, context, command, options)));
  return end.status !== 0;
}
