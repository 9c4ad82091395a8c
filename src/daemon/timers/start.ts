// The start of a timer: what would make its runs fail is told now, and its first alarm is found.

import { type Host, type StartContext, StartFailure } from "../constructors/host.js";
import { openLog, runner } from "../constructors/process-spec.js";
import type { RunningValue } from "../definition/types.js";
import { checkCompression } from "../logs/rotation-attendance.js";
import { beginTiming, type Policy } from "./plan.js";
import { initialTimer } from "./state.js";
import type { TimerData } from "./types.js";

/** How a timer's schedule is followed. The arithmetic is loaded by the first timer that needs it, and not at boot. */
export async function policyOf({ schedule, persistent, randomDelay }: TimerData): Promise<Policy> {
  const { nextOccurrence } = await import("./calendar/occurrences.js");
  return {
    schedule,
    persistent,
    nextOccurrence,
    delay: () => Math.floor(Math.random() * randomDelay * 1000),
  };
}

export async function startTimer(host: Host, { name }: StartContext, data: TimerData): Promise<RunningValue> {
  const { action, logFile } = data;
  checkCompression(host, data.logs);
  if (action.kind === "command") {
    const { command, options } = action;
    const identity = await runner(host, options);
    await openLog(
      host,
      name,
      command[0],
      logFile === undefined ? options : { ...options, logFile },
      identity,
    );
  }
  const policy = await policyOf(data);
  const now = host.instant();
  const timing = beginTiming(policy, now);
  // From the last time on, so that what was missed since is found to be due as soon as the service is attended to.
  const last = (data.persistent ? await host.stamps?.read(name) : undefined) ?? timing.last;
  if (timing.next === undefined && !hasOccurrence(policy, last))
    throw new StartFailure("there is no further occurrence of its calendar event");
  return initialTimer(name, { ...timing, last }, data.occurrences);
}

function hasOccurrence({ schedule, nextOccurrence }: Policy, after: number): boolean {
  return schedule.kind === "calendar" && nextOccurrence(schedule, after) !== undefined;
}
