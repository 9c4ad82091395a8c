// Prints a table of what the owner's documents show and the tests of it, with their results: runs the tests to get it.
//
//   node build/test/seeds/table.js

import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "node:test";
import { arrow } from "./seed.js";

interface Row {
  readonly example: string;
  readonly test: string;
  readonly result: string;
}

interface Reported {
  readonly name: string;
  readonly skip?: string | boolean | undefined;
  readonly details: object;
}

/** Undefined for what only holds other tests. */
function rowOf({ name, skip, details }: Reported, result: string): Row | undefined {
  if (Reflect.get(details, "type") === "suite" || name.endsWith(".js")) return undefined;
  const [example = "", test] = name.split(arrow);
  return {
    example: test === undefined ? "–" : example,
    test: test ?? example,
    result: skip === undefined || skip === false ? result : `skipped: ${skip}`,
  };
}

/** What becomes of the tests of one file: they are told with the file that calls `it`, which is another one. */
async function results(file: string): Promise<readonly Row[]> {
  const rows: (Row | undefined)[] = [];
  for await (const { type, data } of run({ files: [file], timeout: 120_000 })) {
    if (type === "test:pass") rows.push(rowOf(data, "pass"));
    if (type === "test:fail") rows.push(rowOf(data, "FAIL"));
  }
  return rows.filter((row) => row !== undefined);
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

const files = readdirSync(import.meta.dirname)
  .filter((name) => /^\d{3}-.*\.test\.js$/.test(name))
  .sort();
const all: Row[] = [];
for (const file of files) {
  const rows = await results(join(import.meta.dirname, file));
  console.log(
    `\n**test/seeds/${basename(file, ".js")}.ts**\n\n| seed | test | result |\n| --- | --- | --- |`,
  );
  for (const { example, test, result } of rows)
    console.log(`| ${cell(example)} | ${cell(test)} | ${result} |`);
  // A file that cannot be loaded has none.
  if (rows.length === 0) console.log("| – | it could not be run | FAIL |");
  all.push(...(rows.length === 0 ? [{ example: "", test: file, result: "FAIL" }] : rows));
}
const failed = all.filter(({ result }) => result === "FAIL").length;
const skipped = all.filter(({ result }) => result.startsWith("skipped")).length;
console.log(`\n${all.length} tests, ${failed} failed, ${skipped} skipped`);
if (failed > 0) process.exitCode = 1;
