// The syntax of unit files: sections and assignments, each with its place. What a directive means is not known here.

import { show } from "../../src/daemon/definition/check.js";
import { Diagnostics, type Position, refused } from "../diagnostics.js";
import { fromBytes, strip, stripStart } from "./text.js";

/** `NAME=VALUE` in a section, as it is written: with escapes, quotes and specifiers, without blanks at the ends. */
export interface Assignment extends Position {
  readonly section: string;
  readonly name: string;
  /** Empty where nothing follows the equals sign, which resets a list. */
  readonly value: string;
  /** The last of its lines, where some continue. */
  readonly lastLine: number;
}

/** What a file says, in its order. */
export interface UnitFile {
  readonly file: string;
  readonly assignments: readonly Assignment[];
  readonly diagnostics: Diagnostics;
}

/** Bytes of a line, continued or not, and so of a value: systemd's own bound. */
const longestLine = 2 ** 20;

/** Where a line ends: a line feed, a carriage return, or one of each. */
const lineEnd = /\r\n|\n\r|\n|\r/;

/**
 * Reads a unit file. Lines begin with `#` or `;` if they are comments, also between lines that are continued; a backslash at
 * the end of a line continues it with a space. Sections and names that begin with `X-` are for others and left out.
 *
 * What systemd ignores is ignored, with a diagnostic. What makes it refuse the file does so here too: a section header that
 * is none, a line beyond 1 MiB, and invalid UTF-8. So do a NUL, at which systemd breaks the line in two, and `.include`,
 * which it passes over: without what is meant there the unit would not be the one that was written.
 *
 * @param file its name, for diagnostics
 * @param sections those that this type of unit has
 */
export function parseUnitFile(file: string, contents: Uint8Array, sections: readonly string[]): UnitFile {
  return new UnitFileParser(file, sections).parse(Buffer.from(contents).toString("latin1"));
}

class UnitFileParser {
  readonly #file: string;
  readonly #sections: readonly string[];
  readonly #diagnostics = new Diagnostics();
  readonly #assignments: Assignment[] = [];
  /** `undefined` before the first header; `null` in a section that is passed over. */
  #section: string | null | undefined;
  /** The line that is being read, and where it began. */
  #line = 0;
  #first = 0;

  constructor(file: string, sections: readonly string[]) {
    this.#file = file;
    this.#sections = sections;
  }

  parse(bytes: string): UnitFile {
    const nul = bytes.indexOf("\0");
    if (nul >= 0) {
      this.#line = bytes.slice(0, nul).split(lineEnd).length;
      this.#first = this.#line;
      this.#refuse("a NUL byte");
    } else {
      this.#parseLines(bytes.startsWith("\xef\xbb\xbf") ? bytes.slice(3) : bytes);
    }
    return { file: this.#file, assignments: this.#assignments, diagnostics: this.#diagnostics };
  }

  #parseLines(bytes: string): void {
    // Pieces of a line that is continued; none between lines.
    let pieces: string[] = [];
    let length = 0;
    for (const text of bytes.split(lineEnd)) {
      this.#line += 1;
      if (/^[ \t]*[#;]/.test(text)) continue;
      if (pieces.length === 0) {
        this.#first = this.#line;
        length = 0;
      }
      length += text.length;
      if (length >= longestLine) {
        this.#refuse(`a line of ${longestLine} bytes or more`);
        return;
      }
      const continues = isContinued(text);
      pieces.push(continues ? `${text.slice(0, -1)} ` : text);
      if (continues) continue;
      if (!this.#parseLine(pieces.join(""))) return;
      pieces = [];
    }
    // The last line asks to be continued, and is complete nevertheless.
    this.#parseLine(pieces.join(""));
  }

  /** False where the file cannot be used. */
  #parseLine(bytes: string): boolean {
    const stripped = strip(bytes);
    if (stripped === "") return true;
    const text = fromBytes(stripped);
    if (text === undefined) return this.#stop("text that is not UTF-8");
    if (text.startsWith("[")) return this.#header(text);
    if (/^\.include(?:[ \t]|$)/.test(text)) return this.#stop("`.include`, which no longer exists");
    if (this.#section === null) return true;
    if (this.#section === undefined) {
      this.#ignore(`an assignment outside of any section: ${show(text)}`);
      return true;
    }
    this.#assignment(this.#section, text);
    return true;
  }

  #header(text: string): boolean {
    if (!text.endsWith("]"))
      return this.#stop(`expected a section header such as "[Unit]", got ${show(text)}`);
    const name = text.slice(1, -1);
    this.#section = this.#sections.includes(name) ? name : null;
    if (this.#section === null && !name.startsWith("X-")) {
      const known = this.#sections.map((section) => `[${section}]`).join(", ");
      const what = `unknown section [${name.slice(0, 80)}], expected one of ${known}`;
      this.#warn(what, "it is ignored with all that is in it");
    }
    return true;
  }

  #assignment(section: string, text: string): void {
    const equals = text.indexOf("=");
    const name = strip(text.slice(0, Math.max(equals, 0)));
    if (name.startsWith("X-")) return;
    if (name === "") {
      this.#ignore(equals < 0 ? `no "=" in ${show(text)}` : `no name before "=" in ${show(text)}`);
      return;
    }
    this.#assignments.push({
      file: this.#file,
      line: this.#first,
      lastLine: this.#line,
      section,
      name,
      value: stripStart(text.slice(equals + 1)),
    });
  }

  #ignore(what: string): void {
    this.#warn(what, "the line is ignored");
  }

  #warn(what: string, done: string): void {
    this.#diagnostics.add({ file: this.#file, line: this.#first }, "warning", what, done);
  }

  #stop(what: string): false {
    this.#refuse(what);
    return false;
  }

  #refuse(what: string): void {
    this.#diagnostics.add({ file: this.#file, line: this.#first }, "error", what, refused);
  }
}

/** Whether a line ends with a backslash that no other backslash takes away. */
function isContinued(text: string): boolean {
  let end = text.length;
  while (text.charAt(end - 1) === "\\") end -= 1;
  return (text.length - end) % 2 === 1;
}
