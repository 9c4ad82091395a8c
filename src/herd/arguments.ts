// What the command line asks for, once its options are taken out of it.
import { UsageError } from "../cli/gnu-options.js";
import { keyword, type Sexp } from "../protocol/sexp.js";

export interface Options {
  readonly socket?: string;
  /** How many log lines and timer runs to show. */
  readonly logHistory?: number;
  readonly json?: boolean;
  readonly serviceName?: string;
  readonly workingDirectory?: string;
  readonly environmentVariable?: readonly string[];
  readonly logFile?: string;
  readonly user?: string;
  readonly group?: string;
  /** Of `log`: go on with the lines that come. */
  readonly follow?: boolean;
  /** Of `log`: times, as the user wrote them. */
  readonly since?: string;
  readonly until?: string;
  /** Of `log`: a regular expression. */
  readonly grep?: string;
  /** Of `attach`: only to look on. */
  readonly readOnly?: boolean;
  /** Of `attach`: the key that detaches, as the user wrote it. */
  readonly detachKey?: string;
  /** Of `verify`: the directory that is taken for the root of the system. */
  readonly root?: string;
  /** Of `verify`: all units. */
  readonly all?: boolean;
  /** Of `top`: one table, and that is all. */
  readonly once?: boolean;
  /** Of `top`: seconds between two looks. */
  readonly interval?: number;
  /** Of `top`: the name of a column. */
  readonly by?: string;
  /** Of `verify`: a unit fails that is not applied as a whole. */
  readonly strict?: boolean;
}

export interface Invocation {
  readonly action: string;
  /** Absent where the action does without: then it is about all services. */
  readonly service?: string;
  /** What follows the service. */
  readonly words: readonly string[];
  readonly arguments: readonly Sexp[];
  readonly options: Options;
}

const serviceless: ReadonlySet<string> = new Set([
  "status",
  "detailed-status",
  "help",
  "log",
  "graph",
  "tree",
  "top",
]);

export function parseInvocation(operands: readonly string[], options: Options): Invocation {
  const [action, service, ...words] = completed(operands);
  const canDoWithout = serviceless.has(action ?? "") || (action === "verify" && options.all === true);
  if (action === undefined || (service === undefined && !canDoWithout))
    throw new UsageError("Usage: herd ACTION [SERVICE [OPTIONS...]]", { bare: true });
  return {
    action,
    ...(service === undefined ? {} : { service }),
    words,
    arguments:
      service === undefined ? [] : [...words, ...lineCount(action, options), ...programKeywords(options)],
    options,
  };
}

/** `herd upgrade keeper` is about no service: the keeper is below all of them, and root stands for it. */
function completed(operands: readonly string[]): readonly string[] {
  const [action, what] = operands;
  return action === "upgrade" && what === "keeper" ? [action, "root", ...operands.slice(1)] : operands;
}

/** `herd log SERVICE -n N` shows as many lines; elsewhere `-n` is the client's own affair. */
function lineCount(action: string, { logHistory }: Options): string[] {
  return action === "log" && logHistory !== undefined ? [String(logHistory)] : [];
}

/** Options about a program to run, as `schedule timer` and `spawn transient` take them. */
function programKeywords(options: Options): Sexp[] {
  const keywords: readonly (readonly [string, Sexp | undefined])[] = [
    ["name", options.serviceName],
    ["directory", options.workingDirectory],
    ["extra-environment-variables", options.environmentVariable],
    ["log-file", options.logFile],
    ["user", options.user],
    ["group", options.group],
  ];
  return keywords.flatMap(([name, value]) => (value === undefined ? [] : [keyword(name), value]));
}
