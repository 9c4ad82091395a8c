// All processes below one: by ps-tree, which asks ps, or from /proc where there is no ps or no such package.

import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { constants, realpathSync } from "node:fs";
import { access } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { allStats } from "../proc.js";

export interface Row {
  readonly pid: number;
  readonly parent: number;
}

/** What ps-tree gives of a process: the columns of ps. */
interface Listed {
  readonly PPID: string;
  readonly PID: string;
  readonly STAT: string;
  readonly COMMAND: string;
}

type PsTree = (pid: number, callback: (error: unknown, processes?: readonly Listed[]) => void) => unknown;

/** Milliseconds for ps. */
const patience = 5000;
/** Node tells there of each child process that it is about to start. */
const started = "child_process";

/** Living processes that descend from `pid`. Those whose parent has ended are its init's children. */
export async function processesBelow(pid: number): Promise<readonly Row[]> {
  const psTree = (await hasPs()) ? loadPsTree() : undefined;
  const rows = psTree === undefined ? undefined : await listed(psTree, pid);
  return rows ?? (await allStats());
}

async function hasPs(): Promise<boolean> {
  const directories = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const found = await Promise.all(
    directories.map((directory) =>
      access(join(directory, "ps"), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** It is optional. */
function loadPsTree(): PsTree | undefined {
  try {
    return createRequire(realpathSync(process.argv[1] ?? ""))("ps-tree") as PsTree;
  } catch {
    return undefined;
  }
}

/** Undefined where ps has not told of us, who are one of them, so that it has told nothing. */
async function listed(psTree: PsTree, pid: number): Promise<readonly Row[] | undefined> {
  let ps: ChildProcess | undefined;
  const processes = await new Promise<readonly Listed[]>((resolve) => {
    const timer = setTimeout(() => resolve([]), patience);
    const settle = (found: readonly Listed[]): void => {
      clearTimeout(timer);
      resolve(found);
    };
    // ps-tree has no ear for a ps that cannot be started, and to that a process dies.
    const attend = (message: unknown): void => {
      ps = (message as { readonly process: ChildProcess }).process;
      ps.on("error", () => settle([]));
    };
    subscribe(started, attend);
    try {
      psTree(pid, (error, found = []) => settle(error === null || error === undefined ? found : []));
    } catch {
      settle([]);
    } finally {
      unsubscribe(started, attend);
    }
  });
  if (ps?.exitCode === null) ps.kill("SIGKILL");
  const rows = processes
    .filter(({ PID, STAT }) => !STAT.startsWith("Z") && Number(PID) !== ps?.pid)
    .map(({ PID, PPID }) => ({ pid: Number(PID), parent: Number(PPID) }));
  return rows.some((row) => row.pid === process.pid) ? rows : undefined;
}
