// Makes what a daemon sends harmless to a terminal: a service's name or log line must not drive the user's screen.
import {
  DottedList,
  isList,
  type Sexp,
  SexpKeyword,
  SexpLiteral,
  SexpSymbol,
  SexpVector,
} from "../../protocol/sexp.js";

/** Control characters but tab and newline become `\x1b` and the like. */
export function printable(text: string): string {
  return text.replace(/[^\n\t -~\u00a0-\uffff]/g, (character) => {
    const hexadecimal = character.charCodeAt(0).toString(16).padStart(2, "0");
    return `\\x${hexadecimal}`;
  });
}

/** The same for every string in an expression; its depth is bounded by the reader. */
export function printableSexp(value: Sexp): Sexp {
  if (typeof value === "string") return printable(value);
  if (isList(value)) return value.map(printableSexp);
  if (value instanceof SexpSymbol) return new SexpSymbol(printable(value.name));
  if (value instanceof SexpKeyword) return new SexpKeyword(printable(value.name));
  if (value instanceof SexpLiteral) return new SexpLiteral(printable(value.text));
  if (value instanceof SexpVector) return new SexpVector(value.items.map(printableSexp));
  if (value instanceof DottedList)
    return new DottedList(value.items.map(printableSexp), printableSexp(value.tail));
  return value;
}
