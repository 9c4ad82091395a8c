// A bench with a system log: its socket, a program that sends to it, and what came of that.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { SystemLogRoute } from "../../../src/daemon/definition/types.js";
import type { Routes, SystemLogSetup } from "../../../src/daemon/logs/system-log.js";
import type { Bench } from "../../daemon/logs/bench.js";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";

export const socket = "log/socket";

/** Every message. */
export const all: SystemLogRoute = { facilities: 0xff_ffff, priorities: 0xff, file: 0, stop: false };

export interface SystemLogBench {
  /** Opens the system log, or changes it. */
  open(options?: SystemLogBenchOptions): Promise<void>;
  /** Sends one datagram; resolves when it was accepted. */
  send(bytes: string | Uint8Array): Promise<void>;
  /** Sends a datagram for each number. */
  sendNumbers(prefix: string, first: number, last: number): Promise<void>;
  /** The shell command that does so, for a process of the keeper's; it lives on until the end. */
  command(prefix: string, first: number, last: number): string;
}

export interface SystemLogBenchOptions {
  readonly files?: readonly string[];
  readonly routes?: Partial<Routes>;
  readonly kernelLog?: string;
}

export async function systemLogBench(bench: Bench): Promise<SystemLogBench> {
  const program = bench.path("send-log");
  const source = join(project.root, "test", "native", "logwriter", "send-log.c");
  const built = await run("cc", ["-D_GNU_SOURCE", "-o", program, source]);
  assert.equal(built.status, 0, built.stderr);
  const path = bench.path("log.socket");
  await bench.agent.ok({
    op: "listen",
    name: socket,
    family: "unix",
    address: path,
    type: "datagram",
    mode: 0o666,
  });
  const sender = async (args: readonly string[], input: string | Uint8Array = ""): Promise<void> => {
    const child = spawn(program, [path, ...args], { stdio: ["pipe", "ignore", "inherit"] });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    const [status] = (await once(child, "exit")) as [number | null];
    assert.equal(status, 0, "the sender has sent everything");
  };
  return {
    open: async ({ files = ["messages"], routes = {}, kernelLog } = {}) => {
      const setup: SystemLogSetup = {
        service: "system-log",
        sockets: [socket],
        files: files.map((file) => bench.path(file)),
        routes: { rules: [all], host: "localhost", markInterval: 0, ...routes },
        ...(kernelLog === undefined ? {} : { kernelLog }),
      };
      await bench.writer.systemLog.open(setup);
    },
    send: (bytes) => sender([], bytes),
    sendNumbers: (prefix, first, last) => sender([prefix, String(first), String(last)]),
    command: (prefix, first, last) => `sleep 1000000 | ${program} ${path} '${prefix}' ${first} ${last}`,
  };
}
