// The groups of a supervisord.conf, and the services that processes come to with their names and their order.

import { isName } from "../../daemon/definition/fields.js";
import { fail, type Place, placeText } from "../error.js";
import { type Converted, groupService, programService } from "../program.js";
import type { Marks } from "../text.js";
import type { Section } from "./ini.js";
import { type MemberOf, type Process, usualPriority } from "./programs.js";
import { Options } from "./values.js";

export interface Groups {
  /** By the names of programs. */
  readonly members: ReadonlyMap<string, MemberOf>;
  /** By the names of groups. */
  readonly remarks: ReadonlyMap<string, readonly string[]>;
}

export interface Found {
  readonly process: Process;
  readonly group: MemberOf;
}

/** @throws ConversionError */
export function groupsOf(sections: readonly Section[], here: string, marks: Marks): Groups {
  const members = new Map<string, MemberOf>();
  const remarks = new Map<string, readonly string[]>();
  const programs = new Set(sections.map(({ name }) => name));
  for (const section of sections) {
    const name = /^group:(.*)$/.exec(section.name)?.[1];
    if (name === undefined) continue;
    if (!isName(name)) fail(section, `${JSON.stringify(name)} cannot be the name of a service`);
    const options = new Options(section, { here, group_name: name }, marks);
    const names = options.list("programs");
    const priority = options.count("priority") ?? usualPriority;
    if (names.length === 0) fail(section, `[${section.name}] has no programs`);
    for (const one of names) {
      const place = options.place("programs");
      if (!["program", "fcgi-program"].some((kind) => programs.has(`${kind}:${one}`)))
        fail(place, `there is no [program:${one}]`);
      if (members.has(one)) fail(place, `the program ${one} is in two groups`);
      members.set(one, { name, priority });
    }
    remarks.set(name, options.rest(new Map()));
  }
  return { members, remarks };
}

/**
 * In the order of the file, each group before its members.
 * @throws ConversionError
 */
export function servicesOf(
  found: readonly Found[],
  remarks: Groups["remarks"],
  marks: Marks,
): readonly Converted[] {
  const byGroup = new Map<string, readonly Found[]>();
  for (const one of found) byGroup.set(one.group.name, [...(byGroup.get(one.group.name) ?? []), one]);
  const groups = new Set([...byGroup].filter(([name, list]) => isGroup(name, list)).map(([name]) => name));
  const counts = new Map<string, number>();
  for (const { process } of found) counts.set(process.name, (counts.get(process.name) ?? 0) + 1);
  const namesOf = ({ process: { name }, group }: Found): readonly string[] => {
    if (!groups.has(group.name)) return [name];
    const full = `${group.name}:${name}`;
    return groups.has(name) || (counts.get(name) ?? 0) > 1 ? [full] : [name, full];
  };
  const nameOf = (one: Found): string => namesOf(one)[0] ?? "";
  refuseTwins(found);
  return [...byGroup].flatMap(([name, list]) => {
    const members = list.map((one): Converted => {
      const after = found.filter((other) => isBefore(other.process, one.process)).map(nameOf);
      const partOf = groups.has(name) ? { partOf: name } : {};
      return programService({ ...one.process.program, names: namesOf(one), after, ...partOf }, marks);
    });
    if (!groups.has(name)) return members;
    const started = list.filter(({ process }) => process.program.autoStart);
    const group = groupService({
      name,
      members: (started.length === 0 ? list : started).map(nameOf),
      autoStart: started.length > 0,
      remarks: [
        ...(remarks.get(name) ?? []),
        ...(started.length > 0 && started.length < list.length
          ? ["Those of its members that are not started by themselves are not started with it either."]
          : []),
      ],
    });
    return [group, ...members];
  });
}

/** @throws ConversionError */
function refuseTwins(found: readonly Found[]): void {
  const places = new Map<string, Place>();
  for (const { process, group } of found) {
    const full = `${group.name}:${process.name}`;
    const former = places.get(full);
    if (former !== undefined)
      fail(process.place, `there is a process ${full} already, from ${placeText(former)}`);
    places.set(full, process.place);
  }
}

/** A program by itself is a group of one, of which nothing is to be seen. */
function isGroup(name: string, list: readonly Found[]): boolean {
  const [first, ...more] = list;
  return more.length > 0 || first?.process.name !== name || first.group.priority !== undefined;
}

function isBefore({ rank: [group, own] }: Process, { rank }: Process): boolean {
  return group < rank[0] || (group === rank[0] && own < rank[1]);
}
