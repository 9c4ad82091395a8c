// The command line of `shepherd system`.

import type { Option } from "commander";
import { normaliseOptions, UsageError, usageLine } from "../cli/gnu-options.js";
import { suggestion } from "../daemon/definition/suggestion.js";
import { daemonOptions } from "../daemon/options.js";
import { version } from "../protocol/version.js";

export interface Options {
  /** A directory, as it was given. */
  readonly output?: string;
  readonly dryRun?: boolean;
  readonly svg?: boolean;
  readonly socket?: string;
  /** Of `convert`: the directory that is taken for `/`, as it was given. */
  readonly root?: string;
  /** Of `convert`: what the operands are, as it was given. */
  readonly from?: string;
}

export interface Invocation {
  readonly command: CommandName;
  readonly operands: readonly string[];
  readonly options: Options;
  /** Of `boot`: what the supervisor is run with, its options spelled out. */
  readonly daemonArguments: readonly string[];
}

export type ParsedLine =
  | { readonly kind: "run"; readonly invocation: Invocation }
  /** `--help` and its like: print this, and that is all. */
  | { readonly kind: "print"; readonly text: string };

interface CommandSpecification {
  readonly summary: string;
  /** As the usage shows them. */
  readonly operands: string;
  /** The fewest and the most. */
  readonly arity: readonly [least: number, most: number];
  readonly options: readonly (readonly [flags: string, text: string])[];
}

const dryRunOption = ["-n, --dry-run", "print what would be done, and do nothing"] as const;
const socketOption = ["-s, --socket <FILE>", "ask the supervisor at the socket FILE"] as const;
const svgOption = [
  "--svg",
  "print a picture, made by Graphviz, and not the text that it is made from",
] as const;

const commands = {
  build: {
    summary: "build the system of FILE, and print the name of its directory",
    operands: "FILE",
    arity: [1, 1],
    options: [["-o, --output <DIRECTORY>", "put it into DIRECTORY, which must not be there yet"]],
  },
  boot: {
    summary: "activate the system of FILE, or in DIRECTORY, and supervise it: as PID 1 of a container",
    operands: "FILE|DIRECTORY [-- COMMAND [ARG...]]",
    arity: [1, 1],
    options: [],
  },
  activate: {
    summary: "activate the system in DIRECTORY, and leave its services alone",
    operands: "DIRECTORY",
    arity: [1, 1],
    options: [],
  },
  reconfigure: {
    summary: "make the running system that of FILE",
    operands: "FILE",
    arity: [1, 1],
    options: [dryRunOption, socketOption],
  },
  "shepherd-graph": {
    summary: "print the graph of FILE's services and what they require, for Graphviz",
    operands: "FILE",
    arity: [1, 1],
    options: [svgOption],
  },
  "extension-graph": {
    summary: "print the graph of FILE's services and what they extend, for Graphviz",
    operands: "FILE",
    arity: [1, 1],
    options: [svgOption],
  },
  search: {
    summary: "print the types of services that match all WORDs, regular expressions",
    operands: "WORD...",
    arity: [1, Number.POSITIVE_INFINITY],
    options: [],
  },
  convert: {
    summary:
      "print the configuration that systemd's UNITs, or a FILE of supervisord, foreman or pm2, are, in TypeScript",
    operands: "UNIT...|FILE",
    arity: [1, Number.POSITIVE_INFINITY],
    options: [
      ["--root <DIRECTORY>", "units of the system in DIRECTORY"],
      ["--from <KIND>", "FILE is of this KIND: supervisord, procfile or pm2; default: as its name says"],
    ],
  },
  describe: {
    summary: "print what the generation in use was made from",
    operands: "",
    arity: [0, 0],
    options: [],
  },
  "list-generations": {
    summary: "print all generations, or those of PATTERN: 3, 1,4, 2..5, ..5, 7.., or older than 10d, 2w, 1m",
    operands: "[PATTERN]",
    arity: [0, 1],
    options: [],
  },
  "roll-back": {
    summary: "make the running system that of the generation before the one in use",
    operands: "",
    arity: [0, 0],
    options: [dryRunOption, socketOption],
  },
  "switch-generation": {
    summary: "make the running system that of generation NUMBER",
    operands: "NUMBER",
    arity: [1, 1],
    options: [dryRunOption, socketOption],
  },
  "delete-generations": {
    summary: "remove all generations that are not in use, or those of PATTERN",
    operands: "[PATTERN]",
    arity: [0, 1],
    options: [],
  },
} as const satisfies Readonly<Record<string, CommandSpecification>>;

