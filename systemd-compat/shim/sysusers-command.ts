// systemd-sysusers, for systems that have none: what packages' scripts call.

import { parseArgs } from "node:util";
import { formatDiagnostic } from "../diagnostics.js";
import { applySysusers, type SysusersOptions } from "../sysusers/apply.js";
import { UsageError } from "./options.js";
import { sourceFrom } from "./standard-input.js";
import type { Surroundings } from "./systemctl.js";

const flag = { type: "boolean" } as const;
const text = { type: "string" } as const;

const known = {
  help: { ...flag, short: "h" },
  version: flag,
  inline: flag,
  "dry-run": flag,
  "no-pager": flag,
  replace: text,
  root: text,
} as const;

const helpText = `systemd-sysusers [OPTIONS...] [CONFIGURATION FILE...]

Make the users and groups that the files of sysusers.d declare.

Options: --root=DIRECTORY --replace=PATH --inline --dry-run
`;

export async function sysusersCommand({ args, output, errors }: Surroundings): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: known,
    allowPositionals: true,
    strict: true,
  });
  if (values.help === true || values.version === true) {
    output.write(values.help === true ? helpText : "systemd 252 (shepherd-ts)\n");
    return 0;
  }
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
  for (const one of diagnostics) if (one.severity !== "notice") errors.write(`${formatDiagnostic(one)}\n`);
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
