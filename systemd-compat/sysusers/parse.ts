// Reads files of sysusers.d(5). A line with a mistake is left out; the others count.

import { show } from "../../src/daemon/definition/check.js";
import type { Diagnostics, Position } from "../diagnostics.js";
import { parseAccountId } from "../parser/account-name.js";
import { hasControls, strip } from "../parser/text.js";
import { splitWords, WordError } from "../parser/words.js";
import { SpecifierError } from "../specifiers.js";
import type { SourceText } from "../tmpfiles/sources.js";
import type { Expand } from "../tmpfiles/specifiers.js";
import type { GroupLine, IdRange, Membership, Sysusers, UserLine } from "./types.js";

/** What is wrong with a line. */
class BadLine extends Error {
  override readonly name = "BadLine";
}

const ignored = "the line is ignored";

/** Bytes of a line; a name, a number and three texts need far less. */
const longestLine = 65_536;

/** As the databases of accounts can hold them, and every program that reads these takes them. */
const isName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_-]{0,30}$/.test(text);

/** A field of a line of /etc/passwd. */
const isField = (text: string): boolean => !text.includes(":") && !hasControls(text);

const isPath = (text: string): boolean => text.startsWith("/") && isField(text);

interface Fields {
  readonly type: string;
  readonly name: string | undefined;
  readonly id: string | undefined;
  readonly description: string | undefined;
  readonly home: string | undefined;
  readonly shell: string | undefined;
}

/** All files in their order: the first line for a name counts. */
export function parseSysusers(
  sources: readonly SourceText[],
  expand: Expand,
  diagnostics: Diagnostics,
): Sysusers {
  const found = new Collected(diagnostics);
  for (const { file, text } of sources)
    for (const [index, written] of text.split("\n").entries()) {
      const content = strip(written);
      if (content === "" || content.startsWith("#")) continue;
      const position = { file, line: index + 1 };
      try {
        found.add(fieldsOf(content, expand), position);
      } catch (error) {
        const isMistake =
          error instanceof BadLine || error instanceof WordError || error instanceof SpecifierError;
        if (!isMistake) throw error;
        diagnostics.add(position, "error", error.message, ignored);
      }
    }
  return found;
}

function fieldsOf(content: string, expand: Expand): Fields {
  if (content.length > longestLine) throw new BadLine(`it has more than ${longestLine} characters`);
  const words = splitWords(content, { cEscapes: true });
  if (words.length > 6) throw new BadLine(`there is more after the sixth field: ${show(words[6])}`);
  const [type = "", ...rest] = words;
  const [name, id, description, home, shell] = rest.map((word) =>
    word === "" || word === "-" ? undefined : expand(word),
  );
  return { type, name, id, description, home, shell };
}

class Collected implements Sysusers {
  readonly users = new Map<string, UserLine>();
  readonly groups = new Map<string, GroupLine>();
  readonly memberships: Membership[] = [];
  readonly ranges: IdRange[] = [];
  readonly #diagnostics: Diagnostics;

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics;
  }

  add(fields: Fields, position: Position): void {
    const { type } = fields;
    if (type === "u") this.#put(this.users, { ...position, ...userOf(fields) });
    else if (type === "g") this.#put(this.groups, { ...position, ...groupOf(fields) });
    else if (type === "m") this.memberships.push({ ...position, ...membershipOf(fields) });
    else if (type === "r") this.ranges.push(rangeOf(fields));
    else throw new BadLine(`unknown type ${show(type)}`);
  }

  #put<T extends Position & { readonly name: string }>(lines: Map<string, T>, line: T): void {
    const other = lines.get(line.name);
    if (other === undefined) {
      lines.set(line.name, line);
      return;
    }
    const said = ({ file: _file, line: _line, ...rest }: Position): string => JSON.stringify(rest);
    if (said(other) === said(line)) return;
    const what = `${other.file}:${other.line} says something else of ${show(line.name)}`;
    this.#diagnostics.add(line, "warning", what, ignored);
  }
}

function nameIn(text: string | undefined, what: string): string {
  if (text !== undefined && isName(text)) return text;
  throw new BadLine(
    `expected the name of a ${what}, got ${text === undefined ? "none" : show(text)}: up to 31 letters, digits and any of _-`,
  );
}

function userOf({ name, id, description, home, shell }: Fields): Omit<UserLine, keyof Position> {
  if (description !== undefined && !isField(description))
    throw new BadLine(`a description without colons was expected, got ${show(description)}`);
  if (home !== undefined && !isPath(home)) throw new BadLine(`the home ${show(home)} is no absolute name`);
  if (shell !== undefined && !isPath(shell))
    throw new BadLine(`the shell ${show(shell)} is no absolute name`);
  return {
    name: nameIn(name, "user"),
    ...(id === undefined ? {} : userIds(id)),
    ...(description === undefined ? {} : { description }),
    ...(home === undefined ? {} : { home }),
    ...(shell === undefined ? {} : { shell }),
  };
}

/** `UID`, `UID:GID`, `UID:GROUP`, with `-` for a number to be found, or the name of a file. */
function userIds(text: string): Pick<UserLine, "uid" | "group" | "idFrom"> {
  if (text.startsWith("/")) return { idFrom: text };
  const [user = "", group, ...rest] = text.split(":");
  if (rest.length > 0) throw new BadLine(`expected UID:GID, got ${show(text)}`);
  return {
    ...(user === "-" ? {} : { uid: idIn(user) }),
    ...(group === undefined ? {} : { group: parseAccountId(group) ?? nameIn(group, "group") }),
  };
}

function idIn(text: string): number {
  const id = parseAccountId(text);
  if (id === undefined) throw new BadLine(`expected a number of an account, got ${show(text)}`);
  return id;
}

function groupOf(fields: Fields): Omit<GroupLine, keyof Position> {
  refuseTexts(fields);
  const { name, id } = fields;
  return {
    name: nameIn(name, "group"),
    ...(id === undefined ? {} : id.startsWith("/") ? { idFrom: id } : { gid: idIn(id) }),
  };
}

function membershipOf(fields: Fields): Omit<Membership, keyof Position> {
  refuseTexts(fields);
  return { user: nameIn(fields.name, "user"), group: nameIn(fields.id, "group") };
}

function rangeOf(fields: Fields): IdRange {
  refuseTexts(fields);
  if (fields.name !== undefined) throw new BadLine('lines of type "r" have "-" for a name');
  const [, first = "", last = first] = /^(\d+)(?:-(\d+))?$/.exec(fields.id ?? "") ?? [];
  const [least, most] = [parseAccountId(first), parseAccountId(last)];
  if (least === undefined || most === undefined || least > most)
    throw new BadLine(`expected numbers as FROM-TO, got ${show(fields.id)}`);
  return { least, most };
}

function refuseTexts({ type, description, home, shell }: Fields): void {
  if (description !== undefined || home !== undefined || shell !== undefined)
    throw new BadLine(`lines of type "${type}" have no description, home or shell`);
}
