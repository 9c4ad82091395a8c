// Generators of packages: small programs that make units from a package's own configuration, before units are read.

import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { UnitOperations } from "../../src/daemon/definition/runtime.js";
import { errorText } from "../../src/daemon/error-text.js";
import { printable } from "../diagnostics.js";
import { membersOf } from "../drop-ins.js";
import { RootedFiles } from "../rooted-files.js";
import { systemdArchitecture } from "../system-facts.js";

/** Where generators are, the most important directory first: one hides those of its name in the others. */
const places = [
  "/run/systemd/system-generators",
  "/etc/systemd/system-generators",
  "/usr/local/lib/systemd/system-generators",
  "/usr/lib/systemd/system-generators",
  "/lib/systemd/system-generators",
] as const;

/** What they write to: by how important it is beside units of other places. */
const results = {
  normal: "/run/systemd/generator",
  early: "/run/systemd/generator.early",
  late: "/run/systemd/generator.late",
} as const;

const most = { generators: 64, lines: 20, seconds: 30 } as const;

/** Runs all generators but systemd's own, and gives what is to be said of them, as lines. */
export async function runGenerators(units: UnitOperations): Promise<readonly string[]> {
  const files = new RootedFiles("/");
  const { files: found, unreadable } = await membersOf(files, places, (name) => !name.startsWith("systemd-"));
  const lines = unreadable.map(({ directory, why }) => `${directory}: the directory cannot be read: ${why}`);
  for (const directory of Object.values(results)) {
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { recursive: true, mode: 0o755 });
  }
  if (found.length > most.generators)
    lines.push(`more than ${most.generators} generators; the rest is left out`);
  // One after the other: some look at what those before them have made.
  for (const generator of found.slice(0, most.generators))
    if (!(await files.isEmpty(generator))) lines.push(...(await run(units, generator)));
  return lines;
}

async function run(units: UnitOperations, generator: string): Promise<readonly string[]> {
  const environment = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "SYSTEMD_SCOPE=system",
    "SYSTEMD_IN_INITRD=0",
    "SYSTEMD_FIRST_BOOT=no",
    `SYSTEMD_ARCHITECTURE=${systemdArchitecture()}`,
  ];
  const name = join("generator", basename(generator));
  try {
    const { normal, early, late } = results;
    const argv = [generator, normal, early, late] as const;
    const { status, output } = await units.runProgram(argv, { environment, timeout: most.seconds });
    const said = output
      .split("\n")
      .filter((line) => line.trim() !== "")
      .slice(0, most.lines)
      .map((line) => `${name}: ${printable(line)}`);
    return status === 0 ? said : [...said, `${name}: it failed with status ${status}`];
  } catch (error) {
    return [`${name}: ${errorText(error)}`];
  }
}
