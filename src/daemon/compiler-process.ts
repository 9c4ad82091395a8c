// Runs the configuration compiler as a child of the keeper: no compiler lives in the supervisor, and none of its
// crashes is ours. What it prints goes to files that only we can read.

import { constants } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "./constructors/host.js";
import { decodeWaitStatus } from "./processes.js";

export interface CompilerResult {
  /** The exit code; 128 and more where a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param program the bundled compiler; it runs with our own Node
 * @param parent a directory that only we can write in: where the root file system is read-only, /tmp may be as well
 */
export async function runCompiler(
  host: Host,
  program: string,
  argv: readonly string[],
  parent: string,
): Promise<CompilerResult> {
  const directory = await mkdtemp(join(parent, "compile-"));
  try {
    const stdout = join(directory, "stdout");
    const stderr = join(directory, "stderr");
    const flags = constants.O_CREAT | constants.O_WRONLY | constants.O_EXCL;
    const child = host.processes.spawn(host.processes.nextId("compiler"), {
      arguments: [process.execPath, program, ...argv],
      environment: host.environment.filter((variable) => !variable.startsWith("NODE_")),
      directory: "/",
      session: "session",
      descriptors: [
        { target: 1, source: { path: stdout, flags, mode: 0o600 } },
        { target: 2, source: { path: stderr, flags, mode: 0o600 } },
      ],
    });
    await child.started;
    const end = await child.ended;
    const { exitCode, signal } = decodeWaitStatus(end.pid, end.status);
    return {
      status: signal === undefined ? (exitCode ?? 0) : 128 + signal,
      stdout: await readFile(stdout, "utf8"),
      stderr: await readFile(stderr, "utf8"),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
