// A unit's sandbox: what the kernel lets us do is found out once, when the first unit asks for something.

import { readlink, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import type { Host } from "../../constructors/host.js";
import { SpawnError } from "../../processes.js";
import { probeAbilities, type SpawnProbe } from "../../sandbox/abilities.js";
import {
  type Abilities,
  type Confinement,
  type ConfinementFacts,
  confinement,
} from "../../sandbox/confinement.js";

type Prober = Pick<Host, "outbox" | "processes" | "keeperPid" | "report">;

/** A kernel that lets us do everything. */
const everything: Abilities = {
  architecture: process.arch,
  missing: {},
  filtersNeedNoNewPrivileges: false,
};

/** By the daemon's outbox, of which there is one. */
const known = new WeakMap<object, Promise<Abilities>>();

/** What confines a unit's processes. Nothing is probed for one that asks for nothing. */
export async function confine(
  host: Prober,
  settings: ServiceSettings,
  facts: ConfinementFacts,
): Promise<Confinement> {
  const wanted = confinement(settings, facts, everything);
  if (Object.keys(wanted.spec).length === 0) return wanted;
  return confinement(settings, facts, await abilitiesOf(host));
}

/** Found out once by each daemon. A probe that cannot be made says nothing against the kernel. */
export function abilitiesOf(host: Prober): Promise<Abilities> {
  const before = known.get(host.outbox);
  if (before !== undefined) return before;
  const found = probe(host);
  known.set(host.outbox, found);
  // What failed once may work the next time.
  found.catch(() => known.delete(host.outbox));
  return found;
}

async function probe(host: Prober): Promise<Abilities> {
  const helper = await helperOf(host.keeperPid);
  if (helper === undefined) return everything;
  const spawn: SpawnProbe = async (spec) => {
    const child = host.processes.spawn(host.processes.nextId("probe/abilities"), {
      ...spec,
      program: helper,
      arguments: [helper, "--nothing"],
    });
    try {
      await child.started;
    } catch (error) {
      if (!(error instanceof SpawnError)) throw error;
      return { stage: error.stage, errno: error.errno, text: error.message };
    }
    await child.ended;
    return undefined;
  };
  return await probeAbilities(spawn);
}

/** The spawn helper's program, which is beside the keeper's; undefined where it cannot be seen. */
async function helperOf(keeperPid: number): Promise<string | undefined> {
  try {
    const keeper = (await readlink(`/proc/${keeperPid}/exe`)).replace(/ \(deleted\)$/, "");
    const helper = join(dirname(keeper), "spawn");
    return (await stat(helper)).isFile() ? helper : undefined;
  } catch {
    return undefined;
  }
}
