// Whether the program on disk, which the keeper would start next, can go on where this one is: asked before a restart on
// purpose, so that a broken or older installation is refused while the daemon that refuses still serves.

import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "./constructors/host.js";
import { notesFormat } from "./notes-format.js";
import { describeTermination } from "./processes.js";

/** How long, in ms, a program may take to say that it can. */
const patience = 20_000;
/** Asks the daemon's program, outside of a keeper, whether it reads notes of this format: the exit status is 0 if so. */
const question = "--reads-notes=";

/** What is wrong with the program `script`; undefined if it can go on. */
export async function whyNotSucceeded(host: Host, script: string): Promise<string | undefined> {
  const child = host.processes.spawn(host.processes.nextId("successor"), {
    arguments: [process.execPath, script, `${question}${notesFormat}`],
    environment: host.environment,
    directory: "/",
    session: "session",
    descriptors: [],
  });
  try {
    await child.started;
  } catch (error) {
    return String(error);
  }
  const end = await Promise.race([child.ended, delay(patience, undefined, { ref: false })]);
  if (end === undefined) {
    await host.processes.signal(child.id, 9, "group");
    return `it did not answer within ${patience / 1000} seconds`;
  }
  if (end.status === 0) return undefined;
  return `asked whether it reads notes of format ${notesFormat}, it ${describeTermination(end)}`;
}

/** Answers that question where the command line asks it: whether we can. */
export function answerPredecessor([first = ""]: readonly string[]): boolean | undefined {
  if (!first.startsWith(question)) return undefined;
  const format = Number(first.slice(question.length));
  return Number.isInteger(format) && format >= 1 && format <= notesFormat;
}
