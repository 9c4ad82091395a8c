// The databases of accounts, /etc/passwd, group, shadow and gshadow, as lists of lines. What we do not understand stays as
// it is: comments, and the `+` and `-` of NIS.

/** A line of a database: its fields, of which the first is a name, or text that is no entry. */
export type Line = Entry | { readonly text: string };

export interface Entry {
  readonly fields: readonly [name: string, ...rest: string[]];
}

export interface Databases {
  readonly passwd: readonly Line[];
  readonly group: readonly Line[];
  readonly shadow: readonly Line[];
  /** Undefined where the system has none. */
  readonly gshadow: readonly Line[] | undefined;
}

/** How many fields an entry of each database has. */
const widths = { passwd: 7, group: 4, shadow: 9, gshadow: 4 } as const;

export type DatabaseName = keyof typeof widths;

/** In the order in which they are written: no user refers to a group, nor a name to a secret, that is not there yet. */
export const databaseNames: readonly DatabaseName[] = ["group", "gshadow", "shadow", "passwd"];

export function parseDatabase(name: DatabaseName, text: string): readonly Line[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line) => {
    const [first = "", ...rest] = line.split(":");
    const isEntry = rest.length === widths[name] - 1 && /^[^+#-]/.test(first);
    return isEntry ? { fields: [first, ...rest] } : { text: line };
  });
}

export function formatDatabase(lines: readonly Line[]): string {
  return lines.map((line) => `${"fields" in line ? line.fields.join(":") : line.text}\n`).join("");
}

export const isEntry = (line: Line): line is Entry => "fields" in line;

export const nameOf = ({ fields: [name] }: Entry): string => name;

/** A field of an entry; empty where there is none by that number. */
export const field = ({ fields }: Entry, index: number): string => fields[index] ?? "";

/** A number in a field; undefined where it is none. */
export function numberIn(entry: Entry, index: number): number | undefined {
  const text = field(entry, index);
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1 ? Number(text) : undefined;
}

/** The members that a line of /etc/group lists. */
export const membersOf = (entry: Entry): readonly string[] =>
  field(entry, 3)
    .split(",")
    .filter((name) => name !== "");

/** The entry by a name; of several the first counts, as for every libc. */
export function entryOf(lines: readonly Line[], name: string): Entry | undefined {
  return lines.filter(isEntry).find((entry) => nameOf(entry) === name);
}

/**
 * The lines with other entries: those of `entries` in the places of those by the same names or, where there were none, at
 * the end; without those by the names in `gone`.
 */
export function updated(
  lines: readonly Line[],
  entries: readonly Entry[],
  gone: ReadonlySet<string>,
): readonly Line[] {
  const wanted = new Map(entries.map((entry) => [nameOf(entry), entry]));
  const placed = new Set<string>();
  const kept = lines.flatMap((line): readonly Line[] => {
    if (!isEntry(line)) return [line];
    const name = nameOf(line);
    const replacement = wanted.get(name);
    if (replacement === undefined) return gone.has(name) ? [] : [line];
    if (placed.has(name)) return [];
    placed.add(name);
    return [replacement];
  });
  const added = entries.filter((entry) => !placed.has(nameOf(entry)));
  // NIS's lines come last: what is behind them is not looked at.
  const nis = kept.findIndex((line) => !isEntry(line) && /^[+-]/.test(line.text));
  return nis < 0 ? [...kept, ...added] : [...kept.slice(0, nis), ...added, ...kept.slice(nis)];
}
