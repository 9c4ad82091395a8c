// Builds a system in a process of its own, for a boot: whatever a configuration does when it is evaluated, be it to loop for
// ever, to use up all memory or to crash later, must not keep an earlier generation from being booted.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { endingWithUs } from "../services/activation/ending-with-us.js";
import { CommandError } from "./error.js";

/** Seconds; a module alone may take one minute. */
const defaultPatience = 120;

/**
 * What `shepherd system build FILE` prints: the directory of the system. What is wrong with the file is said on standard
 * error.
 *
 * @param program the entry of `shepherd system`
 * @param patience seconds until it is given up
 * @throws CommandError
 */
export async function buildApart(
  program: string,
  file: string,
  patience: number = defaultPatience,
): Promise<string> {
  const child = spawn(process.execPath, [program, "build", "--", file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, patience * 1000);
  const stay = endingWithUs(() => child.kill("SIGKILL"));
  try {
    const [printed, [status, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    if (status === 0 && printed !== "") return printed.trimEnd();
    const how = isLate
      ? `it took longer than ${patience} seconds`
      : signal === null
        ? `status ${String(status)}`
        : `ended by ${String(signal)}`;
    throw new CommandError(`cannot build the system of ${file}: ${how}`);
  } finally {
    clearTimeout(timer);
    stay();
  }
}
