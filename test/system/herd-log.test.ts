// `herd log` on the real thing: a flood that is followed over rotations, daemons and log writers that die meanwhile.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { configuration, shell } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { project } from "../support/project.js";

const count = 60_000;

function follow(system: System, ...args: readonly string[]) {
  const child = spawn(join(project.bin, "herd"), ["-s", system.socket, "log", "-f", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  return { child, output, ended: once(child, "close").then(([status]: unknown[]) => status) };
}

async function killLogWriter(system: System): Promise<void> {
  const old = await system.waitFor("a log writer lives", () => system.logWriter());
  process.kill(old, "SIGKILL");
  await system.waitFor("another log writer lives", () => {
    const found = system.logWriter();
    return found !== undefined && found !== old;
  });
}

it("herd log -f has each line of a flood once, over rotations and the deaths of daemon and log writer", async (t) => {
  const flood = `echo ready; until [ -e {directory}/go ]; do sleep 0.01; done; seq -f 'line %.0f of a flood' 1 ${count}; exec sleep 1000000`;
  const system = await bootSystem(t, {
    config: configuration([
      `service(["flood"], { start: ${shell(flood, '{ logFile: "{directory}/flood.log" }')} })`,
      `service(["bare"], { start: ${shell("echo bare line; exec sleep 1000000")} })`,
    ]),
  });
  await system.waitForFile("flood.log", /ready/);
  const { child, output, ended } = follow(system, "flood");
  t.after(() => void child.kill("SIGKILL"));
  await system.waitFor("herd follows", () => output.stdout.includes("ready"));
  writeFileSync(system.path("go"), "");
  for (let rotation = 0; rotation < 4; rotation += 1) {
    await system.ok("rotate", "root", "flood");
    if (rotation === 1) await killLogWriter(system);
    if (rotation === 2) await system.killDaemon();
  }
  await system.waitFor("the last line is followed", () => output.stdout.includes(`line ${count} `));
  child.kill("SIGINT");
  assert.equal(await ended, 0);
  const texts = output.stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(20));
  const expected = ["ready", ...Array.from({ length: count }, (_, index) => `line ${index + 1} of a flood`)];
  assert.equal(texts.length, expected.length);
  assert.deepEqual(texts, expected);
  assert.equal(output.stderr, "");

  // What was followed is what there is, in old files too, and for a service that has ended.
  await system.ok("stop", "flood");
  assert.equal(await system.ok("log", "flood", "-n", String(count + 10)), output.stdout);
  assert.ok(existsSync(system.path("flood.log.1")));
  assert.match(await system.ok("log", "bare"), /^\S+ \S+ bare line\n$/);
  const both = await system.ok("log", "flood", "bare", "--grep", "bare|line 7 ", "--json");
  assert.deepEqual(
    both
      .trimEnd()
      .split("\n")
      .map((line) => {
        const { service, line: text } = JSON.parse(line) as { service: string; line: string };
        return `${service}: ${text}`;
      })
      .sort(),
    ["bare: bare line", "flood: line 7 of a flood"],
  );
  assert.match(await system.ok("log", "root", "--grep", "Service flood"), /Service flood .*\n/);
  assert.match(
    await system.ok("log", "--since", "-1h", "--grep", "bare line"),
    /^\S+ \S+ root: .*sh.* bare line$/m,
  );
  const { status, stderr } = await system.herd("log", "nosuch", "-f");
  assert.deepEqual([status, stderr], [1, "herd: error: service 'nosuch' could not be found\n"]);
});
