// The tutorial, as a new user walks through it: its files, its boot, each of its commands with the output that it shows.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { freePorts } from "../support/ports.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";

const text = readFileSync(join(project.root, "docs", "tutorial.md"), "utf8");

const blocksOf = (language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, block = ""]) => block);

interface Step {
  readonly command: string;
  readonly output: string;
}

/** Each command of the second terminal, with what it prints. */
const steps: readonly Step[] = blocksOf("console").flatMap((block) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const [command = "", ...output] = step.split("\n");
      return { command, output: output.join("\n") };
    }),
);

/** What is other for each reader. */
function general(output: string, directory: string): string {
  return output
    .replaceAll("/home/ada/hello", directory)
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "TIME")
    .replaceAll(/\d\d:\d\d:\d\d \(\d+ seconds? ago\)/g, "TIME")
    .replaceAll(/Main PID: \d+/g, "Main PID: N");
}

it("each command does what the tutorial says", async (t) => {
  assert.ok(steps.length > 15, `${steps.length} commands`);
  const directory = mkdtempSync(join(tmpdir(), "tutorial-"));
  const [port = 0] = await freePorts(1);
  const mine = (given: string): string => given.replaceAll("8080", String(port));
  writeFileSync(join(directory, "web.js"), mine(blocksOf("js")[0] ?? ""));
  writeFileSync(join(directory, "shepherd.ts"), mine(blocksOf("ts")[0] ?? ""));
  mkdirSync(join(directory, "run"), { mode: 0o700 });
  const environment = {
    PATH: `${project.bin}:${process.env.PATH}`,
    SHEPHERD_NODE: process.execPath,
    HOME: directory,
    // A terminal of today.
    LC_ALL: "C.UTF-8",
    SHEPHERD_SOCKET: join(directory, "run", "socket"),
    XDG_CACHE_HOME: join(directory, "cache"),
  };
  const boot = blocksOf("sh").find((block) => block.startsWith("unshare")) ?? "";
  const command = process.getuid?.() === 0 ? boot.replace(" --user --map-root-user", "") : boot;
  const container = spawn("sh", ["-c", `exec ${command}`], {
    cwd: directory,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let log = "";
  container.stdout.setEncoding("utf8").on("data", (piece: string) => {
    log += piece;
  });
  const ended = new Promise<number | null>((resolve) => container.once("close", resolve));
  t.after(() => {
    container.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  const terminal = (line: string) =>
    run("/bin/sh", ["-c", `${line} 2>&1`], { cwd: directory, env: environment });
  await waitFor(
    "everything is up",
    async () => (await terminal("herd status clock")).stdout.includes("It is running"),
    () => log,
  );
  for (const { command: line, output } of steps) {
    const expected = general(output, directory);
    // A log and a respawn are there soon, and not at once.
    const again = /^(?:herd (?:log|status|start web)|curl)/.test(line);
    let got = "";
    const matches = async (): Promise<boolean> => {
      got = general((await terminal(mine(line))).stdout, directory);
      return got === expected;
    };
    if (!(await matches()) && again && !line.startsWith("curl"))
      await waitFor(`${line} says what it should`, matches, () => got).catch(() => undefined);
    assert.equal(got, expected, line);
  }
  assert.equal(await ended, 0, log);
});
