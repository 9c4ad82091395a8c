// Runs the compressor as a child of the keeper, as whoever owns the log: it gets two descriptors and nothing else, and
// waits for whoever has something better to do.

import { constants as openFlags } from "node:fs";
import { constants } from "node:os";
import type { SpawnSpec } from "../keeper/types.js";
import type { Outbox } from "../outbox.js";
import type { Processes } from "../processes.js";
import { type Compression, describeExit } from "./compression.js";
import type { Answer } from "./order-queue.js";

/** The keeper's name of it: there is never more than one. */
const id = "log-compressor/0";
/** Where the keeper keeps its descriptors until it has them. */
export const compressorStore = "log/compress";
const stored = [`${compressorStore}.0`, `${compressorStore}.1`] as const;
const leastUrgent = 19;
/** ioprio_set(2)'s idle class. */
const whenIdle = 3 << 13;

export interface CompressorParts {
  readonly outbox: Outbox;
  readonly processes: Processes;
  /** The bundled compressor; our own Node runs it. */
  readonly program: string;
}

export class Compressor {
  readonly #parts: CompressorParts;

  constructor(parts: CompressorParts) {
    this.#parts = parts;
  }

  /** Makes room for the descriptors of a claim: whatever an earlier daemon left, process and all, is of no use any more. */
  async prepare(): Promise<void> {
    const { outbox, processes } = this.#parts;
    const left = processes.get(id);
    if (left !== undefined) {
      await processes.signal(id, constants.signals.SIGKILL, "group");
      await left.ended;
    }
    await outbox.post(...stored.map((name) => ({ op: "close", name }) as const));
  }

  /**
   * Compresses what is claimed, with its owner's ids: a service that cannot change its old logs cannot change the process
   * that compresses them either. Rejects with what it failed of.
   */
  async run(compression: Compression, { count: length = 0, uid, gid = uid }: Answer): Promise<void> {
    const ours = uid === undefined || gid === undefined || uid === process.getuid?.();
    const { processes, program } = this.#parts;
    const path = process.env.PATH;
    const spec: SpawnSpec = {
      // From standard input, which the keeper opens: the owner of a log need not be able to read our programs.
      arguments: [process.execPath, "-", compression, String(length)],
      environment: path === undefined ? [] : [`PATH=${path}`],
      directory: "/",
      session: "session",
      nice: leastUrgent,
      ioPriority: whenIdle,
      noNewPrivileges: true,
      ...(ours ? {} : { uid, gid, groups: [gid] }),
      descriptors: [
        { target: 0, source: { path: program, flags: openFlags.O_RDONLY } },
        { target: 1, source: { own: 2 } },
        { target: 2, source: { own: 2 } },
        { target: 3, source: { name: stored[0] } },
        { target: 4, source: { name: stored[1] } },
      ],
    };
    const child = processes.spawn(id, spec, {
      before: [],
      after: stored.map((name) => ({ op: "close", name }) as const),
    });
    await child.started;
    const { exitCode, signal } = await child.ended;
    if (signal !== undefined) throw new Error(`the compressor was ended by signal ${signal}`);
    if (exitCode !== 0) throw new Error(describeExit(exitCode ?? 0));
  }
}
