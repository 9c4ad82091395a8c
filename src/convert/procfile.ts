// A Procfile, with the .env beside it, as a configuration: what `foreman start` would run.

import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isName } from "../daemon/definition/fields.js";
import { ConversionError, fail } from "./error.js";
import { moduleText } from "./module.js";
import { programService } from "./program.js";
import { readText } from "./read-text.js";
import { isPlain } from "./shell-words.js";
import { Marks } from "./text.js";

interface Entry {
  readonly name: string;
  readonly command: string;
}

/** Each process has a port, so far from that of the one before it. */
const ports = { first: 5000, step: 100, last: 65_535 } as const;

const general: readonly string[] = [
  "foreman ends everything when one process ends. Here each is respawned, as by the units that 'foreman export' writes; exitWith, of defineConfig, has everything end with one of them.",
];

/** @throws ConversionError */
export async function convertProcfile(file: string): Promise<string> {
  const entries = parseProcfile(await readText(file), file);
  const directory = dirname(resolve(file));
  const environmentFile = join(dirname(file), ".env");
  const hasEnvironment = existsSync(environmentFile);
  const variables = hasEnvironment
    ? parseEnvironmentFile(await readText(environmentFile), environmentFile)
    : new Map<string, string>();
  const first = variables.get("PORT") ?? String(ports.first);
  if (!/^\d{1,5}$/.test(first))
    throw new ConversionError(`${environmentFile}: PORT: expected a number, got ${JSON.stringify(first)}`);
  const marks = new Marks();
  const services = entries.map(({ name, command }, index) => {
    const port = Number(first) + index * ports.step;
    if (port > ports.last) throw new ConversionError(`${file}: ${name} would have the port ${port}`);
    return programService(
      {
        names: [name],
        command: isPlain(command) ? command.trim().split(/\s+/) : ["/bin/sh", "-c", command],
        directory,
        environment: new Map([...variables, ["PORT", String(port)], ["PS", `${name}.1`]]),
        gracePeriod: 5,
        respawn: true,
        autoStart: true,
        after: [],
        remarks: [],
      },
      marks,
    );
  });
  const options = join(dirname(file), ".foreman");
  return moduleText({
    head: [
      `Converted from ${[file, ...(hasEnvironment ? [environmentFile] : [])].join(" and ")}.`,
      ...general,
      ...(hasEnvironment
        ? [
            `The values are those that ${basename(environmentFile)} had; a secret among them is better in a file.`,
          ]
        : []),
      ...(existsSync(options) ? [`${options}: not applied: one process of each kind is run.`] : []),
    ],
    services,
  });
}

/** @throws ConversionError */
function parseProcfile(contents: string, file: string): readonly Entry[] {
  const entries: Entry[] = [];
  for (const [index, line] of contents.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const place = { file, line: index + 1 };
    const [, name, command] = /^([A-Za-z0-9_-]+):\s*(.*\S)\s*$/.exec(line) ?? [];
    if (name === undefined || command === undefined)
      fail(place, `expected NAME: COMMAND, got ${JSON.stringify(line)}`);
    if (!isName(name) || name === "root" || name === "shepherd")
      fail(place, `${JSON.stringify(name)} cannot be the name of a service`);
    if (command.includes("\0")) fail(place, "there is a NUL in it");
    if (entries.some((one) => one.name === name)) fail(place, `there is a process ${name} already`);
    entries.push({ name, command });
  }
  if (entries.length === 0) throw new ConversionError(`${file}: there is no process in it`);
  return entries;
}

/** As foreman reads it: single quotes are taken off, in double quotes a backslash means something. */
function parseEnvironmentFile(contents: string, file: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const [index, line] of contents.split(/\r?\n/).entries()) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [, name, value] = /^(?:export\s+)?([A-Za-z_0-9]+)=(.*)$/.exec(line) ?? [];
    const place = { file, line: index + 1 };
    // Whatever it is, it may be a secret.
    if (name === undefined || value === undefined) fail(place, "expected NAME=VALUE");
    if (value.includes("\0")) fail(place, `${name}: there is a NUL in it`);
    const single = /^'(.*)'$/.exec(value)?.[1];
    const double = /^"(.*)"$/.exec(value)?.[1];
    const text = double?.replace(/\\(.)/g, (_, one: string) => (one === "n" ? "\n" : one));
    variables.set(name, single ?? text ?? value);
  }
  return variables;
}
