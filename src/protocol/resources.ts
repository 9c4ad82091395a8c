// What a service uses of the machine: the field `resources` of our service expressions, an association list.

import { asNumber, asStrings, fieldsOf, isList, type Sexp, sym } from "./sexp.js";

/** What is absent is not known: there is no such controller, or this kernel does not tell. */
export interface Resources {
  /** The directory of its cgroup. */
  readonly cgroup?: string;
  /** Bytes. */
  readonly memory?: number;
  readonly memoryPeak?: number;
  /** Absent where there is no limit. */
  readonly memoryMax?: number;
  /** Microseconds of CPU time. */
  readonly cpu?: number;
  /** Processes and threads. */
  readonly tasks?: number;
  readonly tasksMax?: number;
  /** How many of its processes the kernel has killed for want of memory. */
  readonly oomKills?: number;
  /** Limits that are not in force, each with the reason. */
  readonly notApplied?: readonly string[];
}

/** The field's name on the wire. */
export const resourcesField = "resources";

type NumberField = Exclude<keyof Resources, "cgroup" | "notApplied">;
const numberFields: Readonly<Record<NumberField, string>> = {
  memory: "memory",
  memoryPeak: "memory-peak",
  memoryMax: "memory-max",
  cpu: "cpu-microseconds",
  tasks: "tasks",
  tasksMax: "tasks-max",
  oomKills: "oom-kills",
};
const numbers = Object.entries(numberFields) as [NumberField, string][];

export function encodeResources(resources: Resources): Sexp {
  const { cgroup, notApplied = [] } = resources;
  return [
    ...(cgroup === undefined ? [] : [[sym("cgroup"), cgroup]]),
    ...numbers.flatMap(([name, wire]) => {
      const value = resources[name];
      return value === undefined ? [] : [[sym(wire), value]];
    }),
    ...(notApplied.length === 0 ? [] : [[sym("not-applied"), notApplied]]),
  ];
}

/** Undefined for what is no association list; an entry that is not what it should be is passed over. */
export function decodeResources(value: Sexp | undefined): Resources | undefined {
  if (!isList(value)) return undefined;
  const fields = fieldsOf(value);
  const cgroup = fields.get("cgroup");
  const notApplied = asStrings(fields.get("not-applied"));
  const known = numbers.flatMap(([name, wire]) => {
    const number = asNumber(fields.get(wire));
    return number === undefined ? [] : [[name, number] as const];
  });
  return {
    ...(typeof cgroup === "string" ? { cgroup } : {}),
    ...Object.fromEntries(known),
    ...(notApplied === undefined ? {} : { notApplied }),
  };
}
