// Ends what a service must not leave behind: the processes of a start that failed, and those of a process that is gone.

import { type Host, mainOf } from "../constructors/host.js";
import { endGroup, endProcess, type KillOptions } from "../constructors/kill.js";
import type { ProcessReference } from "../definition/types.js";
import type { Leader, OwnProcess } from "./state.js";

/** Seconds that a process gets between TERM and KILL where its service does not say. */
export const defaultGrace = 5;

/** How a process is ended where its service does not say. */
export const gently: KillOptions = { signal: 15, gracePeriod: defaultGrace };

/** Ends one process and everything that came from it. */
export async function discard(host: Host, process: ProcessReference): Promise<void> {
  await endProcess(host, process, gently, () => undefined);
}

/** Ends the processes that a start or a stop has made, and all that came from them, be they themselves dead or alive. */
export async function endOwnProcesses(host: Host, processes: readonly OwnProcess[]): Promise<void> {
  const ids = processes.flatMap(({ id, end }) => [
    { id, pid: end?.pid ?? 0 },
    { id: mainOf(id), pid: 0 },
  ]);
  await Promise.all(
    ids
      .filter(({ id }) => !id.endsWith(mainOf("")) || host.processes.get(id) !== undefined)
      .map(({ id, pid }) => discard(host, referenceTo(host, id, pid))),
  );
}

/** Ends what is left of processes that ended by themselves: their groups, and those among them that live. */
export async function clearAway(host: Host, leaders: readonly Leader[]): Promise<void> {
  await Promise.all(
    leaders.map(async ({ id, pid, beside }) => {
      const reference = referenceTo(host, id, pid);
      if (host.processes.get(id) !== undefined) await discard(host, reference);
      else if (pid > 0) await endGroup(host, reference, defaultGrace, beside);
    }),
  );
}

function referenceTo(host: Host, id: string, pid: number): ProcessReference {
  const child = host.processes.get(id);
  return { type: "process", id, pid: child?.pid ?? pid, start: child?.start ?? 0, command: [] };
}
