// Runs a program of an activation to its end, within a time, and keeps the last lines that it has printed.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { explained, PlaceError, placeError } from "./directory.js";
import { endingWithUs } from "./ending-with-us.js";
import { gidOf, readAccounts, uidOf } from "./identity.js";
import { inPlace, type Root } from "./place.js";
import type { RunStep } from "./steps.js";

/** Seconds. */
const defaultTimeout = 120;
/** Of what a program prints. */
const longestTail = 8192;
const mostLines = 20;
/** Seconds that we wait for the output of what a program has left running when it has ended. */
const lingering = 1;

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A step whose files are names. */
export interface LoweredRunStep extends RunStep {
  readonly command: readonly [string, ...string[]];
}

/** A program that has failed: how it ended, and the last lines that it has printed. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
}

type Program = ChildProcessByStdio<null, Readable, Readable>;

/** Whom a program runs as; undefined: whoever we are. */
interface As {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Carries out a step that runs a program. Below another root it runs in that, by chroot(8).
 *
 * @throws ProgramError, PlaceError, AccountError
 */
export async function runProgram(root: Root, step: LoweredRunStep): Promise<void> {
  if (step.unless !== undefined && (await isThere(root, step.unless))) return;
  const [program] = step.command;
  const { timeout = defaultTimeout } = step;
  const tail = new Tail();
  const child = await start(root, step);
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => tail.add(chunk));
  const impatience = new AbortController();
  const stay = endingWithUs(() => endGroup(child));
  try {
    // One that hangs in the kernel does not even end when it is killed: its end is not waited for.
    const tooLate = sleep(timeout * 1000, "late" as const, { signal: impatience.signal });
    const ended = endOf(child);
    const outcome = await Promise.race([ended, tooLate]);
    if (outcome === "late") {
      endGroup(child);
      await Promise.race([ended, sleep(lingering * 1000, undefined, { signal: impatience.signal })]);
    }
    const how = outcome === "late" ? `has not ended within ${timeout} seconds` : outcome;
    if (how !== undefined) throw new ProgramError(`${program} ${how}${tail.text()}`);
  } catch (error) {
    throw error instanceof ProgramError ? error : placeError(program, error);
  } finally {
    stay();
    impatience.abort();
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  }
}

async function isThere(root: Root, path: string): Promise<boolean> {
  try {
    return await inPlace(
      root,
      path,
      {},
      async (directory, name) => (await directory.status(name)) !== undefined,
    );
  } catch (error) {
    if (error instanceof PlaceError && error.code === "ENOENT") return false;
    throw error;
  }
}

async function start({ root }: Root, step: LoweredRunStep): Promise<Program> {
  const { uid, gid, environment } = await identityFor({ root }, step);
  const directory = step.directory ?? "/";
  const isElsewhere = root !== "/";
  // Otherwise the system says of the program that it does not exist.
  if (!isElsewhere) await explained(directory, stat(directory));
  const [file, ...args] = isElsewhere ? below(root, { uid, gid }, directory, step.command) : step.command;
  return spawn(file, args, {
    cwd: isElsewhere ? "/" : directory,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, which can be ended as a whole.
    detached: true,
    // With a user or a group the supplementary groups are given up.
    ...(isElsewhere || uid === undefined ? {} : { uid }),
    ...(isElsewhere || gid === undefined ? {} : { gid }),
  });
}

async function identityFor(root: Root, { user, group, environment }: LoweredRunStep): Promise<As> {
  const usual = { PATH: searchPath, LANG: "C.UTF-8" };
  if (user === undefined && group === undefined) return { environment: environment ?? usual };
  const accounts = await readAccounts(root);
  const own = user === undefined ? undefined : uidOf(user, accounts);
  return {
    uid: own?.uid,
    gid: group === undefined ? own?.gid : gidOf(group, accounts),
    environment:
      environment ??
      (own === undefined ? usual : { ...usual, USER: own.name ?? String(own.uid), HOME: own.home ?? "/" }),
  };
}

/** The command by which a program runs below another root. */
function below(
  root: string,
  { uid, gid }: Pick<As, "uid" | "gid">,
  directory: string,
  command: readonly [string, ...string[]],
): readonly [string, ...string[]] {
  const identity =
    uid === undefined && gid === undefined ? [] : [`--userspec=${uid ?? ""}:${gid ?? ""}`, "--groups="];
  const inDirectory =
    directory === "/" ? command : ["/bin/sh", "-c", 'cd -- "$0" && exec "$@"', directory, ...command];
  return ["/usr/sbin/chroot", ...identity, root, ...inDirectory];
}

/** How the program has ended, where it has failed; undefined where it has succeeded. */
async function endOf(child: Program): Promise<string | undefined> {
  const closed = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
  });
  const failure = await new Promise<string | undefined>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(signal === null ? `has exited with ${code}` : `was ended by ${signal}`);
    });
  });
  const given = new AbortController();
  await Promise.race([
    closed,
    sleep(lingering * 1000, undefined, { signal: given.signal }).catch(() => undefined),
  ]);
  given.abort();
  return failure;
}

function endGroup({ pid }: Program): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/** The last of what was printed. */
class Tail {
  #kept = Buffer.alloc(0);

  add(chunk: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, chunk]).subarray(-longestTail);
  }

  /** For the end of a message; empty where nothing was printed. */
  text(): string {
    const lines = this.#kept.toString().trimEnd().split("\n").slice(-mostLines);
    return lines.join("") === "" ? "" : `:\n${lines.map((line) => `  ${line}`).join("\n")}`;
  }
}
