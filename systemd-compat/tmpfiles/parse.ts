// Reads files of tmpfiles.d(5). A line with a mistake is left out; the others count.

import { posix } from "node:path";
import { show } from "../../src/daemon/definition/check.js";
import type { Diagnostics } from "../diagnostics.js";
import { escapeAt } from "../parser/escapes.js";
import { fromBytes, strip, toBytes } from "../parser/text.js";
import { WordError, WordReader } from "../parser/words.js";
import { SpecifierError } from "../specifiers.js";
import { parseAge } from "./age.js";
import { type Expand, UnknownSpecifier } from "./specifiers.js";
import { type Contents, hasContents, type Line, lineTypes, type Mode, type Owner } from "./types.js";

/** What a line may depend on. */
export interface ParseContext {
  readonly expand: Expand;
  /** The numbers of names; undefined where there is nobody by that name. */
  readonly userId: (name: string) => number | undefined;
  readonly groupId: (name: string) => number | undefined;
  /** Whether lines with `!` count. */
  readonly boot: boolean;
  /** Whether a name that nobody has is no mistake: its line is left out all the same. */
  readonly graceful: boolean;
}

/** What is wrong with a line. */
class BadLine extends Error {
  override readonly name = "BadLine";
  readonly severity: "error" | "warning";

  constructor(message: string, severity: "error" | "warning" = "error") {
    super(message);
    this.severity = severity;
  }
}

const ignored = "the line is ignored";

/** More are no line of anybody's. */
const longestLine = 2 ** 20;

/** As the kernel takes them. */
const longestPath = 4095;

/** Adds to the diagnostics; an error there means that a line is not what its author wrote. */
export function parseTmpfiles(
  file: string,
  text: string,
  context: ParseContext,
  diagnostics: Diagnostics,
): readonly Line[] {
  const lines: Line[] = [];
  for (const [index, written] of text.split("\n").entries()) {
    const position = { file, line: index + 1 };
    const content = strip(written);
    if (content === "" || content.startsWith("#")) continue;
    try {
      if (content.length > longestLine) throw new BadLine(`it has more than ${longestLine} characters`);
      const reader = new LineReader(content, context, (what, done) => {
        diagnostics.add(position, "notice", what, done);
      });
      const line = reader.read();
      if (line !== undefined) lines.push({ ...position, ...line });
    } catch (error) {
      if (error instanceof BadLine) diagnostics.add(position, error.severity, error.message, ignored);
      else if (error instanceof WordError || error instanceof UnknownSpecifier)
        diagnostics.add(position, "error", error.message, ignored);
      else if (error instanceof SpecifierError) diagnostics.add(position, "warning", error.message, ignored);
      else throw error;
    }
  }
  return lines;
}

const isGiven = (field: string | undefined): field is string =>
  field !== undefined && field !== "" && field !== "-";

/** Reads one line. */
class LineReader {
  readonly #words: WordReader;
  readonly #context: ParseContext;
  readonly #notice: (what: string, done: string) => void;

  constructor(text: string, context: ParseContext, notice: (what: string, done: string) => void) {
    this.#words = new WordReader(text);
    this.#context = context;
    this.#notice = notice;
  }

