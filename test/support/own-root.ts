// A machine of its own as far as that goes without a kernel of its own: a root file system that is this machine's with
// everything written to it kept in memory, and namespaces for processes, mounts, network, host name and IPC. What runs
// inside can make accounts, fill /var, mount and listen wherever it likes; the machine itself sees nothing of it.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findCgroups, inside, makeTestCgroup } from "./cgroups.js";
import type { End, Scope } from "./harness.js";
import { children, namespaceOf, type ProcessInfo, processesOf } from "./processes.js";
import { project } from "./project.js";
import { type Outcome, type RunOptions, run } from "./run.js";
import { waitFor } from "./wait.js";

/** A file of the root, which takes the place of one that the machine has. */
export interface RootFile {
  readonly text: string;
  /** Default 0644; it belongs to root. */
  readonly mode?: number;
}

export interface OwnRootOptions {
  /** What PID 1 executes. */
  readonly command: readonly [string, ...string[]];
  /** By absolute names. */
  readonly files?: Readonly<Record<string, RootFile>>;
  /** Directories that are made, with their permissions. */
  readonly directories?: Readonly<Record<string, number>>;
  /** What the root is made over: a directory with a system of its own; default: this machine's. */
  readonly over?: string;
  /** Whether there are cgroups too, and the loopback device is up. Default false: the least that a container may have. */
  readonly full?: boolean;
  /** Whether the network is this machine's, for what installs packages; default: one of its own, with loopback alone. */
  readonly sharesNetwork?: boolean;
}

/** A line that says that from now on nothing outside can be meant. */
const prepared = "own root: prepared";

/**
 * What a container's runtime does. Arguments: an empty directory, that of the project, one with files for the root, what the
 * root is made over, Node's program, whether it is to be full (1), and what is to become PID 1.
 */
const prepare = `set -eu
base=$1 project=$2 staged=$3 over=$4 node=$5 full=$6
shift 6
[ "$full" = 0 ] || ip link set lo up
mount --make-rprivate /
mount -t tmpfs -o mode=0755 tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay -o "lowerdir=$over,upperdir=$base/upper,workdir=$base/work" overlay "$base/root"
cd "$base/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
[ "$full" = 0 ] || mount -t cgroup2 cgroup2 sys/fs/cgroup || true
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for device in null zero full random urandom tty; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mount -t tmpfs -o mode=0755 tmpfs run
mkdir -m 0700 run/secrets
mount -t tmpfs -o mode=0700 tmpfs run/secrets
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p ".$project"
mount --bind "$project" ".$project"
if [ ! -e ".$node" ]; then
  mkdir -p ".$(dirname "$node")"
  : >".$node"
  mount --bind "$node" ".$node"
fi
cp -a --remove-destination "$staged/." .
mkdir .old
pivot_root . .old
cd /
umount -l .old
rmdir .old
echo "${prepared}"
exec "$@"
`;

const environment: NodeJS.ProcessEnv = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  TERM: "dumb",
  SHEPHERD_NODE: process.execPath,
};

/** Why there can be no such root here; false where there can. */
export function whyNoOwnRoot(): string | false {
  if (process.getuid?.() !== 0) return "needs root, to mount";
  const { status, stderr, error } = spawnSync(
    "unshare",
    [
      ...["--mount", "--pid", "--fork", "--net", "--uts", "--ipc", "--", "sh", "-ec"],
      "mount -t tmpfs tmpfs /mnt; mkdir /mnt/u /mnt/w /mnt/r; mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w overlay /mnt/r",
    ],
    { encoding: "utf8", env: environment },
  );
  if (error !== undefined) return `cannot run unshare: ${error.message}`;
  return status === 0 ? false : `cannot mount a root file system of its own: ${stderr.trim()}`;
}

export class OwnRoot {
  /** What a command runs in, unless another one is given. */
  readonly environment = environment;
  readonly ended: Promise<End>;
  readonly #directory: string;
  readonly #child: ChildProcess;
  #output = "";
  #end: End | undefined;

  /** @param cgroup what it runs in; default: our own */
  constructor(
    directory: string,
    cgroup: string | undefined,
    { command, over = "/", full = false, sharesNetwork = false }: OwnRootOptions,
  ) {
    this.#directory = directory;
    const [base, staged] = [join(directory, "base"), join(directory, "staged")];
    // Should this test run be killed, the namespace goes with it.
    this.#child = spawn(
      "setpriv",
      [
        ...["--pdeathsig=KILL", "--", "unshare", "--mount", "--pid", "--fork", "--uts", "--ipc"],
        ...(sharesNetwork ? [] : ["--net"]),
        // Whoever waits for PID 1 out here stays out of its cgroup.
        ...[
          "--kill-child",
          "--",
          ...(cgroup === undefined ? [] : [...inside(cgroup), "unshare", "--cgroup"]),
        ],
        ...["sh", "-c", prepare, "prepare", base, project.root, staged, over],
        ...[process.execPath, full ? "1" : "0", ...command],
      ],
      { cwd: "/", env: environment, stdio: ["ignore", "pipe", "pipe"] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output += text;
      });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => {
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
  }

