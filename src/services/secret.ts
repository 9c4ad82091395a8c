// Secrets in configurations, such as passwords: values that no message, log or JSON of ours shows.

import { type Check, check, fail, isRecord } from "../daemon/definition/check.js";
import { hidden } from "../daemon/definition/fields.js";
import { lines } from "./configuration-checks.js";

const shown = "***";

/** A text that shows itself to nobody: as a string and as JSON it is `***`. Made by `secret`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    Object.freeze(this);
  }

  /** The text: for whoever hands it to the program that it is for. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return shown;
  }
}

/** The secret of a text; a secret stays the one that it is, and what is neither is left for a check to refuse. */
export function secret(text: string | Secret): Secret;
export function secret(text: unknown): unknown;
export function secret(text: unknown): unknown {
  return typeof text === "string" ? new Secret(text) : text;
}

/** A field that holds a secret: of one line, since it becomes a word of a command or a line of a file. */
export const secretCheck: Check<Secret> = hidden(
  check<Secret>(
    "a secret: a string of one line that is not empty",
    (value) => value instanceof Secret && value.reveal() !== "" && lines.line.matches(value.reveal()),
  ),
);

/** What kind of value it is: all that a message may say of what may contain a secret. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object that was made in another way" : `a ${typeof value}`;
}

/**
 * What the constructor `what` is given, with the texts in those of its fields that hold secrets made secrets.
 *
 * @throws DefinitionError where it is given no object
 */
export function withSecrets<Fields extends object>(
  what: string,
  given: unknown,
  ...secrets: readonly (keyof Fields & string)[]
): Fields {
  if (!isRecord(given)) fail({ what }, `expected an object with options, got ${kindOf(given)}`);
  const entries = Object.entries(given).map(([field, value]: [string, unknown]) => [
    field,
    (secrets as readonly string[]).includes(field) ? secret(value) : value,
  ]);
  return Object.fromEntries(entries) as Fields;
}
