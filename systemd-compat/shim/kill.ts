// systemctl kill: a signal to the processes of a unit.

import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import { listNames } from "../bounded-read.js";
import { parseSignal } from "../parser/signal.js";
import { type Context, Failure, namesOf, statuses } from "./context.js";
import { unitsFor } from "./jobs.js";
import { unitStateOf } from "./unit-state.js";

/** More processes than a machine has. */
const mostProcesses = 4_194_304;

export async function killUnits(context: Context): Promise<number> {
  namesOf(context);
  const { options, daemon, errors } = context;
  const signal = signalOf(options.signal);
  if (!["main", "all", "control"].includes(options.killWhom))
    throw new Failure(`Failed to kill unit: expected main, control or all, got "${options.killWhom}".`);
  let status: number = statuses.ok;
  for (const unit of await unitsFor(context)) {
    const known = await daemon.status(unit);
    if (known === undefined) {
      errors.write(`Failed to kill unit ${unit.full}: Unit ${unit.full} not loaded.\n`);
      status = statuses.failed;
      continue;
    }
    const { mainPid } = unitStateOf(unit.full, known);
    if (options.killWhom === "control" || mainPid === 0) {
      if (options.killWhom === "all") continue;
      errors.write(`Failed to kill unit ${unit.full}: it has no ${options.killWhom} process to kill.\n`);
      status = statuses.failed;
      continue;
    }
    const pids = options.killWhom === "main" ? [mainPid] : [mainPid, ...(await descendantsOf(mainPid))];
    for (const pid of pids) send(pid, signal);
  }
  return status;
}

function signalOf(text: string): number {
  const signal = parseSignal(text);
  if (signal === undefined || signal > Math.max(...Object.values(constants.signals), 64))
    throw new Failure(`Failed to parse signal string "${text}".`);
  return signal;
}

function send(pid: number, signal: number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The processes that a process has made, and theirs. */
async function descendantsOf(pid: number): Promise<readonly number[]> {
  const parents = new Map<number, number[]>();
  for (const name of (await listNames("/proc", mostProcesses)) ?? []) {
    if (!/^\d+$/.test(name)) continue;
    const parent = await parentOf(name);
    if (parent !== undefined) parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  const pending = [pid];
  for (const one of pending)
    for (const child of parents.get(one) ?? []) {
      found.push(child);
      pending.push(child);
    }
  return found;
}

async function parentOf(pid: string): Promise<number | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything.
    const [, parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return Number(parent);
  } catch {
    return undefined;
  }
}
