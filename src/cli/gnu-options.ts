// GNU conventions over commander's: long options may be abbreviated, options may follow operands, and mistakes are
// worded as GNU programs word them. Both programs' command lines go through here.

/** Of an option of commander's, what this is about. */
export interface OptionShape {
  readonly flags: string;
  readonly short?: string;
  readonly long?: string;
  /** Whether a value must follow. */
  readonly required: boolean;
  /** Whether a value may follow. */
  readonly optional: boolean;
}

/** A mistake on the command line: said on standard error, exit status 1. */
export class UsageError extends Error {
  readonly hint: string | undefined;
  /** Whether the message stands alone, without `PROGRAM: error:`. */
  readonly bare: boolean;
  constructor(message: string, details: { readonly hint?: string; readonly bare?: boolean } = {}) {
    super(message);
    this.name = "UsageError";
    this.hint = details.hint;
    this.bare = details.bare ?? false;
  }
}

/**
 * Spells every option out as `--name=value` or `--name`, in front of commander, and finds the mistakes.
 *
 * @param signed options, as `--name`, whose values may be words such as `-1h`
 */
export function normaliseOptions(
  args: readonly string[],
  options: readonly OptionShape[],
  signed: readonly string[] = [],
): string[] {
  const normal: string[] = [];
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") return [...normal, "--", ...rest];
    if (!arg.startsWith("-") || arg === "-") normal.push(arg);
    else if (arg.startsWith("--")) {
      const [, name = "", value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(arg) ?? [];
      normal.push(spelled(longOption(name, options), `--${name}`, value, rest, signed));
    } else {
      const letter = arg.slice(0, 2);
      const option = options.find(({ short }) => short === letter);
      if (option === undefined) throw new UsageError(`unknown option '${letter}'`);
      const takesValue = option.required || option.optional;
      if (!takesValue && arg.length > 2) rest.unshift(`-${arg.slice(2)}`);
      normal.push(spelled(option, letter, takesValue && arg.length > 2 ? arg.slice(2) : undefined, rest));
    }
  }
  return normal;
}

const tryHelp = { hint: "Try '--help'." };

function spelled(
  option: OptionShape,
  given: string,
  value: string | undefined,
  rest: string[],
  signed: readonly string[] = [],
): string {
  const long = option.long ?? given;
  if (!option.required && !option.optional) {
    if (value !== undefined) throw new UsageError(`option '${given}' takes no value`, tryHelp);
    return long;
  }
  if (option.optional) return value === undefined ? long : `${long}=${value}`;
  const next = rest[0];
  const isSigned = signed.includes(long) && /^-\d/.test(next ?? "");
  const isValue = next !== undefined && (!next.startsWith("-") || next === "-" || isSigned);
  const found = value ?? (isValue ? rest.shift() : undefined);
  if (found === undefined) throw new UsageError(`Argument required by \`${given}'.`, { bare: true });
  return `${long}=${found}`;
}

function longOption(name: string, options: readonly OptionShape[]): OptionShape {
  const candidates = options.filter(({ long }) => long?.startsWith(`--${name}`));
  const exact = candidates.find(({ long }) => long === `--${name}`);
  const [only, other] = candidates;
  if (exact !== undefined) return exact;
  if (only === undefined) throw new UsageError(`unknown option '--${name}'`, tryHelp);
  if (other !== undefined) throw new UsageError(`option '--${name}' is ambiguous`, tryHelp);
  return only;
}

/** The one-line summary that `--usage` prints. */
export function usageLine(program: string, options: readonly OptionShape[], operands: string): string {
  const valueName = (option: OptionShape, separator: string): string => {
    const name = /[<[](.*)[>\]]/.exec(option.flags)?.[1];
    if (name === undefined) return "";
    return option.optional ? `[${separator}${name}]` : separator + name;
  };
  const short = options.filter((option) => option.short !== undefined);
  const all = [
    ...short.map((option) => `[${option.short}${valueName(option, " ")}]`),
    ...options.map((option) => `[${option.long}${valueName(option, "=")}]`),
  ];
  return `${program} ${all.join(" ")} ${operands}\n`;
}
