// Writes s-expressions as GNU Guile's `write` does, so that every Guile program reads what we send.
import {
  DottedList,
  isList,
  type Sexp,
  SexpKeyword,
  type SexpLiteral,
  SexpSymbol,
  SexpVector,
} from "./sexp.js";

/** On one line, without recursion: however deep the value, the stack does not overflow. */
export function writeSexp(value: Sexp): string {
  const parts: string[] = [];
  const pending: (Sexp | Text)[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next instanceof Text) parts.push(next.text);
    else if (next instanceof DottedList) {
      pending.push(close, next.tail, new Text(" . "));
      pushItems(pending, next.items);
      parts.push("(");
    } else if (next instanceof SexpVector) {
      pending.push(close);
      pushItems(pending, next.items);
      parts.push("#(");
    } else if (isList(next)) {
      pending.push(close);
      pushItems(pending, next);
      parts.push("(");
    } else parts.push(writeAtom(next));
  }
  return parts.join("");
}

/** Text that goes out as it is, among the values still to be written. */
class Text {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
const close = new Text(")");
const space = new Text(" ");

function pushItems(pending: (Sexp | Text)[], items: readonly Sexp[]): void {
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (item === undefined) continue;
    pending.push(item);
    if (index > 0) pending.push(space);
  }
}

function writeAtom(
  value: string | number | bigint | boolean | SexpSymbol | SexpKeyword | SexpLiteral,
): string {
  if (typeof value === "string") return writeString(value);
  if (typeof value === "boolean") return value ? "#t" : "#f";
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return writeNumber(value);
  if (value instanceof SexpSymbol) return writeSymbol(value.name);
  if (value instanceof SexpKeyword) return `#:${writeSymbol(value.name)}`;
  return value.text;
}

function writeNumber(value: number): string {
  if (Number.isNaN(value)) return "+nan.0";
  if (value === Number.POSITIVE_INFINITY) return "+inf.0";
  if (value === Number.NEGATIVE_INFINITY) return "-inf.0";
  if (Number.isInteger(value)) return BigInt(value).toString();
  return value.toString();
}

const namedEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\t": "\\t",
  "\r": "\\r",
  "\x07": "\\a",
  "\b": "\\b",
  "\v": "\\v",
  "\f": "\\f",
};

export function writeString(text: string): string {
  const escaped = text.replace(/[^ !#-[\]-~\u00a0-\uffff]/g, (character) => {
    const hexadecimal = character.charCodeAt(0).toString(16).padStart(2, "0");
    return namedEscapes[character] ?? `\\x${hexadecimal}`;
  });
  return `"${escaped}"`;
}

// Narrower than Guile's own rule, which is harmless: it reads both spellings of every symbol.
const plainSymbol = /^(?:[A-Za-z!$%&*/:<=>?^_~][\w!$%&*/:<=>?^~@+.-]*|[+-]|\.\.\.|-[A-Za-hj-mo-z-][\w-]*)$/;

function writeSymbol(name: string): string {
  if (plainSymbol.test(name)) return name;
  const escaped = name.replace(/[^\w!$%&*/:<=>?^~@+.,;"'`# \u00a1-\uffff-]/g, escapeInSymbol);
  return `#{${escaped}}#`;
}

function escapeInSymbol(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16)};`;
}
