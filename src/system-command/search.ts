// `shepherd system search`: the types of services that there are, in the form of Guix's own search.

import { searchServiceTypes } from "../services/composition/lookup.js";
import { type AnyServiceType, isServiceType } from "../services/composition/service-type.js";
import { CommandError } from "./error.js";

const width = 78;

/**
 * One record for each type that matches all words, the most relevant first.
 *
 * @param exported what `shepherd-ts/system` exports: a type is shown by the name under which it is imported
 */
export function searchResult(words: readonly string[], exported: Readonly<Record<string, unknown>>): string {
  const names = new Map<AnyServiceType, string>();
  for (const [name, value] of Object.entries(exported)) if (isServiceType(value)) names.set(value, name);
  let found: ReturnType<typeof searchServiceTypes>;
  try {
    found = searchServiceTypes(words, names.keys());
  } catch (error) {
    if (error instanceof SyntaxError) throw new CommandError(error.message);
    throw error;
  }
  return found
    .map(({ type, relevance }) =>
      [
        `name: ${type.name}`,
        `import: ${names.get(type) ?? ""}`,
        `extends: ${type.extensions.map(({ target }) => target.name).join(" ")}`,
        ...wrapped(`description: ${type.description}`),
        `relevance: ${relevance}`,
        "",
        "",
      ].join("\n"),
    )
    .join("");
}

/** Lines of at most `width` columns; all but the first begin with "+ ". */
function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `+ ${word}`;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
