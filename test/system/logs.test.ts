// What services and the daemon print, and where it is found.

import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { it } from "node:test";
import { configuration, shell } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";

const stamp = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;

it("a service's log file has a stamped line for each line of output and error", async (t) => {
  const script = "echo out; echo err >&2; printf 'windows\\r\\n'; printf 'no newline'; exec sleep 1000000";
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { start: ${shell(script, '{ logFile: "{directory}/logs/web.log" }')} })`,
    ]),
  });
  await system.waitForFile("logs/web.log", /(.*\n){3}/);
  await system.ok("stop", "web");
  const text = await system.waitForFile("logs/web.log", /no newline\n/);
  assert.match(text, new RegExp(`^${stamp} out\n${stamp} err\n${stamp} windows\n${stamp} no newline\n$`));
  assert.equal(statSync(system.path("logs/web.log")).mode & 0o777, 0o640);
});

it("a long line is one line", async (t) => {
  const script = "head -c 20000 /dev/zero | tr '\\0' x; echo; exec sleep 1000000";
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { start: ${shell(script, '{ logFile: "{directory}/web.log" }')} })`,
    ]),
  });
  const text = await system.waitForFile("web.log");
  assert.match(text, new RegExp(`^${stamp} x{20000}\n$`));
});

it("without a log file, output goes to the daemon's log under the program's name and pid", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([`service(["web"], { start: ${shell("echo hello; exec sleep 1000000")} })`]),
  });
  const pid = await system.untilProcess("web");
  await system.waitForLog(new RegExp(`^${stamp} sh\\[${pid}\\] hello$`, "m"));
});

it("the daemon's log file has stamped lines and mode 0640", async (t) => {
  const system = await bootSystem(t, { config: configuration(['service(["web"], {})']) });
  await system.waitForLog(/Service web started\./);
  for (const line of system.log().trimEnd().split("\n")) assert.match(line, new RegExp(`^${stamp} `));
  assert.equal(statSync(system.path("shepherd.log")).mode & 0o777, 0o640);
});

it("as PID 1 without a terminal or a log file, standard output has one JSON object per line", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([`service(["web"], { start: ${shell("echo 'say \"hi\"'; exec sleep 1000000")} })`]),
    logFile: false,
  });
  const pid = await system.untilProcess("web");
  await system.waitFor("the service's line arrives", () => system.stdout.includes('"msg":"say \\"hi\\""'));
  await system.stop();
  const records = system.stdout
    .trimEnd()
    .split("\n")
    .map(
      (line) =>
        JSON.parse(line) as { level: number; time: number; msg: string; service?: string; pid?: number },
    );
  for (const { level, time, msg } of records) {
    assert.deepEqual([typeof level, typeof time, typeof msg], ["number", "number", "string"]);
  }
  const line = records.find(({ msg }) => msg === 'say "hi"');
  assert.equal(line?.service, "web");
  assert.equal(line?.pid, pid);
  assert.match(records.at(-1)?.msg ?? "", /Exiting\./);
});

it("--log-format=text makes standard output readable", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([]),
    logFile: false,
    args: ["--log-format=text"],
  });
  await system.stop();
  for (const line of system.stdout.trimEnd().split("\n")) assert.match(line, new RegExp(`^${stamp} `));
});

it("status shows the last messages of a service whose process is dead", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([`service(["brief"], { start: ${shell("echo famous last words; exit 3")} })`]),
  });
  await system.until("brief", "has ended", ({ exits }) => exits.length > 0);
  await system.waitFor("its last words are shown", async () =>
    /Recent messages.*\n.* famous last words\n/.test(await system.ok("status", "brief")),
  );
  assert.match(await system.ok("status", "brief"), /Process exited with code 3\./);
});

it("status shows no more messages than asked for", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([`service(["web"], { start: ${shell("seq 100; exec sleep 1000000")} })`]),
  });
  await system.waitForLog(/\] 100$/m);
  const shown = (await system.ok("status", "web", "-n", "3")).trimEnd().split("\n").slice(-3);
  assert.deepEqual(
    shown.map((line) => line.split(" ").at(-1)),
    ["98", "99", "100"],
  );
});

it("a service that floods its log slows down nobody", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["flood"], { start: ${shell("exec yes a line that is repeated without end", '{ logFile: "{directory}/flood.log" }')} })`,
      `service(["calm"], { start: ${shell("while :; do echo tick; sleep 0.1; done", '{ logFile: "{directory}/calm.log" }')} })`,
    ]),
  });
  await system.waitForFile("calm.log", /(tick\n.*){10}/);
  await system.ok("restart", "calm");
  await system.ok("stop", "flood");
});

it("what a service prints just before its end is in its log", async (t) => {
  const lines = 5000;
  const system = await bootSystem(t, {
    config: configuration([
      `service(["brief"], { start: ${shell(`seq ${lines}`, '{ logFile: "{directory}/brief.log" }')} })`,
    ]),
  });
  await system.until("brief", "has ended", ({ exits }) => exits.length > 0);
  await system.stop();
  const seen = system
    .read("brief.log")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ").at(-1));
  assert.deepEqual(
    seen,
    Array.from({ length: lines }, (_, index) => String(index + 1)),
  );
});

it("herd rotate root begins new log files, of all services or of one", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { start: ${shell("echo one; exec sleep 1000000", '{ logFile: "{directory}/web.log" }')} })`,
      `service(["quiet"], { start: ${shell("exec sleep 1000000", '{ logFile: "{directory}/quiet.log" }')} })`,
    ]),
  });
  await system.waitForFile("web.log");
  await system.untilStatus("quiet", "running");
  await system.ok("rotate", "root", "web", "quiet");
  assert.match(system.read("web.log.1"), new RegExp(`^${stamp} one\n$`));
  assert.equal(system.read("web.log"), "");
  assert.ok(!existsSync(system.path("quiet.log.1")));
  await system.ok("restart", "web");
  await system.waitForFile("web.log");
  await system.ok("rotate", "root");
  assert.match(system.read("web.log.2"), new RegExp(`^${stamp} one\n$`));
  assert.match(system.read("shepherd.log.1"), /Service web started/);
});

it("a service may have any name, also one like the names that the keeper keeps for itself", async (t) => {
  const names = ["daemon", "daemon-x", "slot", "control", "commit"];
  const system = await bootSystem(t, {
    config: configuration(
      names.map((name) => `service(["${name}"], { start: ${shell("echo I am here; exec sleep 1000000")} })`),
    ),
  });
  for (const name of names) {
    await system.untilStatus(name, "running");
    await system.waitFor(`${name} is in the log`, async () =>
      /I am here/.test((await system.herd("log", name)).stdout),
    );
  }
});
