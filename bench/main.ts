// npm run bench -- [OPTION…]: us beside every rival. npm run bench -- NAME…: what concerns us alone. Prints, asserts nothing.

import { suiteScope } from "../test/support/harness.js";
import { parseCommandLine, UsageError, usage } from "./options.js";
import { recovery } from "./recovery.js";
import { compareWithRivals } from "./rivals.js";
import { store } from "./store.js";
import { upgrade } from "./upgrade.js";

/** Each prints its own table. */
const own: Readonly<Record<string, (scope: ReturnType<typeof suiteScope>) => Promise<void>>> = {
  recovery,
  store,
  upgrade,
};

async function runOwn(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const bench = own[name];
    if (bench === undefined)
      throw new UsageError(`there is no '${name}'; there are: ${Object.keys(own).join(", ")}`);
    const scope = suiteScope();
    try {
      process.stdout.write(`== ${name}\n`);
      await bench(scope);
    } finally {
      await scope.close();
    }
  }
}

async function main(args: readonly string[]): Promise<void> {
  const command = parseCommandLine(args);
  if (command.kind === "help") process.stdout.write(usage);
  else if (command.kind === "own") await runOwn(command.names);
  else await compareWithRivals(command.options);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isUsage =
    error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS");
  if (isUsage !== true) throw error;
  process.stderr.write(`bench: error: ${(error as Error).message}\nTry '--help'.\n`);
  process.exitCode = 2;
}
