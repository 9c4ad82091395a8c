// The system call filters of a unit: one of what its directives forbid, and one of the calls that it lists.

import { constants } from "node:os";
import type { SystemCallError, SystemCallFilter } from "../../../../systemd-compat/values/sandbox.js";
import { type Interface, interfacesOf } from "../syscalls/architectures.js";
import { callsOf, isCall, isYoung } from "../syscalls/sets.js";
import type { Action } from "./instructions.js";
import { type CallRules, filterProgram, type Rule } from "./program.js";
import type { NamedRules } from "./restrictions.js";

const noSuchCall: Action = { errno: constants.errno.ENOSYS };

/** Whether we can filter the calls of programs of this machine. */
export function hasFilters(machine: string): boolean {
  return interfacesOf(machine).length > 0;
}

/**
 * The filter of what is forbidden, whatever else is allowed.
 * @param machine as `process.arch` has it
 * @param architectures names of those whose programs may run besides the machine's own; absent: all
 */
export function restrictionFilter(
  machine: string,
  restrictions: readonly NamedRules[],
  architectures: readonly string[] | undefined,
): Uint8Array {
  const [own, ...others] = interfacesOf(machine);
  const allowed = (name: string): boolean =>
    architectures === undefined || name === own?.name || architectures.includes(name);
  const parts = [...(own === undefined ? [] : [own]), ...others].map((one) => ({
    audit: one.audit,
    base: one.base,
    calls: allowed(one.name) ? restricted(one, restrictions) : ("kill" as const),
  }));
  return filterProgram(parts, architectures === undefined ? "allow" : "kill");
}

function restricted(one: Interface, restrictions: readonly NamedRules[]): CallRules {
  const rules = new Map<number, Rule[]>();
  for (const [call, rule] of restrictions.flat()) {
    const number = one.numbers.get(call);
    if (number === undefined) continue;
    // There its arguments are in memory, where a filter does not see them; programs have used mmap2 for decades.
    const seen = one.name === "x86" && call === "mmap" ? { ...rule, tests: [] } : rule;
    rules.set(number, [...(rules.get(number) ?? []), seen]);
  }
  return { rules, otherwise: "allow", unknown: "allow" };
}

/**
 * The filter of the calls that a unit lists.
 * @param error what a call that is not allowed gets; absent: its process is killed
 */
export function listFilter(
  machine: string,
  filter: SystemCallFilter,
  error: SystemCallError | undefined,
): Uint8Array {
  const refusal = actionOf(error ?? "kill");
  const listed = listedCalls(filter, refusal);
  const judge = filter.mode === "allow" ? onlyListed : butListed;
  const parts = interfacesOf(machine).map((one) => ({
    audit: one.audit,
    base: one.base,
    calls: judge(one, listed, refusal),
  }));
  return filterProgram(parts, "allow");
}

/** Names in a list of calls that the kernel has nowhere. */
export function unknownCalls({ steps }: SystemCallFilter): string[] {
  return [...new Set(steps.map(({ name }) => name))].filter((name) => !name.startsWith("@") && !isCall(name));
}

function actionOf(error: SystemCallError): Action {
  if (error === "kill") return "kill";
  if (typeof error === "number") return { errno: error };
  const errno = (constants.errno as Readonly<Record<string, number>>)[error];
  // A name that only some other kernel has.
  return errno === undefined ? "kill" : { errno };
}

/** The calls of the list, and what each gets if it is not allowed. */
function listedCalls({ mode, steps }: SystemCallFilter, refusal: Action): ReadonlyMap<string, Action> {
  const listed = new Map<string, Action>();
  const first = mode === "allow" ? [{ name: "@default", change: "add" as const }] : [];
  for (const { name, change, ...step } of [...first, ...steps]) {
    const action = "error" in step && step.error !== undefined ? actionOf(step.error) : refusal;
    for (const call of callsOf(name)) {
      if (change === "add") listed.set(call, action);
      else listed.delete(call);
    }
  }
  return listed;
}

/** What is not listed is refused. Of calls that are too new for lists to have them, programs are told that there are none. */
function onlyListed(one: Interface, listed: ReadonlyMap<string, Action>, refusal: Action): CallRules {
  const rules = new Map<number, Rule[]>();
  for (const [call, number] of one.numbers) {
    if (listed.has(call)) rules.set(number, [{ tests: [], action: "allow" }]);
    else if (!isYoung(call)) rules.set(number, [{ tests: [], action: refusal }]);
  }
  for (const { name, mask, calls } of one.multiplexed) {
    const number = one.numbers.get(name);
    if (number === undefined || listed.has(name)) continue;
    const allowed = Object.entries(calls).filter(([call]) => listed.has(call));
    rules.set(
      number,
      allowed.map(([, value]) => ({
        tests: [{ argument: 0, mask, low: value, high: value }],
        action: "allow",
      })),
    );
  }
  return { rules, otherwise: refusal, unknown: noSuchCall };
}

function butListed(one: Interface, listed: ReadonlyMap<string, Action>): CallRules {
  const rules = new Map<number, Rule[]>();
  for (const [call, action] of listed) {
    const number = one.numbers.get(call);
    if (number !== undefined) rules.set(number, [{ tests: [], action }]);
  }
  for (const { name, mask, calls } of one.multiplexed) {
    const number = one.numbers.get(name);
    if (number === undefined || listed.has(name)) continue;
    for (const [call, value] of Object.entries(calls)) {
      const action = listed.get(call);
      if (action === undefined) continue;
      const rule = { tests: [{ argument: 0, mask, low: value, high: value }], action };
      rules.set(number, [...(rules.get(number) ?? []), rule]);
    }
  }
  return { rules, otherwise: "allow", unknown: "allow" };
}
