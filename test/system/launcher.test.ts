// bin/shepherd: what it runs, and what it says where it cannot.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { stateDirectory } from "../../src/daemon/configuration/directories.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";

const shepherd = join(project.bin, "shepherd");

it("--version and --help print without a keeper", async () => {
  const version = await run(shepherd, ["--version"]);
  assert.equal(version.status, 0);
  assert.match(version.stdout, /^shepherd .*\d+\.\d+\.\d+/);
  const help = await run(shepherd, ["--help"]);
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--config/);
});

it("'system' hands over to the command about systems, which prints without a keeper too", async () => {
  for (const args of [["--help"], ["boot", "--help"], ["build", "--help"]]) {
    const { status, stdout, stderr } = await run(shepherd, ["system", ...args]);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^Usage: shepherd system /);
  }
  const { status, stderr } = await run(shepherd, ["system", "bot"]);
  assert.equal(status, 1);
  assert.equal(
    stderr,
    "shepherd: error: unknown command 'bot'; did you mean \"boot\"?\nshepherd: hint: Try 'shepherd system --help'.\n",
  );
  const wrong = await run(shepherd, ["system", "boot", "--log-format=xml", "x.ts"]);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /^shepherd: error: --log-format: expected text, json or auto, got 'xml'/);
});

it("it works through symbolic links", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  t.after(() => rmSync(directory, { recursive: true }));
  symlinkSync(shepherd, join(directory, "real"));
  symlinkSync("real", join(directory, "shepherd"));
  const { status, stdout } = await run("shepherd", ["--version"], {
    env: { PATH: `${directory}:${process.env.PATH}` },
  });
  assert.equal(status, 0);
  assert.match(stdout, /^shepherd /);
});

it("the clients' scripts work by whatever name they are called", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const program of ["herd", "halt", "poweroff", "reboot", "shutdown"]) {
    symlinkSync(join(project.bin, program), join(directory, "real"));
    symlinkSync("real", join(directory, program));
    const outcomes = await Promise.all([
      run(join(directory, program), ["--version"]),
      run("sh", [program, "--version"], { cwd: directory }),
    ]);
    for (const { status, stdout, stderr } of outcomes)
      assert.deepEqual([status, stdout.split(" ")[0], stderr], [0, program, ""]);
    rmSync(join(directory, "real"));
  }
});

it("a native part that is not built is named, with what to do", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const name of ["bin", "dist"]) mkdirSync(join(directory, name));
  copyFileSync(shepherd, join(directory, "bin", "shepherd"));
  symlinkSync(join(project.dist, "shepherd.cjs"), join(directory, "dist", "shepherd.cjs"));
  const { status, stderr } = await run(join(directory, "bin", "shepherd"), []);
  assert.equal(status, 1);
  assert.equal(
    stderr,
    `shepherd: error: cannot execute '${directory}/dist/native/keeper': the native part is not built; run 'npm run build', or 'npm rebuild shepherd-ts' where it is installed\n`,
  );
});

it("a Node that is not there is named", async () => {
  const { status, stderr } = await run(shepherd, [], {
    env: { ...process.env, SHEPHERD_NODE: "/nonexistent/node" },
  });
  assert.equal(status, 1);
  assert.match(stderr, /^shepherd: error: cannot run '\/nonexistent\/node'/);
});

it("an unknown option is an error with a hint, in one line each", async () => {
  const unshare = ["--pid", "--fork", "--mount-proc", "--kill-child", "--"];
  const { status, stderr, stdout } = await run("unshare", [...unshare, shepherd, "--bogus"]);
  assert.equal(status, 1);
  assert.match(stdout + stderr, /shepherd: error: unknown option '--bogus'/);
});

it("the keeper is told the file of a recorded boot that the daemon uses", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const name of ["bin", "dist/native"]) mkdirSync(join(directory, name), { recursive: true });
  copyFileSync(shepherd, join(directory, "bin", "shepherd"));
  writeFileSync(join(directory, "dist", "shepherd.cjs"), "");
  for (const name of ["keeper", "spawn", "logwriter"])
    writeFileSync(join(directory, "dist", "native", name), '#!/bin/sh\nprintf "%s\\n" "$1"\n', {
      mode: 0o755,
    });
  const first = async (env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<string> => {
    const base = { PATH: process.env.PATH ?? "", HOME: "/home/user" };
    return (await run(join(directory, "bin", "shepherd"), args, { env: { ...base, ...env } })).stdout;
  };
  assert.equal(await first({}, "--silent"), "--\n");
  assert.equal(await first({}, "--boot-record=a b"), "--record=a b\n");
  assert.equal(
    await first({ XDG_STATE_HOME: "/state" }, "--boot-record"),
    "--record=/state/shepherd/boot-record\n",
  );
  const state = stateDirectory({ HOME: "/home/user", XDG_STATE_HOME: "relative" }, process.getuid?.() ?? 0);
  assert.equal(
    await first({ XDG_STATE_HOME: "relative" }, "--boot-record"),
    `--record=${state}/boot-record\n`,
  );
  assert.equal(await first({}, "--", "true", "--boot-record"), "--\n");
});
