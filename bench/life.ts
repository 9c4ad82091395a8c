// One life of one supervisor over given services, and everything that an experiment may do with it.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, type ProcessInfo } from "../test/support/processes.js";
import { run } from "../test/support/run.js";
import { boxScript } from "./box.js";
import { findProgram } from "./peers/index.js";
import type { BenchService, Command, Configured, OwnProcess, Peer } from "./peers/peer.js";
import { CgroupScope, readIfThere } from "./scope.js";
import { type Stamp, Stamps } from "./stamps.js";

/** Where a whole run of the bench works. */
export interface Workshop {
  readonly directory: string;
  readonly helper: string;
}

/** The peer cannot do what an experiment asks for; the message says why. */
export class Unable extends Error {}

/** Names of processes that are no part of a supervisor: services, and what our own commands leave in between. */
const foreign = ["sleep", "bench-helper", "unshare"];
const nanosecondsPerMillisecond = 1e6;
let serial = 0;

export class Life {
  readonly peer: Peer;
  readonly stamps: Stamps;
  readonly helper: string;
  readonly directory: string;
  readonly #workshop: Workshop;
  readonly #scope: CgroupScope;
  readonly #configured: Configured;
  readonly #output: string;
  readonly #asInit: boolean;
  #child: ChildProcess | undefined;
  #booted = 0;

