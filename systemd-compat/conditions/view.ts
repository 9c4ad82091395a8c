// What conditions may look at: files, the kernel, this process. A test gives another view.

import { lstat, realpath, stat } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { listNames, readText } from "../bounded-read.js";
import type { SystemFacts } from "../system-facts.js";

export type FileType = "file" | "directory" | "link" | "other";

export interface FileStatus {
  readonly type: FileType;
  readonly size: number;
  /** Permissions only. */
  readonly mode: number;
  /** When it was changed last, in nanoseconds since the epoch. */
  readonly modified: bigint;
}

/** The system, as conditions see it. What cannot be read is not there. */
export interface SystemView {
  readonly facts: SystemFacts;
  /** The manager's own environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** CPUs that this process may use. */
  readonly cpus: number;
  /** Bytes of memory that there are for all processes. */
  readonly memory: number;
  /** Names and numbers of all groups of the manager's user. */
  readonly groups: readonly string[];
  /** Where credentials for the system are. */
  readonly credentialDirectories: readonly string[];
  /** What a name stands for, links followed or not. */
  status(path: string, follow: boolean): Promise<FileStatus | undefined>;
  /** Names in a directory, without `.` and `..` and no more than 100,000; undefined where it is none. */
  list(directory: string): Promise<readonly string[] | undefined>;
  /** A file's text, of which the rest beyond 256 KiB is left out. */
  text(path: string): Promise<string | undefined>;
  /** The name without links. */
  real(path: string): Promise<string | undefined>;
}

const most = { bytes: 262_144, names: 100_000 } as const;

async function orNothing<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  try {
    return await promise;
  } catch {
    return undefined; // A condition asks whether something is so; what cannot be seen is not.
  }
}

export interface ViewOptions {
  readonly facts: SystemFacts;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly groups?: readonly string[];
  readonly credentialDirectories?: readonly string[];
  /** A directory that is taken for `/`; links in it are followed as they are. */
  readonly root?: string;
}

/** The view of this process. */
export function systemView({
  facts,
  environment = process.env,
  groups = [facts.user.group, String(facts.user.gid)],
  credentialDirectories = ["/run/credentials/@system"],
  root = "/",
}: ViewOptions): SystemView {
  const at = (path: string) => join(root, path);
  return {
    facts,
    environment,
    cpus: availableParallelism(),
    memory: totalmem(),
    groups,
    credentialDirectories,
    async status(path, follow) {
      const found = await orNothing(
        follow ? stat(at(path), { bigint: true }) : lstat(at(path), { bigint: true }),
      );
      if (found === undefined) return undefined;
      return {
        type: found.isFile()
          ? "file"
          : found.isDirectory()
            ? "directory"
            : found.isSymbolicLink()
              ? "link"
              : "other",
        size: Number(found.size),
        mode: Number(found.mode & 0o7777n),
        modified: found.mtimeNs,
      };
    },
    list: (directory) => listNames(at(directory), most.names),
    text: (path) => readText(at(path), most.bytes),
    real: async (path) => {
      const found = await orNothing(realpath(at(path)));
      return root === "/"
        ? found
        : found === undefined
          ? undefined
          : `/${found.slice(root.length).replace(/^\/+/, "")}`;
    },
  };
}
