// Options that are read without commander, whose loading takes longer than a service to start. They are described as
// commander's are, so that it can take over where help is asked for.

import type { OptionShape } from "./gnu-options.js";

/** What commander's options and ours have in common. */
export interface DescribedOption extends OptionShape {
  argParser(read: (text: string) => unknown): this;
  default(value: unknown): this;
}

export class PlainOption implements DescribedOption {
  readonly flags: string;
  readonly short?: string;
  readonly long?: string;
  readonly required: boolean;
  readonly optional: boolean;
  #read: (text: string) => unknown = (text) => text;
  #default: unknown;

  constructor(flags: string) {
    this.flags = flags;
    for (const flag of flags.match(/(?<!\S)--?[\w-]+/g) ?? []) {
      if (flag.startsWith("--")) this.long = flag;
      else this.short = flag;
    }
    this.required = flags.includes("<");
    this.optional = flags.includes("[");
  }

  argParser(read: (text: string) => unknown): this {
    this.#read = read;
    return this;
  }

  default(value: unknown): this {
    this.#default = value;
    return this;
  }

  /** As commander: `--log-format` is `logFormat`. */
  get attribute(): string {
    return (this.long ?? "").slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  }

  get initial(): unknown {
    return this.#default;
  }

  /** @param text undefined where no value is given */
  value(text: string | undefined): unknown {
    return text === undefined ? true : this.#read(text);
  }
}

/**
 * The values of options, each under its name as a property; the last of several counts.
 *
 * @param normal what `normaliseOptions` has made of them: `--name` or `--name=value`, each known
 */
export function plainValues(
  normal: readonly string[],
  options: readonly PlainOption[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { attribute, initial } of options) if (initial !== undefined) values[attribute] = initial;
  for (const word of normal) {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const option = options.find(({ long }) => long === name);
    if (option !== undefined)
      values[option.attribute] = option.value(equals < 0 ? undefined : word.slice(equals + 1));
  }
  return values;
}
