// bin/shepherd: what it runs, and what it says where it cannot.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
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

/** An installation whose keeper prints what it is called with, a word in a line. */
function makeTelling(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const name of ["bin", "dist/native"]) mkdirSync(join(directory, name), { recursive: true });
  copyFileSync(shepherd, join(directory, "bin", "shepherd"));
  writeFileSync(join(directory, "dist", "shepherd.cjs"), "");
  for (const name of ["keeper", "spawn", "logwriter"])
    writeFileSync(join(directory, "dist", "native", name), '#!/bin/sh\nprintf "%s\\n" "$@"\n', {
      mode: 0o755,
    });
  return join(directory, "bin", "shepherd");
}

it("the keeper is told the file of a recorded boot that the daemon uses", async (t) => {
  const telling = makeTelling(t);
  const first = async (env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<string | undefined> => {
    const base = { PATH: process.env.PATH ?? "", HOME: "/home/user" };
    return (await run(telling, args, { env: { ...base, ...env } })).stdout.split("\n")[0];
  };
  assert.equal(await first({}, "--silent"), "--");
  assert.equal(await first({}, "--boot-record=a b"), "--record=a b");
  assert.equal(
    await first({ XDG_STATE_HOME: "/state" }, "--boot-record"),
    "--record=/state/shepherd/boot-record",
  );
  const state = stateDirectory({ HOME: "/home/user", XDG_STATE_HOME: "relative" }, process.getuid?.() ?? 0);
  assert.equal(await first({ XDG_STATE_HOME: "relative" }, "--boot-record"), `--record=${state}/boot-record`);
  assert.equal(await first({}, "--", "true", "--boot-record"), "--");
});

/** Runs a program where cgroups, of version 2 or 1, are what a container sees that has so much memory. */
const limited = `set -eu
mount -t tmpfs tmpfs /sys/fs/cgroup
mkdir -p "$(dirname "/sys/fs/cgroup/$1")"
echo "$2" >"/sys/fs/cgroup/$1"
shift 2
exec "$@"`;
const mayMount = spawnSync("unshare", ["--mount", "true"]).status === 0;

it("the supervisor's heap has half of a small container's memory", {
  skip: !mayMount && "needs leave to mount",
}, async (t) => {
  const telling = makeTelling(t);
  const heap = async (file: string, limit: number | string, options = ""): Promise<string | undefined> => {
    const args = ["--mount", "sh", "-c", limited, "limited", file, String(limit), telling];
    const env = { PATH: process.env.PATH ?? "", NODE_OPTIONS: options };
    const { status, stdout, stderr } = await run("unshare", args, { env });
    assert.deepEqual([status, stderr], [0, ""]);
    return /^--max-old-space-size=(.*)$/m.exec(stdout)?.[1];
  };
  const MiB = 2 ** 20;
  for (const file of ["memory.max", "memory/memory.limit_in_bytes"]) {
    assert.equal(await heap(file, 256 * MiB), "128");
    assert.equal(await heap(file, 48 * MiB), "32");
    // V8 does it itself.
    assert.equal(await heap(file, 512 * MiB), undefined);
  }
  assert.equal(await heap("memory.max", "max"), undefined);
  assert.equal(await heap("memory/memory.limit_in_bytes", "9223372036854771712"), undefined);
  assert.equal(await heap("memory.max", 256 * MiB, "--max-old-space-size=64"), undefined);
  assert.equal(await heap("somewhere/else", 256 * MiB), undefined);
});
