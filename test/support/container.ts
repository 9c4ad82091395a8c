// Machines with a root file system of their own, for what boots a whole system: an overlay over ours, in which everything
// can be changed and nothing is. A machine can be booted again and again; what it has written stays, but for /run, which no
// boot outlives. Each boot is PID 1 of a namespace.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { End, Scope } from "./harness.js";
import { children, namespaceOf, type ProcessInfo, processesOf } from "./processes.js";
import { project } from "./project.js";
import { type Outcome, run } from "./run.js";
import { waitFor } from "./wait.js";

/** Mounts the overlay, and stays, which keeps it. `$1` is the machine's directory. */
const holder = `set -e
mount --make-rprivate /
mount -t tmpfs machine "$1/fs"
mkdir "$1/fs/upper" "$1/fs/work"
mount -t overlay machine -o "lowerdir=/,upperdir=$1/fs/upper,workdir=$1/fs/work" "$1/root"
echo mounted
exec cat`;

/**
 * What a boot finds mounted; then it becomes the program that is to be PID 1. `$1` is the machine's directory, `$2` the
 * project's. Ours may have much in /tmp, which would take time to remove at each boot; and a boot removes what is in /tmp,
 * where the project may be too, unless it is mounted there.
 */
const boot = `set -e
cd "$1/root"
mount -t tmpfs -o mode=1777 tmpfs tmp
case $2 in
  /tmp/*)
    mkdir -p ".$2"
    mount --bind "$2" ".$2"
    ;;
esac
shift 2
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount -t tmpfs -o mode=0755 tmpfs dev
for node in null:3 zero:5 full:7 random:8 urandom:9 tty:5:0; do
  case $node in
    tty:*) mknod -m 0666 dev/tty c 5 0 ;;
    *) mknod -m 0666 "dev/\${node%:*}" c 1 "\${node#*:}" ;;
  esac
done
mkdir -m 1777 dev/shm
exec chroot . "$@"`;

