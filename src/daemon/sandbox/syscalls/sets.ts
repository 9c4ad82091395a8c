// Sets of system calls by the names that SystemCallFilter= takes.

import { interfacesOf } from "./architectures.js";
import { elsewhere, groupTexts, younger } from "./groups.js";

const machines = ["x64", "arm64"];

const sets = new Map<string, ReadonlySet<string>>();
let every: ReadonlySet<string> | undefined;

function wordsOf(text: string): string[] {
  return text.trim().split(/\s+/);
}

const others: ReadonlySet<string> = new Set(wordsOf(elsewhere));
const young: ReadonlySet<string> = new Set(wordsOf(younger));

/** The calls of all interfaces that we have tables of. */
function everyCall(): ReadonlySet<string> {
  every ??= new Set(
    machines.flatMap((machine) => interfacesOf(machine).flatMap(({ numbers }) => [...numbers.keys()])),
  );
  return every;
}

/** Whether the kernel has it, on this or on another machine. */
export function isCall(name: string): boolean {
  return everyCall().has(name) || others.has(name) || inAnyGroup().has(name);
}

let grouped: ReadonlySet<string> | undefined;
function inAnyGroup(): ReadonlySet<string> {
  grouped ??= new Set(Object.keys(groupTexts).flatMap((group) => [...callsOf(group)]));
  return grouped;
}

/** Whether a program that meets a kernel without it is used to that: it came to be after what `@known` has. */
export function isYoung(name: string): boolean {
  return young.has(name);
}

/** The calls of a group such as `@mount`, or the one call of that name. */
export function callsOf(name: string): ReadonlySet<string> {
  if (!name.startsWith("@")) return new Set([name]);
  let calls = sets.get(name);
  if (calls === undefined) {
    const text = groupTexts[name];
    calls =
      name === "@known"
        ? new Set([...everyCall()].filter((call) => !young.has(call)))
        : new Set(wordsOf(text ?? "").flatMap((member) => [...callsOf(member)]));
    sets.set(name, calls);
  }
  return calls;
}
