// The daemon's command line: GNU's conventions and words, and what each option becomes.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { UsageError } from "../../src/cli/gnu-options.js";
import { parseOptions } from "../../src/daemon/options.js";
import { version } from "../../src/protocol/version.js";

const auto = { logFormat: "auto" } as const;

const lines = [
  { args: [], options: auto },
  { args: ["-c", "f.ts"], options: { ...auto, config: "f.ts" } },
  { args: ["-cf.ts"], options: { ...auto, config: "f.ts" } },
  { args: ["--config", "f.ts"], options: { ...auto, config: "f.ts" } },
  { args: ["--config=f=g.ts"], options: { ...auto, config: "f=g.ts" } },
  { args: ["--conf=f.ts"], options: { ...auto, config: "f.ts" } },
  { args: ["-c", "one", "-c", "two"], options: { ...auto, config: "two" } },
  { args: ["-s", "/run/s", "-l", "/log"], options: { ...auto, socket: "/run/s", logFile: "/log" } },
  { args: ["--logfile=/log", "--insecure"], options: { ...auto, logFile: "/log", insecure: true } },
  { args: ["--pid"], options: { ...auto, pid: true } },
  { args: ["--pid=/run/pid"], options: { ...auto, pid: "/run/pid" } },
  { args: ["-S"], options: { ...auto, silent: true } },
  { args: ["--silent", "--quiet"], options: { ...auto, silent: true } },
  { args: ["--quiet"], options: { ...auto, silent: true } },
  { args: ["-IS"], options: { ...auto, insecure: true, silent: true } },
  { args: ["-SIc/x"], options: { ...auto, insecure: true, silent: true, config: "/x" } },
  { args: ["--syslog"], options: { ...auto, syslog: true } },
  { args: ["--syslog=/run/log"], options: { ...auto, syslog: "/run/log" } },
  { args: ["--log-format=json"], options: { logFormat: "json" } },
  { args: ["--log-format", "text"], options: { logFormat: "text" } },
  { args: ["--boot-record"], options: { ...auto, bootRecord: true } },
  { args: ["--boot-record=/var/boot"], options: { ...auto, bootRecord: "/var/boot" } },
  { args: ["--shutdown-timeout=2.5"], options: { ...auto, shutdownTimeout: 2.5 } },
  { args: ["--hibernate", "60"], options: { ...auto, hibernate: 60 } },
  { args: ["--", "redis-server"], options: { ...auto, command: ["redis-server"] } },
  {
    args: ["-S", "--", "sh", "-c", "--help", "--", ""],
    options: { ...auto, silent: true, command: ["sh", "-c", "--help", "--", ""] },
  },
] as const;

for (const { args, options } of lines) {
  test(`shepherd ${args.join(" ")}`, async () => {
    assert.deepEqual(await parseOptions(args), { kind: "run", options });
  });
}

const hint = "Try '--help'.";
const mistakes = [
  { args: ["--bogus"], message: "unknown option '--bogus'", hint },
  { args: ["--bogus=x"], message: "unknown option '--bogus'", hint },
  { args: ["-x"], message: "unknown option '-x'" },
  { args: ["-Sx"], message: "unknown option '-x'" },
  { args: ["--s"], message: "option '--s' is ambiguous", hint },
  { args: ["--silent=yes"], message: "option '--silent' takes no value", hint },
  { args: ["--rescue"], message: "unknown option '--rescue'", hint },
  { args: ["stray"], message: "unexpected argument 'stray'", hint },
  { args: ["--pid", "/run/pid"], message: "unexpected argument '/run/pid'", hint },
  { args: ["--syslog", "x"], message: "unexpected argument 'x'", hint },
  { args: ["-c"], message: "Argument required by `-c'." },
  { args: ["--config"], message: "Argument required by `--config'." },
  { args: ["-c", "--", "sh"], message: "Argument required by `-c'." },
  { args: ["--config="], message: "--config: expected the name of a file, got ''" },
  { args: ["--pid="], message: "--pid: expected the name of a file, got ''" },
  { args: ["--log-format=xml"], message: "--log-format: expected text, json or auto, got 'xml'" },
  ...["0", "-1", "", "5s", "NaN", "1e300", "Infinity", "0x10", "2147484"].map((value) => ({
    args: [`--shutdown-timeout=${value}`],
    message: `--shutdown-timeout: expected a number of seconds above 0, up to 2147483, got '${value}'`,
  })),
  { args: ["--"], message: "a command must follow '--'" },
  { args: ["-S", "--"], message: "a command must follow '--'" },
] as const satisfies readonly {
  readonly args: readonly string[];
  readonly message: string;
  readonly hint?: string;
}[];

for (const mistake of mistakes) {
  test(`shepherd ${mistake.args.join(" ")} is refused`, async () => {
    await assert.rejects(parseOptions(mistake.args), (error: unknown) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.equal(error.message, mistake.message);
      if ("hint" in mistake) assert.equal(error.hint, mistake.hint);
      return true;
    });
  });
}

test("--help names every option, --version the version, --usage fits on one line", async () => {
  const print = async (...args: string[]): Promise<string> => {
    const parsed = await parseOptions(args);
    assert.ok(parsed.kind === "print");
    return parsed.text;
  };
  const help = await print("--help");
  const names =
    "config socket logfile pid insecure silent quiet syslog log-format shutdown-timeout boot-record hibernate help usage version";
  const usage = await print("--usage");
  for (const name of names.split(" ")) {
    assert.match(help, new RegExp(`^ .*--${name}\\b.* {2}\\S`, "m"));
    assert.ok(usage.includes(`[--${name}`), `${name} in: ${usage}`);
  }
  assert.match(usage, /^shepherd .*\[-- COMMAND \[ARG\.\.\.\]\]\n$/);
  assert.equal(await print("--version"), `shepherd (shepherd-ts) ${version}\n`);
  assert.equal(await print("-S", "--vers"), `shepherd (shepherd-ts) ${version}\n`);
});

test("commander, which takes longer to load than a service to start, is loaded for --help alone", async () => {
  const script = `
    const { parseOptions } = await import(${JSON.stringify(pathToFileURL(moduleFile).href)});
    const { createRequire } = await import("node:module");
    const loaded = () => Object.keys(createRequire(${JSON.stringify(moduleFile)}).cache).filter((file) => file.includes("/commander/")).length;
    await parseOptions(["-S", "--config=x", "--pid", "--", "sh", "-c", "true"]);
    const before = loaded();
    await parseOptions(["--help"]);
    console.log(JSON.stringify([before, loaded() > 0]));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  assert.deepEqual(JSON.parse(stdout), [0, true]);
});

/** The module under test, for another process. */
const moduleFile = new URL("../../src/daemon/options.js", import.meta.url).pathname;
