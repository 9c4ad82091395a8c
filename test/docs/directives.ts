// The lists of docs/systemd-units.md that say what becomes of directives, made from the tables of the code. As a program it
// writes them: `node build/test/docs/directives.js`.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Directive, type SectionName, sectionTables } from "../../systemd-compat/directives.js";
import { dependenceOf } from "../../systemd-compat/verify/classification.js";
import { type Shortcoming, shortcomingOf } from "../../systemd-compat/verify/shortcomings.js";
import { project } from "../support/project.js";

export const document = join(project.root, "docs/systemd-units.md");

const begin = "<!-- The lists of directives, made by test/docs/directives.ts -->";
const end = "<!-- The end of these lists -->";

interface Row {
  readonly section: SectionName;
  readonly name: string;
  readonly directive: Directive;
  readonly shortcoming: Shortcoming | undefined;
}

/** Sections of units that run; what [Socket] has of [Service] is told once. */
const sections = ["Unit", "Install", "Service", "Socket", "Timer", "Path"] as const;

function rows(): readonly Row[] {
  return sections.flatMap((section) =>
    Object.entries(sectionTables[section] as Readonly<Record<string, Directive>>).flatMap(
      ([name, directive]) => {
        const shortcoming = shortcomingOf(section, name);
        const isShared = section === "Socket" && Object.hasOwn(sectionTables.Service, name);
        return isShared ? [] : [{ section, name, directive, shortcoming }];
      },
    ),
  );
}

/** Families of names are told by what they have in common. */
function shownNames(names: readonly string[]): string {
  const shown = names.map((name) => name.replace(/^(Condition|Assert|Limit)[A-Z].*$/, "$1…"));
  return [...new Set(shown)].map((name) => `\`${name}=\``).join(", ");
}

function appliedList(all: readonly Row[]): string {
  const lines = sections.flatMap((section) => {
    const own = all.filter((row) => row.section === section && isApplied(row));
    const by = (dependence: ReturnType<typeof dependenceOf>): readonly string[] =>
      own.flatMap(({ name, directive }) => (dependenceOf(section, directive) === dependence ? [name] : []));
    const item = (what: string, names: readonly string[]): readonly string[] =>
      names.length === 0 ? [] : [wrapped(`**[${section}]${what}:** ${shownNames(names)}`)];
    return [
      ...item("", by(undefined)),
      ...item(", where the kernel lets us", by("kernel")),
      ...item(", where there are cgroups", by("cgroups")),
    ];
  });
  return lines.join("\n");
}

/** An item of a list, in lines of the document's width. */
function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return `- ${lines.join("\n  ")}`;
}

const width = 122;

/** Whether it is so with most values. */
function isApplied({ shortcoming }: Row): boolean {
  return shortcoming === undefined || shortcoming.only !== undefined;
}

/** Directives with the same to be said of them are one item. */
function shortcomingList(all: readonly Row[], extent: Shortcoming["extent"]): string {
  const groups = new Map<string, { readonly names: string[]; readonly shortcoming: Shortcoming }>();
  for (const { section, name, shortcoming } of all) {
    if (shortcoming?.extent !== extent) continue;
    const key = JSON.stringify([section, shortcoming]);
    const group = groups.get(key) ?? { names: [], shortcoming };
    groups.set(key, group);
    group.names.push(name);
  }
  return [...groups.values()]
    .map(({ names, shortcoming }) =>
      wrapped(`${shownNames(names)}${restrictionOf(shortcoming)}: ${shortcoming.why}`),
    )
    .join("\n");
}

function restrictionOf({ unless = [], only = [] }: Shortcoming): string {
  // Other ways to write yes and no.
  const values = (list: readonly string[]): string =>
    list
      .filter((value) => value !== "0" && value !== "1")
      .map((value) => `\`${value}\``)
      .join(", ");
  if (only.length > 0) return ` (only with ${values(only)})`;
  const kept = values(unless);
  return kept === "" ? "" : ` (but for ${kept})`;
}

/** What stands between the marks. */
export function directiveLists(): string {
  const all = rows();
  return [
    `Applied:\n\n${appliedList(all)}`,
    `Applied in part:\n\n${shortcomingList(all, "partly")}`,
    `Not applied:\n\n${shortcomingList(all, "not")}`,
  ].join("\n\n");
}

/** The document with the lists as they are to be. */
export function withLists(text: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${document} has no place for the lists of directives`);
  return `${text.slice(0, from)}${begin}\n\n${directiveLists()}\n\n${text.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(document, withLists(readFileSync(document, "utf8")));
