// Goes on with a service where an earlier daemon left it, of which its note tells.

import { resumeBuiltin, startBuiltin } from "../constructors/builtin.js";
import { StartFailure } from "../constructors/host.js";
import { endProcess } from "../constructors/kill.js";
import { builtin, type RunningValue } from "../definition/types.js";
import { errorText } from "../error-text.js";
import type { Request } from "../request.js";
import type { Aftermaths } from "./aftermath.js";
import type { Attending } from "./attending.js";
import { contextOf } from "./context.js";
import type { Core } from "./core.js";
import type { Ending } from "./ending.js";
import type { Reloading } from "./reloading.js";
import { endOwnProcesses, gently } from "./remains.js";
import { isProcess } from "./running-value.js";
import type { Starting } from "./starting.js";
import type { Stopping } from "./stopping.js";

/** All that one service consists of. */
export interface Parts {
  readonly core: Core;
  readonly starting: Starting;
  readonly stopping: Stopping;
  readonly ending: Ending;
  readonly attending: Attending;
  readonly aftermaths: Aftermaths;
  readonly reloading: Reloading;
}

export function resume(parts: Parts, request: Request): void {
  const { core, ending, attending, reloading } = parts;
  const { status, value, respawnAt, processes } = core.state;
  if (isProcess(value) && value.id === "") return; // The keeper's own process: root.
  for (const { id } of processes) {
    const child = core.host.processes.get(id);
    if (child !== undefined) core.follow(child);
  }
  ending.clearAway();
  core.attendant.resume();
  if (status === "running" && value !== undefined) attending.resume(value);
  if (status === "starting") resumeStart(parts, request);
  if (status === "stopping" && core.state.aftermath === undefined) resumeStop(parts, value ?? true, request);
  if (status === "stopping" && core.state.aftermath !== undefined) resumeAftermath(parts, request);
  reloading.resume(request);
  if (status === "stopped" && respawnAt !== undefined) ending.resumeRespawn(respawnAt);
  else if (status === "stopped" && core.state.undecided) ending.follow("default");
  core.closeIfDown();
}

/**
 * A built-in start goes on where it was, be it an earlier daemon or the keeper itself that has begun it; a start function is
 * never silently run a second time.
 */
export function resumeStart({ core, starting, ending }: Parts, request: Request): void {
  const { host, definition, builtinStart: data } = core;
  const { processes, statusChanges, startArguments, respawning } = core.state;
  const begun = core.begun("start");
  const isOver = data === undefined && !definition.retryable;
  const elapsed = core.now() - (statusChanges[0]?.time ?? core.now());
  const goOn = async (signal: AbortSignal): Promise<RunningValue | undefined> => {
    // What was spawned but has left neither a record nor a note of its end cannot be gone on with.
    if (data?.kind === "unit")
      return await startBuiltin(
        host,
        contextOf(core, request, () => signal),
        data,
      );
    if (data !== undefined && (begun !== undefined || processes.length === 0))
      return await resumeBuiltin(
        host,
        contextOf(core, request, () => signal),
        data,
        begun,
        elapsed,
      );
    if (!definition.retryable) throw new StartFailure("interrupted: the supervisor was restarted");
    core.log(`The start of service ${core.name} was interrupted and is begun again.`);
    await endOwnProcesses(host, processes);
    signal.throwIfAborted();
    core.dispatch({ type: "start-again" });
    return await starting.construct(startArguments, request, signal);
  };
  const { outcome, abort } = starting.resume(goOn, request);
  outcome
    .then(({ ok }) => {
      // Of a unit it is decided already.
      if (data?.kind === "unit") return;
      // As with a respawn that this daemon has begun; what must not be begun again is over.
      if (!ok && respawning && !abort.signal.aborted) ending.follow(isOver ? "stop" : "respawn");
    })
    .catch((error: unknown) => host.report(errorText(error)));
}

/** What follows a unit's run, or its start: its main process may be one of those that are still to end. */
function resumeAftermath({ core, ending, aftermaths }: Parts, request: Request): void {
  const { value } = core.state;
  const child = isProcess(value) ? core.host.processes.get(value.id) : undefined;
  if (child !== undefined) child.onEnd = (end) => ending.processEnded(end);
  aftermaths.resume(request).catch((error: unknown) => core.host.report(errorText(error)));
}

/** An interrupted stop is carried to its end: with KILL at the deadline that the keeper has kept. */
function resumeStop({ core, stopping, ending }: Parts, value: RunningValue, request: Request): void {
  const { host } = core;
  const child = isProcess(value) ? host.processes.get(value.id) : undefined;
  if (child !== undefined) child.onEnd = (end) => ending.processEnded(end);
  const finish = async (): Promise<void> => {
    if (core.definition.stop[builtin] !== undefined)
      await stopping.destruct(value, [], request, core.begun("stop"));
    // A stop function is not called a second time: what it was to end is ended.
    else if (isProcess(value)) await endProcess(host, value, gently, (line) => request.say(line));
  };
  stopping.finish(finish()).catch((error: unknown) => host.report(errorText(error)));
}
