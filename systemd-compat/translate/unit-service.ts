// `unitService`: a service unit that is written in TypeScript, read by the tables that read unit files.

import { hostname, release } from "node:os";
import { callSite, formatPosition, userPosition } from "../../src/daemon/definition/call-site.js";
import { fail, isRecord, type Subject, show } from "../../src/daemon/definition/check.js";
import { isText } from "../../src/daemon/definition/fields.js";
import { suggestion } from "../../src/daemon/definition/suggestion.js";
import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { encode } from "../../src/daemon/units/encoded.js";
import type { UnitData } from "../../src/daemon/units/types.js";
import { formatDiagnostic } from "../diagnostics.js";
import { type SectionName, type ServiceSettings, sectionTables } from "../directives.js";
import { systemDirectories } from "../manager-directories.js";
import { mangleName, parseUnitName, type UnitName } from "../names.js";
import { rootUser, type SystemFacts, systemdArchitecture } from "../system-facts.js";
import { buildUnit, type Unit } from "../unit.js";
import { notAppliedOf } from "../verify/classification.js";
import { type CamelCase, camelCase } from "./camel-case.js";
import { definitionOfUnit } from "./definition.js";
import { statedDependencies } from "./dependencies.js";
import { provisions, reservedNames, serviceNameOf } from "./service-names.js";

/** As in a unit file. Each item of a list is an assignment of its own; true and false are yes and no. */
export type UnitSettingValue = string | number | boolean | readonly string[];

type Directives = keyof typeof sectionTables.Unit | keyof typeof sectionTables.Service;

/** Directives of [Unit] and [Service], their names in camelCase: `execStart`, `pidFile`, `after`. */
export type UnitServiceSettings = { readonly [Name in Directives as CamelCase<Name>]?: UnitSettingValue } & {
  /** Whether a configuration that lists the service starts it; default true. */
  readonly autoStart?: boolean;
  /** Whether a directive that cannot be applied fails the start; default false. */
  readonly strict?: boolean;
};

const sections = ["Unit", "Service"] as const satisfies readonly SectionName[];

interface Place {
  readonly section: SectionName;
  readonly directive: string;
}

/** By names in camelCase. */
const places: ReadonlyMap<string, Place> = new Map(
  sections.flatMap((section) =>
    Object.keys(sectionTables[section]).map((directive) => [camelCase(directive), { section, directive }]),
  ),
);

/**
 * A service that is defined by a unit's directives: `unitService("web", { execStart: "/usr/bin/web $PORT", user: "web" })`.
 * Values are written as in a unit file, with specifiers and variables; other units are named in full, such as
 * `after: "network.target"`. The service does everything that one from a unit file does; it depends on what it names and on
 * nothing else.
 *
 * @param name of which `.service` may be left out
 * @throws DefinitionError where a directive does not exist, or its value cannot be
 */
export function unitService(name: string, settings: UnitServiceSettings): ServiceDefinition {
  const of: Subject = { what: `unitService ${show(name)}`, position: callSite() };
  const unitName = nameOf(of, name);
  if (!isRecord(settings)) fail(of, `expected an object with directives, got ${show(settings)}`);
  const { autoStart = true, strict = false, ...directives } = settings;
  if (typeof autoStart !== "boolean")
    fail(of, `field "autoStart": expected true or false, got ${show(autoStart)}`);
  if (typeof strict !== "boolean") fail(of, `field "strict": expected true or false, got ${show(strict)}`);
  const unit = read(of, unitName, directives);
  if (unit.type !== "service") fail(of, `expected the name of a service, got ${show(name)}`);
  const data: UnitData = {
    kind: "unit",
    unit: unitName.full,
    files: [],
    conditions: unit.unit.Conditions ?? [],
    asserts: unit.unit.Asserts ?? [],
    notApplied: notAppliedOf(unit),
    strict,
    service: encode<ServiceSettings>(unit.service),
    sockets: [...(unit.service.Sockets ?? [])],
  };
  const provision =
    provisions([{ full: unitName.full, aliases: [] }], reservedNames).get(unitName.full) ?? [];
  return definitionOfUnit({
    unit,
    data,
    provision,
    dependencies: statedDependencies(unit),
    serviceOf: serviceNameOf,
    autoStart,
  });
}

function nameOf(of: Subject, given: unknown): UnitName {
  const name = isText(given) ? parseUnitName(mangleName(given) ?? "") : undefined;
  if (name === undefined || name.type !== "service" || name.instance === "")
    fail(of, `expected the name of a service, got ${show(given)}`);
  return name;
}

/** The unit, as if it had been read from a file. */
function read(of: Subject, name: UnitName, directives: Readonly<Record<string, unknown>>): Unit {
  const lines = new Map<SectionName, string[]>(sections.map((section) => [section, []]));
  for (const [key, value] of Object.entries(directives)) {
    const place = places.get(key);
    if (place === undefined) fail(of, `unknown directive ${show(key)}${suggestion(key, [...places.keys()])}`);
    if (value === undefined) continue;
    for (const text of textsOf(of, key, value)) lines.get(place.section)?.push(`${place.directive}=${text}`);
  }
  const contents = [...lines].flatMap(([section, list]) => [`[${section}]`, ...list]).join("\n");
  const file = of.position === undefined ? of.what : formatPosition(userPosition(of.position));
  const unit = buildUnit(
    {
      name,
      aliases: [],
      state: "found",
      fragment: { file, contents: Buffer.from(`${contents}\n`, "utf8") },
      dropIns: [],
      wants: [],
      requires: [],
      diagnostics: [],
    },
    { facts: immediateFacts(), directories: systemDirectories },
  );
  // Whoever writes a unit here can mend it at once: what a file would be forgiven is none here.
  const wrong = unit.diagnostics.find(({ severity }) => severity !== "notice");
  if (wrong !== undefined)
    fail(of, wrong.line === 0 ? wrong.what : formatDiagnostic({ ...wrong, line: 0, file: name.full }));
  return unit;
}

function textsOf(of: Subject, key: string, value: unknown): readonly string[] {
  const items = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  return items.map((item) => {
    if (typeof item === "boolean") return item ? "yes" : "no";
    if (typeof item === "number" && Number.isFinite(item)) return String(item);
    // What would go on in the next line is no value.
    if (isText(item) && !/[\n\r]/.test(item) && !/(?:^|[^\\])(?:\\\\)*\\$/.test(item)) return item;
    return fail(
      of,
      `directive "${key}": expected a text of one line, a number, true or false, got ${show(item)}`,
    );
  });
}

/** What is known of this system without reading files; specifiers for the rest are a mistake here. */
function immediateFacts(): SystemFacts {
  return {
    hostName: hostname(),
    kernelRelease: release(),
    architecture: systemdArchitecture(),
    osRelease: new Map(),
    user: rootUser,
  };
}