export type CommandName = keyof typeof commands;

/** In the order in which help shows them. */
export const commandNames = Object.keys(commands) as readonly CommandName[];

const program = "shepherd system";
const tryHelp = (name: string): { readonly hint: string } => ({ hint: `Try '${name} --help'.` });

/** Parses the arguments after `shepherd system`; throws UsageError. */
export async function parseSystemLine(args: readonly string[]): Promise<ParsedLine> {
  const [name = "--help", ...rest] = args;
  if (name.startsWith("-")) return await parseGeneral(args);
  if (!isCommand(name))
    throw new UsageError(`unknown command '${name}'${suggestion(name, commandNames)}`, tryHelp(program));
  return await parseCommand(name, rest);
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

interface Given extends Options {
  readonly help?: boolean;
  readonly usage?: boolean;
  readonly version?: boolean;
}

const general: readonly (readonly [flags: string, text: string])[] = [
  ["--help", "display this help and exit"],
  ["--usage", "display a short usage message and exit"],
  ["--version", "display version information and exit"],
];

async function parseGeneral(args: readonly string[]): Promise<ParsedLine> {
  const { Command, Option } = await import("commander");
  const line = new Command(program).helpOption(false).usage("COMMAND [OPTION...] [OPERAND...]");
  line.description(
    "Compose a system of services from its configuration, boot it, and change it while it runs.",
  );
  for (const [flags, text] of general) line.addOption(new Option(flags, text));
  line.parse(normaliseOptions(args, line.options), { from: "user" });
  const given = line.opts<Given>();
  if (given.version === true) return { kind: "print", text: versionText };
  if (given.usage === true)
    return { kind: "print", text: usageLine(program, line.options, "COMMAND [OPERAND...]") };
  const width = Math.max(...commandNames.map((one) => one.length)) + 2;
  const list = commandNames.map((one) => `  ${one.padEnd(width)}${commands[one].summary}`).join("\n");
  return {
    kind: "print",
    text: `${line.helpInformation()}\nCommands:\n${list}\n\nSee shepherd-system(8), or '${program} COMMAND --help'.\n`,
  };
}

const versionText = `shepherd (shepherd-ts) ${version}\n`;

async function parseCommand(name: CommandName, args: readonly string[]): Promise<ParsedLine> {
  const { Command, Option } = await import("commander");
  const specification: CommandSpecification = commands[name];
  const { operands: shown, arity, options, summary } = specification;
  const full = `${program} ${name}`;
  const line = new Command(full).helpOption(false).usage(`[OPTION...] ${shown}`).argument("[operand...]");
  line.description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`);
  line.configureHelp({ visibleArguments: () => [] });
  const make = (flags: string, text: string): Option => new Option(flags, text);
  const own =
    name === "boot"
      ? daemonOptions(make).filter(({ long }) => long !== "--config")
      : [...options, ...general].map(([flags, text]) => make(flags, text));
  for (const option of own) line.addOption(option);

  const separator = name === "boot" ? args.indexOf("--") : -1;
  const before = separator < 0 ? args : args.slice(0, separator);
  const command = separator < 0 ? [] : args.slice(separator);
  const normal = normaliseOptions(before, line.options);
  line.parse(normal, { from: "user" });
  const { help, usage, version: showVersion, ...given } = line.opts<Given>();
  if (help === true) return { kind: "print", text: `${line.helpInformation()}\nSee shepherd-system(8).\n` };
  if (usage === true) return { kind: "print", text: usageLine(full, line.options, shown) };
  if (showVersion === true) return { kind: "print", text: versionText };
  const operands = line.args;
  const [least, most] = arity;
  if (operands.length < least) throw new UsageError(`${name}: ${shown} is missing`, tryHelp(full));
  if (operands.length > most)
    throw new UsageError(`${name}: unexpected argument '${operands[most]}'`, tryHelp(full));
  if (command.length === 1) throw new UsageError("a command must follow '--'", tryHelp(full));
  return {
    kind: "run",
    invocation: {
      command: name,
      operands,
      options: given,
      daemonArguments: name === "boot" ? [...normal.filter((one) => one.startsWith("--")), ...command] : [],
    },
  };
}