  /** Undefined for one that is not for now. */
  read(): Omit<Line, "file" | "line"> | undefined {
    const word = (): string | undefined => this.#words.next({ cEscapes: true });
    const [action = "", path, mode, user, group, age] = [word(), word(), word(), word(), word(), word()];
    const argument = isGiven(this.#words.rest) ? this.#words.rest : undefined;
    if (path === undefined) throw new BadLine("it has no path");
    const { type, modifiers } = parseAction(action);
    if (modifiers.includes("!") && !this.#context.boot) return undefined;
    const line = { type, path: this.#path(path) };
    const owners = {
      user: this.#owner("user", user, this.#context.userId),
      group: this.#owner("group", group, this.#context.groupId),
    };
    const fields = {
      mode: isGiven(mode) ? parseMode(mode) : undefined,
      age: isGiven(age) ? ageOf(age) : undefined,
      ...owners,
      ...this.#argument(line, argument, modifiers),
    };
    const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    return {
      ...line,
      force: modifiers.includes("+") || type === "F",
      mayFail: modifiers.includes("-"),
      replaces: modifiers.includes("="),
      ...present,
    };
  }

  #path(written: string): string {
    const path = this.#context.expand(written);
    if (!path.startsWith("/")) throw new BadLine(`the path ${show(path)} is not absolute`);
    if (Buffer.byteLength(path) > longestPath)
      throw new BadLine(`the path has more than ${longestPath} bytes`);
    if (path.includes("\0")) throw new BadLine("the path has a NUL in it");
    const simple = simplified(path);
    if (simple.split("/").includes("..")) throw new BadLine(`the path ${show(path)} has ".." in it`);
    const [, below] = /^\/var\/run\/(.+)$/.exec(simple) ?? [];
    if (below === undefined) return simple;
    this.#notice("/var/run is an old name of /run", `"/run/${below}" is taken`);
    return `/run/${below}`;
  }

  #owner(
    what: "user" | "group",
    written: string | undefined,
    find: (name: string) => number | undefined,
  ): Owner | undefined {
    if (!isGiven(written)) return undefined;
    const onlyNew = written.startsWith(":");
    const name = onlyNew ? written.slice(1) : written;
    const id = find(name);
    if (id !== undefined) return { id, onlyNew };
    throw new BadLine(`there is no ${what} ${show(name)}`, this.#context.graceful ? "warning" : "error");
  }

  /** The last field, by what lines of the type need. */
  #argument(
    { type, path }: Pick<Line, "type" | "path">,
    written: string | undefined,
    modifiers: string,
  ): Pick<Line, "argument" | "contents"> {
    const isBase64 = modifiers.includes("~");
    if ((isBase64 || modifiers.includes("^")) && !hasContents({ type }))
      throw new BadLine(`lines of type "${type}" take no "~" and no "^"`);
    if (hasContents({ type })) return this.#contents(type, written, modifiers);
    if ("LC".includes(type)) return { argument: this.#source(type, path, written) };
    if ("cb".includes(type)) return { argument: deviceNumber(written) };
    if ("tThHaA".includes(type)) {
      if (written === undefined) throw new BadLine(`lines of type "${type}" need an argument`);
      return { argument: this.#context.expand(written) };
    }
    if (written !== undefined) this.#notice(`lines of type "${type}" take no argument`, "it is ignored");
    return {};
  }

  #contents(type: string, written: string | undefined, modifiers: string): { readonly contents?: Contents } {
    const isBase64 = modifiers.includes("~");
    if (written === undefined) {
      if (type !== "w" && !modifiers.includes("^")) return {};
      throw new BadLine(`lines of type "${type}" need an argument here`);
    }
    if (modifiers.includes("^")) {
      if (!/^[^/\0]{1,255}$/.test(written) || written === "." || written === "..")
        throw new BadLine(`expected the name of a credential, got ${show(written)}`);
      return { contents: { from: "credential", name: written, isBase64 } };
    }
    if (isBase64) {
      const bytes = fromBase64(written);
      if (bytes === undefined) throw new BadLine("the argument is no Base64");
      return { contents: { from: "line", bytes } };
    }
    const expanded = this.#context.expand(unescaped(written));
    return { contents: { from: "line", bytes: Buffer.from(expanded, "latin1") } };
  }

  /** Where a link leads, or what is copied. */
  #source(type: string, path: string, written: string | undefined): string {
    if (written === undefined) return `/usr/share/factory${path}`;
    const text = fromBytes(this.#context.expand(unescaped(written)));
    if (text === undefined || text.includes("\0")) throw new BadLine("the argument is no file name");
    if (type === "L") return text;
    if (!text.startsWith("/")) throw new BadLine(`the source ${show(text)} is not absolute`);
    return simplified(text);
  }
}

function parseAction(action: string): { readonly type: string; readonly modifiers: string } {
  const type = action.charAt(0);
  const modifiers = action.slice(1);
  if (type === "" || !lineTypes.includes(type)) throw new BadLine(`unknown type ${show(action)}`);
  if (!/^[!+=~^-]*$/.test(modifiers) || new Set(modifiers).size < modifiers.length)
    throw new BadLine(`unknown modifiers in ${show(action)}`);
  return { type, modifiers };
}

function parseMode(text: string): Mode {
  const [, marks = "", digits] = /^([~:]*)([0-7]+)$/.exec(text) ?? [];
  const value = digits === undefined ? Number.NaN : Number.parseInt(digits, 8);
  if (!(value <= 0o7777)) throw new BadLine(`invalid mode ${show(text)}`);
  return { value, masked: marks.includes("~"), onlyNew: marks.includes(":") };
}

function ageOf(text: string): NonNullable<Line["age"]> {
  const age = parseAge(text);
  if (age === undefined) throw new BadLine(`invalid age ${show(text)}`);
  return age;
}

function deviceNumber(written: string | undefined): string {
  if (written === undefined) throw new BadLine("a device needs its numbers");
  const [, major, minor] = /^(\d{1,4}):(\d{1,7})$/.exec(written) ?? [];
  if (major === undefined || Number(major) >= 2 ** 12 || Number(minor) >= 2 ** 20)
    throw new BadLine(`expected numbers MAJOR:MINOR, got ${show(written)}`);
  return written;
}

/** Bytes, one character each, with all escape sequences replaced. */
function unescaped(text: string): string {
  const bytes = toBytes(text);
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = bytes.indexOf("\\", at);
    if (next < 0) {
      pieces.push(bytes.slice(at));
      break;
    }
    const sequence = escapeAt(bytes, next + 1);
    if (sequence === undefined) throw new BadLine("an unknown escape sequence in the argument");
    pieces.push(bytes.slice(at, next), sequence.bytes);
    at = next + 1 + sequence.length;
  }
  return pieces.join("");
}

/** Undefined where it is none; Node itself passes over what it does not know. */
export function fromBase64(text: string): Buffer | undefined {
  const plain = text.replace(/[ \t\r\n]/g, "");
  const isBase64 = plain.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(plain);
  return isBase64 ? Buffer.from(plain, "base64") : undefined;
}

/** Without doubled slashes, `.` and a slash at the end. */
function simplified(path: string): string {
  const parts = path.split(posix.sep).filter((part) => part !== "" && part !== ".");
  return `/${parts.join("/")}`;
}
