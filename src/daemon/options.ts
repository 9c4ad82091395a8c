// The daemon's command line: GNU Shepherd's options, some of ours, and `-- COMMAND ARG…`.

import { normaliseOptions, UsageError, usageLine } from "../cli/gnu-options.js";
import { type DescribedOption, PlainOption, plainValues } from "../cli/plain-options.js";
import { version } from "../protocol/version.js";
import { importModule } from "./loading.js";

/** What the daemon is to do. File names are as they were given. */
export interface DaemonOptions {
  readonly config?: string;
  readonly socket?: string;
  readonly logFile?: string;
  /** Where the pid goes once we are ready; `true`: to standard output. */
  readonly pid?: string | true;
  /** Whether the socket's directory may be open to others. */
  readonly insecure?: boolean;
  /** Whether nothing is written to standard output. */
  readonly silent?: boolean;
  /** Whether the log goes to the system log, and to which socket. */
  readonly syslog?: string | true;
  readonly logFormat: "text" | "json" | "auto";
  /** Seconds. */
  readonly shutdownTimeout?: number;
  /** Where the boot is recorded, so that the keeper can repeat it; `true`: in the state directory. */
  readonly bootRecord?: string | true;
  /** For how many seconds nothing must have happened for us to go to sleep; absent: we never do. */
  readonly hibernate?: number;
  /** The container's main program. */
  readonly command?: readonly [string, ...string[]];
}

export type ParsedCommandLine =
  | { readonly kind: "run"; readonly options: DaemonOptions }
  /** `--help` and its like: print this, and that is all. */
  | { readonly kind: "print"; readonly text: string };

/** Parses the arguments after the program's name; throws UsageError. */
export async function parseOptions(args: readonly string[]): Promise<ParsedCommandLine> {
  const separator = args.indexOf("--");
  const own = separator < 0 ? args : args.slice(0, separator);
  const [program, ...words] = separator < 0 ? [] : args.slice(separator + 1);
  if (separator >= 0 && program === undefined) throw new UsageError("a command must follow '--'");
  const command = program === undefined ? {} : { command: [program, ...words] as [string, ...string[]] };
  const options = daemonOptions((flags) => new PlainOption(flags));
  const normal = normaliseOptions(own, options);
  // GNU options never take an operand after `--pid` for the file.
  const stray = normal.find((argument) => !argument.startsWith("--"));
  if (stray !== undefined) throw new UsageError(`unexpected argument '${stray}'`, { hint: "Try '--help'." });
  const given = plainValues(normal, options) as unknown as Given;
  if (given.help === true) return { kind: "print", text: `${await helpInformation()}\nSee shepherd(8).\n` };
  if (given.usage === true) return { kind: "print", text: usageLine("shepherd", options, operands) };
  if (given.version === true) return { kind: "print", text: `shepherd (shepherd-ts) ${version}\n` };
  const { help: _help, usage: _usage, version: _version, quiet, silent, logfile, ...rest } = given;
  return {
    kind: "run",
    options: {
      ...rest,
      ...(logfile === undefined ? {} : { logFile: logfile }),
      ...(quiet === true || silent === true ? { silent: true } : {}),
      ...command,
    },
  };
}

interface Given extends Omit<DaemonOptions, "logFile" | "command"> {
  readonly logfile?: string;
  readonly quiet?: boolean;
  readonly help?: boolean;
  readonly usage?: boolean;
  readonly version?: boolean;
}

const operands = "[-- COMMAND [ARG...]]";

async function helpInformation(): Promise<string> {
  const { Command, Option } = (await importModule("commander")) as typeof import("commander");
  const program = new Command("shepherd");
  for (const one of daemonOptions((flags, text) => new Option(flags, text))) program.addOption(one);
  return program
    .helpOption(false)
    .usage(`[OPTION...] ${operands}`)
    .description("Run services: as PID 1 of a machine or a container, or for a user.")
    .helpInformation();
}

/** All of them, for whatever command line takes them. */
export function daemonOptions<O extends DescribedOption>(
  option: (flags: string, text: string) => O,
): readonly O[] {
  const file = (flags: string, text: string): O =>
    option(flags, text).argParser((name) => fileName(flags, name));
  return [
    file("-c, --config <FILE>", "load services from FILE, a TypeScript or JavaScript module"),
    file("-s, --socket <FILE>", "take commands at the socket FILE"),
    file("-l, --logfile <FILE>", "write the log to FILE"),
    file("--pid [FILE]", "when ready, write the process ID to FILE, or to standard output"),
    option("-I, --insecure", "accept a socket directory that others can enter"),
    option("-S, --silent", "write nothing to standard output"),
    option("--quiet", "the same as --silent"),
    file("--syslog [FILE]", "send the log to the system log, whose socket is FILE (default /dev/log)"),
    option(
      "--log-format <FORMAT>",
      "text, json, or auto: json where standard output is no terminal and -l is not given",
    )
      .argParser(logFormat)
      .default("auto"),
    option("--shutdown-timeout <SECONDS>", "end a shutdown after SECONDS, whatever services do").argParser(
      seconds("--shutdown-timeout"),
    ),
    file(
      "--boot-record [FILE]",
      "record the boot in FILE, and repeat it the next time; the configuration must depend on nothing but its files",
    ),
    option(
      "--hibernate <SECONDS>",
      "leave the services to the keeper when nothing has happened for SECONDS, until something does",
    ).argParser(seconds("--hibernate")),
    option("--help", "display this help and exit"),
    option("--usage", "display a short usage message and exit"),
    option("--version", "display version information and exit"),
  ];
}

function logFormat(text: string): DaemonOptions["logFormat"] {
  if (text === "text" || text === "json" || text === "auto") return text;
  throw new UsageError(`--log-format: expected text, json or auto, got '${text}'`);
}

function fileName(flags: string, name: string): string {
  if (name !== "") return name;
  const [long = flags] = /--\w+/.exec(flags) ?? [];
  throw new UsageError(`${long}: expected the name of a file, got ''`);
}

/** As in a configuration: Node's timers fire at once when they are set to more. */
const longest = 2_147_483;

function seconds(name: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^[0-9]+(\.[0-9]+)?$/.test(text) && number > 0 && number <= longest) return number;
    throw new UsageError(`${name}: expected a number of seconds above 0, up to ${longest}, got '${text}'`);
  };
}
