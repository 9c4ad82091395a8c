// The module that converted units make together: what it imports, what it defines, its services.

import { call, comment, print, texts } from "../../src/convert/code.js";
import { importText } from "../../src/convert/imports.js";
import { printable } from "../diagnostics.js";
import { shortName } from "../translate/service-names.js";
import type { Unit } from "../unit.js";
import type { Converted, Use } from "./native.js";

export interface Part {
  readonly unit: Unit;
  /** Absent for one that stays a unit. */
  readonly converted?: Converted;
  /** Why it does, or what of it is not applied. */
  readonly why?: readonly string[];
  /** What is to be said of others that it wants. */
  readonly left: readonly string[];
}

const sendSignal = `/** Sends a signal to the process of a service, where it runs. */
function signal(running: RunningValue | false, name: NodeJS.Signals): boolean {
  if (typeof running !== "object" || running === null || !("pid" in running)) return false;
  return process.kill(Number(running.pid), name);
}
`;

/** @param others units that the converted ones need */
export function moduleText(parts: readonly Part[], others: readonly string[]): string {
  const uses = new Set(parts.flatMap(({ converted }) => converted?.uses ?? []));
  const services = parts.flatMap(({ converted }) => (converted === undefined ? [] : [converted]));
  const files = parts.filter(({ converted }) => converted === undefined).map(({ unit }) => unit.name.full);
  const kept = [...files, ...others.filter((name) => !files.includes(name))];
  const native = services.some(({ uses: own }) => own.length > 0);
  const unitsUsed = services.some(({ uses: own }) => own.length === 0);
  const imports = [
    ...(uses.has("run")
      ? ['import { execFile } from "node:child_process";\nimport { promisify } from "node:util";\n']
      : []),
    importText(coreNames(uses, native), uses.has("signal") ? ["RunningValue"] : [], "shepherd-ts"),
    importText(
      [...(kept.length > 0 ? ["systemdUnits"] : []), ...(unitsUsed ? ["unitService"] : [])],
      [],
      "shepherd-ts/systemd",
    ),
  ];
  const definitions = [
    ...(uses.has("run") ? ["const run = promisify(execFile);\n"] : []),
    ...(uses.has("signal") ? [sendSignal] : []),
    ...(kept.length > 0 ? [othersText(parts, kept)] : []),
  ];
  const head = parts.map(({ unit }) => comment(headText(unit), 0)).join("");
  return [head, imports.join(""), ...definitions, servicesText(parts, kept.length > 0)].join("\n");
}

function headText({ name, fragment, dropIns }: Unit): string {
  const files = [...(fragment === undefined ? [] : [fragment]), ...dropIns];
  return printable(`${name.full}, converted from ${files.join(", ")}`);
}

function coreNames(uses: ReadonlySet<Use>, native: boolean): readonly string[] {
  return [
    "defineConfig",
    ...(uses.has("forkexec") ? ["makeForkexecConstructor"] : []),
    ...(uses.has("kill") ? ["makeKillDestructor"] : []),
    ...(uses.has("notify") ? ["notify"] : []),
    ...(native ? ["service"] : []),
    ...(uses.has("action") ? ["shepherdAction"] : []),
  ];
}

function othersText(parts: readonly Part[], units: readonly string[]): string {
  const comments = parts.flatMap(({ unit, converted, why = [] }) =>
    converted === undefined ? why.map((one) => comment(`${unit.name.full}: ${one}`, 0)) : [],
  );
  const names = texts(units.map(shortName));
  const head = "const others = await ";
  return `${comments.join("")}${head}${print(call("systemdUnits", names), 0, head.length, 1)};\n`;
}

function servicesText(parts: readonly Part[], hasOthers: boolean): string {
  const items = parts.flatMap(({ converted, left }) => {
    if (converted === undefined) return [];
    const comments = [...converted.comments, ...left].map((one) => comment(one, 4)).join("");
    return [`${comments}    ${print(converted.code, 4, 4, 1)},\n`];
  });
  if (items.length === 0) return "export default defineConfig({ services: others });\n";
  const others = hasOthers ? "    ...others,\n" : "";
  return `export default defineConfig({\n  services: [\n${items.join("")}${others}  ],\n});\n`;
}
