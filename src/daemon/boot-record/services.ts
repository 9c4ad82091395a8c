// Which services of a boot can be recorded: those whose start is nothing but the execution of one program, by data alone,
// and that require only such services.

import { pipeName } from "../constructors/process-spec.js";
import { builtin, type ForkexecData, type ServiceDefinition } from "../definition/types.js";
import type { Name, SpawnSpec } from "../keeper/types.js";
import { outlivesStart } from "../readiness/options.js";

/** A service as the boot has started it. */
export interface StartedService {
  readonly definition: ServiceDefinition;
  /** What was sent to the keeper. */
  readonly spec: SpawnSpec;
}

/** One that can be recorded. */
export interface RecordedService extends StartedService {
  readonly name: string;
  readonly data: ForkexecData;
  /** Canonical names. */
  readonly requirement: readonly string[];
}

/** The id of the child that a record starts for a service: no daemon's own ends so. */
export function recordedId(service: string): Name {
  return `${service}${ending}`;
}

export function isRecordedId(id: Name): boolean {
  return id.endsWith(ending);
}

const ending = "#boot";

/**
 * Those that can be recorded, in groups: what a service requires is in an earlier group.
 * @param canonical gives the canonical name of the service of a name, where there is one
 */
export function recordable(
  services: readonly StartedService[],
  canonical: (name: string) => string | undefined,
): readonly (readonly RecordedService[])[] {
  let left = services.flatMap((service) => recorded(service, canonical) ?? []);
  const done = new Set<string>();
  const groups: RecordedService[][] = [];
  for (;;) {
    const group = left.filter(({ requirement }) => requirement.every((name) => done.has(name)));
    if (group.length === 0) return groups;
    for (const { name } of group) done.add(name);
    left = left.filter(({ name }) => !done.has(name));
    groups.push(group);
  }
}

function recorded(
  service: StartedService,
  canonical: (name: string) => string | undefined,
): RecordedService | undefined {
  const { definition, spec } = service;
  const data = definition.start[builtin];
  if (data?.kind !== "forkexec" || !isPlain(definition) || !isExecution(data)) return undefined;
  const [name] = definition.provision;
  if (!isSelfContained(spec, name)) return undefined;
  const requirement = definition.requirement.map(canonical).filter((one) => one !== undefined);
  if (requirement.length < definition.requirement.length) return undefined;
  return { ...service, name, data, requirement };
}

function isPlain({ oneShot, transient, singleStart, relations, cgroup }: ServiceDefinition): boolean {
  const hasLimits = cgroup !== undefined && cgroup !== false && Object.keys(cgroup).length > 0;
  return !oneShot && !transient && singleStart !== true && relations === undefined && !hasLimits;
}

/** Whether the start is over when the program is executed, and nothing goes on beside it. */
function isExecution({ ownStreams, options }: ForkexecData): boolean {
  const { pidFile, readiness = "exec", secrets, secretFiles } = options;
  const isOver = pidFile === undefined && readiness === "exec" && !outlivesStart(options);
  // The record is no place for what nobody is to see, and what a check has found may have changed.
  return isOver && ownStreams !== true && secrets === undefined && secretFiles === undefined;
}

/** Whether it needs no descriptor of the keeper's but the service's own pipe. */
function isSelfContained(spec: SpawnSpec, name: string): boolean {
  const { descriptors = [], listen = [], socketEnvironment, terminal } = spec;
  const names = descriptors.flatMap(({ source }) => ("name" in source ? [source.name] : []));
  const isElsewhere = listen.length > 0 || socketEnvironment !== undefined || terminal !== undefined;
  return !isElsewhere && names.every((one) => one === pipeName(name));
}
