// How the shell that is PID 1 is told what to become once the system is activated: see bin/shepherd.

import { writeSync } from "node:fs";
import { join } from "node:path";
import { shellCommand, shellWord } from "../cli/shell-words.js";
import { compiledModule, type Places } from "./places.js";

/**
 * Statements for a POSIX shell: the positional parameters are the supervisor's arguments, and `supervisor` is another
 * program than ours, where there is to be another.
 */
export function supervisorStatements(
  places: Places,
  daemonArguments: readonly string[],
  program: string | undefined,
): string {
  const words = [`--config=${join(places.current, compiledModule)}`, ...daemonArguments];
  const lines = [`set -- ${shellCommand(words)}`];
  if (program !== undefined) lines.push(`supervisor=${shellWord(program)}`);
  return `${lines.join("\n")}\n`;
}

/** The descriptor that the shell reads the answer from; undefined where no shell waits for one. */
export function answerDescriptor(environment: NodeJS.ProcessEnv): number | undefined {
  const descriptor = Number(environment.SHEPHERD_ANSWER_FD ?? Number.NaN);
  return Number.isInteger(descriptor) && descriptor > 2 ? descriptor : undefined;
}

/** Writes all of it, or throws. */
export function answer(descriptor: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
}
