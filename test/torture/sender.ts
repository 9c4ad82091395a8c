// The program with which datagrams are sent: by members that tell that they are ready, and by us, numbered, to the system's
// log, of which is written down how many it took.

import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope, System } from "../support/harness.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";
import type { Result } from "./operator.js";

/** How long, in ms, a log may keep its senders waiting. */
const patience = 60_000;

/** Resolves with the program, which goes with `scope`. */
export async function buildSender(scope: Scope): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-sender-"));
  scope.after(() => rmSync(directory, { recursive: true, force: true }));
  const program = join(directory, "send-log");
  const source = join(project.root, "test", "native", "logwriter", "send-log.c");
  const { status, stderr } = await run("cc", ["-D_GNU_SOURCE", "-o", program, source]);
  if (status !== 0) throw new Error(`compile ${source}: ${stderr}`);
  return program;
}

let lives = 0;

/** Blocks while the log's queue is full; what it took has to be in the file, be the log stopped after that or not. */
export async function sendMessages(system: System, service: string, lines: number): Promise<Result> {
  lives += 1;
  const mark = `torture.${service}%23${lives}.1`;
  const prefix = `<13>Nov 20 21:07:59 sender: ${mark} `;
  const args = [system.path(`sockets/${service}`), prefix, "1", String(lines)];
  const { status, stderr } = await run(system.path("sender"), args, { timeout: patience });
  const refused = /^(\d+): /.exec(stderr)?.[1];
  const taken = status === 0 ? lines : Math.max(0, Number(refused ?? 1) - 1);
  if (taken > 0) appendFileSync(system.path(`counts/${service}`), `${mark} ${taken}\n`);
  if (status === 0) return { outcome: "done", mark };
  return { outcome: status === 1 ? "missed" : "silent", mark, text: stderr };
}
