// The processes of a tortured system: which service and which life of it each belongs to, by its mark.

import { readFileSync } from "node:fs";
import { children, describe, type ProcessInfo } from "../support/processes.js";

/** Lives of a service differ by their mark, which all processes of one start have in their environment. */
export interface Marked extends ProcessInfo {
  readonly mark: string | undefined;
}

/** A variable of a process's environment; undefined where it is not set, or the process is gone. */
export function variableOf(pid: number, name: string): string | undefined {
  let environment: string;
  try {
    environment = readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return undefined;
  }
  const entry = environment.split("\0").find((text) => text.startsWith(`${name}=`));
  return entry?.slice(name.length + 1);
}

export function markOfProcess(pid: number): string | undefined {
  return variableOf(pid, "SHEPHERD_MARK");
}

/** The daemon is the one that the interposer was loaded into: the same program is also asked things, before a restart. */
export function isDaemon([program, option, script]: readonly string[]): boolean {
  return (
    program === process.execPath &&
    option?.startsWith("--import=") === true &&
    script?.endsWith("/shepherd.cjs") === true
  );
}

export function isWriter([program]: readonly string[]): boolean {
  return program === "logwriter";
}

/** What compresses old log files, one at a time. */
export function isCompressor([program, script]: readonly string[]): boolean {
  return program === process.execPath && script === "-";
}

/** The service that a mark, `SYSTEM.SERVICE%23GENERATION.NUMBER`, names. */
export function serviceOfMark(mark: string): string {
  return decodeURIComponent(mark.slice(mark.indexOf(".") + 1)).replace(/#.*$/s, "");
}

/** Modes of the fleet's program in which it leaves the service to another process. */
const launchers: ReadonlySet<string> = new Set(["daemon", "slow"]);

/** Whether a process is the one that its service is about: it runs the fleet's program, and is no launcher. */
export function isMain({ command }: ProcessInfo): boolean {
  return command[1]?.endsWith("/member.sh") === true && !launchers.has(command[3] ?? "");
}

/** The main process of a service, for a crash or an order; looks at the keeper's children only, which is quick. */
export function findMain(keeper: number, service: string): Marked | undefined {
  return children(keeper)
    .map((pid) => describe(pid))
    .filter((process) => process !== undefined)
    .filter((process) => process.command[2] === service && process.state !== "Z" && isMain(process))
    .map((process) => ({ ...process, mark: markOfProcess(process.pid) }))
    .find(({ mark }) => mark !== undefined && serviceOfMark(mark) === service);
}
