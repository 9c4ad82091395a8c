// One command at a time changes generations and activates systems. The lock is flock's: it ends with whoever holds it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { CommandError, reasonOf } from "./error.js";
import type { Places } from "./places.js";

/** A command that has waited for so long says so. */
const noticeAfterMs = 500;

/** Runs `body` while no other command does what must not be done twice at a time. */
export async function exclusively<T>(
  places: Places,
  tell: (text: string) => void,
  body: () => Promise<T>,
): Promise<T> {
  const file = join(places.state, "lock");
  try {
    await mkdir(places.state, { recursive: true });
    // Whoever can open it can lock it, and keep us waiting.
    await (await open(file, "a", 0o600)).close();
  } catch (error) {
    throw new CommandError(`cannot write ${file}: ${reasonOf(error)}${adviceFor(error)}`, { cause: error });
  }
  const release = await lock(file, tell);
  try {
    return await body();
  } finally {
    release();
  }
}

function adviceFor(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "EACCES":
    case "EPERM":
      return "; this command is root's";
    case "EROFS":
      return "; mount something there that can be written, and /run too";
    default:
      return "";
  }
}

async function lock(file: string, tell: (text: string) => void): Promise<() => void> {
  // What it copies comes back once the lock is held; it ends, and the lock with it, when our end of the pipe is closed,
  // be it because we were killed.
  const holder = spawn("flock", ["--exclusive", file, "cat"], { stdio: ["pipe", "pipe", "inherit"] });
  const { stdin, stdout } = holder;
  const ended = once(holder, "exit");
  const notice = setTimeout(() => tell("another command is at work; waiting for its end"), noticeAfterMs);
  try {
    // Its end says what is wrong, better than the pipe that it leaves behind.
    stdin.on("error", () => undefined);
    stdin.write("\n");
    const outcome = await Promise.race([once(stdout, "data").then(() => "held" as const), ended]);
    if (outcome !== "held") throw new Error(`cannot lock ${file}: flock ended with status ${outcome[0]}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    tell("flock is not installed, so nothing keeps two commands from being at work at once");
  } finally {
    clearTimeout(notice);
  }
  ended.catch(() => undefined);
  return () => {
    stdin.end();
    holder.unref();
  };
}
