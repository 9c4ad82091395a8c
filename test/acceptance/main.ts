// npm run acceptance -- [--root=DIRECTORY] [--init=systemd] [--json] [--verbose] [NAME…]
//
// Runs Debian services from their own units, each as PID 1's only service in a machine of its own, and prints a table.
// DIRECTORY has a Debian system with their packages; default: this machine's. What is not installed there is left out.
// With --init=systemd, PID 1 is the systemd of that system instead, which shows what is to be expected.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { whyNoOwnRoot } from "../support/own-root.js";
import { type AcceptanceCase, cases } from "./cases.js";
import { type LifeReport, live } from "./lifecycle.js";

const { values, positionals } = parseArgs({
  options: {
    root: { type: "string", default: "/" },
    init: { type: "string", default: "ours" },
    json: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

/** Ends what a run has started, last first. */
class Cleanup {
  readonly #ends: (() => Promise<void>)[] = [];

  after(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  async run(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }
}

function isInstalled(root: string, { unit }: AcceptanceCase): boolean {
  const file = unit.replace(/@[^.]+\./, "@.");
  return [unit, file].some((name) =>
    ["lib/systemd/system", "usr/lib/systemd/system", "etc/systemd/system"].some((directory) =>
      existsSync(join(root, directory, name)),
    ),
  );
}

async function run(one: AcceptanceCase): Promise<LifeReport> {
  const cleanup = new Cleanup();
  try {
    return await live(cleanup, values.root, one, values.init === "systemd" ? "systemd" : "ours");
  } catch (error) {
    const troubles = [error instanceof Error ? error.message : String(error)];
    const verdicts = { up: "no", user: "–", reload: "–", respawned: "–", stopped: "–" } as const;
    return { name: one.name, unit: one.unit, type: "", ...verdicts, troubles, output: "" };
  } finally {
    await cleanup.run();
  }
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
const time = (ms: number | undefined): string => (ms === undefined ? "–" : `${(ms / 1000).toFixed(2)}`);
const isFull = ({ up, user, reload, respawned, stopped }: LifeReport): boolean =>
  [up, user, reload, respawned, stopped].every((verdict) => verdict !== "no");

const why = whyNoOwnRoot();
if (why !== false) throw new Error(`no machine can be made here: ${why}`);
const wanted = cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const reports: LifeReport[] = [];
const print = (text: string): void => {
  if (!values.json) process.stdout.write(text);
};
print(
  row([
    "service",
    "unit",
    "Type",
    "up",
    "user",
    "reload",
    "killed: up again",
    "stopped, nothing left",
    "start s",
    "stop s",
  ]),
);
print(row(Array.from({ length: 10 }, () => "---")));
for (const one of wanted.filter((each) => isInstalled(values.root, each))) {
  const report = await run(one);
  reports.push(report);
  const { name, unit, type, up, user, reload, respawned, stopped, start, stop } = report;
  print(row([name, unit, type, up, user, reload, respawned, stopped, time(start), time(stop)]));
  if (report.troubles.length > 0)
    process.stderr.write(
      `${name}: ${report.troubles.join("\n    ")}\n${values.verbose ? report.output : ""}`,
    );
}
if (values.json) process.stdout.write(`${JSON.stringify(reports, undefined, 2)}\n`);
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const starts = reports.flatMap(({ start }) => (start === undefined ? [] : [start]));
print(
  `\n${reports.filter(({ up }) => up === "yes").length} of ${reports.length} up; ${reports.filter(isFull).length} with a full life; median start ${time(median(starts))} s\n`,
);
process.exitCode = reports.every(isFull) ? 0 : 1;
