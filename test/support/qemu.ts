// A real machine for tests of PID 1: QEMU, a Debian kernel that is fetched once into a cache directory, and whatever
// image a test wants to boot. No KVM is needed.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope } from "./harness.js";
import { type Outcome, run } from "./run.js";
import { waitFor } from "./wait.js";

export interface MachineOptions {
  readonly kernel: string;
  readonly image: string;
  /** The first process and its arguments, of which none may be `--`: the kernel keeps that to itself. */
  readonly init: readonly [string, ...string[]];
}

export type CommandOutcome = Pick<Outcome, "status" | "stdout">;

/** The kernel to boot; or why there can be no machine, to be given to `skip`. */
export async function findKernel(): Promise<{ readonly file: string } | string> {
  if (process.arch !== "x64") return "needs a machine of the kind of the kernel, amd64";
  const path = (process.env.PATH ?? "").split(":");
  for (const program of [qemu, "busybox", "strip"])
    if (!path.some((directory) => existsSync(join(directory, program)))) return `needs ${program}`;
  const cache = join(
    process.env.SHEPHERD_TEST_CACHE ?? join(tmpdir(), "shepherd-ts-test-cache"),
    "linux-cloud-amd64",
  );
  if (!existsSync(cache)) {
    const failure = await fetchKernel(cache);
    if (failure !== undefined) return failure;
  }
  return { file: join(cache, "vmlinuz") };
}

const qemu = "qemu-system-x86_64";
/** For 27 MB from a slow mirror. */
const downloadTimeout = 300_000;

/** Undefined once the kernel is there; else why it is not. */
async function fetchKernel(cache: string): Promise<string | undefined> {
  const listed = await run("apt-cache", ["pkgnames", "linux-image-"]).catch(() => undefined);
  const versions = [...(listed?.stdout ?? "").matchAll(/^linux-image-(\d\S*-cloud-amd64)$/gm)];
  const newest = versions
    .map(([, version]) => version ?? "")
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1);
  if (newest === undefined) return "needs a linux-image-*-cloud-amd64 in apt's sources";

  await mkdir(join(cache, ".."), { recursive: true });
  const building = await mkdtemp(join(cache, "..", "building-"));
  try {
    const options = { cwd: building, timeout: downloadTimeout };
    const download = await run("apt-get", ["download", `linux-image-${newest}`], options);
    const [file = "nothing"] = await readdir(building);
    const unpacked = await run("dpkg-deb", ["--extract", file, "unpacked"], options);
    if (download.status !== 0 || unpacked.status !== 0)
      return `fetching linux-image-${newest} failed: ${download.stderr}${unpacked.stderr}`;
    await mkdir(join(building, "result"));
    await rename(
      join(building, "unpacked", "boot", `vmlinuz-${newest}`),
      join(building, "result", "vmlinuz"),
    );
    // The rename makes half a kernel impossible; of two who fetch it at once the first wins.
    await rename(join(building, "result"), cache).catch(() => undefined);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return existsSync(cache) ? undefined : `keep the kernel in ${cache}: the directory cannot be made`;
}

/** Whatever a test does, its machine is gone after this. */
const lifetime = 180_000;
/** An emulated machine is some twenty times as slow as what it runs on. */
const patience = 2;

/** Separates a command's output from its status, on the line to the machine's agent. */
const separator = "\x1e";

export class Machine {
  /** QEMU's exit code: 0 for a machine that was switched off or would boot again, null for one that was killed. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #agent: Line;
  readonly #monitor: Line;
  #console = "";
  #stderr = "";
  #hasEnded = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: MachineOptions, agent: Line, monitor: Line) {
    this.#agent = agent;
    this.#monitor = monitor;
    // Should this test run be killed, the machine goes with it.
    const command = ["--pdeathsig=KILL", "--", qemu, ...arguments_(options, agent.path, monitor.path)];
    this.#child = spawn("setpriv", command, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#console += text.replaceAll("\r", "");
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    const limit = setTimeout(() => this.#child.kill("SIGKILL"), lifetime);
    this.ended = new Promise((resolve) => {
      const end = (code: number | null): void => {
        clearTimeout(limit);
        this.#hasEnded = true;
        resolve(code);
      };
      this.#child.once("close", end);
      this.#child.once("error", (error) => {
        this.#stderr += `cannot run setpriv: ${error.message}\n`;
        end(null);
      });
    });
  }

  /** All that the kernel and PID 1 have written so far. */
  get console(): string {
    return this.#console;
  }

