// The options, defined with commander. It is loaded only when an argument begins with a dash: a plain `herd status`
// takes less time than loading it would.
import { resolve } from "node:path";
import type { Command, Option } from "commander";
import { normaliseOptions, UsageError, usageLine } from "../cli/gnu-options.js";
import { version } from "../protocol/version.js";
import type { Options } from "./arguments.js";

export type ParsedLine =
  | {
      readonly kind: "run";
      readonly operands: readonly string[];
      readonly options: Options;
      /** All of the line but `--socket`, its options spelled out, as another herd takes it. */
      readonly line: readonly string[];
    }
  /** `--help` and its like: print this, and that is all. */
  | { readonly kind: "print"; readonly text: string };

export async function parseOptions(args: readonly string[], directory: string): Promise<ParsedLine> {
  const { Command, Option } = await import("commander");
  const program = defineOptions(new Command("herd"), (flags, text) => new Option(flags, text), directory);
  const normal = normaliseOptions(args, program.options, ["--since", "--until"]);
  program.parse(normal, { from: "user" });
  const { help, usage, version: showVersion, ...options } = program.opts<Options & Informative>();
  if (help === true) return { kind: "print", text: helpText(program) };
  if (usage === true)
    return { kind: "print", text: usageLine("herd", program.options, "[--] ACTION [SERVICE [ARG...]]") };
  if (showVersion === true) return { kind: "print", text: `herd (shepherd-ts) ${version}\n` };
  const end = normal.indexOf("--");
  const line = normal.filter((word, at) => (end >= 0 && at > end) || !word.startsWith("--socket="));
  return { kind: "run", operands: program.args, options, line };
}

interface Informative {
  readonly help?: boolean;
  readonly usage?: boolean;
  readonly version?: boolean;
}

function defineOptions(
  program: Command,
  option: (flags: string, description: string) => Option,
  directory: string,
): Command {
  const collect = (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value];
  const definitions = [
    option("-s, --socket <FILE>", "send commands to FILE, or through ssh to ssh://[USER@]HOST[:PORT]/FILE"),
    option("-n, --log-history <NUMBER>", "display up to NUMBER log lines and timer runs").argParser(
      historySize,
    ),
    option("--json", "print the result as JSON"),
    option("-N, --service-name <NAME>", "register the new service under NAME"),
    option("--log-file <FILE>", "log the program's output to FILE").argParser((file) =>
      resolve(directory, file),
    ),
    option("-d, --working-directory <DIRECTORY>", "run the program in DIRECTORY"),
    option("-E, --environment-variable <NAME=VALUE>", "add to the program's environment").argParser(collect),
    option("--user <USER>", "run the program as USER"),
    option("--group <GROUP>", "run the program as GROUP"),
    option("-f, --follow", "log: go on with the lines that come"),
    option("--since <TIME>", "log: only lines from TIME on"),
    option("--until <TIME>", "log: only lines up to TIME"),
    option("--grep <PATTERN>", "log: only lines that match PATTERN"),
    option("--read-only", "attach: type nothing"),
    option("--detach-key <KEY>", "attach: detach with KEY instead of ctrl-]"),
    option("--once", "top: print one table"),
    option("--interval <SECONDS>", "top: look every so many seconds").argParser(secondsOf),
    option("--by <COLUMN>", "top: sort by name, state, pid, cpu, memory, uptime or restarts"),
    option("--root <DIRECTORY>", "verify: units of the system in DIRECTORY").argParser((root) =>
      resolve(directory, root),
    ),
    option("--all", "verify: all units"),
    option("--strict", "verify: fail where something that a unit needs is not applied"),
    option("--help", "display this help and exit"),
    option("--usage", "display a short usage message and exit"),
    option("--version", "display version information and exit"),
  ];
  for (const definition of definitions) program.addOption(definition);
  return program
    .helpOption(false)
    .usage("[OPTION...] ACTION [SERVICE [ARG...]]")
    .description("Ask the shepherd to perform ACTION (start, stop, status…) on SERVICE, with the ARGs.")
    .argument("[operand...]")
    .configureHelp({ visibleArguments: () => [] });
}

function helpText(program: Command): string {
  return `${program.helpInformation()}
Without a service, status, detailed-status, log, graph, tree and top are about all services.
attach puts the terminal of a service on yours; ctrl-] detaches.
verify is about systemd units, and needs no shepherd.
See herd(1).
`;
}

function secondsOf(text: string): number {
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(text)) throw new UsageError(`${text}: expected a number of seconds`);
  return Number(text);
}

function historySize(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${text}: expected a positive integer`);
  return Number(text);
}
