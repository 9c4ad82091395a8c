// JavaScript values as the protocol sends them: what has an s-expression form keeps it, anything else becomes its
// printed form as a string, as in the Shepherd.

import { inspect } from "node:util";
import {
  DottedList,
  type Sexp,
  SexpKeyword,
  SexpLiteral,
  SexpSymbol,
  SexpVector,
} from "../../protocol/sexp.js";

const depthLimit = 32;

/** @param within the lists that hold it: one that holds itself has no s-expression */
export function toSexp(value: unknown, within: readonly unknown[] = []): Sexp {
  switch (typeof value) {
    case "boolean":
    case "number":
    case "string":
    case "bigint":
      return value;
    case "undefined":
      return "#<unspecified>";
    case "object":
      break;
    default:
      return inspect(value, { depth: 2 });
  }
  if (value === null) return [];
  if (
    value instanceof SexpSymbol ||
    value instanceof SexpKeyword ||
    value instanceof SexpLiteral ||
    value instanceof SexpVector ||
    value instanceof DottedList
  ) {
    return value;
  }
  if (Array.isArray(value) && within.length < depthLimit && !within.includes(value)) {
    const path = [...within, value];
    return Array.from(value as unknown[], (item) => toSexp(item, path));
  }
  return inspect(value, { depth: 4 });
}
