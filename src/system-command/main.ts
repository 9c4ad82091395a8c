// The entry of `shepherd system`: parses the command line and runs the command.

import { UsageError } from "../cli/gnu-options.js";
import { DescriptorOutput } from "../herd/output.js";
import { run, type Surroundings } from "./commands.js";
import { reason } from "./error.js";
import { parseSystemLine } from "./options.js";

const output = new DescriptorOutput(1, "standard output");
const errors = new DescriptorOutput(2, "standard error");
const tell = (text: string): void => errors.write(`shepherd: ${text}\n`);

const surroundings: Surroundings = {
  program: process.argv[1] ?? "",
  environment: process.env,
  uid: process.getuid?.() ?? 0,
  write: (text) => output.write(text),
  tell,
};

// What a configuration prints: standard output is for what the command says, which scripts read.
process.stdout.write = process.stderr.write.bind(process.stderr);

async function main(args: readonly string[]): Promise<0 | 1> {
  try {
    const parsed = await parseSystemLine(args);
    if (parsed.kind === "run") return await run(parsed.invocation, surroundings);
    output.write(parsed.text);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      if (error.bare) errors.write(`${error.message}\n`);
      else tell(`error: ${error.message}`);
      if (error.hint !== undefined) tell(`hint: ${error.hint}`);
    } else tell(`error: ${reason(error)}`);
    return 1;
  }
}

// Where nothing is left to wait for, Node ends by itself, as if all were well.
process.once("beforeExit", () => {
  tell(
    "error: something that the configuration waits for never comes, such as a top-level 'await' in a module",
  );
  process.exit(1);
});

main(process.argv.slice(2)).then(
  (status) => {
    if (output.failure !== undefined) tell(`error: ${output.failure}`);
    // What the user's module has left running, such as a timer, does not keep us.
    process.exit(output.failure === undefined ? status : 1);
  },
  (error: unknown) => {
    tell(`error: ${error instanceof Error ? error.stack : String(error)}`);
    process.exit(1);
  },
);
