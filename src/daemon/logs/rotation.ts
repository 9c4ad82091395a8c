// Rotates, compresses and removes log files. Nothing is remembered: what is to be done is seen from the files, so a run
// that a daemon's death has interrupted is just done again.

import { lstat } from "node:fs/promises";
import { constants } from "node:os";
import type { Identity } from "../constructors/host.js";
import type { ProcessOptions } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { type Compression, suffixOf } from "./compression.js";
import { type Compressor, compressorStore } from "./compressor.js";
import { LogError, type LoggedFile, type LogWriter } from "./log-writer.js";
import type { FileOwner, LogFile, Rotated } from "./messages.js";
import type { RotationPolicy, SizedPolicy } from "./rotation-policy.js";

const { ENOENT, ENOSYS, ESTALE } = constants.errno;
/** How often a file is compressed anew that another program has changed meanwhile. */
const attempts = 3;

export interface RotationParts {
  readonly writer: Pick<LogWriter, "onRotated" | "loggedFiles" | "limit" | "order" | "rotate">;
  readonly compressor: Pick<Compressor, "prepare" | "run">;
  readonly resolveIdentity: (options: ProcessOptions) => Promise<Identity>;
  readonly log: { info(line: string): void; error(line: string): void };
}

/** Whose files these are, for orders, and with whose ids they are read. */
interface Target {
  readonly of: FileOwner;
  readonly file: LogFile;
}

export class LogRotation {
  readonly #parts: RotationParts;
  /** One run at a time: there is one compressor. */
  #underWay = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** What services want of all logs, by their names; the last one has it. */
  readonly #wanted = new Map<string, SizedPolicy>();
  /** Files that were rotated because of their size, and are to be compressed; whether that is due already. */
  readonly #grown = new Map<string, Target>();
  #compressing = false;
  /** What is wrong with old files of a log, by the log's path. */
  readonly #troubles = new Map<string, string>();

  constructor(parts: RotationParts) {
    this.#parts = parts;
    parts.writer.onRotated = (rotated) => this.#rotated(rotated);
  }

  /**
   * Rotates each log that has grown over the threshold, removes what has expired, and compresses what is not. Rejects, after
   * everything else is done, with all that could not be.
   */
  async run(policy: RotationPolicy): Promise<void> {
    await this.#alone(() => this.#run(policy));
  }

  /** What a service wants of all logs while it runs: to be rotated when they are too large, and compressed then. */
  keepWithin(service: string, wanted: SizedPolicy | undefined): void {
    const { writer, log } = this.#parts;
    this.#wanted.delete(service);
    if (wanted !== undefined) this.#wanted.set(service, wanted);
    const policy = this.#inForce();
    const maxSize = policy?.maxSize;
    this.#grown.clear();
    // What was rotated while no daemon lived.
    if (maxSize !== undefined)
      for (const target of this.#targets()) this.#grown.set(target.file.path, target);
    writer
      .limit(
        policy === undefined || maxSize === undefined ? undefined : { larger: maxSize, keep: policy.keep },
      )
      .then(() => this.#compressGrown())
      .catch((error: unknown) => log.error(errorText(error)));
  }

  #inForce(): SizedPolicy | undefined {
    return [...this.#wanted.values()].at(-1);
  }

  /** How many old files are kept where nobody says; undefined: as few as usual. */
  get kept(): number | undefined {
    return this.#inForce()?.keep;
  }

  /** What is wrong with the old files of a log, at present. */
  trouble(path: string): string | undefined {
    return this.#troubles.get(path);
  }

  /** Whether a rotation is under way, or old files are compressed. */
  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  #alone<T>(body: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    const done = this.#last.then(body, body).finally(() => {
      this.#underWay -= 1;
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #run(policy: RotationPolicy): Promise<void> {
    const problems: string[] = [];
    const attempt = async (path: string, body: () => Promise<unknown>): Promise<void> => {
      const problem = await this.#watched(path, body);
      if (problem !== undefined) problems.push(problem);
    };
    for (const target of this.#targets()) {
      await attempt(target.file.path, async () => {
        await this.#expire(target, policy);
        await this.#rotate(target, policy);
        await this.#compress(target, policy);
      });
    }
    for (const path of policy.externalLogFiles) await attempt(path, () => this.#rotateExternal(path, policy));
    if (problems.length > 0) throw new Error(problems.join("; "));
  }

  /** Does something for a log and remembers what went wrong, for its status. */
  async #watched(path: string, body: () => Promise<unknown>): Promise<string | undefined> {
    try {
      await body();
      this.#troubles.delete(path);
      return undefined;
    } catch (error) {
      // A service that was removed meanwhile has left its files, and nobody's log is in trouble.
      if (error instanceof LogError && error.errno === ENOENT && !this.#isLogged(path)) return undefined;
      const problem = isUnknownOrder(error)
        ? `rotate ${path}: the log writer that runs is of an earlier release; end it, and its successor can`
        : errorText(error);
      this.#troubles.set(path, problem);
      return problem;
    }
  }

  #isLogged(path: string): boolean {
    return this.#parts.writer.loggedFiles.some(({ file }) => file.path === path);
  }

  /** Each file once, however many streams share it. */
  #targets(): readonly Target[] {
    const targets = new Map<string, Target>();
    for (const logged of this.#parts.writer.loggedFiles)
      if (!targets.has(logged.file.path)) targets.set(logged.file.path, targetOf(logged));
    return [...targets.values()];
  }

  async #rotate({ of, file }: Target, { sizeThreshold, keep }: RotationPolicy): Promise<void> {
    const name = "name" in of ? of.name : undefined;
    const made = await this.#parts.writer.rotate(name, { keep, larger: sizeThreshold });
    if (made !== undefined) this.#parts.log.info(`Rotated '${file.path}'.`);
  }

