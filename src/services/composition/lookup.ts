// Finding service types by their names, and by words of what they are for: `shepherd system search`.

import type { AnyServiceType } from "./service-type.js";

/** Every type of that name; names need not be unique. */
export function lookupServiceTypes<Type extends AnyServiceType>(
  name: string,
  types: Iterable<Type>,
): readonly Type[] {
  return [...types].filter((type) => type.name === name);
}

export interface FoundServiceType<Type extends AnyServiceType> {
  readonly type: Type;
  /** More for what is in the name, and for a word that is all of it. */
  readonly relevance: number;
}

/** As in Guix: what a match in each field counts, and how often more one that is the whole field does. */
const weights = { name: 3, description: 2 } as const;
const wholeField = 5;

/**
 * The types of which each of `words` matches the name or the description, whatever the case, the most relevant first.
 *
 * @param words regular expressions; without any there is no result
 * @throws SyntaxError where a word is no regular expression
 */
export function searchServiceTypes<Type extends AnyServiceType>(
  words: readonly string[],
  types: Iterable<Type>,
): readonly FoundServiceType<Type>[] {
  const patterns = words.map((word) => new RegExp(word, "giu"));
  return [...types]
    .map((type) => ({ type, relevance: relevanceOf(type, patterns) }))
    .filter(({ relevance }) => relevance > 0)
    .sort((a, b) => b.relevance - a.relevance || compareNames(a.type, b.type));
}

function relevanceOf({ name, description }: AnyServiceType, patterns: readonly RegExp[]): number {
  const scores = patterns.map(
    (pattern) => weights.name * score(pattern, name) + weights.description * score(pattern, description),
  );
  return scores.includes(0) ? 0 : scores.reduce((sum, one) => sum + one, 0);
}

function score(pattern: RegExp, text: string): number {
  let sum = 0;
  for (const [match] of text.matchAll(pattern)) if (match !== "") sum += match === text ? wholeField : 1;
  return sum;
}

const compareNames = (a: AnyServiceType, b: AnyServiceType): number =>
  a.name < b.name ? -1 : Number(a.name > b.name);
