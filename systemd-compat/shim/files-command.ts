// What systemd-sysusers and systemd-tmpfiles have in common: how their command lines are read, and what they say of files.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { type Diagnostic, formatDiagnostic } from "../diagnostics.js";
import type { Surroundings } from "./systemctl.js";

export const flag = { type: "boolean" } as const;

/** Options that both take. */
export const usualOptions = {
  help: { ...flag, short: "h" },
  version: flag,
  "no-pager": flag,
  root: { type: "string" },
} as const;

type Options = NonNullable<ParseArgsConfig["options"]> & typeof usualOptions;
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true; strict: true }>
>;

/** The options and operands; undefined where help or the version were asked for, and are printed. */
export function readCommandLine<O extends Options>(
  { args, output }: Pick<Surroundings, "args" | "output">,
  options: O,
  helpText: string,
): Parsed<O> | undefined {
  const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  const { help, version } = parsed.values as { readonly help?: boolean; readonly version?: boolean };
  if (help !== true && version !== true) return parsed;
  output.write(help === true ? helpText : "systemd 252 (shepherd-ts)\n");
  return undefined;
}

/** Notices are for those who ask what is done with a file, and not for scripts. */
export function tell(errors: Surroundings["errors"], diagnostics: Iterable<Diagnostic>): void {
  for (const one of diagnostics) if (one.severity !== "notice") errors.write(`${formatDiagnostic(one)}\n`);
}
