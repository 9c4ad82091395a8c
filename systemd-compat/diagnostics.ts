// What is wrong with a unit, where, and what was done about it: said once, kept in order, bounded in number.

/** A place in a unit file. */
export interface Position {
  readonly file: string;
  /** From 1; 0 means the file as a whole. */
  readonly line: number;
}

/**
 * `notice`: it works, but is written in a way that will not last. `warning`: something is ignored. `error`: the unit is
 * refused, since without what is wrong it would not be what its author wrote.
 */
export type Severity = "notice" | "warning" | "error";

export interface Diagnostic extends Position {
  readonly severity: Severity;
  /** Such as `no "=" in "foo"`. */
  readonly what: string;
  /** Such as `the line is ignored`. */
  readonly done: string;
}

/** What is done about whatever makes a unit unusable. */
export const refused = "the unit is refused";

/** `FILE:LINE: WHAT, DONE`, on one line whatever the file's name holds. */
export function formatDiagnostic({ file, line, what, done }: Diagnostic): string {
  const place = line === 0 ? file : `${file}:${line}`;
  return `${printable(place)}: ${printable(what)}, ${printable(done)}`;
}

/** On one line, without control characters, which a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    return `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`;
  });
}

/** More from one unit help nobody. */
const most = 200;

/** Collects what is found while a unit is read. */
export class Diagnostics {
  readonly #found: Diagnostic[] = [];
  #omitted = 0;
  #refused = false;

  /** Whether any of what was found makes the unit unusable. */
  get refused(): boolean {
    return this.#refused;
  }

  /** In the order of their discovery; the last says how many others there were. */
  get list(): readonly Diagnostic[] {
    if (this.#omitted === 0) return [...this.#found];
    const { file, line } = this.#found.at(-1) ?? { file: "", line: 0 };
    const what = `${this.#omitted} more of these`;
    return [...this.#found, { file, line, severity: "warning", what, done: "not shown" }];
  }

  add({ file, line }: Position, severity: Severity, what: string, done: string): void {
    if (severity === "error") this.#refused = true;
    // Why a unit is refused is never what is left out.
    if (this.#found.length >= most && severity !== "error") this.#omitted += 1;
    else if (this.#found.length >= 2 * most) this.#omitted += 1;
    else this.#found.push({ file, line, severity, what, done });
  }

  addAll(list: readonly Diagnostic[]): void {
    for (const one of list) this.add(one, one.severity, one.what, one.done);
  }
}
