// A real keeper in a PID namespace of its own, driven through its agent. Ending `unshare` ends everything in it.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Inventory, KeeperEvent, Request, Result, SpawnSpec } from "../../../src/daemon/keeper/types.js";
import { children } from "../../support/processes.js";
import { project, type Variant } from "../../support/project.js";
import { waitFor } from "../../support/wait.js";
import { type Command, decode, encode, type Report } from "./link.js";

/** Why nothing of this can be run here, or false. */
export const skip = process.getuid?.() === 0 ? false : "making a PID namespace needs root";

type Hello = Extract<Report, { kind: "hello" }>;
export type EventOf<Type extends KeeperEvent["type"]> = Extract<KeeperEvent, { type: Type }>;

/** The tests run with each build of the keeper: KEEPER_VARIANT chooses it. */
export const variant = (process.env.KEEPER_VARIANT ?? "none") as Variant;

export interface BedOptions {
  /** Whether the keeper is PID 1 (default), or a subreaper under one. */
  readonly init?: boolean;
  readonly keeper?: readonly string[];
  /** The keeper's program, instead of the one that was built. */
  readonly binary?: string;
  /** What executes the keeper: a command that changes what it inherits. */
  readonly under?: readonly string[];
  readonly agent?: readonly string[];
  /** The daemon's program, instead of an agent. */
  readonly program?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

/** One daemon of a keeper, from its hello on. */
export class Agent {
  readonly pid: number;
  readonly environment: NodeJS.ProcessEnv;
  readonly events: KeeperEvent[] = [];
  readonly #inventory: Inventory | undefined;
  readonly #socket: Socket;
  readonly #awaited: ((report: Report) => void)[] = [];
  #closed = false;

