// Units from text, for tests: on a system whose facts are known.

import { formatDiagnostic } from "../../systemd-compat/diagnostics.js";
import { systemDirectories } from "../../systemd-compat/manager-directories.js";
import { parseUnitName, unitName } from "../../systemd-compat/names.js";
import { rootUser, type SystemFacts } from "../../systemd-compat/system-facts.js";
import { buildUnit, type ServiceUnit, type Unit, type UnitSource } from "../../systemd-compat/unit.js";
import type { Condition } from "../../systemd-compat/values/conditions.js";

export const facts: SystemFacts = {
  hostName: "host.example.org",
  machineId: "0123456789abcdef0123456789abcdef",
  bootId: "fedcba9876543210fedcba9876543210",
  kernelRelease: "6.1.0-18-amd64",
  architecture: "x86-64",
  osRelease: new Map([
    ["ID", "debian"],
    ["VERSION_ID", "12"],
  ]),
  user: rootUser,
};

export const environment = { facts, directories: systemDirectories };

/** A source with one file, and others that add to it. */
export function sourceOf(name: string, text: string | Uint8Array, ...dropIns: readonly string[]): UnitSource {
  return {
    name: unitName(name),
    aliases: [],
    state: "found",
    fragment: { file: name, contents: typeof text === "string" ? Buffer.from(text) : text },
    dropIns: dropIns.map((contents, index) => ({
      file: `${index + 1}.conf`,
      contents: Buffer.from(contents),
    })),
    wants: [],
    requires: [],
    diagnostics: [],
  };
}

export function unitOf(name: string, text: string | Uint8Array, ...dropIns: readonly string[]): Unit {
  return buildUnit(sourceOf(name, text, ...dropIns), environment);
}

/** A service with these lines in its section [Service], and a command if there is none. */
export function serviceOf(lines: string, name = "x.service"): ServiceUnit {
  const start = /^ExecStart=/m.test(lines) ? "" : "ExecStart=/bin/true\n";
  const unit = unitOf(name, `[Service]\n${lines}\n${start}`);
  if (unit.type !== "service") throw new Error(`${name} is no service`);
  return unit;
}

/** What is said of a unit, but for notices, which change nothing. */
export function problemsOf(unit: Unit): string[] {
  return unit.diagnostics.filter(({ severity }) => severity !== "notice").map(formatDiagnostic);
}

/** A name that an instance of a template may have; others stay. */
export function withSomeInstance(file: string): string {
  return parseUnitName(file)?.instance === "" ? file.replace("@.", "@x.") : file;
}

/** The conditions that these lines of [Unit] are. */
export function conditionsOf(...lines: readonly string[]): readonly Condition[] {
  const unit = unitOf("x.target", `[Unit]\n${lines.join("\n")}\n`);
  const { Conditions = [], Asserts = [] } = unit.unit;
  if (Conditions.length + Asserts.length !== lines.length)
    throw new Error(`not all are conditions: ${lines.join("; ")}`);
  return [...Conditions, ...Asserts];
}
