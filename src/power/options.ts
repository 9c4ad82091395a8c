// The command lines of halt, poweroff, reboot and shutdown, as GNU Shepherd's and sysvinit's users know them.

import type { Command, Option } from "commander";
import { normaliseOptions, UsageError, usageLine } from "../cli/gnu-options.js";
import { version } from "../protocol/version.js";

/** What `root` of the system's shepherd is asked for. */
export interface PowerRequest {
  readonly action: string;
  readonly arguments: readonly string[];
  /** The system's control socket, where it is not the usual one. */
  readonly socket?: string;
}

export type ParsedPowerLine =
  | { readonly kind: "run"; readonly request: PowerRequest }
  /** `--help` and its like: print this, and that is all. */
  | { readonly kind: "print"; readonly text: string };

export const programs = ["halt", "poweroff", "reboot", "shutdown"] as const;
export type Program = (typeof programs)[number];

type Ending = "power-off" | "halt" | "reboot" | "kexec";

interface Flag {
  readonly flags: string;
  readonly description: string;
  readonly ending: Ending;
}

const flags = {
  powerOff: { flags: "-p, --poweroff", description: "turn the system off", ending: "power-off" },
  halt: { flags: "-H, --halt", description: "stop the system and leave it on", ending: "halt" },
  reboot: { flags: "-r, --reboot", description: "start the system again", ending: "reboot" },
  kexec: { flags: "-k, --kexec", description: "start the kernel that kexec has loaded", ending: "kexec" },
} as const satisfies Readonly<Record<string, Flag>>;
/** shutdown(8) has other letters for it. */
const powerOffOfShutdown = { ...flags.powerOff, flags: "-P, --poweroff" };
/** There `-k` only warns: nobody who means that may get another kernel. */
const kexecOfShutdown = { ...flags.kexec, flags: "--kexec" };
const haltOfShutdown: Flag = { flags: "-h", description: "turn the system off", ending: "power-off" };

const definitions: Readonly<
  Record<Program, { readonly usual: Ending; readonly flags: readonly Flag[]; readonly purpose: string }>
> = {
  // As GNU Shepherd's, which turns the system off.
  halt: {
    usual: "power-off",
    flags: [flags.powerOff, flags.halt],
    purpose: "Stop all and turn the system off.",
  },
  poweroff: {
    usual: "power-off",
    flags: [flags.powerOff, flags.halt],
    purpose: "Stop all and turn the system off.",
  },
  reboot: { usual: "reboot", flags: [flags.kexec], purpose: "Stop all and start the system again." },
  shutdown: {
    usual: "power-off",
    flags: [haltOfShutdown, powerOffOfShutdown, flags.halt, flags.reboot, kexecOfShutdown],
    purpose: "Stop all and end the system at TIME: 'now', '+MINUTES' (default '+1') or 'HH:MM'.",
  },
};

/** Parses the arguments after the program's name; throws UsageError. */
export async function parsePowerLine(program: Program, args: readonly string[]): Promise<ParsedPowerLine> {
  const { Command, Option } = await import("commander");
  const option = (text: string, description: string): Option => new Option(text, description);
  const command = define(program, new Command(program), option);
  command.parse(normaliseOptions(args, command.options), { from: "user" });
  const operands = program === "shutdown" ? "[TIME] [MESSAGE...]" : "";
  const given = command.opts<Readonly<Record<string, string | boolean | undefined>>>();
  if (given.help === true)
    return { kind: "print", text: `${command.helpInformation()}\nSee ${program}(8).\n` };
  if (given.usage === true) return { kind: "print", text: usageLine(program, command.options, operands) };
  if (given.version === true) return { kind: "print", text: `${program} (shepherd-ts) ${version}\n` };
  if (given.force === true)
    throw new UsageError(
      "option '--force' is refused: only shepherd, which stops the services first, ends the system",
    );
  const request =
    program === "shutdown"
      ? shutdownRequest(given, command.args)
      : plainRequest(program, given, command.args);
  const { socket } = given;
  return { kind: "run", request: { ...request, ...(typeof socket === "string" ? { socket } : {}) } };
}

type Given = Readonly<Record<string, string | boolean | undefined>>;

function define(
  program: Program,
  command: Command,
  option: (flags: string, description: string) => Option,
): Command {
  const { flags: own, purpose } = definitions[program];
  const options = [
    option("-s, --socket <FILE>", "ask the shepherd that listens at FILE"),
    ...own.map((flag) => option(flag.flags, flag.description)),
    ...(program === "shutdown" ? [option("-c, --cancel", "cancel a shutdown that is scheduled")] : []),
    option("-f, --force", "refused: shepherd stops the services first"),
    option("--help", "display this help and exit"),
    option("--usage", "display a short usage message and exit"),
    option("--version", "display version information and exit"),
  ];
  for (const one of options) command.addOption(one);
  return command
    .helpOption(false)
    .usage(program === "shutdown" ? "[OPTION...] [TIME] [MESSAGE...]" : "[OPTION...]")
    .description(purpose)
    .argument("[operand...]")
    .configureHelp({ visibleArguments: () => [] });
}

/** Of several the last one in the order of the definitions decides, as nothing else is known of their order. */
function endingOf(program: Program, given: Given): Ending {
  const { flags: own, usual } = definitions[program];
  const chosen = own.filter((flag) => given[attributeOf(flag)] === true).map(({ ending }) => ending);
  const [first = usual, other] = new Set(chosen);
  if (other !== undefined)
    throw new UsageError(`options for ${first} and ${other} exclude each other`, tryHelp);
  return first;
}

const tryHelp = { hint: "Try '--help'." };

/** The name under which commander gives it. */
function attributeOf({ flags: text }: Flag): string {
  return (/--(\w+)/.exec(text) ?? /-(\w)/.exec(text))?.[1] ?? "";
}

function plainRequest(program: Program, given: Given, operands: readonly string[]): PowerRequest {
  const [stray] = operands;
  if (stray !== undefined) throw new UsageError(`unexpected argument '${stray}'`, tryHelp);
  return { action: endingOf(program, given), arguments: [] };
}

function shutdownRequest(given: Given, [time = "+1", ...message]: readonly string[]): PowerRequest {
  const how = endingOf("shutdown", given);
  if (given.cancel === true) return { action: "cancel-shutdown", arguments: [] };
  return { action: "shutdown", arguments: [how, time, ...message] };
}