  async #expire({ of, file }: Target, { expiry, keep }: RotationPolicy): Promise<void> {
    const before = Math.max(0, Math.floor(Date.now() / 1000 - expiry));
    const { count = 0 } = await this.#parts.writer.order({ op: "expire", of, before, keep });
    if (count > 0)
      this.#parts.log.info(`Removed ${count} old ${count === 1 ? "file" : "files"} of '${file.path}'.`);
  }

  /** Every old file that is none yet; not those that come meanwhile without end. */
  async #compress(target: Target, { compression, keep }: RotationPolicy): Promise<void> {
    if (compression === "none") return;
    for (let left = keep; left > 0; left -= 1)
      if (!(await this.#compressOne(target, compression, keep))) return;
  }

  /** Whether there was one. */
  async #compressOne(
    target: Target,
    compression: Compression,
    keep: number,
    larger?: number,
  ): Promise<boolean> {
    const { writer, compressor } = this.#parts;
    for (let attempt = 1; ; attempt += 1) {
      await compressor.prepare();
      const claim = await writer.order(
        { op: "claim", of: target.of, ...(larger === undefined ? {} : { larger }) },
        compressorStore,
      );
      if (claim.path === undefined) return false;
      try {
        await compressor.run(compression, claim);
      } catch (error) {
        await writer.order({ op: "abandon" });
        throw new Error(`compress ${claim.path}: ${errorText(error)}`);
      }
      try {
        await writer.order({ op: "publish", suffix: suffixOf[compression], keep });
        return true;
      } catch (error) {
        // It was changed, removed, or claimed by nobody that the present writer knows of.
        if (!(error instanceof LogError) || error.errno !== ESTALE || attempt === attempts) throw error;
      }
    }
  }

  async #rotateExternal(path: string, policy: RotationPolicy): Promise<void> {
    const file = await this.#externalFile(path);
    if (file === undefined) return;
    const target: Target = { of: { file }, file };
    await this.#expire(target, policy);
    if (await this.#compressOne(target, policy.compression, policy.keep, policy.sizeThreshold))
      this.#parts.log.info(`Rotated '${path}'.`);
  }

  /** With its owner, who is asked to do it; undefined where there is no such file, which is no mistake. */
  async #externalFile(path: string): Promise<LogFile | undefined> {
    let uid: number;
    try {
      ({ uid } = await lstat(path));
    } catch (error) {
      if (error instanceof Error && "errno" in error && error.errno === -ENOENT) return undefined;
      throw new Error(`rotate ${path}: ${errorText(error)}`);
    }
    if (uid === process.getuid?.()) return { path };
    const { gid, groups } = await this.#parts.resolveIdentity({ user: uid });
    return { path, uid, ...(gid === undefined ? {} : { gid }), ...(groups === undefined ? {} : { groups }) };
  }

  #rotated({ name, path, errno, text }: Rotated): void {
    const { log, writer } = this.#parts;
    if (errno !== 0) {
      this.#troubles.set(path, text);
      log.error(text);
      return;
    }
    this.#troubles.delete(path);
    const logged = writer.loggedFiles.find((one) => (one.name ?? "") === name);
    if (logged === undefined || this.#inForce() === undefined) return;
    this.#grown.set(path, targetOf(logged));
    this.#compressGrown().catch((error: unknown) => log.error(errorText(error)));
  }

  async #compressGrown(): Promise<void> {
    // A flood tells of more files while the first ones are being compressed.
    if (this.#compressing) return;
    this.#compressing = true;
    await this.#alone(async () => {
      this.#compressing = false;
      // Of what grows meanwhile we are told again, and a run that waits for us comes first.
      for (const [path, target] of [...this.#grown]) {
        this.#grown.delete(path);
        const policy = this.#inForce();
        if (policy === undefined) return;
        const problem = await this.#watched(path, () => this.#compress(target, policy));
        if (problem !== undefined) this.#parts.log.error(problem);
      }
    });
  }
}

function isUnknownOrder(error: unknown): boolean {
  return error instanceof LogError && error.errno === ENOSYS;
}

function targetOf({ name, file }: LoggedFile): Target {
  return { of: name === undefined ? {} : { name }, file };
}
