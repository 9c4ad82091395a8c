// What a unit's sandboxing directives ask for, as attributes of the processes that the keeper spawns.

import type { ServiceSettings } from "../../../systemd-compat/directives.js";
import { capabilities } from "../../../systemd-compat/parser/capability.js";
import type { Namespace, SpawnSpec } from "../keeper/types.js";
import { type Demand, judge } from "./demands.js";
import { hasFilters, listFilter, restrictionFilter, unknownCalls } from "./filters/system-calls.js";
import { mountDemands } from "./mount-demands.js";
import { orderedMounts } from "./mount-order.js";
import {
  callDemands,
  capabilityDemands,
  everything,
  executionDomain,
  maskOf,
  namespaceDemands,
} from "./process-demands.js";
import type { Abilities, Ability, Confinement, ConfinementFacts, Unconfined } from "./types.js";

export type { Abilities, Confinement, ConfinementFacts, Unconfined } from "./types.js";

/** Whether the unit has its own /tmp and /var/tmp: `privateTmp` of the facts, both with mode 1777 in a directory of mode 0700. */
export function usesPrivateTmp(service: ServiceSettings): boolean {
  return service.PrivateTmp === true || service.DynamicUser === true;
}

/**
 * What confines the unit's processes, as far as the kernel lets us, and what does not.
 * @throws TypeError without the facts that the settings need
 */
export function confinement(
  service: ServiceSettings,
  facts: ConfinementFacts,
  abilities: Abilities,
): Confinement {
  const able = withFilters(abilities);
  const demands = [
    ...mountDemands(service, facts),
    ...namespaceDemands(service, facts),
    ...capabilityDemands(service),
    ...callDemands(service, able.architecture),
    ...filterDemands(service),
    ...personalityDemands(service, able),
  ];
  const { met, unmet, refusal } = judge(demands, able);
  const bounding = everything & ~met.reduce((mask, { drops = 0n }) => mask | drops, 0n);
  const ambient = ambientOf(service, bounding, able);
  const filters = filtersOf(service, met, able);
  const privileges = privilegesOf(service, facts, able, filters.length > 0);
  const spec: Partial<SpawnSpec> = {
    ...Object.assign({}, ...met.map((demand) => demand.spec ?? {})),
    ...mountsOf(met),
    ...(bounding === everything ? {} : { boundingCapabilities: bounding }),
    ...(ambient.mask === 0n ? {} : { ambientCapabilities: ambient.mask }),
    ...secureBitsOf(service),
    ...(privileges.none ? { noNewPrivileges: true } : {}),
    ...(filters.length === 0 ? {} : { systemCallFilters: filters }),
  };
  const notApplied = [
    ...unmet,
    ...ambient.notApplied,
    ...privileges.notApplied,
    ...unknownListed(service, met),
    ...strangePersonality(service, able),
  ];
  return { spec, notApplied, ...(refusal === undefined ? {} : { refusal }) };
}

/** There are tables of system calls for few machines. */
function withFilters(abilities: Abilities): Abilities {
  if (hasFilters(abilities.architecture) || abilities.missing["system call filters"] !== undefined)
    return abilities;
  const why = `they are written for x86-64 and arm64, not for ${abilities.architecture}`;
  return { ...abilities, missing: { ...abilities.missing, "system call filters": why } };
}

const filtering: readonly Ability[] = ["system call filters"];

function* filterDemands(service: ServiceSettings): Iterable<Demand> {
  if (service.SystemCallFilter !== undefined) yield { directive: "SystemCallFilter", needs: filtering };
  if (hasArchitectures(service)) yield { directive: "SystemCallArchitectures", needs: filtering };
}

function hasArchitectures({ SystemCallArchitectures = [] }: ServiceSettings): boolean {
  return SystemCallArchitectures.length > 0;
}

function* personalityDemands(service: ServiceSettings, able: Abilities): Iterable<Demand> {
  const personality = executionDomain(able.architecture, service);
  if (personality !== undefined)
    yield { directive: "Personality", needs: ["personality"], spec: { personality } };
}

function strangePersonality(service: ServiceSettings, { architecture }: Abilities): readonly Unconfined[] {
  if (service.Personality === undefined || executionDomain(architecture, service) !== undefined) return [];
  const why = `${architecture} machines have no execution domain ${service.Personality}`;
  return [{ directive: "Personality", extent: "not", why }];
}

