// systemd-sysusers, for systems that have none: what packages' scripts call.

import { applySysusers, type SysusersOptions } from "../sysusers/apply.js";
import { flag, readCommandLine, tell, usualOptions } from "./files-command.js";
import { UsageError } from "./options.js";
import { sourceFrom } from "./standard-input.js";
import type { Surroundings } from "./systemctl.js";

const known = {
  ...usualOptions,
  inline: flag,
  "dry-run": flag,
  replace: { type: "string" },
} as const;

const helpText = `systemd-sysusers [OPTIONS...] [CONFIGURATION FILE...]

Make the users and groups that the files of sysusers.d declare.

Options: --root=DIRECTORY --replace=PATH --inline --dry-run
`;

export async function sysusersCommand(surroundings: Surroundings): Promise<number> {
  const { errors } = surroundings;
  const line = readCommandLine(surroundings, known, helpText);
  if (line === undefined) return 0;
  const { values, positionals } = line;
  if (values.replace !== undefined && positionals.length === 0)
    throw new UsageError("When --replace= is given, some configuration items must be specified.");
  const sources =
    values.inline === true
      ? positionals.map((line) => ({ file: "<command line>", text: line }))
      : await Promise.all(positionals.map(sourceFrom));
  const { diagnostics, made, hasFailed } = await applySysusers({
    root: values.root ?? "/",
    dryRun: values["dry-run"] === true,
    ...whatCounts(sources, values.replace),
  });
  tell(errors, diagnostics);
  for (const one of made) errors.write(`Creating ${one}.\n`);
  return hasFailed ? 1 : 0;
}

function whatCounts(
  sources: NonNullable<SysusersOptions["sources"]>,
  file: string | undefined,
): Pick<SysusersOptions, "sources" | "replaced"> {
  if (sources.length === 0) return {};
  return file === undefined ? { sources } : { replaced: { file, sources } };
}
