// A daemon may hand its work on to another process, which it names in its PID file before it ends: that is the main process then.

import { listedProcesses } from "../cgroups/tree.js";
import { launcherOf, mainOf } from "../constructors/host.js";
import { readPid } from "../constructors/pid-file.js";
import type { ProcessReference } from "../definition/types.js";
import type { Child } from "../processes.js";
import { processStat } from "../survivors.js";
import { mainStep, type UnitRun } from "./run.js";

/**
 * The living process that has taken the place of `former`, adopted, and noted in the same step; undefined where there is none.
 * What an earlier daemon has adopted is found again.
 */
export async function heirOf(run: UnitRun, former: ProcessReference): Promise<Child | undefined> {
  const { host, name, service } = run;
  const id = heirId(former.id);
  const known = host.processes.get(id);
  if (known !== undefined) return known.end === undefined ? known : undefined;
  if (service.PIDFile === undefined) return undefined;
  const pid = await readPid(service.PIDFile).catch(() => undefined);
  const stat = pid === undefined ? undefined : await processStat(pid);
  // Nobody shall have us adopt, and one day kill, just any process.
  if (pid === undefined || stat === undefined || pid === former.pid || stat.start < former.start)
    return undefined;
  const directory = host.cgroups.pathOf(name);
  const members = directory === undefined ? [pid] : await listedProcesses(directory).catch(() => undefined);
  if (members?.includes(pid) !== true) return undefined;
  if (run.state.status !== "running") return undefined;
  const adopted = await host.outbox.together(() => {
    run.dispatch({ type: "spawned", child: id, step: mainStep });
    return host.processes.adopt(id, pid, stat.start, directory);
  });
  if (typeof adopted !== "number") return adopted.end === undefined ? adopted : undefined;
  run.dispatch({ type: "disowned", child: id });
  return undefined;
}

/** Never longer, however often a program replaces itself: the one before has ended, so that its id is free. */
function heirId(former: string): string {
  const first = mainOf(launcherOf(former));
  return former === first ? mainOf(first) : first;
}
