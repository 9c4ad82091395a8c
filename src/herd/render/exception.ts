// A Guile exception, as its key and arguments came over the wire, in the words in which Guile reports it.
import { isList, type Sexp, symbolName } from "../../protocol/sexp.js";
import { writeSexp } from "../../protocol/sexp-writer.js";

/** The keys whose arguments are (PROCEDURE MESSAGE ARGUMENTS …). */
const formattedKeys: ReadonlySet<string> = new Set([
  "goops-error",
  "host-not-found",
  "misc-error",
  "no-data",
  "no-recovery",
  "null-pointer-error",
  "out-of-memory",
  "out-of-range",
  "program-error",
  "read-error",
  "regular-expression-syntax",
  "signal",
  "stack-overflow",
  "system-error",
  "try-again",
  "unbound-variable",
  "wrong-number-of-args",
  "wrong-type-arg",
  "keyword-argument-error",
  "vm-error",
]);

export function describeException(key: Sexp, args: readonly Sexp[]): string {
  const name = symbolName(key);
  const [procedure, message, values] = args;
  if (name !== undefined && formattedKeys.has(name) && typeof message === "string") {
    const where =
      procedure === false || procedure === undefined ? "" : `In procedure ${display(procedure)}: `;
    return where + formatMessage(message, isList(values) ? values : []);
  }
  return `Throw to key \`${display(key)}' with args \`${writeSexp(args)}'.`;
}

/** Guile's simple-format: `~A` displays the next argument, `~S` writes it. */
function formatMessage(template: string, values: readonly Sexp[]): string {
  const rest = [...values];
  return template.replace(/~([aAsS%~])/g, (directive, letter: string) => {
    if (letter === "%") return "\n";
    if (letter === "~") return "~";
    const value = rest.shift();
    if (value === undefined) return directive;
    return letter.toLowerCase() === "a" ? display(value) : writeSexp(value);
  });
}

/** As Guile's `display`: strings without quotes. */
export function display(value: Sexp): string {
  if (typeof value === "string") return value;
  return symbolName(value) ?? writeSexp(value);
}
