// Boots a whole system, keeper, daemon and services, in a PID namespace of its own, drives it, and cleans up.

import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Account } from "./accounts.js";
import { children, namespaceOf, type ProcessInfo, processesOf } from "./processes.js";
import { project, type Variant } from "./project.js";
import { reports } from "./reports.js";
import { type Outcome, run } from "./run.js";
import { waitFor } from "./wait.js";
import { type Answer, exchange, gnuRequest, parseService, type ServiceReply } from "./wire.js";

/** What a test context has, and `suiteScope` gives: a place to register the cleanup. */
export interface Scope {
  after(cleanup: () => void | Promise<void>): void;
}

export interface BootOptions {
  /** The configuration module's text; `{directory}` stands for the system's private directory. */
  readonly config: string;
  /** Its name in the private directory; default `config.ts`. */
  readonly configName?: string;
  /** Put there before the start: name in the private directory → text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Made there before the start: name in the private directory → owner. */
  readonly directories?: Readonly<Record<string, Account>>;
  /** More options for the daemon. */
  readonly args?: readonly string[];
  /** The daemon's `-- CMD ARG...`, with `{directory}` as in the configuration. */
  readonly command?: readonly string[];
  readonly keeperOptions?: readonly string[];
  /** Default true. Otherwise the keeper is a child subreaper, still inside a namespace: the host is never at risk. */
  readonly init?: boolean;
  /** With `init: false`: a shell command that runs as the namespace's PID 1 when the keeper has ended. */
  readonly afterKeeper?: string;
  /** A command, run inside, that executes what it finds behind its own arguments. */
  readonly through?: readonly string[];
  /** The account to run as; default our own. */
  readonly user?: Account;
  readonly variant?: Variant;
  /** Another directory with the native programs; only with `variant` "none". */
  readonly native?: string;
  /** Node's own options for the daemon. */
  readonly nodeOptions?: readonly string[];
  /** The keeper's environment, with `{directory}` as in the configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default true: `--logfile` in the private directory. */
  readonly logFile?: boolean;
  /** A system that has ended, in whose directory this one goes on with all that it has left; nothing is written there. */
  readonly after?: System;
  /** Default "configured": wait until the configuration was loaded; "started": wait for nothing. */
  readonly ready?: "configured" | "started";
}

