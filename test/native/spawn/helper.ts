// Runs the spawn helper alone: a spec in a file as its descriptor 3, its report on descriptor 4.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { TestContext } from "node:test";
import type { SpawnSpec } from "../../../src/daemon/keeper/types.js";
import { encodeRequests } from "../../../src/daemon/keeper/wire.js";
import { parseFrames } from "../../daemon/keeper/raw.js";
import { project, type Variant } from "../../support/project.js";

/** The tests run with each build of the helper: SPAWN_VARIANT chooses it. */
export const variant = (process.env.SPAWN_VARIANT ?? "none") as Variant;
const helper = join(project.native(variant), "spawn");
const command =
  variant === "valgrind" ? ["valgrind", "--quiet", "--vgdb=no", "--error-exitcode=99", helper] : [helper];

export interface Outcome {
  /** Whether the helper said that it was about to execute the program. */
  readonly executed: boolean;
  readonly failure?: { readonly stage: string; readonly errno: number; readonly text: string };
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Surroundings {
  /** Inherited from descriptor 5 on. */
  readonly descriptors?: readonly (number | Socket)[];
  /** What names stand for: numbers in the helper. */
  readonly names?: Readonly<Record<string, number>>;
  /** Instead of a pipe: where the report goes. */
  readonly status?: number;
  /** A command that executes the helper, which is appended to it. */
  readonly wrapper?: readonly string[];
}

/** A directory of the test's own. */
export function directory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "shepherd-spawn-"));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The attributes of a spec as the daemon encodes them. */
export function encodeSpec(spec: SpawnSpec): Buffer {
  const [frame] = parseFrames(encodeRequests([{ op: "spawn", id: "x", spec }], 1, false)).frames;
  const fields = frame?.items[0]?.fields.find(([tag]) => tag === 11)?.[1];
  if (fields === undefined) throw new Error("the request has no spec");
  return fields;
}

/** What the keeper writes before the attributes. */
export function encodeNames(names: Readonly<Record<string, number>>): Buffer {
  const parts = Object.entries(names).map(([name, fd]) => {
    const bytes = Buffer.from(name);
    const entry = Buffer.alloc(8 + bytes.length);
    entry.writeUInt32LE(bytes.length, 0);
    entry.set(bytes, 4);
    entry.writeInt32LE(fd, 4 + bytes.length);
    return entry;
  });
  const count = Buffer.alloc(4);
  count.writeUInt32LE(parts.length, 0);
  return Buffer.concat([count, ...parts]);
}

export function run(
  context: TestContext,
  spec: SpawnSpec,
  surroundings: Surroundings = {},
): Promise<Outcome> {
  const bytes = Buffer.concat([encodeNames(surroundings.names ?? {}), encodeSpec(spec)]);
  return runRaw(context, bytes, surroundings);
}

/** Runs the helper on the bytes of a spec, good or bad. */
export async function runRaw(
  context: TestContext,
  spec: Buffer,
  { descriptors = [], status, wrapper = [] }: Surroundings = {},
): Promise<Outcome> {
  const file = join(directory(context), "spec");
  writeFileSync(file, spec);
  const specFd = openSync(file, "r");
  const [program = helper, ...args] = [...wrapper, ...command, "3", "4"];
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe", specFd, status ?? "pipe", ...descriptors],
    cwd: "/usr",
    env: { ...process.env, INHERITED: "never" },
  });
  closeSync(specFd);
  const [stdout, stderr, report, [code, signal]] = await Promise.all([
    collect(child.stdout),
    collect(child.stderr),
    status === undefined ? collect(child.stdio[4] as Readable) : Buffer.alloc(0),
    once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { ...decodeReport(report), stdout: String(stdout), stderr: String(stderr), code, signal };
}

async function collect(stream: Readable | null): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (stream !== null) for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function decodeReport(report: Buffer): Pick<Outcome, "executed" | "failure"> {
  const executed = report[0] === "E".charCodeAt(0);
  const record = executed ? report.subarray(1) : report;
  if (record.length === 0) return { executed };
  if (record[0] !== "F".charCodeAt(0)) throw new Error(`a report that is none: ${record.toString("hex")}`);
  const stageLength = record.readUInt8(5);
  const textLength = record.readUInt16LE(6 + stageLength);
  if (record.length !== 8 + stageLength + textLength)
    throw new Error("a report of another length than it says");
  return {
    executed,
    failure: {
      errno: record.readUInt32LE(1),
      stage: record.subarray(6, 6 + stageLength).toString(),
      text: record.subarray(8 + stageLength).toString(),
    },
  };
}
