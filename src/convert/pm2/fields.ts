// The fields of one application of an ecosystem file. What is asked for counts as known.

import { ConversionError } from "../error.js";
import type { Fields } from "./read.js";

export class App {
  readonly #fields: Fields;
  readonly #where: string;
  readonly #asked = new Set<string>();

  /** @param where such as `ecosystem.config.js: apps[0]` */
  constructor(fields: Fields, where: string) {
    this.#fields = fields;
    this.#where = where;
  }

  fail(name: string, expected: string): never {
    throw new ConversionError(
      `${this.#where}.${name}: expected ${expected}, got ${shown(this.#fields[name])}`,
    );
  }

  /** The value of the first of these names that is there. */
  value(...names: readonly string[]): unknown {
    for (const name of names) this.#asked.add(name);
    const name = names.find((one) => this.#given(one));
    return name === undefined ? undefined : this.#fields[name];
  }

  #given(name: string): boolean {
    return (
      Object.hasOwn(this.#fields, name) && this.#fields[name] !== undefined && this.#fields[name] !== null
    );
  }

  text(...names: readonly string[]): string | undefined {
    const value = this.value(...names);
    if (value === undefined) return undefined;
    const name = names.find((one) => this.#given(one)) ?? "";
    if (typeof value !== "string" && typeof value !== "number") return this.fail(name, "a string");
    if (String(value).includes("\0")) return this.fail(name, "a string without a NUL");
    return String(value);
  }

  truth(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === "boolean") return value;
    return this.fail(name, "true or false");
  }

  /** Milliseconds, as seconds; a unit may be given. */
  seconds(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const [, number, unit = "ms"] = /^(\d{1,12})(ms|s|m|h)?$/.exec(String(value)) ?? [];
    if (number === undefined) return this.fail(name, "a number of milliseconds");
    return (Number(number) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1)) / 1000;
  }

  count(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (!/^-?\d{1,9}$/.test(String(value))) return this.fail(name, "a number");
    return Number(value);
  }

  words(
    split: (text: string) => readonly string[] | undefined,
    ...names: readonly string[]
  ): readonly string[] {
    const value = this.value(...names);
    if (value === undefined) return [];
    const name = names.find((one) => this.#given(one)) ?? "";
    const words = Array.isArray(value) ? value.map(String) : split(String(value));
    if (words === undefined || words.some((word) => word.includes("\0")))
      return this.fail(name, "words, as of a shell");
    return words;
  }

  /** A remark about a field that is set. */
  remark(name: string, what: string): readonly string[] {
    return this.value(name) === undefined
      ? []
      : [`${this.#where}.${name}: ${shown(this.#fields[name])}: ${what}.`];
  }

  /** A remark about each field that nobody has asked for. */
  rest(known: ReadonlyMap<string, string>): readonly string[] {
    return Object.keys(this.#fields)
      .filter((name) => !this.#asked.has(name))
      .flatMap((name) =>
        this.remark(
          name,
          known.get(name) ??
            (name.startsWith("env_")
              ? `not applied: it is for 'pm2 start --env ${name.slice(4)}'`
              : "not applied: it is unknown here"),
        ),
      );
  }
}

/** Of a value in a comment. */
const longest = 60;

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
