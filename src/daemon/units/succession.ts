// A main process that hands over to another one: a program that executes a newer version of itself starts it beside, has it
// write the PID file, and ends. What that file names then is the main process from now on.

import { launcherOf, mainOf } from "../constructors/host.js";
import { readPid } from "../constructors/pid-file.js";
import type { ProcessReference } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { describeErrno } from "../keeper/errno.js";
import type { Child } from "../processes.js";
import { processStat } from "../survivors.js";
import { adoptMain } from "./main-process.js";
import type { UnitRun } from "./run.js";

/** The process that a unit's PID file names after `former` has ended: it was left to the keeper, and is no older. */
export async function heirOf(run: UnitRun, former: ProcessReference): Promise<Child | undefined> {
  const { host, name, service } = run;
  const { PIDFile: file } = service;
  const before = host.processes.get(former.id);
  if (file === undefined || (before !== undefined && before.end === undefined)) return undefined;
  try {
    const pid = await readPid(file);
    const stat = pid === undefined || pid === former.pid ? undefined : await processStat(pid);
    if (stat === undefined || stat.start < former.start) return undefined;
    const id = heirId(former.id);
    // An earlier daemon may have come as far as this.
    const known = host.processes.get(id);
    if (known?.pid === stat.pid && known.start === stat.start) return known;
    const adopted = await adoptMain(run, id, stat.pid, stat.start);
    if (typeof adopted !== "number") return adopted;
    run.log(`Service ${name}: PIDFile=${file} names process ${stat.pid}: ${describeErrno(adopted)}.`);
  } catch (error) {
    run.log(`Service ${name}: ${errorText(error)}`);
  }
  return undefined;
}

/** Never longer, however often a program replaces itself: the one before has ended, so that its id is free. */
function heirId(former: string): string {
  const first = mainOf(launcherOf(former));
  return former === first ? mainOf(first) : first;
}
