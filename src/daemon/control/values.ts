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

export function toSexp(value: unknown, depth = 0): Sexp {
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
  if (Array.isArray(value) && depth < depthLimit) return value.map((item) => toSexp(item, depth + 1));
  return inspect(value, { depth: 4 });
}