/** How the system ended: unshare passes on the exit code, or the signal, of PID 1. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class System {
  readonly directory: string;
  readonly socket: string;
  readonly config: string;
  readonly variant: Variant;
  readonly ended: Promise<End>;
  /** The one that goes on in this one's directory. */
  successor: System | undefined;
  readonly #child: ChildProcess;
  readonly #init: boolean;
  readonly #program: string;
  #stdout = "";
  #stderr = "";
  #end: End | undefined;

  constructor(
    directory: string,
    config: string,
    command: readonly [string, ...string[]],
    options: BootOptions,
  ) {
    this.directory = directory;
    this.socket = join(directory, "run", "socket");
    this.config = config;
    this.variant = options.variant ?? "none";
    this.#init = options.init ?? true;
    this.#program = daemonProgram(directory, options);
    const [program, ...args] = command;
    this.#child = spawn(program, args, {
      cwd: "/",
      env: environment(directory, options),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code, signal) => {
        this.#end = { code, signal };
        resolve(this.#end);
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** How much longer than usual things may take. */
  get patience(): number {
    return this.variant === "none" ? 1 : 6;
  }

  /** Runs our client against this system. */
  herd(...args: readonly string[]): Promise<Outcome> {
    return run(join(project.bin, "herd"), ["-s", this.socket, ...args], {
      env: clientEnvironment,
      cwd: this.directory,
      timeout: 60_000 * this.patience,
    });
  }

  /** As `herd`, for what must succeed: what it printed. */
  async ok(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.herd(...args);
    if (status !== 0)
      throw new Error(`herd ${args.join(" ")}: exit ${status}\n${stdout}${stderr}\n${this.explain()}`);
    return stdout;
  }

  /** Sends bytes to the control socket and gives the answer. */
  rawRequest(bytes: string | Uint8Array, silence?: number): Promise<Answer> {
    return exchange(this.socket, bytes, silence);
  }

  /** What the daemon says about a service, on the wire. */
  async service(name: string): Promise<ServiceReply> {
    const answer = await exchange(this.socket, gnuRequest("status", name));
    const service = parseService(answer.text);
    if (service === undefined)
      throw new Error(`ask for service ${name}: got ${JSON.stringify(answer.text)}\n${this.explain()}`);
    return service;
  }

  /** Waits until a service is as described. */
  async until(name: string, what: string, holds: (service: ServiceReply) => boolean): Promise<ServiceReply> {
    return this.waitFor(`service ${name} ${what}`, async () => {
      // The daemon may be between two lives.
      const answer = await exchange(this.socket, gnuRequest("status", name)).catch(() => undefined);
      const service = answer && parseService(answer.text);
      return service !== undefined && holds(service) ? service : undefined;
    });
  }

  untilStatus(name: string, status: string): Promise<ServiceReply> {
    return this.until(name, `is ${status}`, (service) => service.status === status);
  }

  /** Waits until a service runs a process other than `previous`, and gives that process's number inside. */
  async untilProcess(name: string, previous?: number): Promise<number> {
    const isNew = ({ pid }: ServiceReply): boolean => pid !== undefined && pid !== previous;
    const { pid } = await this.until(
      name,
      "has a new process",
      (service) => service.status === "running" && isNew(service),
    );
    return pid as number;
  }

  waitFor<T>(what: string, condition: () => T | Promise<T>): Promise<Exclude<T, false | null | undefined>> {
    return waitFor(what, condition, () => this.explain(), this.patience);
  }

  /** What the daemon has logged. */
  log(): string {
    const file = join(this.directory, "shepherd.log");
    return existsSync(file) ? readFileSync(file, "utf8") : this.#stdout;
  }

  waitForLog(pattern: RegExp): Promise<RegExpMatchArray> {
    return this.waitFor(`the log has ${pattern}`, () => this.log().match(pattern));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** A file's text, or "" while there is none. */
  read(name: string): string {
    const file = this.path(name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  waitForFile(name: string, pattern = /\n/): Promise<string> {
    return this.waitFor(`file ${name} has ${pattern}`, () => {
      const text = this.read(name);
      return pattern.test(text) ? text : undefined;
    });
  }

  /** The keeper's number out here. */
  keeper(): number {
    const [first] = children(this.#unshare());
    // Without PID 1's place the keeper is the shell's only child.
    const keeper = first === undefined || this.#init ? first : children(first)[0];
    if (keeper === undefined) throw new Error(`find the keeper: it is gone\n${this.explain()}`);
    return keeper;
  }

  /** The daemon's number out here, if it lives. */
  daemon(): number | undefined {
    return this.processes().find(
      ({ command }) => command[0] === process.execPath && command.includes(this.#program),
    )?.pid;
  }

  /** The PID namespace, while there is one. */
  namespace(): string | undefined {
    const [first] = children(this.#unshare());
    return first === undefined ? undefined : namespaceOf(first);
  }

  /** Every process inside, zombies too. */
  processes(): readonly ProcessInfo[] {
    const namespace = this.namespace();
    return namespace === undefined ? [] : processesOf(namespace);
  }

  /** The log writer, by its number out here. */
  logWriter(): number | undefined {
    return this.processes().find(({ command, state }) => command[0] === "logwriter" && state !== "Z")?.pid;
  }

  /** Whether a process inside lives, by its number there. */
  isAlive(inner: number): boolean {
    return this.processes().some((process) => process.inner === inner && process.state !== "Z");
  }

  /** Signals a process by its number inside. */
  kill(inner: number, signal: NodeJS.Signals): void {
    const found = this.processes().find((process) => process.inner === inner);
    if (found === undefined) throw new Error(`signal process ${inner}: there is none\n${this.explain()}`);
    process.kill(found.pid, signal);
  }

  /** Kills the daemon, and gives the number out here of the one that follows. */
  async killDaemon(): Promise<number> {
    const old = await this.waitFor("a daemon lives", () => this.daemon());
    process.kill(old, "SIGKILL");
    return this.waitFor("another daemon lives", () => {
      const daemon = this.daemon();
      return daemon === old ? undefined : daemon;
    });
  }

  /** Signals the keeper. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.keeper(), signal);
  }

  /** `herd stop root`, and how the system ended. */
  async stop(): Promise<End> {
    const stopping = this.herd("stop", "root");
    const end = await this.waitForEnd();
    await stopping;
    return end;
  }

  waitForEnd(): Promise<End> {
    return this.waitFor("the system has ended", () => this.#end);
  }

  /** Ends the system whatever its state and removes its directory. */
  async destroy(): Promise<void> {
    // Whoever has a successor has ended.
    if (this.successor !== undefined) return await this.successor.destroy();
    // With its parent goes PID 1, and with PID 1 every process of the namespace.
    if (this.#end === undefined) this.#child.kill("SIGKILL");
    await this.ended;
    const found = Object.values(reports(this.path("reports"))).join("");
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
    if (found !== "") throw new Error(`a native program misbehaved:\n${found}`);
  }

  /** What a failure's reader wants to see. */
  explain(): string {
    const tail = (text: string): string => text.slice(-4000);
    return `--- log\n${tail(this.log())}\n--- stdout\n${tail(this.#stdout)}\n--- stderr\n${tail(this.#stderr)}`;
  }

  #unshare(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("find the keeper: unshare could not be run");
    return pid;
  }
}

const basicEnvironment = { PATH: process.env.PATH ?? "/usr/bin:/bin", LANG: "C.UTF-8", TERM: "dumb" };
/** Without the tester's own socket or colours. */
export const clientEnvironment = { ...basicEnvironment, HOME: "/", SHEPHERD_NODE: process.execPath };

function environment(directory: string, options: BootOptions): NodeJS.ProcessEnv {
  return {
    ...basicEnvironment,
    HOME: join(directory, "home"),
    XDG_CACHE_HOME: join(directory, "cache"),
    XDG_STATE_HOME: join(directory, "state"),
    XDG_RUNTIME_DIR: join(directory, "run"),
    ...Object.fromEntries(
      Object.entries(options.env ?? {}).map(([name, value]) => [name, within(directory)(value)]),
    ),
    // Reports go to files: what the programs print is what users see.
    ASAN_OPTIONS: `log_path=${directory}/reports/asan:exitcode=99`,
    UBSAN_OPTIONS: `log_path=${directory}/reports/ubsan:print_stacktrace=1`,
  };
}

function nativePrograms({ variant = "none", native }: BootOptions): string {
  return native ?? project.native(variant);
}

function hasOwnPrograms({ variant = "none", native }: BootOptions): boolean {
  return variant !== "none" || native !== undefined;
}

/** The daemon looks for the other programs beside its own: for other native ones that is a directory of links. */
function daemonProgram(directory: string, options: BootOptions): string {
  return join(hasOwnPrograms(options) ? join(directory, "programs") : project.dist, "shepherd.cjs");
}

function linkPrograms(directory: string, options: BootOptions): void {
  const programs = join(directory, "programs");
  mkdirSync(programs);
  for (const name of ["shepherd.cjs", "supervisor.cjs", "compile.cjs", "console.cjs"])
    symlinkSync(join(project.dist, name), join(programs, name));
  symlinkSync(nativePrograms(options), join(programs, "native"));
}

/** Runs the native programs, and only them, under valgrind; each writes a file of its own. */
function valgrind(directory: string): readonly string[] {
  return [
    "valgrind",
    "--quiet",
    "--vgdb=no",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite",
    "--error-exitcode=99",
    `--log-file=${directory}/reports/valgrind.%p`,
    "--trace-children=yes",
    `--trace-children-skip=${process.execPath},/bin/*,/sbin/*,/usr/*`,
  ];
}

function commandLine(
  directory: string,
  config: string,
  options: BootOptions,
): readonly [string, ...string[]] {
  const variant = options.variant ?? "none";
  const keeper = [
    ...(variant === "valgrind" ? valgrind(directory) : []),
    join(nativePrograms(options), "keeper"),
    ...(options.keeperOptions ?? []),
    "--",
    process.execPath,
    ...(options.nodeOptions ?? []),
    daemonProgram(directory, options),
    `--config=${config}`,
    `--socket=${join(directory, "run", "socket")}`,
    ...((options.logFile ?? true) ? [`--logfile=${join(directory, "shepherd.log")}`] : []),
    ...(options.args ?? []),
    ...(options.command === undefined ? [] : ["--", ...options.command.map(within(directory))]),
  ];
  const asUser =
    options.user === undefined
      ? []
      : ["setpriv", `--reuid=${options.user.uid}`, `--regid=${options.user.gid}`, "--init-groups", "--"];
  // As PID 1 the shell stays, does nothing but wait, and leaves with the keeper's code.
  const asSubreaper =
    (options.init ?? true)
      ? []
      : ["sh", "-c", `"$@"; code=$?; ${options.afterKeeper ?? ":"}; exit $code`, "sh"];
  // Should this test run be killed, the namespace goes with it.
  const unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "--"];
  const inside = [...(options.through ?? []), ...asUser, ...asSubreaper, ...keeper];
  return ["setpriv", "--pdeathsig=KILL", "--", ...unshare, ...inside];
}

/** Puts the directory's name where `{directory}` stands for it, which is not in JavaScript's own `${directory}`. */
function within(directory: string): (text: string) => string {
  return (text) => text.replace(/(?<!\$)\{directory\}/g, directory);
}

/** `SHEPHERD_TEST_VARIANT=sanitize` or `=valgrind` runs every test with the native programs so checked. */
const defaultVariant = (process.env.SHEPHERD_TEST_VARIANT ?? "none") as Variant;

/** Boots a system and waits until it is ready; it ends, and its files go, with `scope`. */
export async function bootSystem(scope: Scope, given: BootOptions): Promise<System> {
  const options = { variant: defaultVariant, ...given };
  // By its shortest name: a socket's path has 107 bytes at most.
  if (options.after !== undefined) {
    const { directory, config } = options.after;
    options.after.successor = new System(directory, config, commandLine(directory, config, options), options);
    return await ready(options.after.successor, options);
  }
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  // Services of other users have files in it; only the control socket's directory is private.
  chmodSync(directory, 0o755);
  for (const name of ["run", "home", "cache", "state", "reports"])
    mkdirSync(join(directory, name), { mode: 0o700 });
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, within(directory)(text));
    return file;
  };
  if (hasOwnPrograms(options)) linkPrograms(directory, options);
  const config = write(options.configName ?? "config.ts", options.config);
  for (const [name, text] of Object.entries(options.files ?? {})) write(name, text);
  for (const [name, { uid, gid }] of Object.entries(options.directories ?? {})) {
    mkdirSync(join(directory, name), { mode: 0o700 });
    chownSync(join(directory, name), uid, gid);
  }
  if (options.user !== undefined) {
    for (const name of ["", "run", "home", "cache", "state", "reports"]) {
      chownSync(join(directory, name), options.user.uid, options.user.gid);
    }
  }

  const system = new System(directory, config, commandLine(directory, config, options), options);
  scope.after(() => system.destroy());
  return await ready(system, options);
}

async function ready(system: System, options: BootOptions): Promise<System> {
  if (options.ready === "started") return system;
  await system.waitFor("the system is ready", async () => {
    if (system.hasEnded) throw new Error(`boot: the system ended at once\n${system.explain()}`);
    if (!existsSync(system.socket)) return false;
    const answer = await exchange(system.socket, gnuRequest("status", "root")).catch(() => undefined);
    if (answer === undefined || !answer.text.includes("(status running)")) return false;
    // The last: the first daemon was killed before it could say so.
    return /onfiguration successfully loaded|hile loading configuration|was started anew|from the record of/.test(
      system.log(),
    );
  });
  return system;
}

/** A scope that outlives single tests: call `close` in the suite's `after`. */
export function suiteScope(): Scope & { close(): Promise<void> } {
  const cleanups: (() => void | Promise<void>)[] = [];
  return {
    after(cleanup) {
      cleanups.push(cleanup);
    },
    async close() {
      for (const cleanup of cleanups.reverse()) await cleanup();
    },
  };
}
