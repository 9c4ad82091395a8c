// Values that say what standard input, output and error are.

import { show } from "../../src/daemon/definition/check.js";
import { escapeAt } from "../parser/escapes.js";
import { fromBytes, toBytes } from "../parser/text.js";
import { absolutePath } from "./files.js";
import { BadValue, mismatch, type ValueContext, type ValueType } from "./type.js";

const inputKinds = ["null", "tty", "tty-force", "tty-fail", "socket", "data"] as const;

export type StandardInput =
  | { readonly kind: (typeof inputKinds)[number] }
  | { readonly kind: "file"; readonly path: string }
  /** A descriptor of the unit's socket, by its name. */
  | { readonly kind: "fd"; readonly name: string };

const plainOutputs = ["inherit", "null", "tty", "socket"] as const;
const logs = ["journal", "kmsg"] as const;

export type StandardOutput =
  | { readonly kind: (typeof plainOutputs)[number] }
  | { readonly kind: (typeof logs)[number]; readonly console: boolean }
  /** A file, written from its beginning, added to, or emptied first. */
  | { readonly kind: "file" | "append" | "truncate"; readonly path: string }
  | { readonly kind: "fd"; readonly name: string };

export const standardInput: ValueType<StandardInput> = {
  expected: `one of ${inputKinds.join(", ")}, file:PATH, fd:NAME`,
  parse(text, _previous, context) {
    const kind = inputKinds.find((one) => one === text);
    if (kind !== undefined) return { kind };
    const other = parseTarget(text, ["file"], "stdin", context);
    if (other === undefined) throw new BadValue(mismatch(this.expected, text));
    return other;
  },
};

export const standardOutput: ValueType<StandardOutput> = {
  expected: `one of ${[...plainOutputs, ...logs].join(", ")}, file:PATH, append:PATH, truncate:PATH, fd:NAME`,
  parse(text, _previous, context) {
    const kind = plainOutputs.find((one) => one === text);
    if (kind !== undefined) return { kind };
    const stream = context.directive === "StandardError" ? "stderr" : "stdout";
    const found =
      parseLog(text, context) ?? parseTarget(text, ["file", "append", "truncate"], stream, context);
    if (found === undefined) throw new BadValue(mismatch(this.expected, text));
    return found;
  },
};

function parseLog(text: string, context: ValueContext): StandardOutput | undefined {
  const [, name = "", plus] = /^(journal|kmsg|syslog)(\+console)?$/.exec(text) ?? [];
  const console = plus !== undefined;
  if (name === "syslog") {
    context.notice(`${show(text)} is obsolete`, `it is taken for "journal${plus ?? ""}"`);
    return { kind: "journal", console };
  }
  const kind = logs.find((log) => log === name);
  return kind === undefined ? undefined : { kind, console };
}

type Target<Kind extends string> =
  | { readonly kind: Kind; readonly path: string }
  | { readonly kind: "fd"; readonly name: string };

/** `KIND:PATH`, `fd` or `fd:NAME`. */
function parseTarget<Kind extends string>(
  text: string,
  kinds: readonly Kind[],
  stream: string,
  context: ValueContext,
): Target<Kind> | undefined {
  if (text === "fd") return { kind: "fd", name: stream };
  const colon = text.indexOf(":");
  const word = text.slice(0, Math.max(colon, 0));
  const rest = text.slice(colon + 1);
  if (word === "fd") return { kind: "fd", name: checkDescriptorName(context.expand(rest)) };
  const kind = kinds.find((one) => one === word);
  return kind === undefined ? undefined : { kind, path: absolutePath(context.expand(rest)) };
}

/** What LISTEN_FDNAMES can hold. @throws BadValue */
export function checkDescriptorName(name: string): string {
  if (/^[\x20-\x39\x3b-\x7e]{1,255}$/.test(name)) return name;
  throw new BadValue(mismatch("a name of up to 255 characters of ASCII without colons", name));
}

/** Lines of text that standard input of kind "data" has, each after what was assigned before. */
export const inputText: ValueType<Uint8Array> = {
  expected: "text",
  parse(text, previous = new Uint8Array(), context) {
    if (text === "") return undefined;
    const line = fromBytes(unescapeLine(text));
    if (line === undefined) throw new BadValue(`expected text, got bytes that are none in ${show(text)}`);
    return joined(previous, Buffer.from(`${context.expand(line)}\n`));
  },
};

/** The same for bytes in base64. */
export const inputData: ValueType<Uint8Array> = {
  expected: "bytes in base64",
  parse(text, previous = new Uint8Array(), _context) {
    if (text === "") return undefined;
    const digits = text.replace(/\s/g, "");
    if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits))
      throw new BadValue(mismatch(this.expected, text));
    return joined(previous, Buffer.from(digits, "base64"));
  },
};

/** Bytes of input that a unit may hold. */
const mostInput = 2 ** 20;

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length + second.length > mostInput)
    throw new BadValue(`more than ${mostInput} bytes of input`, true);
  return Buffer.concat([first, second]);
}

/** With escape sequences as in C replaced, one character for each byte. @throws BadValue */
function unescapeLine(text: string): string {
  const pieces: string[] = [];
  const bytes = toBytes(text);
  for (let at = 0; at < bytes.length; at += 1) {
    const character = bytes.charAt(at);
    const sequence = character === "\\" ? escapeAt(bytes, at + 1) : undefined;
    if (character === "\\" && sequence === undefined)
      throw new BadValue(`an unknown escape sequence in ${show(text)}`);
    pieces.push(sequence?.bytes ?? character);
    at += sequence?.length ?? 0;
  }
  return pieces.join("");
}
