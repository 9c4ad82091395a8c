// What directives forbid programs to ask of the kernel, as rules about the arguments of system calls.

import type { Namespace } from "../../../../systemd-compat/values/sandbox.js";
import { callsOf } from "../syscalls/sets.js";
import type { Action } from "./instructions.js";
import type { ArgumentTest, Rule } from "./program.js";

/** Rules for calls by name; those that an interface does not have are left out. */
export type NamedRules = readonly (readonly [call: string, rule: Rule])[];

const all = 0xffffffff;

// Errors have the same numbers on all machines that have filters here.
const notPermitted: Action = { errno: 1 };
const noSuchCall: Action = { errno: 38 };
const noSuchFamily: Action = { errno: 97 };

function equals(argument: number, value: number): ArgumentTest {
  return { argument, low: value, high: value };
}

function anyOf(argument: number, bits: number): ArgumentTest {
  return { argument, mask: bits, low: 1, high: all };
}

function allOf(argument: number, bits: number): ArgumentTest {
  return { argument, mask: bits, low: bits, high: bits };
}

function between(argument: number, low: number, high: number): ArgumentTest {
  return { argument, low, high };
}

function forbid(call: string, tests: readonly ArgumentTest[], action: Action = notPermitted) {
  return [call, { tests, action }] as const;
}

/** All calls of a group, or one call. */
export function forbidden(name: string): NamedRules {
  return [...callsOf(name)].map((call) => forbid(call, []));
}

export const hostName: NamedRules = [forbid("sethostname", []), forbid("setdomainname", [])];

const flagsOfNamespaces: Readonly<Record<Namespace, number>> = {
  mnt: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
};
const flagOfTimeNamespaces = 0x80;

/** Making and entering namespaces of all kinds but these. */
export function namespacesBut(allowed: readonly Namespace[]): NamedRules {
  const kinds = Object.entries(flagsOfNamespaces) as [Namespace, number][];
  const flags = kinds.reduce((sum, [kind, flag]) => (allowed.includes(kind) ? sum : sum | flag), 0);
  if (flags === 0) return [];
  return [
    // Its flags are in memory, where a filter does not see them: programs fall back to clone.
    forbid("clone3", [], noSuchCall),
    forbid("clone", [anyOf(0, flags)]),
    // With clone this bit would be one of the signal that is sent at the end.
    forbid("unshare", [anyOf(0, allowed.length === 0 ? flags | flagOfTimeNamespaces : flags)]),
    ...(allowed.length === 0
      ? [forbid("setns", [])]
      : // Without a kind it enters whatever the descriptor is.
        [forbid("setns", [equals(1, 0)]), forbid("setns", [anyOf(1, flags)])]),
  ];
}

const resetOnFork = 0x40000000;

/** Scheduling policies other than other (0), batch (3) and idle (5). */
export const realtime: NamedRules = [
  ...[
    [1, 2],
    [4, 4],
    [6, all],
  ].map(([low = 0, high = 0]) =>
    forbid("sched_setscheduler", [{ argument: 1, mask: (all ^ resetOnFork) >>> 0, low, high }]),
  ),
  // Its policy is in memory; programs fall back to the one above.
  forbid("sched_setattr", [], noSuchCall),
];

const setIdBits = 0o6000;
const creating = 0o100;
/** The bit that O_TMPFILE has besides that of a directory. */
const temporary = 0o20000000;

/** Files and directories that are to have a set-user-ID or set-group-ID bit. */
export const setIdFiles: NamedRules = [
  ...(
    [
      ["chmod", 1],
      ["fchmod", 1],
      ["fchmodat", 2],
      ["fchmodat2", 2],
      ["mkdir", 1],
      ["mkdirat", 2],
      ["mknod", 1],
      ["mknodat", 2],
      ["creat", 1],
    ] as const
  ).map(([call, mode]) => forbid(call, [anyOf(mode, setIdBits)])),
  forbid("open", [anyOf(1, creating | temporary), anyOf(2, setIdBits)]),
  forbid("openat", [anyOf(2, creating | temporary), anyOf(3, setIdBits)]),
  // Its mode is in memory; programs fall back to openat.
  forbid("openat2", [], noSuchCall),
];

/** Asks which execution domain there is. */
const asking = 0xffffffff;

/** Execution domains other than this one. */
export function personalitiesBut(personality: number): NamedRules {
  const [low, high] = [personality, asking];
  return [
    ...(low > 0 ? [forbid("personality", [between(0, 0, low - 1)])] : []),
    ...(high - low > 1 ? [forbid("personality", [between(0, low + 1, high - 1)])] : []),
  ];
}

const protection = { write: 2, execute: 4 };
const sharedExecutable = 0o100000;

/** Memory that is executable and has been, or can be, written to. */
export const writableExecutable: NamedRules = [
  forbid("mmap", [allOf(2, protection.write | protection.execute)]),
  forbid("mmap2", [allOf(2, protection.write | protection.execute)]),
  forbid("mprotect", [allOf(2, protection.execute)]),
  forbid("pkey_mprotect", [allOf(2, protection.execute)]),
  forbid("shmat", [allOf(2, sharedExecutable)]),
];

/** Sockets of families by number: of all but these, or of these. */
export function socketFamilies(families: readonly number[], mode: "allow" | "deny"): NamedRules {
  const refuse = (tests: readonly ArgumentTest[]) => forbid("socket", tests, noSuchFamily);
  const numbers = [...new Set(families)].sort((one, other) => one - other);
  if (mode === "deny") return numbers.map((number) => refuse([equals(0, number)]));
  const gaps: ReturnType<typeof refuse>[] = [];
  let from = 0;
  for (const number of numbers) {
    if (number > from) gaps.push(refuse([between(0, from, number - 1)]));
    from = number + 1;
  }
  return [...gaps, refuse([between(0, from, all)])];
}
