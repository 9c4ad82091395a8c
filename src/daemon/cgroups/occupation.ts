// Takes our part of the hierarchy into use: keeper and daemon move into a leaf, since a cgroup whose processes are in it
// cannot hand controllers on, and the controllers are enabled for the services. A later daemon finds it done.

import { join } from "node:path";
import { errorText } from "../error-text.js";
import { controllers } from "./limits.js";
import { leafName, type Occupant } from "./place.js";
import { codeOf, listedProcesses, makeCgroup, readControl, removeCgroup, writeControl } from "./tree.js";

/** The parent of the services' cgroups, which has no processes. */
const servicesName = "services";
/** How often the cgroup is looked at while processes of ours are still being made in it. */
const sweeps = 10;

export interface Occupation {
  /** The directory of the services' cgroups. */
  readonly services: string;
  /** Why a controller is not there for services, by its name; those that are there are absent. */
  readonly missing: ReadonlyMap<string, string>;
}

/** Throws where cgroups cannot be made there after all; nothing of ours is left then. */
export async function occupy(directory: string, keeper: Occupant): Promise<Occupation> {
  const leaf = join(directory, leafName);
  const services = join(directory, servicesName);
  try {
    await makeCgroup(leaf);
    await makeCgroup(services);
    for (const pid of [keeper.pid, process.pid]) await writeControl(leaf, "cgroup.procs", String(pid));
  } catch (error) {
    await Promise.allSettled([removeCgroup(leaf), removeCgroup(services)]);
    throw error;
  }
  // The root of a machine may keep its processes, which are not ours but for those that we have moved.
  if (!(keeper.init && keeper.initial)) await moveAll(directory, leaf);
  const missing = new Map<string, string>();
  for (const controller of controllers) {
    const reason = await enable(controller, directory, services);
    if (reason !== undefined) missing.set(controller, reason);
  }
  return { services, missing };
}

/** What the keeper had made before it moved. */
async function moveAll(from: string, to: string): Promise<void> {
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const pids = await listedProcesses(from);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        await writeControl(to, "cgroup.procs", String(pid));
      } catch (error) {
        // It has ended. One that cannot be moved keeps controllers from being enabled, which says why.
        if (codeOf(error) !== "ESRCH") return;
      }
    }
  }
}

/** Undefined once services have the controller; else why not. */
async function enable(controller: string, directory: string, services: string): Promise<string | undefined> {
  try {
    const available = (await readControl(directory, "cgroup.controllers")) ?? "";
    if (!available.split(/\s/).includes(controller)) return `no ${controller} controller here`;
    for (const parent of [directory, services])
      await writeControl(parent, "cgroup.subtree_control", `+${controller}`);
    return undefined;
  } catch (error) {
    return `enable controller ${controller}: ${errorText(error)}`;
  }
}
