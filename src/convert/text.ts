// Texts of a configuration in which there is something that only the running supervisor knows, such as a variable of its
// environment. While a text is read, cut and quoted, each of these is a mark in it.

import { type Code, text } from "./code.js";
import type { Use } from "./program.js";

/** What stands for a mark in the module: code, and what that needs. */
export interface Expression {
  readonly code: string;
  readonly use: Use;
}

/** Of a mark, of which each is a number between two of these: no file of another supervisor can have one. */
const fence = "\0";

/** The expressions that marks stand for. */
export class Marks {
  readonly #expressions: Expression[] = [];
  readonly #uses = new Set<Use>();

  /** What the expressions need that have become code. */
  get uses(): readonly Use[] {
    return [...this.#uses];
  }

  /** A mark that stands for an expression. */
  markOf(expression: Expression): string {
    const known = this.#expressions.findIndex(({ code }) => code === expression.code);
    const index = known < 0 ? this.#expressions.push(expression) - 1 : known;
    return `${fence}${index}${fence}`;
  }

  /** A string where nothing is marked, else an expression or a template. */
  code(marked: string): Code {
    const parts = marked.split(fence);
    if (parts.length === 1) return text(marked);
    const [before, index, after, ...more] = parts;
    const only = before === "" && after === "" && more.length === 0;
    if (only) return this.#expression(index);
    const inside = parts.map((part, at) =>
      at % 2 === 0 ? templatePart(part) : `\${${this.#expression(part)}}`,
    );
    return `\`${inside.join("")}\``;
  }

  #expression(index: string | undefined): string {
    const found = this.#expressions[Number(index)];
    if (found === undefined) return '""';
    this.#uses.add(found.use);
    return found.code;
  }
}

export function hasMarks(text: string): boolean {
  return text.includes(fence);
}

function templatePart(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll("`", "\\`")
    .replaceAll("${", "\\${");
}
