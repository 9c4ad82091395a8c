// The real GNU Shepherd, for interoperability tests: a small Debian system, installed once into a cache directory, whose
// `shepherd` and `herd` run in a chroot inside namespaces of their own.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianMirror } from "./debian.js";
import { type Outcome, run } from "./run.js";

/** A running GNU shepherd. */
export interface GnuInstance {
  /** As this side of the chroot sees it. */
  readonly socket: string;
  readonly directory: string;
  stop(): Promise<void>;
}

export interface GnuShepherd {
  /** The system's root directory. A socket below it can be reached from both sides. */
  readonly root: string;
  /** GNU herd, for the socket at a path below `root`. */
  herd(socket: string, ...args: string[]): Promise<Outcome>;
  /** GNU shepherd with this configuration, in a PID namespace of its own, where it is not PID 1. */
  start(configuration: string): Promise<GnuInstance>;
  /** A new directory that both sides can reach, of mode 0700. */
  directory(): Promise<string>;
}

/** The Shepherd; or why there is none, to be given to `skip`. */
export async function findGnuShepherd(): Promise<GnuShepherd | string> {
  if (process.getuid?.() !== 0) return "needs root, for chroot";
  const cache = process.env.SHEPHERD_TEST_CACHE ?? join(tmpdir(), "shepherd-ts-test-cache");
  const root = join(cache, "gnu-shepherd");
  if (!existsSync(root)) {
    const failure = await install(cache, root);
    if (failure !== undefined) return failure;
  }
  return {
    root,
    herd: herdIn(root),
    start: (configuration) => start(root, configuration),
    directory: () => directoryIn(root),
  };
}

/** It takes half a minute; a slow mirror more. */
const INSTALLATION_TIMEOUT = 600_000;

/** Undefined once the system is there; else why it is not. */
async function install(cache: string, root: string): Promise<string | undefined> {
  if (!existsSync("/usr/sbin/debootstrap")) return "needs debootstrap";
  const mirror = await debianMirror();
  if (mirror === undefined) return "needs a Debian mirror in apt's sources";
  await mkdir(cache, { recursive: true });
  const building = await mkdtemp(join(cache, "building-"));
  const script = "/usr/share/debootstrap/scripts/sid";
  const args = ["--variant=minbase", "--include=shepherd,guile-fibers", "forky", building, mirror, script];
  const result = await run("debootstrap", args, { timeout: INSTALLATION_TIMEOUT });
  // The rename makes a half-built system impossible; of two builders at once the first wins.
  if (result.status === 0) await rename(building, root).catch(() => undefined);
  await rm(building, { recursive: true, force: true });
  return existsSync(root) ? undefined : `debootstrap failed: ${result.stderr || result.stdout.slice(-300)}`;
}

function herdIn(root: string): GnuShepherd["herd"] {
  return (socket, ...args) =>
    run("unshare", ["--mount", "sh", "-c", enter, root, "herd", "-s", inside(root, socket), ...args]);
}

/** A script for `sh -c`: mounts /proc, without which Guile complains, and runs its arguments in the chroot `$0`. */
const enter = 'mount -t proc proc "$0/proc" && LC_ALL=C.UTF-8 chroot "$0" "$@"; exit $?';

async function start(root: string, configuration: string): Promise<GnuInstance> {
  const directory = await directoryIn(root);
  const socket = join(directory, "socket");
  await writeFile(join(directory, "config.scm"), configuration);
  const shepherd = [
    "shepherd",
    "-s",
    inside(root, socket),
    "-c",
    inside(root, join(directory, "config.scm")),
  ];
  const log = ["-l", inside(root, join(directory, "log"))];
  const namespaces = ["--pid", "--fork", "--kill-child", "--mount", "sh", "-c", enter, root];
  const child = spawn("unshare", [...namespaces, ...shepherd, ...log], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await waitForSocket(socket, child);
  return {
    socket,
    directory,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function directoryIn(root: string): Promise<string> {
  const parent = join(root, "srv", "tests");
  await mkdir(parent, { recursive: true });
  return await mkdtemp(join(parent, "t-"));
}

function inside(root: string, path: string): string {
  if (!path.startsWith(`${root}/`))
    throw new Error(`cannot use ${path} in the chroot: it is not below ${root}`);
  return path.slice(root.length);
}

async function waitForSocket(socket: string, child: ChildProcess): Promise<void> {
  while (!(await answers(socket))) {
    if (child.exitCode !== null)
      throw new Error(`cannot start GNU shepherd: it exited with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
