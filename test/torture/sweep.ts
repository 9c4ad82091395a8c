// One operation again and again, and each time a kill one step later: before each system call of the daemon or of the
// log writer that anybody else can see the effect of, and at each frame of the daemon.

import { setTimeout as delay } from "node:timers/promises";
import { suiteScope } from "../support/harness.js";
import type { When } from "./ambush.js";
import { Bed, type BedOptions, type Verdict } from "./bed.js";
import { fleet } from "./fleet.js";
import type { Kill, Operation, Round } from "./workload.js";

export const sweepNames = ["start", "stop", "respawn", "flood", "rotate"] as const;
export type SweepName = (typeof sweepNames)[number];

export interface SweepOptions extends Omit<BedOptions, "boot"> {
  readonly name: SweepName;
  readonly service: string;
  /** Whether the log writer is killed, and not the daemon. */
  readonly writer: boolean;
  readonly print: (text: string) => void;
}

/** How far one kind of step was swept. */
interface Swept {
  readonly step: string;
  /** The number of the last step at which something was killed. */
  readonly steps: number;
  readonly violations: number;
}

/**
 * The daemon's: frames and replies (write, writev, sendmsg), what it is told (read, recvmsg), new clients (accept4) and
 * their end (shutdown, close), and files: pid files, modules, /proc (openat, unlink, rename, pread64, pwrite64).
 * mmap, futex, epoll and the like change nothing outside of the process.
 */
const daemonCalls = [
  "write",
  "writev",
  "sendmsg",
  "read",
  "recvmsg",
  "accept4",
  "shutdown",
  "close",
  "openat",
  "unlink",
  "rename",
  "pread64",
  "pwrite64",
] as const;

/**
 * The log writer's: the way of a batch (splice, read, write), what bounds and undoes it (ioctl, ftruncate), files and
 * their rotation (openat, mkdirat, rename, renameat, unlink, newfstatat, fstat, close), and its orders (recvmsg, sendto).
 */
const writerCalls = [
  "splice",
  "read",
  "write",
  "ioctl",
  "ftruncate",
  "openat",
  "mkdirat",
  "rename",
  "renameat",
  "unlink",
  "newfstatat",
  "fstat",
  "close",
  "recvmsg",
  "sendto",
] as const;

const frames: readonly When[] = ["before", "half", "after", "on"];
/** Steps at which nothing was killed, one after the other, until a kind of step is taken as exhausted. */
const misses = 2;
/** Steps of one kind after which one batch, or one look at /proc, is as good as the next. */
const most = 60;
/** Rounds that one system bears: the histories have caps. */
const systemRounds = 60;
/** How long, in ms, a round takes at least: histories hold ten ends, and tell whole seconds. */
const least = 110;
/** Where the keeper respawns the service: the next process has to stand by. */
const leastToStandBy = 700;

export async function sweep(options: SweepOptions): Promise<number> {
  const begin = performance.now();
  const { name, service, writer, print } = options;
  const sweeper = new Sweeper(options);
  const table: Swept[] = [];
  try {
    if (writer) {
      for (const call of writerCalls)
        table.push(await sweeper.exhaust(call, (nth) => ({ trace: { victim: "writer", call, nth } })));
    } else {
      for (const when of frames)
        table.push(
          await sweeper.exhaust(`${when} a frame`, (nth) => ({
            ambush: [{ when, label: "*", skip: nth - 1 }],
          })),
        );
      for (const call of daemonCalls)
        table.push(await sweeper.exhaust(call, (nth) => ({ trace: { victim: "daemon", call, nth } })));
    }
  } finally {
    await sweeper.close();
  }
  const violations = table.reduce((sum, row) => sum + row.violations, 0);
  const steps = table.reduce((sum, row) => sum + row.steps, 0);
  print(
    [
      ...table.map((row) => `  ${row.step.padEnd(16)} n = 1 … ${row.steps}, ${row.violations} violations`),
      `${name} of ${service}: ${steps} instants, ${violations} violations, ${((performance.now() - begin) / 1000).toFixed(1)} s`,
    ].join("\n"),
  );
  return violations;
}

type Instant = Pick<Round, "trace"> & Partial<Pick<Round, "ambush">>;

class Sweeper {
  readonly #options: SweepOptions;
  #scope = suiteScope();
  #bed: Bed | undefined;
  #rounds = 0;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** Kills at the first step of a kind, at the second, and so on, until there are no more. */
  async exhaust(step: string, instant: (nth: number) => Instant): Promise<Swept> {
    let steps = 0;
    let violations = 0;
    for (let nth = 1; nth <= Math.min(most, steps + misses); nth += 1) {
      const bed = await this.#prepared();
      const verdict = await bed.round({ ...this.#round(), ...instant(nth) });
      if (verdict.history.kills.length > 0) steps = nth;
      if (verdict.wrong.length > 0) {
        violations += 1;
        this.#complain(`${step} ${nth}`, verdict);
        await this.close();
      }
    }
    return { step, steps, violations };
  }

  async close(): Promise<void> {
    this.#bed = undefined;
    const scope = this.#scope;
    this.#scope = suiteScope();
    await scope.close();
  }

  /** A system in which the operation has something to do. */
  async #prepared(): Promise<Bed> {
    this.#rounds += 1;
    if (this.#rounds % systemRounds === 0) await this.close();
    this.#bed ??= await Bed.boot(this.#scope, this.#options);
    const { name, service } = this.#options;
    const isImmediate = fleet.some((member) => member.name === service && member.immediate);
    await delay(isImmediate ? leastToStandBy : least);
    const verb = name === "start" ? "stop" : "start";
    const verdict = await this.#bed.round(roundOf([{ verb, service }]));
    if (verdict.wrong.length === 0) return this.#bed;
    this.#complain("preparing", verdict);
    throw new Error(`prepare a ${name} of ${service}: the model does not hold`);
  }

  #round(): Round {
    const { name, service } = this.#options;
    switch (name) {
      case "start":
      case "stop":
        return roundOf([{ verb: name, service }]);
      case "respawn":
        return roundOf([{ verb: "crash", service, by: "SIGKILL" }]);
      case "flood":
        return roundOf([{ verb: "flood", service, lines: 600 }]);
      case "rotate":
        // There must be something to put aside.
        return roundOf([
          { verb: "flood", service, lines: 50 },
          { verb: "rotate", service },
        ]);
    }
  }

  #complain(where: string, { report }: Verdict): void {
    const { name, service, print } = this.#options;
    print(`VIOLATION in ${name} of ${service}, ${where}:\n${report}`);
  }
}

function roundOf(operations: readonly Operation[]): Round {
  const kills: readonly Kill[] = [];
  return {
    operations: operations.map((operation) => ({ operation, at: 0, byHerd: false })),
    kills,
    ambush: [],
  };
}
