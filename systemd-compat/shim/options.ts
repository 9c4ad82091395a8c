// The command line of systemctl: its options, the verb, and what follows it.

import { parseArgs } from "node:util";

export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Whose units are meant; `global`: those of all users, as files. */
export type Scope = "system" | "user" | "global";

export interface Options {
  readonly scope: Scope;
  readonly quiet: boolean;
  /** Units that are not active too, and properties that are empty. */
  readonly all: boolean;
  readonly now: boolean;
  /** Whether an answer is not waited for. */
  readonly noBlock: boolean;
  readonly runtime: boolean;
  readonly force: boolean;
  readonly noReload: boolean;
  readonly noLegend: boolean;
  readonly plain: boolean;
  /** Only values of properties. */
  readonly value: boolean;
  readonly types: readonly string[];
  readonly states: readonly string[];
  readonly properties: readonly string[];
  readonly signal: string;
  readonly killWhom: string;
  readonly presetMode: string;
  readonly lines: number;
  /** Undefined: the system that runs. */
  readonly root: string | undefined;
}

export type ParsedLine =
  | {
      readonly kind: "run";
      readonly verb: string;
      readonly words: readonly string[];
      readonly options: Options;
    }
  | { readonly kind: "help" }
  | { readonly kind: "version" };

const flag = { type: "boolean" } as const;
const text = { type: "string" } as const;
const texts = { type: "string", multiple: true } as const;

/** Those that change nothing here are accepted too: scripts use them. */
const known = {
  help: { ...flag, short: "h" },
  version: flag,
  system: flag,
  user: flag,
  global: flag,
  quiet: { ...flag, short: "q" },
  all: { ...flag, short: "a" },
  now: flag,
  "no-block": flag,
  runtime: flag,
  force: { ...flag, short: "f" },
  "no-reload": flag,
  "no-legend": flag,
  legend: text,
  plain: flag,
  value: flag,
  type: { ...texts, short: "t" },
  state: texts,
  failed: flag,
  property: { ...texts, short: "p" },
  /** Only by its letter. */
  "value-of": { ...texts, short: "P" },
  signal: { ...text, short: "s" },
  "kill-whom": text,
  "kill-who": text,
  "preset-mode": text,
  lines: { ...text, short: "n" },
  root: text,
  full: { ...flag, short: "l" },
  recursive: { ...flag, short: "r" },
  "no-pager": flag,
  "no-ask-password": flag,
  "no-warn": flag,
  "no-wall": flag,
  "show-transaction": { ...flag, short: "T" },
  wait: flag,
  "with-dependencies": flag,
  "job-mode": text,
  output: { ...text, short: "o" },
  message: text,
  timestamp: text,
  "ignore-inhibitors": { ...flag, short: "i" },
  "check-inhibitors": text,
  "dry-run": flag,
  reverse: flag,
  after: flag,
  before: flag,
  what: text,
} as const;

/** @throws UsageError */
export function parseLine(args: readonly string[]): ParsedLine {
  const { values, positionals } = parsed(unabbreviated(args));
  if (values.help === true) return { kind: "help" };
  if (values.version === true) return { kind: "version" };
  const [verb = "list-units", ...words] = positionals;
  const shown = listed(values["value-of"]);
  const lines = Number(values.lines ?? 10);
  if (!Number.isInteger(lines) || lines < 0) throw new UsageError(`Failed to parse lines '${values.lines}'`);
  const options: Options = {
    scope: values.global === true ? "global" : values.user === true ? "user" : "system",
    quiet: values.quiet === true,
    all: values.all === true,
    now: values.now === true,
    noBlock: values["no-block"] === true,
    runtime: values.runtime === true,
    force: values.force === true,
    noReload: values["no-reload"] === true,
    noLegend: values["no-legend"] === true || values.legend === "false" || values.legend === "no",
    plain: values.plain === true,
    value: values.value === true || shown.length > 0,
    types: listed(values.type),
    states: [...listed(values.state), ...(values.failed === true ? ["failed"] : [])],
    properties: [...listed(values.property), ...shown],
    signal: values.signal ?? "SIGTERM",
    killWhom: values["kill-whom"] ?? values["kill-who"] ?? "all",
    presetMode: values["preset-mode"] ?? "full",
    lines,
    root: values.root === undefined || values.root === "" || values.root === "/" ? undefined : values.root,
  };
  return { kind: "run", verb, words, options };
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options: known, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Node goes on with advice that is for its own programs.
    throw new UsageError(error.message.split(/\. |\n/, 1)[0] ?? error.message);
  }
}

/** Long options may be shortened as far as they are not another one's. */
function unabbreviated(args: readonly string[]): string[] {
  const names = Object.keys(known).filter((name) => name !== "value-of");
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    const [, name, rest = ""] = /^--([a-z-]+)(=.*)?$/s.exec(arg) ?? [];
    if (name === undefined || names.includes(name) || (end >= 0 && index > end)) return arg;
    const candidates = names.filter((one) => one.startsWith(name));
    return candidates.length === 1 ? `--${candidates[0] ?? ""}${rest}` : arg;
  });
}

/** Lists may be given at once, with commas, and by several options. */
function listed(given: readonly string[] | undefined): readonly string[] {
  return (given ?? []).flatMap((one) => one.split(",")).filter((one) => one !== "");
}