  /** Waits until the machine can be given commands. */
  async ready(): Promise<void> {
    await this.waitFor("the machine's agent is ready", () => this.#agent.take(`${separator}ready\n`));
  }

  /** Runs a shell command of one line inside, after those before it; both of its outputs come as one. */
  run(command: string): Promise<CommandOutcome> {
    const outcome = this.#last.then(() => this.#exchange(command));
    this.#last = outcome.catch(() => undefined);
    return outcome;
  }

  /** As `run`, for what must succeed: what it printed. */
  async ok(command: string): Promise<string> {
    const { status, stdout } = await this.run(command);
    if (status !== 0) throw new Error(`${command}: exit ${status}\n${stdout}\n${this.explain()}`);
    return stdout;
  }

  /** Starts a command that the machine may not survive; `ended` tells. */
  tell(command: string): void {
    this.#agent.send(`${command}\n`);
  }

  /** Presses keys, named and joined as QEMU's monitor has it. */
  press(keys: string): void {
    this.#monitor.send(`sendkey ${keys}\n`);
  }

  /** Waits for a condition inside, which cannot come true once the machine is gone. */
  waitFor<T>(what: string, condition: () => T | Promise<T>): Promise<Exclude<T, false | null | undefined>> {
    return waitFor(
      what,
      async () => {
        const gone = this.#hasEnded;
        const value = await condition();
        if (gone && !value) throw new Error(`the machine ended before ${what}\n${this.explain()}`);
        return value;
      },
      () => this.explain(),
      patience,
    );
  }

  /** Waits until QEMU has exited, and gives its exit code. */
  async waitForEnd(): Promise<number | null> {
    await this.waitFor("the machine has ended", () => this.#hasEnded);
    return await this.ended;
  }

  async #exchange(command: string): Promise<CommandOutcome> {
    this.#agent.send(`${command}\n`);
    const answer = new RegExp(`^([^${separator}]*)${separator}(\\d+)\n`);
    const [, stdout = "", status] = await this.waitFor(`"${command}" has ended`, () =>
      this.#agent.take(answer),
    );
    return { status: Number(status), stdout };
  }

  async destroy(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    await this.ended;
    this.#agent.close();
    this.#monitor.close();
  }

  /** What a failure's reader wants to see. */
  explain(): string {
    return `--- console\n${this.#console.slice(-8000)}\n--- qemu\n${this.#stderr.slice(-2000)}`;
  }
}

function arguments_(
  { kernel, image, init: [init, ...args] }: MachineOptions,
  agent: string,
  monitor: string,
): readonly string[] {
  // A panic reboots at once, which ends QEMU: what the console says tells it from a clean end.
  const parameters = [
    "console=ttyS0",
    "quiet",
    "panic=-1",
    "mitigations=off",
    `rdinit=${init}`,
    "--",
    ...args,
  ];
  return [
    // One processor: with more, QEMU may run code that another processor has just patched as it was half patched, and the
    // kernel dies of an int3 before it has come to our first process.
    ...["-accel", "tcg", "-cpu", "max", "-m", "1024", "-smp", "1", "-nic", "none", "-display", "none"],
    ...["-nodefaults", "-no-user-config", "-no-reboot"],
    ...["-kernel", kernel, "-initrd", image, "-append", parameters.join(" ")],
    ...["-serial", "stdio"],
    ...["-chardev", `socket,id=agent,path=${agent}`, "-serial", "chardev:agent"],
    ...["-chardev", `socket,id=monitor,path=${monitor}`, "-mon", "chardev=monitor"],
  ];
}

/** A line to the machine: a socket that QEMU connects to. */
class Line {
  readonly path: string;
  readonly #server: Server;
  #socket: Socket | undefined;
  #unsent = "";
  #received = "";

  private constructor(path: string) {
    this.path = path;
    this.#server = createServer((socket) => {
      this.#socket = socket;
      socket.setEncoding("utf8").on("data", (text: string) => {
        this.#received += text;
      });
      // The machine's end cuts the line.
      socket.on("error", () => undefined);
      socket.write(this.#unsent);
    });
  }

  static async open(path: string): Promise<Line> {
    const line = new Line(path);
    line.#server.listen(path);
    await once(line.#server, "listening");
    return line;
  }

  send(text: string): void {
    if (this.#socket === undefined) this.#unsent += text;
    else this.#socket.write(text);
  }

  /** Takes what has come, if it matches, off the line. */
  take(what: RegExp | string): RegExpMatchArray | null {
    const found = this.#received.match(what);
    if (found !== null) this.#received = this.#received.slice((found.index ?? 0) + found[0].length);
    return found;
  }

  close(): void {
    this.#socket?.destroy();
    this.#server.close();
  }
}

/** Switches a machine on; it ends with `scope`. */
export async function bootMachine(scope: Scope, options: MachineOptions): Promise<Machine> {
  const directory = await mkdtemp(join(tmpdir(), "shepherd-machine-"));
  const agent = await Line.open(join(directory, "agent"));
  const monitor = await Line.open(join(directory, "monitor"));
  const machine = new Machine(options, agent, monitor);
  scope.after(async () => {
    await machine.destroy();
    await rm(directory, { recursive: true, force: true });
  });
  return machine;
}