/** The namespaces that were asked for; one of mounts where anything is mounted. */
function mountsOf(met: readonly Demand[]): Partial<SpawnSpec> {
  const namespaces = new Set<Namespace>(met.flatMap((demand) => demand.namespaces ?? []));
  if (met.some(({ mounts }) => mounts !== undefined)) namespaces.add("mount");
  const mounts = orderedMounts(met.flatMap((demand) => demand.mounts ?? []));
  return {
    ...(namespaces.size === 0 ? {} : { namespaces: [...namespaces] }),
    ...(mounts.length === 0 ? {} : { mounts }),
  };
}

interface Ambient {
  readonly mask: bigint;
  readonly notApplied: readonly Unconfined[];
}

/** Ambient capabilities that can be given: those that we have ourselves, and that the unit may have. */
function ambientOf(
  { AmbientCapabilities = [] }: ServiceSettings,
  bounding: bigint,
  able: Abilities,
): Ambient {
  const wanted = maskOf(AmbientCapabilities);
  const ours = able.capabilities === undefined ? everything : BigInt(`0x${able.capabilities}`);
  const lacking = namesIn(wanted & ~ours);
  const bounded = namesIn(wanted & ours & ~bounding);
  const reasons = [
    ...(lacking.length > 0 ? [`we do not have ${lacking.join(", ")}`] : []),
    ...(bounded.length > 0 ? [`the unit's bounding set does not have ${bounded.join(", ")}`] : []),
  ];
  const mask = wanted & ours & bounding;
  if (reasons.length === 0) return { mask, notApplied: [] };
  const extent = mask === 0n ? "not" : "partly";
  return { mask, notApplied: [{ directive: "AmbientCapabilities", extent, why: reasons.join("; ") }] };
}

function namesIn(mask: bigint): string[] {
  return capabilities.filter((name) => (mask & maskOf([name])) !== 0n);
}

const secureBitNumbers: Readonly<Record<string, number>> = {
  noroot: 0,
  "noroot-locked": 1,
  "no-setuid-fixup": 2,
  "no-setuid-fixup-locked": 3,
  "keep-caps": 4,
  "keep-caps-locked": 5,
};

function secureBitsOf({ SecureBits = [] }: ServiceSettings): Partial<SpawnSpec> {
  if (SecureBits.length === 0) return {};
  return { secureBits: SecureBits.reduce((bits, name) => bits | (1 << (secureBitNumbers[name] ?? 0)), 0) };
}

/** The filter of what is listed comes last: it may forbid the loading of another one. */
function filtersOf(service: ServiceSettings, met: readonly Demand[], able: Abilities): Uint8Array[] {
  if (able.missing["system call filters"] !== undefined) return [];
  const restrictions = met.flatMap(({ forbids }) =>
    forbids === undefined || forbids.length === 0 ? [] : [forbids],
  );
  const architectures = hasArchitectures(service) ? service.SystemCallArchitectures : undefined;
  const filters: Uint8Array[] = [];
  if (restrictions.length > 0 || architectures !== undefined)
    filters.push(restrictionFilter(able.architecture, restrictions, architectures));
  if (service.SystemCallFilter !== undefined)
    filters.push(listFilter(able.architecture, service.SystemCallFilter, service.SystemCallErrorNumber));
  return filters;
}

function unknownListed(service: ServiceSettings, met: readonly Demand[]): readonly Unconfined[] {
  const { SystemCallFilter } = service;
  if (SystemCallFilter === undefined || !met.some(({ directive }) => directive === "SystemCallFilter"))
    return [];
  const names = unknownCalls(SystemCallFilter);
  if (names.length === 0) return [];
  const why = `no system call is known by the name of ${names.join(", ")}`;
  return [{ directive: "SystemCallFilter", extent: "partly", why }];
}

/** A filter is for those who cannot gain privileges, or who have them: root, where nothing has taken them away. */
function privilegesOf(
  service: ServiceSettings,
  { uid = 0 }: ConfinementFacts,
  able: Abilities,
  filtered: boolean,
): { readonly none: boolean; readonly notApplied: readonly Unconfined[] } {
  const explicit = service.NoNewPrivileges === true || service.DynamicUser === true;
  const needed = filtered && (uid !== 0 || able.filtersNeedNoNewPrivileges);
  const missing = able.missing["no new privileges"];
  if (missing === undefined) return { none: explicit || needed, notApplied: [] };
  if (!explicit) return { none: needed, notApplied: [] };
  const directive = service.NoNewPrivileges === true ? "NoNewPrivileges" : "DynamicUser";
  const why = `the kernel does not let us: no new privileges: ${missing}`;
  return { none: needed, notApplied: [{ directive, extent: "not", why }] };
}
