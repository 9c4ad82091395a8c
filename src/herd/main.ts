// The entry point of herd, the client: hands the process's surroundings to `run`.
import { isatty } from "node:tty";
import type { LostRequest } from "../protocol/launcher.js";
import { DescriptorOutput } from "./output.js";
import { run } from "./run.js";

const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

/** A working directory that was removed is no reason to fail: the daemon makes nothing of it. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}

const errors = new DescriptorOutput(STANDARD_ERROR, "standard error");

/** What the launcher leaves to us, when it has lost the daemon. */
async function lostRequest(): Promise<{ readonly lost?: LostRequest }> {
  const descriptor = process.env.SHEPHERD_HERD_REQUEST;
  if (descriptor === undefined) return {};
  const { takeOver } = await import("./lost-request.js");
  return { lost: takeOver(Number(descriptor)) };
}

const surroundings = {
  args: process.argv.slice(2),
  environment: process.env,
  uid: process.getuid?.() ?? 0,
  directory: workingDirectory(),
  output: new DescriptorOutput(STANDARD_OUTPUT, "standard output"),
  errors,
  isTerminal: {
    input: isatty(STANDARD_INPUT),
    output: isatty(STANDARD_OUTPUT),
    errors: isatty(STANDARD_ERROR),
  },
  now: () => Math.floor(Date.now() / 1000),
};

lostRequest()
  .then((lost) => run({ ...surroundings, ...lost }))
  .then(
    (status) => {
      process.exitCode = status;
    },
    (error: unknown) => {
      // A bug: the place in the program is what helps.
      errors.write(`herd: error: ${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 1;
    },
  );