  constructor(socket: Socket, hello: Hello) {
    this.pid = hello.pid;
    this.environment = hello.environment;
    this.#inventory = hello.inventory;
    this.#socket = socket;
    socket.on("close", () => {
      this.#closed = true;
      for (const awaited of this.#awaited.splice(0))
        awaited({ kind: "refused", reason: "the agent is gone" });
    });
  }

  get inventory(): Inventory {
    assert.ok(this.#inventory !== undefined, "this agent said hello");
    return this.#inventory;
  }

  receive(report: Report): void {
    if (report.kind === "event") this.events.push(report.event);
    else this.#awaited.shift()?.(report);
  }

  command(command: Command): void {
    this.#socket.write(`${encode(command)}\n`);
  }

  send(requests: readonly Request[], stopOnError = false): Promise<readonly Result[]> {
    return this.ask({ kind: "send", requests, stopOnError });
  }

  /** Gives a command that has results. */
  async ask(command: Command): Promise<readonly Result[]> {
    const answer = new Promise<Report>((resolve) => this.#awaited.push(resolve));
    this.command(command);
    const report = await answer;
    if (report.kind !== "results") throw new Error(report.kind === "refused" ? report.reason : report.kind);
    return report.results;
  }

  /** Sends one request, which must succeed. */
  async ok(request: Request): Promise<Result> {
    const [result] = await this.send([request]);
    assert.ok(result !== undefined);
    assert.equal(result.errno, 0, `${request.op}: ${result.text}`);
    return result;
  }

  /** Sends one request, which must fail. */
  async refused(request: Request, errno: number, text: RegExp): Promise<void> {
    const [result] = await this.send([request]);
    assert.equal(result?.errno, errno, `${request.op}: ${result?.text}`);
    assert.match(result?.text ?? "", text);
  }

  run(id: string, argv: readonly [string, ...string[]], more: Partial<SpawnSpec> = {}): Promise<Result> {
    return this.ok({
      op: "spawn",
      id,
      spec: { arguments: argv, environment: [`PATH=${process.env.PATH}`], ...more },
    });
  }

  /** The first event of a type that fits, if need be once it has come. */
  async event<Type extends KeeperEvent["type"]>(
    type: Type,
    fits: (event: EventOf<Type>) => boolean = () => true,
  ): Promise<EventOf<Type>> {
    const found = () =>
      this.events.find(
        (event): event is EventOf<Type> => event.type === type && fits(event as EventOf<Type>),
      );
    return waitFor(`the event ${type} comes`, found, () => JSON.stringify(this.events, printable));
  }

  async acknowledge(event: KeeperEvent, store?: string): Promise<void> {
    await this.ok({ op: "acknowledge", event: event.event, ...(store === undefined ? {} : { store }) });
    this.events.splice(this.events.indexOf(event), 1);
  }

  async gone(): Promise<void> {
    await waitFor("the agent is gone", () => this.#closed);
  }
}

const printable = (_key: string, value: unknown): unknown =>
  typeof value === "bigint" ? String(value) : value;

export class Bed {
  readonly directory: string;
  stderr = "";
  readonly #process: ChildProcess;
  readonly #server: Server;
  readonly #init: boolean;
  readonly #agents: Agent[] = [];
  #ended: number | undefined;

  private constructor(directory: string, server: Server, options: BedOptions) {
    this.directory = directory;
    this.#server = server;
    this.#init = options.init ?? true;
    server.on("connection", (socket) => this.#connected(socket));
    const agent = fileURLToPath(new URL("agent.js", import.meta.url));
    const native = project.native(variant);
    const keeper = [
      ...(options.under ?? []),
      ...(variant === "valgrind"
        ? [
            "valgrind",
            "--quiet",
            "--vgdb=no",
            "--leak-check=full",
            "--error-exitcode=77",
            "--exit-on-first-error=yes",
            // A keeper that takes this one's place is checked too; what it starts is not.
            "--trace-children=yes",
            "--trace-children-skip=*/node,*/spawn,*/false,*/helper,*/sh",
            "--trace-children-skip-by-arg=--accepts=*", // within its two seconds
          ]
        : []),
      options.binary ?? join(native, "keeper"),
      `--helper=${join(project.native("none"), "spawn")}`,
      ...(options.keeper ?? []),
      "--",
      ...(options.program ?? [process.execPath, agent, join(directory, "link"), ...(options.agent ?? [])]),
    ];
    const { NODE_EXTRA_CA_CERTS: _slow, ...environment } = process.env;
    this.#process = spawn(
      "unshare",
      ["--pid", "--fork", "--mount-proc", "--kill-child", "--"].concat(
        this.#init ? keeper : ["sh", "-c", '"$@"; exit $?', "sh", ...keeper],
      ),
      {
        stdio: ["ignore", "ignore", "pipe"],
        env: {
          ...environment,
          DEATHS: join(directory, "deaths"),
          TMPDIR: directory,
          ASAN_OPTIONS: "detect_leaks=0",
          ...options.environment,
        },
      },
    );
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.#process.on("close", (code, signal) => {
      this.#ended = code ?? (signal === null ? -1 : -2);
    });
  }

  static async start(options: BedOptions = {}): Promise<Bed> {
    const directory = mkdtempSync(join(tmpdir(), "keeper-"));
    const server = createServer();
    server.listen(join(directory, "link"));
    await once(server, "listening");
    return new Bed(directory, server, options);
  }

  /** The keeper's pid out here. */
  get pid(): Promise<number> {
    return waitFor("the keeper runs", () => {
      const first = this.#process.pid === undefined ? undefined : children(this.#process.pid)[0];
      return this.#init || first === undefined ? first : children(first)[0];
    });
  }

  /** The daemon that comes next, or has come and was not asked for yet. */
  agent(): Promise<Agent> {
    return waitFor(
      "a daemon says hello",
      () => this.#agents.shift(),
      () => this.stderr,
    );
  }

  /** The keeper's exit code, once it has ended. */
  exit(): Promise<number> {
    return waitFor(
      "the keeper ends",
      () => this.#ended,
      () => this.stderr,
    );
  }

  async killAgent(agent: Agent): Promise<void> {
    const keeper = await this.pid;
    process.kill(hostPid(keeper, agent.pid), "SIGKILL");
    await agent.gone();
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    process.kill(await this.pid, signal);
  }

  async close(): Promise<void> {
    if (this.#ended === undefined) this.#process.kill("SIGKILL");
    await this.exit();
    this.#server.close();
    rmSync(this.directory, { recursive: true, force: true });
    assert.doesNotMatch(this.stderr, /Sanitizer|runtime error|==\d+==/);
  }

  #connected(socket: Socket): void {
    let agent: Agent | undefined;
    socket.on("error", () => {});
    // A killed agent's end of the socket is reset; both the socket and its lines tell.
    const lines = createInterface({ input: socket }).on("error", () => {});
    lines.on("line", (line) => {
      const report = decode(line) as Report;
      if (agent !== undefined) {
        agent.receive(report);
      } else if (report.kind === "hello") {
        agent = new Agent(socket, report);
        this.#agents.push(agent);
      }
    });
  }
}

/** The number out here of a process that has another one in the keeper's namespace. */
export function hostPid(keeper: number, inner: number): number {
  const found = descendants(keeper).find((pid) => {
    try {
      return innerPid(pid) === inner;
    } catch {
      return false; // It has ended since it was listed.
    }
  });
  if (found === undefined) throw new Error(`process ${inner} of the keeper's namespace is gone`);
  return found;
}

export function innerPid(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(status.match(/^NSpid:.*\s(\d+)$/m)?.[1]);
}

function descendants(pid: number): readonly number[] {
  return children(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** Runs a test on a keeper of its own. */
export async function withBed(options: BedOptions, test: (bed: Bed) => Promise<void>): Promise<void> {
  const bed = await Bed.start(options);
  try {
    await test(bed);
  } finally {
    await bed.close();
  }
}
