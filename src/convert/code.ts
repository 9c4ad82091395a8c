// TypeScript as our formatter has it: values, calls and records, broken into lines where they are too long for one.

export type Code =
  /** As it is; further lines are indented as far as the first. */
  | string
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly Code[] }
  | { readonly kind: "record"; readonly entries: readonly Entry[]; readonly isBlock: boolean }
  | { readonly kind: "call"; readonly name: string; readonly arguments: readonly Code[] };

export interface Entry {
  readonly key: string;
  readonly value: Code;
  /** Above it, a line each or more where one is long. */
  readonly comments?: readonly string[];
}

const width = 110;
const step = 2;

export function text(value: string): Code {
  return { kind: "text", text: value };
}

export function list(items: readonly Code[]): Code {
  return { kind: "list", items };
}

export function texts(values: readonly string[]): Code {
  return list(values.map(text));
}

/** A record that is on one line where it fits. */
export function record(entries: readonly Entry[]): Code {
  return { kind: "record", entries, isBlock: false };
}

/** A record with a line for each of its entries. */
export function block(entries: readonly Entry[]): Code {
  return { kind: "record", entries, isBlock: entries.length > 0 };
}

export function call(name: string, ...given: readonly Code[]): Code {
  return { kind: "call", name, arguments: given };
}

/** Names as they are, and texts of any other kind. */
export function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
}

/** In single quotes where double ones would have to be escaped more often. */
function quoted(value: string): string {
  const json = JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  const count = (character: string): number => value.split(character).length - 1;
  if (count('"') <= count("'")) return json;
  return `'${json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/**
 * @param indent of the line that it begins in
 * @param column where it begins
 * @param after how many characters follow on its last line
 */
export function print(code: Code, indent: number, column: number, after: number): string {
  const line = flat(code);
  if (line !== undefined && column + line.length + after <= width) return line;
  if (typeof code === "string") return code.replaceAll("\n", `\n${" ".repeat(indent)}`);
  switch (code.kind) {
    case "text":
      return quoted(code.text);
    case "list":
      return broken("[", code.items, "]", indent);
    case "record":
      return printRecord(code.entries, indent);
    case "call":
      return printCall(code.name, code.arguments, indent, column, after);
  }
}

/** On one line; undefined where it cannot be. */
function flat(code: Code): string | undefined {
  if (typeof code === "string") return code.includes("\n") ? undefined : code;
  switch (code.kind) {
    case "text":
      return quoted(code.text);
    case "list": {
      const items = flatAll(code.items);
      return items === undefined ? undefined : `[${items.join(", ")}]`;
    }
    case "record": {
      if (code.isBlock || code.entries.some(({ comments = [] }) => comments.length > 0)) return undefined;
      const values = flatAll(code.entries.map(({ value }) => value));
      if (values === undefined) return undefined;
      if (values.length === 0) return "{}";
      return `{ ${values.map((value, index) => `${code.entries[index]?.key}: ${value}`).join(", ")} }`;
    }
    case "call": {
      const given = flatAll(code.arguments);
      return given === undefined ? undefined : `${code.name}(${given.join(", ")})`;
    }
  }
}

function flatAll(codes: readonly Code[]): readonly string[] | undefined {
  const lines = codes.map(flat);
  return lines.every((line) => line !== undefined) ? lines : undefined;
}

/** A line for each item. */
function broken(open: string, items: readonly Code[], close: string, indent: number): string {
  const inner = indent + step;
  const lines = items.map((item) => `${" ".repeat(inner)}${print(item, inner, inner, 1)},\n`);
  return `${open}\n${lines.join("")}${" ".repeat(indent)}${close}`;
}

function printRecord(entries: readonly Entry[], indent: number): string {
  const inner = indent + step;
  const margin = " ".repeat(inner);
  const lines = entries.map((entry) => {
    const comments = (entry.comments ?? []).map((one) => comment(one, inner));
    return `${comments.join("")}${margin}${entry.key}:${printValue(entry, inner)},\n`;
  });
  return `{\n${lines.join("")}${" ".repeat(indent)}}`;
}

/** What follows the colon: a text that is too long for the line begins in the next one. */
function printValue({ key, value }: Entry, indent: number): string {
  const column = indent + key.length + 2;
  const printed = print(value, indent, column, 1);
  const isLong = typeof value !== "string" && value.kind === "text" && column + printed.length + 1 > width;
  return isLong ? `\n${" ".repeat(indent + step)}${printed}` : ` ${printed}`;
}

function printCall(
  name: string,
  given: readonly Code[],
  indent: number,
  column: number,
  after: number,
): string {
  const last = given.at(-1);
  const others = flatAll(given.slice(0, -1));
  const isHugged =
    typeof last === "object" && (last.kind === "list" || last.kind === "record") && others !== undefined;
  if (isHugged) {
    const head = `${name}(${others.map((one) => `${one}, `).join("")}`;
    if (column + head.length + 1 <= width)
      return `${head}${print(last, indent, column + head.length, after + 1)})`;
  }
  return broken(`${name}(`, given, ")", indent);
}

/** Lines of a comment, each with its end. */
export function comment(line: string, indent: number): string {
  const margin = `${" ".repeat(indent)}// `;
  const lines: string[] = [];
  // What a line's end would begin is code no more.
  for (const word of line.split(/\s+/)) {
    const current = lines.at(-1);
    if (current === undefined || margin.length + current.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${current} ${word}`;
  }
  return lines.map((one) => `${margin}${one}\n`).join("");
}
