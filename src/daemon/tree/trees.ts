// `herd tree`: which processes belong to a service. In its cgroup, where there is one; else what descends from those that the
// keeper has started for it, or is known by session or mark.

import { readFile } from "node:fs/promises";
import type { ServiceTree, TreeProcess } from "../../protocol/process-tree.js";
import { cgroupsIn, listedProcesses } from "../cgroups/tree.js";
import { holderId } from "../console/console.js";
import { type Host, markOf } from "../constructors/host.js";
import type { Controller } from "../controller/controller.js";
import { isProcess } from "../controller/running-value.js";
import { masked, secretsIn } from "../definition/secrets.js";
import { builtin } from "../definition/types.js";
import { findSurvivors, processStat } from "../survivors.js";
import { processesBelow } from "./process-table.js";

/** Processes that are told of a service at most. */
const mostProcesses = 1000;
/** Characters of a command line. */
const longestCommand = 4096;
/** A service's cgroups below its own, which are its own business, as far as they are looked into. */
const mostCgroups = 256;

/** Who is whose parent, and the other way round. */
interface Table {
  readonly parents: ReadonlyMap<number, number>;
  readonly children: ReadonlyMap<number, readonly number[]>;
}

/** The trees of services that have processes. @param root is given all that is nobody else's, where it is asked for */
export async function processTrees(
  host: Host,
  services: readonly Controller[],
  root?: Controller,
): Promise<readonly ServiceTree[]> {
  const table = await takeTable(host.keeperPid);
  const claimed = await Promise.all(services.map((service) => membersOf(host, service.name, table)));
  const owners = services.map((service, index) => ({ service, pids: claimed[index] ?? new Set<number>() }));
  if (root !== undefined) {
    const all = new Set(claimed.flatMap((pids) => [...pids]));
    const pids = below([host.keeperPid], table, (pid) => !all.has(pid));
    owners.push({ service: root, pids });
  }
  const trees = await Promise.all(owners.map(({ service, pids }) => treeOf(service, pids, table)));
  return trees.filter(({ processes }) => processes.length > 0);
}

async function takeTable(keeper: number): Promise<Table> {
  const parents = new Map<number, number>();
  const children = new Map<number, number[]>();
  for (const { pid, parent } of await processesBelow(keeper)) {
    parents.set(pid, parent);
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  return { parents, children };
}

/** Processes with all that descend from them, as far as those are wanted. */
function below(
  pids: readonly number[],
  { children }: Table,
  isWanted = (_pid: number): boolean => true,
): Set<number> {
  const found = new Set(pids);
  // The set grows while it is gone through.
  for (const pid of found) for (const child of children.get(pid) ?? []) if (isWanted(child)) found.add(child);
  return found;
}

async function membersOf(host: Host, service: string, table: Table): Promise<Set<number>> {
  const { processes, cgroups, strangers } = host;
  const own = processes.livingOf(service).flatMap((id) => processes.get(id) ?? []);
  const console = processes.get(holderId(service));
  const found = below(
    [...own, ...(console === undefined ? [] : [console])].map(({ pid }) => pid).filter((pid) => pid > 0),
    table,
  );
  const directory = cgroups.pathOf(service);
  const others =
    directory === undefined
      ? await Promise.all(
          own.map(async ({ id, pid }) => {
            const kin = { leader: pid, lives: true, mark: markOf(host, id) };
            return (await findSurvivors(kin, strangers)).map((survivor) => survivor.pid);
          }),
        )
      : [await inCgroup(directory)];
  for (const pid of others.flat()) found.add(pid);
  return found;
}

async function inCgroup(directory: string): Promise<readonly number[]> {
  const directories = [directory];
  const pids: number[] = [];
  for (const one of directories) {
    pids.push(...(await listedProcesses(one).catch(() => [])));
    const more = await cgroupsIn(one).catch(() => []);
    directories.push(...more.slice(0, mostCgroups - directories.length).map((name) => `${one}/${name}`));
  }
  // 0 is a process outside our namespace.
  return pids.filter((pid) => pid > 0);
}

async function treeOf(
  service: Controller,
  pids: ReadonlySet<number>,
  { parents }: Table,
): Promise<ServiceTree> {
  const { value } = service.state;
  const main = isProcess(value) ? value.pid : 0;
  const sorted = [...pids].sort((a, b) => Number(b === main) - Number(a === main) || a - b);
  const data = service.definition.start[builtin];
  const secrets = secretsIn(data !== undefined && "options" in data ? data.options : undefined);
  const told = await Promise.all(
    sorted.slice(0, mostProcesses).map(async (pid): Promise<TreeProcess | undefined> => {
      const [parent, command] = await Promise.all([
        parents.get(pid) ?? processStat(pid).then((stat) => stat?.parent),
        commandOf(pid),
      ]);
      if (parent === undefined || command === undefined) return undefined;
      return { pid, parent, command: masked(command, secrets).slice(0, longestCommand) };
    }),
  );
  return {
    service: service.name,
    processes: told.filter((one) => one !== undefined),
    more: Math.max(0, sorted.length - mostProcesses),
  };
}

/** Undefined for a process that has ended meanwhile. */
async function commandOf(pid: number): Promise<string | undefined> {
  try {
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").filter(Boolean);
    if (words.length > 0) return words.join(" ");
    return `[${(await readFile(`/proc/${pid}/comm`, "utf8")).trimEnd()}]`;
  } catch {
    return undefined;
  }
}
