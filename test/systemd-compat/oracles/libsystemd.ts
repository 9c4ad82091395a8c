// Asks the library that Debian's systemd is made of how it understands a text: compiles libsystemd.c once for each test file.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const version = 252;
const source = "test/systemd-compat/oracles/libsystemd.c";

/** Where distributions put the library. */
function libraryFile(): string | undefined {
  const name = `libsystemd-shared-${version}.so`;
  const architectures = existsSync("/usr/lib") ? readdirSync("/usr/lib") : [];
  return ["/usr/lib/systemd", ...architectures.map((one) => `/usr/lib/${one}/systemd`)]
    .map((directory) => join(directory, name))
    .find((file) => existsSync(file));
}

const library = libraryFile();
const hasCompiler = spawnSync("cc", ["--version"]).status === 0;

/** Why it cannot be asked; false if it can. */
export const noLibrary: string | false =
  library === undefined
    ? `there is no library of systemd ${version}`
    : !hasCompiler && "there is no C compiler";

const directory = mkdtempSync(join(tmpdir(), "shepherd-oracle-"));
const program = join(directory, "oracle");
// Here, for the whole file: in a test it would be for that test alone.
after(() => rmSync(directory, { recursive: true, force: true }));
if (noLibrary === false) {
  const { status, stderr } = spawnSync("cc", ["-O1", "-o", program, source, "-ldl"], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** A question, and its arguments. */
export type Question = readonly [name: string, ...words: (string | Uint8Array)[]];

/** The words of an answer, or a negative errno. */
export type Answer = readonly string[] | number;

/** Answers to questions that libsystemd.c knows. */
export function ask(questions: readonly Question[]): Answer[] {
  const input = questions.map(([name, ...words]) => [name, ...words.map(encode)].join(" ")).join("\n");
  const { status, stdout, stderr } = spawnSync(program, [library ?? ""], {
    encoding: "utf8",
    input: `${input}\n`,
    maxBuffer: 2 ** 28,
  });
  const lines = stdout.split("\n").slice(0, -1);
  if (status !== 0 || lines.length !== questions.length)
    throw new Error(`the oracle exited with ${status} after ${lines.length} answers: ${stderr}`);
  return lines.map((line) => {
    const [kind, ...words] = line.split(" ");
    return kind === "error" ? Number(words[0]) : words.map(decode);
  });
}

function encode(text: string | Uint8Array): string {
  const digits = Buffer.from(text as string).toString("hex");
  return digits === "" ? "-" : digits;
}

function decode(word: string): string {
  return word === "-" ? "" : Buffer.from(word, "hex").toString("utf8");
}

/** What extract_first_word is told. */
export const wordFlags = {
  relaxed: 1,
  cEscapes: 2,
  keepUnknownEscapes: 4,
  unescapeSeparators: 8,
  unquote: 32,
  everySeparator: 64,
  keepBackslashes: 128,
} as const;
