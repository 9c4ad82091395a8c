// The entry point of systemctl, runlevel, systemd-tmpfiles and systemd-sysusers: which one it is to be is the first argument.

import { DescriptorOutput } from "../../src/herd/output.js";
import { UsageError } from "./options.js";
import { runlevel } from "./runlevel.js";
import { type Surroundings, systemctl } from "./systemctl.js";

const programs: Readonly<Record<string, (surroundings: Surroundings) => Promise<number>>> = {
  systemctl,
  runlevel,
  "systemd-tmpfiles": async (surroundings) =>
    (await import("./tmpfiles-command.js")).tmpfilesCommand(surroundings),
  "systemd-sysusers": async (surroundings) =>
    (await import("./sysusers-command.js")).sysusersCommand(surroundings),
};

const [name = "", ...args] = process.argv.slice(2);
const output = new DescriptorOutput(1, "standard output");
const errors = new DescriptorOutput(2, "standard error");

async function main(): Promise<number> {
  const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
  if (program === undefined)
    throw new UsageError(`expected one of ${Object.keys(programs).join(", ")} as the first argument`);
  const status = await program({ args, environment: process.env, output, errors });
  if (output.failure === undefined) return status;
  errors.write(`${output.failure}\n`);
  return 1;
}

function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code.startsWith("ERR_PARSE_ARGS");
}

main().then(
  // An answer that is not waited for must not keep us.
  (status) => process.exit(status),
  (error: unknown) => {
    if (isUsageError(error)) errors.write(`${error.message.split(/\. |\n/, 1)[0] ?? ""}\n`);
    else errors.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