/** Why no machine can be made here; undefined where one can. */
export function whyNoContainers(): string | undefined {
  if (process.getuid?.() !== 0) return "it takes root to mount file systems";
  const directory = mkdtempSync(join(tmpdir(), "shepherd-container-"));
  try {
    makeDirectories(directory);
    const { status, stderr } = spawnSync("unshare", ["--mount", "--", "sh", "-c", holder, "sh", directory], {
      input: "",
      encoding: "utf8",
    });
    return status === 0 ? undefined : `no overlay can be mounted here: ${stderr.trim()}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function makeDirectories(directory: string): void {
  for (const name of ["fs", "root"]) mkdirSync(join(directory, name));
}

const environment = {
  PATH: process.env.PATH ?? "/usr/bin:/bin",
  LANG: "C.UTF-8",
  TERM: "dumb",
  HOME: "/root",
};

export class Container {
  readonly directory: string;
  readonly #holder: ChildProcess;
  #machine: ChildProcess | undefined;
  #end: End | undefined;
  #stdout = "";
  #stderr = "";

  constructor(directory: string, mounted: ChildProcess) {
    this.directory = directory;
    this.#holder = mounted;
  }

  /** What the boot at hand has printed. */
  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Where something of the machine is, for us. */
  path(inside: string): string {
    return join(`/proc/${this.#holder.pid}/root`, this.directory, "root", inside);
  }

  write(inside: string, text: string): void {
    mkdirSync(dirname(this.path(inside)), { recursive: true });
    writeFileSync(this.path(inside), text);
  }

  /** A file's text, or "" while there is none. */
  read(inside: string): string {
    return existsSync(this.path(inside)) ? readFileSync(this.path(inside), "utf8") : "";
  }

  /** Boots `command` as PID 1, and waits for nothing. */
  start(...command: readonly [string, ...string[]]): void {
    if (this.#machine !== undefined && this.#end === undefined) throw new Error("boot: the machine runs");
    this.#end = undefined;
    this.#stdout = "";
    this.#stderr = "";
    const inOverlay = ["nsenter", `--mount=/proc/${this.#holder.pid}/ns/mnt`, "--"];
    const isolated = ["unshare", "--pid", "--mount", "--ipc", "--fork", "--kill-child", "--"];
    // Should this test run be killed, the machine goes with it.
    const machine = spawn(
      "setpriv",
      [
        "--pdeathsig=KILL",
        "--",
        ...inOverlay,
        ...isolated,
        "sh",
        "-c",
        boot,
        "sh",
        this.directory,
        project.root,
        ...command,
      ],
      {
        cwd: "/",
        env: { ...environment, SHEPHERD_NODE: process.execPath },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.#machine = machine;
    machine.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    machine.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    machine.on("close", (code, signal) => {
      this.#end = { code, signal };
    });
  }

  /** Boots a system and waits until its configuration was loaded. */
  async boot(...args: readonly string[]): Promise<void> {
    this.start(join(project.bin, "shepherd"), "system", "boot", ...args);
    await this.waitFor("the system is booted", () => {
      if (this.#end !== undefined) throw new Error(`boot: the system has ended\n${this.explain()}`);
      return /onfiguration successfully loaded|hile loading configuration/.test(this.#stdout);
    });
  }

  /** PID 1, by its number out here. */
  init(): number {
    const found = this.#machine?.pid === undefined ? undefined : children(this.#machine.pid)[0];
    if (found === undefined) throw new Error(`find the machine's PID 1: it is gone\n${this.explain()}`);
    return found;
  }

  /** Every process of the machine. */
  processes(): readonly ProcessInfo[] {
    const [init] = this.#machine?.pid === undefined ? [] : children(this.#machine.pid);
    const namespace = init === undefined ? undefined : namespaceOf(init);
    return namespace === undefined ? [] : processesOf(namespace);
  }

  /** Runs a program in the machine to its end. */
  run(program: string, ...args: readonly string[]): Promise<Outcome> {
    const inside = ["--target", String(this.init()), "--mount", "--pid", "--ipc", "--root", "--wd"];
    return run("nsenter", [...inside, "--", program, ...args], {
      env: { ...environment, SHEPHERD_NODE: process.execPath },
      timeout: 120_000,
    });
  }

  system(...args: readonly string[]): Promise<Outcome> {
    return this.run(join(project.bin, "shepherd"), "system", ...args);
  }

  herd(...args: readonly string[]): Promise<Outcome> {
    return this.run(join(project.bin, "herd"), ...args);
  }

  waitFor<T>(what: string, condition: () => T | Promise<T>): Promise<Exclude<T, false | null | undefined>> {
    return waitFor(what, condition, () => this.explain());
  }

  waitForEnd(): Promise<End> {
    return this.waitFor("the machine has ended", () => this.#end);
  }

  /** Stops the system in good order, as a container runtime does. */
  async stop(): Promise<End> {
    process.kill(this.init(), "SIGTERM");
    return await this.waitForEnd();
  }

  /** Ends the machine whatever its state, and removes what it has written. */
  async destroy(): Promise<void> {
    if (this.#machine !== undefined && this.#end === undefined) {
      // With its parent goes PID 1, and with PID 1 every process of the namespace.
      this.#machine.kill("SIGKILL");
      await this.waitForEnd();
    }
    const ended = once(this.#holder, "close");
    this.#holder.kill("SIGKILL");
    await ended;
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }

  explain(): string {
    const tail = (text: string): string => text.slice(-4000);
    return `--- stdout\n${tail(this.#stdout)}\n--- stderr\n${tail(this.#stderr)}`;
  }
}

/** Makes a machine, which is not booted yet; it goes with `scope`. */
export async function makeContainer(scope: Scope): Promise<Container> {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-container-"));
  makeDirectories(directory);
  const mounted = spawn(
    "setpriv",
    ["--pdeathsig=KILL", "--", "unshare", "--mount", "--", "sh", "-c", holder, "sh", directory],
    { cwd: "/", stdio: ["pipe", "pipe", "inherit"] },
  );
  const container = new Container(directory, mounted);
  scope.after(() => container.destroy());
  await once(mounted.stdout, "data");
  return container;
}
