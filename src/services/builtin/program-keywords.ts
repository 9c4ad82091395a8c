// The program that a client asks to have run, as `herd spawn transient` and `herd schedule timer` take it: options that
// arrive as keywords beside the command's words. Words are strings and keywords are not, so that a word `#:name` is no option.

import { resolve } from "node:path";
import type { ClientCommand } from "../../daemon/definition/runtime.js";

/** The options, as a client gave them. */
export interface ProgramKeywords {
  /** Of the service to register. */
  readonly name?: string;
  /** Where the program is started: an absolute name. */
  readonly directory?: string;
  /** `NAME=VALUE` each, in addition to what programs get anyway. */
  readonly extraEnvironmentVariables?: readonly string[];
  /** Where its output goes: an absolute name. */
  readonly logFile?: string;
  readonly user?: string;
  readonly group?: string;
}

const texts = {
  name: "name",
  directory: "directory",
  "log-file": "logFile",
  user: "user",
  group: "group",
} as const satisfies Readonly<Record<string, keyof ProgramKeywords>>;
/** Names of files, which are relative to the client's directory. */
const fileKeywords: ReadonlySet<string> = new Set(["directory", "log-file"]);
const environment = "extra-environment-variables";

/**
 * Checks the keywords of a command.
 *
 * @throws Error that names the keyword and what was expected; never with a variable's value, which may be a secret
 */
export function parseProgramKeywords({
  keywords,
  directory,
}: Pick<ClientCommand, "keywords" | "directory">): ProgramKeywords {
  const parsed: Record<string, string | readonly string[]> = {};
  for (const [keyword, value] of keywords) {
    if (keyword === environment) parsed.extraEnvironmentVariables = environmentOf(value);
    else if (!isTextKeyword(keyword)) throw new Error(`unknown keyword '#:${keyword}'`);
    else {
      const text = textOf(keyword, value);
      parsed[texts[keyword]] = fileKeywords.has(keyword) ? resolve(directory, text) : text;
    }
  }
  return parsed;
}

function isTextKeyword(keyword: string): keyword is keyof typeof texts {
  return Object.hasOwn(texts, keyword);
}

function textOf(keyword: string, value: string | readonly string[]): string {
  if (typeof value !== "string" || value === "" || value.includes("\0"))
    throw new Error(`keyword '#:${keyword}': expected a string that is not empty`);
  return value;
}

function environmentOf(value: string | readonly string[]): readonly string[] {
  const expected = `keyword '#:${environment}': expected a list of NAME=VALUE strings`;
  if (typeof value === "string") throw new Error(expected);
  const wrong = value.findIndex((item) => item.indexOf("=") <= 0 || item.includes("\0"));
  if (wrong >= 0) throw new Error(`${expected}; variable ${wrong + 1} is none`);
  return value;
}
