// Names of directives as TypeScript writes them: `ExecStart` is `execStart`, `PIDFile` is `pidFile`.

type Upper =
  | ("A" | "B" | "C" | "D" | "E" | "F" | "G" | "H" | "I" | "J" | "K" | "L" | "M")
  | ("N" | "O" | "P" | "Q" | "R" | "S" | "T" | "U" | "V" | "W" | "X" | "Y" | "Z");

/** The capitals after the first: each becomes small, but for the one that the next word begins with. */
type AfterFirst<Name extends string> = Name extends `${infer First extends Upper}${infer Rest}`
  ? Rest extends ""
    ? Lowercase<First>
    : Rest extends `${Upper}${string}`
      ? `${Lowercase<First>}${AfterFirst<Rest>}`
      : Name
  : Name;

export type CamelCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${Lowercase<First>}${AfterFirst<Rest>}`
  : Name;

/** The same of a name that is known only at run time. */
export function camelCase(name: string): string {
  const [, capitals = "", rest = ""] = /^([A-Z]*)(.*)$/s.exec(name) ?? [];
  if (capitals.length <= 1 || rest === "") return capitals.toLowerCase() + rest;
  return capitals.slice(0, -1).toLowerCase() + capitals.slice(-1) + rest;
}
