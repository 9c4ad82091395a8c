// A real daemon for tests: Debian's nix-daemon with a store, a state and a socket of its own, in a directory that is
// removed with it.

import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { waitFor } from "../support/wait.js";

const program = "/usr/bin/nix-daemon";

/** Why tests with a daemon are skipped, where it is not there. */
export const withoutNix = existsSync(program) ? false : `needs ${program}, of Debian's package nix-bin`;

export interface NixDaemon {
  readonly directory: string;
  readonly socket: string;
  readonly storeDirectory: string;
  /** What it has written. */
  readonly output: () => string;
  /** Ends it with all that it has started, and removes its directory. */
  readonly stop: () => Promise<void>;
}

/** With builds' directories and the socket in it, whose name must be short. */
function makeDirectories(): string {
  const directory = mkdtempSync(join(tmpdir(), "nix-"));
  for (const name of ["conf", "home", "store", "var", "log", "tmp"]) mkdirSync(join(directory, name));
  const settings = ["sandbox = false", "build-users-group =", "substituters =", "max-jobs = 1"];
  writeFileSync(join(directory, "conf", "nix.conf"), `${settings.join("\n")}\n`);
  return directory;
}

export async function startNixDaemon(): Promise<NixDaemon> {
  const directory = makeDirectories();
  const socket = join(directory, "sock");
  const stateDirectory = join(directory, "var");
  const environment = {
    PATH: "/usr/bin:/bin",
    HOME: join(directory, "home"),
    LANG: "C.UTF-8",
    TMPDIR: join(directory, "tmp"),
    NIX_STORE_DIR: join(directory, "store"),
    NIX_STATE_DIR: stateDirectory,
    NIX_LOG_DIR: join(directory, "log"),
    NIX_CONF_DIR: join(directory, "conf"),
    NIX_DAEMON_SOCKET_PATH: socket,
    // Without it the daemon's process for a connection connects to the daemon, and so on for ever.
    NIX_REMOTE: "local",
  };
  // Should this test run be killed, the daemon goes with it.
  const child = spawn("setpriv", ["--pdeathsig=KILL", "--", program], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-65_536);
    });
  const stop = async (): Promise<void> => {
    await endAll(child, stateDirectory);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await waitFor(
      "nix-daemon answers",
      async () => (await greets(socket)) || child.exitCode !== null,
      () => output,
    );
    if (child.exitCode !== null) throw new Error(`nix-daemon has ended: ${output}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { directory, socket, storeDirectory: environment.NIX_STORE_DIR, output: () => output, stop };
}

/**
 * Whether it answers a client's magic number. Its socket is there before it listens, and the process for the first
 * connection makes the database before it says anything: another at the same time would fail.
 */
function greets(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => connection.write("cxin\0\0\0\0"));
    connection.on("data", () => {
      resolve(true);
      connection.destroy();
    });
    connection.on("error", () => {}).on("close", () => resolve(false));
  });
}

/** A daemon for one test. */
export async function nixDaemon(t: TestContext): Promise<NixDaemon> {
  const daemon = await startNixDaemon();
  t.after(daemon.stop);
  return daemon;
}

/**
 * The processes for connections outlive the daemon, in sessions of their own: by the state directory in their environment
 * they are known, as are builders.
 */
async function endAll(child: ChildProcess, stateDirectory: string): Promise<void> {
  child.kill("SIGKILL");
  await waitFor("the daemon's processes are gone", () => {
    const left = processesWith(`NIX_STATE_DIR=${stateDirectory}`);
    for (const pid of left) end(pid);
    return left.length === 0 && (child.exitCode !== null || child.signalCode !== null);
  });
}

export function processesWith(variable: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).split("\0").includes(variable))
    .map(Number);
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
