// What single processes use, where a service has no cgroup: by pidusage, which reads /proc, or asks ps.

import type { Resources } from "../../protocol/resources.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import { pidsOf } from "./sample.js";

/** @param known what is known already of some of them */
export async function usageOfProcesses(
  services: readonly ServiceStatus[],
  known: ReadonlyMap<string, Resources>,
): Promise<ReadonlyMap<string, Resources>> {
  const unknown = services.filter(
    (service) => known.get(service.provides[0])?.cpu === undefined && pidsOf(service).length > 0,
  );
  if (unknown.length === 0) return known;
  // It would complain on a terminal that we draw on.
  process.env.PIDUSAGE_SILENT = "1";
  const { default: pidusage } = await import("pidusage");
  const stats = await pidusage(unknown.flatMap(pidsOf)).catch(() => ({}) as Partial<Stats>);
  const usage = new Map(known);
  for (const service of unknown) {
    const found = pidsOf(service)
      .map((pid) => stats[pid])
      .filter((one) => one !== undefined && one !== null);
    if (found.length > 0)
      usage.set(service.provides[0], {
        memory: sum(found.map(({ memory }) => memory)),
        cpu: sum(found.map(({ ctime }) => ctime * 1000)),
        ...known.get(service.provides[0]),
      });
  }
  return usage;
}

/** By process number; null: it has ended meanwhile. */
type Stats = Record<string, { readonly memory: number; readonly ctime: number } | null>;

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
