// Environment variables in command lines, replaced when a command is about to run.

import { splitWords } from "./words.js";

export type Environment = ReadonlyMap<string, string>;

/**
 * The words with variables replaced: `$NAME` as a word becomes the words of its value (none where it is unset or empty),
 * `${NAME}` in a word becomes its value, `$$` a dollar. Everything else, such as `--x=$NAME`, stays.
 */
export function expandArguments(words: readonly string[], environment: Environment): string[] {
  return words.flatMap((word) =>
    isVariable(word)
      ? splitWords(environment.get(word.slice(1)) ?? "", { relaxed: true })
      : [expandWord(word, environment)],
  );
}

function isVariable(word: string): boolean {
  return word.startsWith("$") && word.charAt(1) !== "{" && word.charAt(1) !== "$";
}

/** A dollar twice, or a name in braces: what begins so and does not end with a brace is ordinary text. */
const reference = /\$\$|\$\{([^}:]*)(\}|:|$)/g;

/** A word with `${NAME}` and `$$` replaced. */
export function expandWord(word: string, environment: Environment): string {
  return word.replace(reference, (text, name: string | undefined, end: string | undefined) => {
    if (text === "$$") return "$";
    return end === "}" ? (environment.get(name ?? "") ?? "") : text;
  });
}

/** The names of the variables that the words refer to. */
export function variablesIn(words: readonly string[]): string[] {
  const names = words.flatMap((word) =>
    isVariable(word)
      ? [word.slice(1)]
      : Array.from(word.matchAll(reference), ([, name = "", end]) => (end === "}" ? name : "")),
  );
  return [...new Set(names.filter((name) => name !== ""))];
}
