// What the reader of systemd units asks of the daemon, done over its parts.

import { constants } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "./constructors/host.js";
import type { ProgramOptions, ProgramOutcome, UnitOperations, UnitSummary } from "./definition/runtime.js";
import type { InForce } from "./in-force.js";
import { decodeWaitStatus } from "./processes.js";
import type { System } from "./system.js";
import { unitOf } from "./units/of-definition.js";

/** Bytes of output that are kept. */
const mostOutput = 65_536;
/** Bytes of a file that such a program may write. */
const largestFile = 2 ** 20;

/** A program that ignores TERM has no state of its own worth waiting for. */
const SIGKILL = 9;

/** Among setrlimit's numbers. */
const RLIMIT_FSIZE = 1;

/** @param parent where only we can write; where the root file system is read-only, /tmp may be as well */
export function unitOperations(
  system: System,
  inForce: InForce,
  parent: string,
  init: boolean,
): UnitOperations {
  const { registry, host } = system;
  return {
    init,
    runProgram: (argv, options) => runProgram(host, parent, argv, options),
    reread: () => inForce.reread(),
    renew: (definitions, gone) => inForce.renewLoose(definitions, gone),
    list: () =>
      registry.controllers.flatMap((controller): readonly UnitSummary[] => {
        const { name, state, definition, replacement } = controller;
        const data = unitOf(replacement ?? definition);
        if (data === undefined) return [];
        const { status, enabled, value } = state;
        const { documentation, provision } = replacement ?? definition;
        const [description = ""] = documentation.split("\n", 1);
        const onDemand = inForce.isLoose(controller);
        return [{ name, status, enabled, value, unit: data.unit, provision, description, onDemand }];
      }),
    otherNames: () =>
      registry.controllers
        .filter(({ definition, replacement }) => unitOf(replacement ?? definition) === undefined)
        .flatMap(({ definition }) => definition.provision),
  };
}

/** As a child of the keeper, as all programs are; it writes to a file that only we can read, which cannot grow without end. */
async function runProgram(
  host: Host,
  parent: string,
  argv: readonly [string, ...string[]],
  { environment, timeout }: ProgramOptions,
): Promise<ProgramOutcome> {
  const directory = await mkdtemp(join(parent, "program-"));
  try {
    const path = join(directory, "output");
    const flags = constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND;
    const output = { path, flags, mode: 0o600 };
    const id = host.processes.nextId("program");
    const child = host.processes.spawn(id, {
      arguments: argv,
      environment,
      directory: "/",
      session: "session",
      limits: [{ resource: RLIMIT_FSIZE, soft: largestFile, hard: largestFile }],
      descriptors: [
        { target: 0, source: { path: "/dev/null", flags: constants.O_RDONLY } },
        { target: 1, source: output },
        { target: 2, source: output },
      ],
    });
    await child.started;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      host.processes.signal(id, SIGKILL, "group").catch((error: unknown) => host.report(String(error)));
    }, timeout * 1000);
    const end = await child.ended.finally(() => clearTimeout(timer));
    const { exitCode, signal } = decodeWaitStatus(end.pid, end.status);
    const said = await beginningOf(path);
    return {
      status: signal === undefined ? (exitCode ?? 0) : 128 + signal,
      output: isLate ? `${said}\nit was ended after ${timeout} s` : said,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function beginningOf(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(mostOutput), 0, mostOutput, 0);
    return buffer.subarray(0, bytesRead).toString("utf8");
  } finally {
    await file.close();
  }
}
