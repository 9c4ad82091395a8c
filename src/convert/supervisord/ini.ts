// Files as Python's ConfigParser reads them for supervisord: sections of options, whose values may go on in lines that are
// further to the right.

import { fail, type Place } from "../error.js";

export interface Setting extends Place {
  readonly name: string;
  readonly value: string;
}

export interface Section extends Place {
  readonly name: string;
  /** By their names, in small letters; the last of several counts. */
  readonly settings: ReadonlyMap<string, Setting>;
}

interface OpenSection extends Place {
  readonly name: string;
  readonly settings: Map<string, Setting>;
}

/** Of these every other section has the options that it lacks. */
const defaultsName = "DEFAULT";

/** @throws ConversionError */
export function parseIni(contents: string, file: string): readonly Section[] {
  const sections = new Map<string, OpenSection>();
  let section: OpenSection | undefined;
  let last: { readonly name: string; readonly margin: number } | undefined;
  for (const [index, whole] of contents.split(/\r?\n/).entries()) {
    const place = { file, line: index + 1 };
    if (whole.includes("\0")) fail(place, "there is a NUL in it");
    const line = withoutComment(whole);
    const words = line.trim();
    // An empty line is part of a value that goes on after it, and nothing by itself.
    if (words === "") continue;
    const margin = line.search(/\S/);
    const open = last === undefined ? undefined : section?.settings.get(last.name);
    if (open !== undefined && margin > (last?.margin ?? 0)) {
      section?.settings.set(open.name, { ...open, value: `${open.value}\n${words}`.trim() });
      continue;
    }
    const header = /^\[([^\]]+)\]$/.exec(words)?.[1];
    if (header !== undefined) {
      section = sections.get(header) ?? { name: header, ...place, settings: new Map() };
      sections.set(header, section);
      last = undefined;
      continue;
    }
    const [, name, value = ""] = /^([^=:[][^=:]*?)\s*[=:]\s*([\s\S]*)$/.exec(words) ?? [];
    if (name === undefined) fail(place, `expected [SECTION] or NAME=VALUE, got ${JSON.stringify(words)}`);
    if (section === undefined) fail(place, `${JSON.stringify(words)} is in no section`);
    const key = name.toLowerCase();
    section.settings.set(key, { name: key, value, ...place });
    last = { name: key, margin };
  }
  const defaults = sections.get(defaultsName)?.settings ?? new Map<string, Setting>();
  return [...sections.values()]
    .filter(({ name }) => name !== defaultsName)
    .map((one) => ({ ...one, settings: new Map([...defaults, ...one.settings]) }));
}

/** A comment begins at the beginning of a line, or after a blank. */
function withoutComment(line: string): string {
  const at = line.search(/(?:^|\s)[;#]/);
  return at < 0 ? line : line.slice(0, at);
}
