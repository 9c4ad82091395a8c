// Environment variables as units assign them, and the files that hold them.

import { fromBytes, hasControls, isBlank, stripEnd } from "./text.js";

export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** Whether it can be a value: no control characters but tabs and line feeds. */
export function isVariableValue(value: string): boolean {
  return !hasControls(value, "\t\n");
}

/** The name and the value of `NAME=VALUE`; undefined where it is none. */
export function parseVariable(text: string): readonly [name: string, value: string] | undefined {
  const equals = text.indexOf("=");
  if (equals < 0) return undefined;
  const name = text.slice(0, equals);
  const value = text.slice(equals + 1);
  return isVariableName(name) && isVariableValue(value) ? [name, value] : undefined;
}

/** What a file of variables says. */
export interface EnvironmentFile {
  readonly variables: ReadonlyMap<string, string>;
  /** What was left out, with the line where each begins. */
  readonly problems: readonly { readonly line: number; readonly what: string }[];
}

/**
 * Reads a file of variables, as EnvironmentFile= names them: lines of `NAME=VALUE`, comments with `#` or `;`, quotes and
 * backslashes nearly as a shell has them (a value goes on after a closing quote, blanks after which vanish). Nothing is
 * expanded. Of several assignments of a variable the last one counts.
 *
 * @throws Error where the file as a whole is unusable: it has a NUL or is not UTF-8
 */
export function parseEnvironmentFile(contents: Uint8Array): EnvironmentFile {
  const bytes = Buffer.from(contents).toString("latin1");
  if (bytes.includes("\0")) throw new Error("it has a NUL byte");
  const text = fromBytes(bytes);
  if (text === undefined) throw new Error("it is not UTF-8");
  const variables = new Map<string, string>();
  const problems: { line: number; what: string }[] = [];
  for (const { name, value, line } of new EnvironmentFileReader(text).read()) {
    if (!isVariableName(name))
      problems.push({ line, what: `expected the name of a variable, got ${JSON.stringify(name)}` });
    else if (!isVariableValue(value))
      problems.push({ line, what: `${name}: expected no control characters in its value` });
    else variables.set(name, value);
  }
  return { variables, problems };
}

interface Entry {
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** Reads a file of variables from its beginning to its end. */
class EnvironmentFileReader {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  *read(): Generator<Entry> {
    while (this.#at < this.#text.length) {
      const character = this.#take();
      if (character === "#" || character === ";") this.#comment();
      else if (!isBlank(character)) {
        const line = this.#line;
        const name = this.#name(character);
        if (name !== undefined) yield { name, value: this.#value(), line };
      }
    }
  }

  #take(): string {
    const character = this.#text.charAt(this.#at);
    this.#at += 1;
    if (character === "\n") this.#line += 1;
    return character;
  }

  #atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** A comment ends with its line; a backslash takes the end of the line in. */
  #comment(): void {
    while (!this.#atEnd()) {
      const character = this.#take();
      if (character === "\\") this.#take();
      else if (isLineEnd(character)) return;
    }
  }

  /** What stands before `=`; undefined on a line that has none. */
  #name(first: string): string | undefined {
    const from = this.#at - first.length;
    while (!this.#atEnd()) {
      const character = this.#take();
      if (character === "=") return stripEnd(this.#text.slice(from, this.#at - 1));
      if (isLineEnd(character)) return undefined;
    }
    return undefined;
  }

  #value(): string {
    // What is quoted or escaped is kept, blanks included; what is not loses the blanks at its end.
    let kept = "";
    let open = "";
    let started = false;
    while (!this.#atEnd()) {
      const character = this.#take();
      if (isLineEnd(character)) break;
      if (character === "\\") {
        const next = this.#take();
        kept += open + (isLineEnd(next) ? "" : next);
        open = "";
        started = true;
      } else if (!started && (character === "'" || character === '"')) {
        kept += character === "'" ? this.#singleQuoted() : this.#doubleQuoted();
      } else if (started || !isBlank(character)) {
        open += character;
        started = true;
      }
    }
    return kept + stripEnd(open);
  }

  #singleQuoted(): string {
    const from = this.#at;
    while (!this.#atEnd()) if (this.#take() === "'") return this.#text.slice(from, this.#at - 1);
    return this.#text.slice(from);
  }

  #doubleQuoted(): string {
    let value = "";
    while (!this.#atEnd()) {
      const character = this.#take();
      if (character === '"') return value;
      if (character !== "\\") value += character;
      else if (!this.#atEnd()) {
        const next = this.#take();
        if ('"\\`$'.includes(next)) value += next;
        else if (next !== "\n") value += `\\${next}`;
      }
    }
    return value;
  }
}

function isLineEnd(character: string): boolean {
  return character === "\n" || character === "\r";
}
