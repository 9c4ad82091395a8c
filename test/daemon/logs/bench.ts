// A LogWriter of the test's own on a real keeper: what the daemon's would do, with all strings in the test's hands.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Keeper, KeeperEvent, Request } from "../../../src/daemon/keeper/types.js";
import { LogWriter, type Sink, type StreamOptions } from "../../../src/daemon/logs/log-writer.js";
import { type Agent, type Bed, hostPid, withBed } from "../../native/keeper/bed.js";
import { project, type Variant } from "../../support/project.js";
import { waitFor } from "../../support/wait.js";

/** The tests run with each build of the log writer: LOGWRITER_VARIANT chooses it. */
const variant = (process.env.LOGWRITER_VARIANT ?? "none") as Variant;

export interface BenchOptions {
  /** A shell command that becomes the writer, with "$WRITER" for its program and "$DIR" for the directory. */
  readonly wrapper?: string;
}

export class Bench {
  readonly bed: Bed;
  readonly directory: string;
  /** What the daemon was told of, newest last. */
  readonly troubles: string[] = [];
  readonly ended: Extract<KeeperEvent, { type: "child-ended" }>[] = [];
  readonly #program: string;
  #agent: Agent;
  #writer: LogWriter;

  private constructor(bed: Bed, agent: Agent, options: BenchOptions) {
    this.bed = bed;
    this.directory = bed.directory;
    this.#program = this.#wrap(options.wrapper);
    this.#agent = agent;
    this.#writer = this.#newWriter();
  }

  static async on(bed: Bed, options: BenchOptions = {}): Promise<Bench> {
    const bench = new Bench(bed, await bed.agent(), options);
    await bench.#writer.start();
    return bench;
  }

  get writer(): LogWriter {
    return this.#writer;
  }

  get agent(): Agent {
    return this.#agent;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  /** The lines of a file that its writer stamped, without the stamps. */
  lines(name: string): string[] {
    const lines = this.read(name).split("\n");
    assert.equal(lines.pop(), "", "the file ends with a whole line");
    return lines.map((line) => {
      assert.match(line, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /);
      return line.slice(20);
    });
  }

  async sink(sink: Sink = {}): Promise<void> {
    await this.#writer.configureSink({ path: this.path("main.log"), ...sink });
  }

  /** Makes the stream's pipe, if it has none, and opens it. */
  async open(name: string, more: Partial<StreamOptions> = {}): Promise<void> {
    const pipe = `log/${name}`;
    await this.#agent.send([{ op: "pipe", name: pipe }]);
    await this.#writer.openStream({ name, pipe, label: "prog", ...more });
  }

  /** Has a shell write to streams: the first is its standard output, the second its standard error. */
  async shell(script: string, ...streams: readonly [string, string?]): Promise<string> {
    const id = `writer#${this.#shells++}`;
    const descriptors = streams.flatMap((stream, index) =>
      stream === undefined ? [] : [{ target: index + 1, source: { name: `log/${stream}` } }],
    );
    const environment = [`PATH=${process.env.PATH}`];
    await this.#agent.ok({
      op: "spawn",
      id,
      spec: { arguments: ["bash", "-c", script], environment, descriptors },
    });
    return id;
  }
  #shells = 0;

  /** Writes through a shell, and waits until it has. */
  async write(stream: string, format: string): Promise<void> {
    await this.finished(await this.shell(`printf '${format}'`, stream));
  }

  /** Waits until a child has ended. */
  finished(id: string): Promise<unknown> {
    return waitFor(`${id} ends`, () => this.ended.find((event) => event.id === id));
  }

  /** The log writer's pid out here. */
  async pid(): Promise<number> {
    const keeper = await this.bed.pid;
    return waitFor("the log writer runs", () => {
      const inner = this.#pids.at(-1);
      try {
        return inner === undefined ? undefined : hostPid(keeper, inner);
      } catch {
        return undefined;
      }
    });
  }
  readonly #pids: number[] = [];

  async signal(signal: NodeJS.Signals): Promise<void> {
    process.kill(await this.pid(), signal);
  }

  /** Kills the daemon; the next one has a LogWriter that knows only what the keeper holds. */
  async killDaemon(): Promise<void> {
    await this.bed.killAgent(this.#agent);
    this.#agent = await this.bed.agent();
    this.#writer = this.#newWriter();
    await this.#writer.start();
  }

  #wrap(wrapper: string | undefined): string {
    const writer = join(project.native(variant), "logwriter");
    const check = "valgrind -q --leak-check=full --error-exitcode=77 --exit-on-first-error=yes";
    const command = variant === "valgrind" ? `${check} ${writer}` : writer;
    if (wrapper === undefined && variant !== "valgrind") return writer;
    const script = join(this.directory, "start-writer");
    const text = (wrapper ?? "exec $WRITER")
      .replaceAll("$WRITER", command)
      .replaceAll("$DIR", this.directory);
    writeFileSync(script, `#!/bin/sh\nPATH=${process.env.PATH}\n${text}\n`, { mode: 0o755 });
    return script;
  }

  #newWriter(): LogWriter {
    const agent = this.#agent;
    const keeper: Keeper = {
      inventory: agent.inventory,
      send: async (requests: readonly Request[], options) => {
        const results = await agent.send(requests, options?.stopOnError);
        const spawned = requests.findIndex((r) => r.op === "spawn" && r.id === "log-writer/0");
        const pid = results[spawned]?.pid;
        if (pid !== undefined) this.#pids.push(pid);
        return results;
      },
      onEvent: () => {},
      onLost: () => {},
    };
    const writer = new LogWriter({
      keeper,
      program: this.#program,
      runtimeDirectory: this.path("run"),
      onTrouble: (message) => this.troubles.push(message),
    });
    const handle = (event: KeeperEvent): void => {
      if (writer.handleEvent(event)) return;
      if (event.type === "child-ended") this.ended.push(event);
      agent.acknowledge(event).catch(() => {});
    };
    const receive = agent.receive.bind(agent);
    agent.receive = (report) => {
      receive(report);
      if (report.kind === "event") handle(report.event);
    };
    for (const event of [...agent.events]) handle(event);
    return writer;
  }
}

export function withBench(test: (bench: Bench) => Promise<void>, options?: BenchOptions): Promise<void> {
  return withBed({}, async (bed) => test(await Bench.on(bed, options)));
}