  /** @param label tells configurations apart: those of the same one get the same directory */
  constructor(
    peer: Peer,
    workshop: Workshop,
    label: string,
    services: (life: Pick<Life, "stamps" | "helper">) => readonly BenchService[],
    asInit = false,
  ) {
    this.peer = peer;
    this.helper = workshop.helper;
    this.#workshop = workshop;
    this.#asInit = asInit;
    const name = `${peer.name.replaceAll(/[^a-z0-9]/g, "-")}-${label}`;
    this.directory = join(workshop.directory, name);
    const beside = join(workshop.directory, `${name}.harness`);
    for (const directory of [this.directory, beside]) {
      rmSync(directory, { recursive: true, force: true });
      mkdirSync(directory, { mode: 0o755 });
    }
    this.stamps = new Stamps(join(beside, "stamps"));
    this.#output = join(beside, "output");
    serial += 1;
    this.#configured = peer.configure(
      {
        directory: this.directory,
        cache: join(workshop.directory, "cache"),
        helper: workshop.helper,
        stamps: this.stamps.file,
        program: (program) => findProgram(peer, program) ?? program,
        file: (file, text, mode = 0o644) => {
          const path = join(this.directory, file);
          mkdirSync(dirname(path), { recursive: true });
          writeFileSync(path, text, { mode });
          return path;
        },
      },
      services(this),
    );
    this.#scope = new CgroupScope(`bench-${process.pid}-${serial}`);
  }

  // Starting

  /** Executes the supervisor; the instant of that is the stamp `@exec`. */
  start(): void {
    const { daemon, init = daemon, furnish = "" } = this.#configured;
    const asInit = this.#asInit || this.peer.boxed === true;
    const command = [this.helper, "stamp", this.stamps.file, "@exec", ...(asInit ? init : daemon)] as const;
    const inside = this.peer.boxed
      ? this.#boxed(command, furnish)
      : asInit
        ? command
        : [this.helper, "init", ...command];
    const output = openSync(this.#output, "a");
    // Should the bench be killed, everything goes with it.
    const withUs = ["setpriv", "--pdeathsig=KILL", "--"];
    const namespaces = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--uts", "--ipc"];
    this.#child = spawn(
      this.helper,
      ["enter", ...this.#scope.directories, "--", ...withUs, "unshare", ...namespaces, "--", ...inside],
      { stdio: ["ignore", output, output], env: this.#environment(), cwd: this.directory, detached: true },
    );
    closeSync(output);
  }

  #boxed(command: Command, furnish: string): Command {
    const file = join(this.directory, "box.sh");
    writeFileSync(file, boxScript(this.directory, this.#workshop.directory, furnish, command));
    return ["sh", file];
  }

  /** Starts it and waits until so many services have executed their programs. */
  async boot(services: number): Promise<void> {
    this.start();
    const seconds = (20 + services / 25) * (this.peer.patience ?? 1);
    const begun = (): number => this.stamps.count() - 1;
    if (!(await this.until(() => begun() >= services, seconds)))
      throw new Unable(
        `only ${Math.max(0, begun())} of ${services} services after ${seconds} s: ${this.output()}`,
      );
    this.#booted = performance.now();
    await this.until(this.#configured.ready ?? (() => true), 10);
  }

  /** Until its first life has filled its caches. */
  async warmed(): Promise<void> {
    const seconds = 30;
    if (!(await this.until(this.#configured.warmed ?? (() => true), seconds)))
      throw new Unable(`has not filled its caches within ${seconds} s: ${this.output()}`);
  }

  /** Waits until its services have run for so many milliseconds. */
  async age(milliseconds: number): Promise<void> {
    await delay(Math.max(0, this.#booted + milliseconds - performance.now()));
  }

  isAsleep(): boolean {
    return this.#configured.asleep?.(this.own()) ?? false;
  }

  /** Milliseconds from `@exec` to each stamp of a service, in order. */
  startTimes(): readonly number[] {
    const { at } = this.stamps.get("@exec");
    return this.services(this.stamps.read()).map((stamp) => (stamp.at - at) / nanosecondsPerMillisecond);
  }

  /** Those of the stamps that services made. */
  services(stamps: readonly Stamp[]): readonly Stamp[] {
    return stamps.filter(({ name }) => !name.startsWith("@"));
  }

  // Looking

  async until(condition: () => boolean, seconds: number, pause = 5): Promise<boolean> {
    const deadline = performance.now() + seconds * 1000;
    while (!condition()) {
      if (performance.now() > deadline) return false;
      await delay(pause);
    }
    return true;
  }

  processes(): readonly ProcessInfo[] {
    return this.#scope
      .processes()
      .map(describe)
      .filter((process) => process !== undefined)
      .filter(({ state }) => state !== "Z" && state !== "X");
  }

  /** The supervisor's own processes. */
  own(): readonly OwnProcess[] {
    return this.#named().filter(({ name }) => !foreign.includes(name));
  }

  /** The processes of services. */
  sleepers(): readonly number[] {
    return this.#named()
      .filter(({ name }) => name === "sleep")
      .map(({ pid }) => pid);
  }

  #named(): readonly OwnProcess[] {
    return this.processes().map(({ pid }) => ({ pid, name: readIfThere(`/proc/${pid}/comm`).trim() }));
  }

  /** A process's number out here. */
  outer(inner: number): number {
    const found = this.processes().find((process) => process.inner === inner);
    if (found === undefined) throw new Unable(`process ${inner} is gone`);
    return found.pid;
  }

  /** The supervisor's main process. */
  root(): number {
    const chosen = this.#configured.root?.(this.own());
    return chosen ?? this.outer(this.peer.boxed || this.#asInit ? 1 : this.stamps.get("@exec").pid);
  }

  get taskCounter(): string {
    return this.#scope.taskCounter;
  }

  tasks(): number {
    return this.#scope.tasks();
  }

  logs(service: string): readonly string[] {
    return this.#configured.logs?.(service) ?? [];
  }

  /** What it has printed, at its end. */
  output(): string {
    return readIfThere(this.#output).slice(-300).trim();
  }

  // Asking

  #environment(): NodeJS.ProcessEnv {
    const { LANG = "C.UTF-8", TERM = "dumb" } = process.env;
    const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    return { LANG, TERM, PATH: path, HOME: "/root", ...this.#configured.environment };
  }

  /** Inside of its machine, where it has one. */
  #client(command: Command): Command {
    if (!this.peer.boxed) return command;
    return ["nsenter", "-t", String(this.root()), "-p", "-m", "-r", "-w", "--", ...command];
  }

  /** Milliseconds that each of `count` runs of a client took. */
  async timeClient(what: "list" | { readonly status: string }, count: number): Promise<readonly number[]> {
    const command = what === "list" ? this.#configured.list : this.#configured.status(what.status);
    const lines = await this.runHelper(["time", String(count), ...this.#client(command)]);
    const runs = lines.split("\n").map((line) => line.split(" ").map(Number) as [number, number]);
    const failed = runs.find(([, status]) => status !== 0);
    if (failed !== undefined) throw new Unable(`'${command.join(" ")}' ended with wait status ${failed[1]}`);
    return runs.map(([time]) => time / nanosecondsPerMillisecond);
  }

  /** Ends supervisor and services: milliseconds to the last service's end and to the supervisor's own. */
  async stop(
    seconds: number,
  ): Promise<{ readonly services: number; readonly root: number; readonly left: number }> {
    const root = this.root();
    const pids = [root, ...this.sleepers()];
    const line = await this.runHelper(
      ["end", String(Math.ceil(seconds)), ...this.#client(this.#configured.stop(root))],
      pids.join("\n"),
    );
    const [services = 0, end = 0, left = 0] = line.split(" ").map(Number);
    return { services: services / nanosecondsPerMillisecond, root: end / nanosecondsPerMillisecond, left };
  }

  /** Runs the helper beside the supervisor; what it prints. */
  async runHelper(words: readonly string[], input = ""): Promise<string> {
    const { status, stdout, stderr } = await run(this.helper, words, {
      env: this.#environment(),
      cwd: this.directory,
      input,
      timeout: 600_000,
    });
    if (status !== 0)
      throw new Unable(`helper ${words.slice(0, 2).join(" ")}: status ${status}: ${stderr.slice(-300)}`);
    return stdout.trim();
  }

  /** As `runHelper`, among the supervisor's processes. */
  spawnInside(words: readonly string[]): ChildProcess {
    const { directories } = this.#scope;
    const command = [
      "-t",
      String(this.root()),
      "-p",
      "--",
      this.helper,
      "enter",
      ...directories,
      "--",
      this.helper,
    ];
    return spawn("nsenter", [...command, ...words], { stdio: ["ignore", "inherit", "inherit"] });
  }

  /** Ends whatever is left and removes what it wrote. */
  async close(): Promise<void> {
    await this.#scope.close();
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => child.once("exit", resolve));
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
    rmSync(`${this.directory}.harness`, { recursive: true, force: true });
  }
}
