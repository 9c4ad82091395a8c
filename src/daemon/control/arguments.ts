// A command's arguments as user code gets them: words, then keywords with their values.

import { isList, type Sexp, SexpKeyword } from "../../protocol/sexp.js";
import { writeSexp } from "../../protocol/sexp-writer.js";
import type { ClientCommand } from "../definition/runtime.js";
import type { Request } from "../request.js";

/** Arguments are strings; a symbol or number is taken as it is written. */
export function wordOf(argument: Sexp): string {
  if (typeof argument === "string") return argument;
  if (argument instanceof SexpKeyword) return `#:${argument.name}`;
  return writeSexp(argument);
}

/** Undefined where no client asked. Throws where keywords and values do not take turns. */
export function clientCommand(request: Request | undefined): ClientCommand | undefined {
  const args = request?.arguments;
  if (request === undefined || args === undefined) return undefined;
  const first = args.findIndex((argument) => argument instanceof SexpKeyword);
  const words = first < 0 ? args : args.slice(0, first);
  return {
    words: words.map(wordOf),
    keywords: keywordsOf(first < 0 ? [] : args.slice(first)),
    directory: request.directory ?? "/",
  };
}

function keywordsOf(args: readonly Sexp[]): ClientCommand["keywords"] {
  const keywords = new Map<string, string | readonly string[]>();
  for (let index = 0; index < args.length; index += 2) {
    const keyword = args[index];
    const value = args[index + 1];
    if (!(keyword instanceof SexpKeyword)) throw new Error("expected a keyword among the options");
    const name = `#:${keyword.name}`;
    if (value === undefined || value instanceof SexpKeyword)
      throw new Error(`keyword '${name}' has no value`);
    if (keywords.has(keyword.name)) throw new Error(`keyword '${name}' is given twice`);
    keywords.set(keyword.name, isList(value) ? value.map(wordOf) : wordOf(value));
  }
  return keywords;
}