  /** What PID 1, and whoever shares its streams, has printed. */
  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Runs a command inside, as root, to its end. */
  run(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<Outcome> {
    return run(
      "nsenter",
      [`--target=${this.init()}`, "--mount", "--uts", "--ipc", "--net", "--pid", "--", ...command],
      { env: environment, cwd: "/", ...options },
    );
  }

  /** As `run`, for what must succeed: what it printed. */
  async ok(...command: [string, ...string[]]): Promise<string> {
    const { status, stdout, stderr } = await this.run(command);
    if (status !== 0)
      throw new Error(`${command.join(" ")}: exit ${status}\n${stdout}${stderr}\n${this.explain()}`);
    return stdout;
  }

  /** What a shell command prints that must succeed. `herd` and `shepherd` are ours. */
  shell(command: string): Promise<string> {
    return this.ok("sh", "-c", `PATH='${project.bin}':$PATH; ${command}`);
  }

  herd(...args: readonly string[]): Promise<Outcome> {
    return this.run([join(project.bin, "herd"), ...args]);
  }

  /** PID 1's number out here. */
  init(): number {
    const { pid } = this.#child;
    const [first] = pid === undefined ? [] : children(pid);
    if (first === undefined) throw new Error(`find PID 1: it is gone\n${this.explain()}`);
    return first;
  }

  /** Every process inside, zombies too. */
  processes(): readonly ProcessInfo[] {
    const namespace = namespaceOf(this.init());
    return namespace === undefined ? [] : processesOf(namespace);
  }

  waitFor<T>(what: string, condition: () => T | Promise<T>): Promise<Exclude<T, false | null | undefined>> {
    return waitFor(
      what,
      () => {
        if (this.hasEnded) throw new Error(`wait until ${what}: PID 1 has ended\n${this.explain()}`);
        return condition();
      },
      () => this.explain(),
      2,
    );
  }

  /** Waits until a file inside has a text, and gives all of it. */
  waitForText(file: string, pattern: RegExp): Promise<string> {
    return this.waitFor(`${file} has ${pattern}`, async () => {
      const { stdout } = await this.run(["cat", file]);
      return pattern.test(stdout) && stdout;
    });
  }

  waitForEnd(): Promise<End> {
    return waitFor(
      "PID 1 has ended",
      () => this.#end,
      () => this.explain(),
    );
  }

  /** What a failure's reader wants to see. */
  explain(): string {
    return `--- output\n${this.#output.slice(-6000)}`;
  }

  /** Ends all that is inside, and removes what it was made of. */
  async destroy(): Promise<void> {
    if (this.#end === undefined) this.#child.kill("SIGKILL");
    await this.ended;
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Starts PID 1 in a root of its own, which goes with `scope`. */
export async function startInOwnRoot(scope: Scope, options: OwnRootOptions): Promise<OwnRoot> {
  const { files, directories } = options;
  const directory = mkdtempSync(join(tmpdir(), "shepherd-root-"));
  mkdirSync(join(directory, "base"));
  const staged = join(directory, "staged");
  mkdirSync(staged, { mode: 0o755 });
  for (const [path, mode] of Object.entries(directories ?? {})) {
    mkdirSync(join(staged, path), { recursive: true });
    // The mask of this process has no part in it.
    chmodSync(join(staged, path), mode);
  }
  for (const [path, { text, mode = 0o644 }] of Object.entries(files ?? {})) {
    mkdirSync(dirname(join(staged, path)), { recursive: true });
    writeFileSync(join(staged, path), text);
    chmodSync(join(staged, path), mode);
  }
  const cgroups = options.full ? findCgroups() : "not asked for";
  const cgroup = typeof cgroups === "string" ? undefined : makeTestCgroup(scope, cgroups.directory);
  const root = new OwnRoot(directory, cgroup, options);
  scope.after(() => root.destroy());
  await waitFor(
    "the root file system is prepared",
    () => {
      if (root.hasEnded) throw new Error(`prepare a root file system: failed\n${root.explain()}`);
      return root.output.includes(prepared);
    },
    () => root.explain(),
  );
  return root;
}
