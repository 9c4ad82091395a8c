// Derivations as text, in the form that daemons read, and that digests are made of.

import { StoreError } from "./errors.js";
import { byBytes, byteSorted } from "./store-path.js";

/** An output of a derivation. */
export interface DerivationOutput {
  readonly path: string;
  /** How its contents are hashed, such as `sha256` or `r:sha256`; empty where they are not known before it is built. */
  readonly hashAlgorithm: string;
  /** The digest of the contents, in base 16, or empty. */
  readonly hash: string;
}

/** A derivation as it stands in its file. */
export interface DerivationText {
  /** By their names. */
  readonly outputs: ReadonlyMap<string, DerivationOutput>;
  /** Names of derivations' files, with the outputs of each that are needed; in a digest, digests stand for the names. */
  readonly inputDerivations: ReadonlyMap<string, readonly string[]>;
  /** Store items that are needed. */
  readonly inputSources: readonly string[];
  /** Such as `x86_64-linux`. */
  readonly system: string;
  /** A file, or `builtin:` and a name. */
  readonly builder: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

/** The same bytes for the same derivation, in whatever order its parts are. */
export function writeDerivation(derivation: DerivationText): string {
  const outputs = sortedByKey(derivation.outputs).map(([name, { path, hashAlgorithm, hash }]) =>
    tuple([name, path, hashAlgorithm, hash].map(quoted)),
  );
  const inputs = sortedByKey(derivation.inputDerivations).map(([file, names]) =>
    tuple([quoted(file), list(byteSorted(names).map(quoted))]),
  );
  const env = sortedByKey(derivation.env).map((pair) => tuple(pair.map(quoted)));
  const { inputSources, system, builder, args } = derivation;
  return `Derive${tuple([
    list(outputs),
    list(inputs),
    list(byteSorted(inputSources).map(quoted)),
    quoted(system),
    quoted(builder),
    list(args.map(quoted)),
    list(env),
  ])}`;
}

const tuple = (parts: readonly string[]): string => `(${parts.join(",")})`;
const list = (parts: readonly string[]): string => `[${parts.join(",")}]`;

function sortedByKey<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].sort(([a], [b]) => byBytes(a, b));
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function quoted(text: string): string {
  return `"${text.replace(/["\\\n\r\t]/g, (character) => escapes[character] ?? character)}"`;
}

/** Reads what `writeDerivation` writes. Throws a StoreError that says at which character it is something else. */
export function parseDerivation(text: string): DerivationText {
  const reader = new Reader(text);
  reader.expect("Derive(");
  const outputs = new Map(
    reader.list(() => {
      const [name, path, hashAlgorithm, hash] = reader.strings(4);
      return [name, { path, hashAlgorithm, hash }];
    }),
  );
  reader.expect(",");
  const inputDerivations = new Map(
    reader.list(() => {
      reader.expect("(");
      const file = reader.string();
      reader.expect(",");
      const names = reader.list(() => reader.string());
      reader.expect(")");
      return [file, names];
    }),
  );
  reader.expect(",");
  const inputSources = reader.list(() => reader.string());
  reader.expect(",");
  const system = reader.string();
  reader.expect(",");
  const builder = reader.string();
  reader.expect(",");
  const args = reader.list(() => reader.string());
  reader.expect(",");
  const env = new Map(reader.list(() => reader.strings(2)));
  reader.expect(")");
  reader.end();
  return { outputs, inputDerivations, inputSources, system, builder, args, env };
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  expect(word: string): void {
    if (!this.#text.startsWith(word, this.#at)) this.#fail(`expected "${word}"`);
    this.#at += word.length;
  }

  end(): void {
    if (this.#at !== this.#text.length) this.#fail("expected the end");
  }

  string(): string {
    this.expect('"');
    const begin = this.#at;
    while (this.#text[this.#at] !== '"') {
      if (this.#at >= this.#text.length) this.#fail("expected the end of a string");
      this.#at += this.#text[this.#at] === "\\" ? 2 : 1;
    }
    const body = this.#text.slice(begin, this.#at);
    this.#at++;
    return body.replace(/\\(.)/gs, (_, character: string) => unescaped[character] ?? character);
  }

  /** A tuple of so many strings. */
  strings(count: 2): [string, string];
  strings(count: 4): [string, string, string, string];
  strings(count: number): string[] {
    const found: string[] = [];
    for (let index = 0; index < count; index++) {
      this.expect(index === 0 ? "(" : ",");
      found.push(this.string());
    }
    this.expect(")");
    return found;
  }

  list<T>(item: () => T): T[] {
    const items: T[] = [];
    this.expect("[");
    while (this.#text[this.#at] !== "]") {
      if (items.length > 0) this.expect(",");
      items.push(item());
    }
    this.expect("]");
    return items;
  }

  #fail(problem: string): never {
    throw new StoreError(`a derivation's text: ${problem} at character ${this.#at}`);
  }
}

const unescaped: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
