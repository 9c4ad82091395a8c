// The command line of `shepherd system`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { UsageError } from "../../src/cli/gnu-options.js";
import { commandNames, type Invocation, parseSystemLine } from "../../src/system-command/options.js";
import { project } from "../support/project.js";

async function invocation(...args: readonly string[]): Promise<Invocation> {
  const parsed = await parseSystemLine(args);
  assert.equal(parsed.kind, "run");
  return (parsed as { readonly invocation: Invocation }).invocation;
}

async function printed(...args: readonly string[]): Promise<string> {
  const parsed = await parseSystemLine(args);
  assert.equal(parsed.kind, "print");
  return (parsed as { readonly text: string }).text;
}

async function mistake(...args: readonly string[]): Promise<string> {
  const error: unknown = await parseSystemLine(args).catch((reason: unknown) => reason);
  assert.ok(error instanceof UsageError, `expected a UsageError, got ${String(error)}`);
  return error.message;
}

it("a command has its operands and options, wherever they stand", async () => {
  assert.deepEqual(await invocation("build", "-o", "out", "a.ts"), {
    command: "build",
    operands: ["a.ts"],
    options: { output: "out" },
    daemonArguments: [],
  });
  assert.deepEqual((await invocation("build", "a.ts", "--out=x")).options, { output: "x" });
  const { options } = await invocation("reconfigure", "--dry-run", "a.ts", "-s/x/socket");
  assert.deepEqual(options, { dryRun: true, socket: "/x/socket" });
  assert.deepEqual((await invocation("search", "tor", "relay")).operands, ["tor", "relay"]);
});

it("boot hands the supervisor's options on, spelled out, and a command", async () => {
  const { operands, daemonArguments } = await invocation(
    ...["boot", "-s", "/x/socket", "--log-f", "json", "-S", "a.ts", "--shutdown-timeout=8", "--pid"],
    ...["--", "app", "--socket", "-x"],
  );
  assert.deepEqual(operands, ["a.ts"]);
  assert.deepEqual(daemonArguments, [
    ...["--socket=/x/socket", "--log-format=json", "--silent", "--shutdown-timeout=8", "--pid"],
    ...["--", "app", "--socket", "-x"],
  ]);
});

it("boot finds the supervisor's mistakes, and takes no other configuration", async () => {
  assert.match(
    await mistake("boot", "--log-format=xml", "a.ts"),
    /--log-format: expected text, json or auto/,
  );
  assert.match(await mistake("boot", "--config=x", "a.ts"), /unknown option '--config'/);
  assert.match(await mistake("boot", "a.ts", "--"), /a command must follow '--'/);
});

it("every command explains itself", async () => {
  const general = await printed("--help");
  for (const name of commandNames) {
    assert.match(general, new RegExp(`^  ${name} {2,}\\w`, "m"));
    assert.match(await printed(name, "--help"), new RegExp(`^Usage: shepherd system ${name} \\[OPTION`));
    assert.match(await printed(name, "--usage"), new RegExp(`^shepherd system ${name} `));
    assert.match(await printed(name, "--version"), /^shepherd \(shepherd-ts\) /);
  }
  assert.equal(await printed(), general);
});

it("the manual page and the completions have every command", () => {
  const files = [
    "man/shepherd-system.8",
    ...["shepherd.bash", "shepherd.fish", "_shepherd"].map((name) => `completions/${name}`),
  ];
  for (const file of files) {
    const words = new Set(
      readFileSync(join(project.root, file), "utf8")
        .replaceAll("\\-", "-")
        .match(/[\w-]+/g),
    );
    assert.deepEqual(
      commandNames.filter((name) => !words.has(name)),
      [],
      file,
    );
  }
});

it("mistakes are named, with what may have been meant", async () => {
  assert.equal(await mistake("recofigure", "x"), `unknown command 'recofigure'; did you mean "reconfigure"?`);
  assert.equal(await mistake("frobnicate"), "unknown command 'frobnicate'");
  assert.equal(await mistake("build"), "build: FILE is missing");
  assert.equal(await mistake("build", "a", "b"), "build: unexpected argument 'b'");
  assert.equal(await mistake("describe", "a"), "describe: unexpected argument 'a'");
  assert.equal(await mistake("build", "--dry-run", "a"), "unknown option '--dry-run'");
  assert.match(await mistake("build", "-o"), /Argument required by `-o'/);
});
