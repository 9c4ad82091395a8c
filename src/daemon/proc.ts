// What /proc tells of a process.

import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

export interface Stat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks since boot. */
  readonly start: number;
}

/** Parses /proc/PID/stat; the command in parentheses may itself hold parentheses and spaces. */
export function parseStat(text: string): Stat | undefined {
  const open = text.indexOf(" (");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(" ");
  const [state, parent, group, session] = fields;
  const start = fields[19];
  if (state === undefined || start === undefined) return undefined;
  return {
    pid: Number(text.slice(0, open)),
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    start: Number(start),
  };
}

function living(text: string): Stat | undefined {
  const stat = parseStat(text);
  return stat === undefined || stat.state === "Z" || stat.state === "X" ? undefined : stat;
}

/** What is known of a living, unreaped process; undefined when there is none. */
export async function processStat(pid: number): Promise<Stat | undefined> {
  try {
    return living(await readFile(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined; // It has ended, or /proc is not there: either way nothing is known.
  }
}

/** As `processStat`, at once: the kernel has it in memory, and waits for nobody. */
export function processStatNow(pid: number): Stat | undefined {
  try {
    return living(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined;
  }
}

/** Room for the list of the children of nearly every process. */
const listed = Buffer.allocUnsafe(4096);

/** The children of a process, from the kernel's list where it has one; undefined where it has none. */
export function childrenOf(pid: number): number[] | undefined {
  try {
    // As few system calls as can be: a stop of everything does this for each service.
    const file = openSync(`/proc/${pid}/task/${pid}/children`, "r");
    let text = "";
    try {
      for (let length = readSync(file, listed); length > 0; length = readSync(file, listed))
        text += listed.toString("latin1", 0, length);
    } finally {
      closeSync(file);
    }
    return text === "" ? [] : text.trim().split(" ").map(Number);
  } catch {
    return undefined;
  }
}

/** Every living process. */
export async function allStats(): Promise<Stat[]> {
  const names = await readdir("/proc").catch(() => []);
  const stats: Stat[] = [];
  for (const name of names) {
    if (!/^[0-9]+$/.test(name)) continue;
    const stat = await processStat(Number(name));
    if (stat !== undefined) stats.push(stat);
  }
  return stats;
}

/** How often, and after how many ms each time, an environment is read again that is not there yet. */
const rereads = { times: 5, pause: 2 } as const;

/** The marks in the environment of a process. It is read from its memory, for which one may have to wait. */
export async function marksOf(pid: number): Promise<readonly string[]> {
  const variable = "SHEPHERD_MARK=";
  try {
    let text = await readFile(`/proc/${pid}/environ`, "latin1");
    // While a process executes a program it has none for a moment.
    for (let count = 0; text === "" && count < rereads.times; count += 1) {
      await delay(rereads.pause);
      text = await readFile(`/proc/${pid}/environ`, "latin1");
    }
    return (
      text
        .split("\0")
        .find((entry) => entry.startsWith(variable))
        ?.slice(variable.length)
        .split(":") ?? []
    );
  } catch {
    return []; // It has ended, or is not ours to look at.
  }
}
