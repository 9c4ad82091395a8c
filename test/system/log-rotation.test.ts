// Log rotation on the real thing: by schedule, by size and by hand, compressed as whoever owns the log, under load and kills.
// LOG_FLOOD_MB=50 floods with as many megabytes instead of a few.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { it } from "node:test";
import { gunzipSync } from "node:zlib";
import { module, shell } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { run } from "../support/run.js";

const user = 12345;
const megabytes = Number(process.env.LOG_FLOOD_MB ?? 3);
/** A flood goes on while things are killed: for about as many twentieths of a second. */
const bursts = 30 + 4 * megabytes;
const stamp = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`;

function configured(services: readonly string[], options: string): string {
  return module(`
import { calendarEvent, logRotationService } from "shepherd-ts";
export default defineConfig({ services: [
  logRotationService(${options}),
  ${services.join(",\n  ")}
] });`);
}

/** @param process more options of its start, each after a comma; `fields` are more of the service's own */
function logging(name: string, script: string, file = name, process = "", fields = ""): string {
  const start = shell(script, `{ logFile: "{directory}/${file}.log"${process} }`);
  return `service(["${name}"], { ${fields} start: ${start} })`;
}

/** The log's files, oldest first, without what is being made. */
function files(log: string): string[] {
  const number = (name: string): number => Number(/\.log\.(\d+)/.exec(name)?.[1] ?? 0);
  return readdirSync(dirname(log))
    .filter((name) => name.startsWith(basename(log)) && !name.endsWith(".compressing"))
    .sort((a, b) => number(b) - number(a))
    .map((name) => `${dirname(log)}/${name}`);
}

/** All that was ever logged, without the stamps. */
function history(log: string): string[] {
  return files(log).flatMap((file) => {
    const bytes = readFileSync(file);
    const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
    assert.ok(text === "" || text.endsWith("\n"), `${file} ends with a whole line`);
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => line.slice(20));
  });
}

/** The last line, while files come and go; undefined where it cannot be told. */
function lastLine(log: string): number | undefined {
  try {
    const line = history(log).at(-1);
    return line === undefined ? undefined : Number(line);
  } catch {
    return undefined; // A file was moved or compressed meanwhile.
  }
}

function pid(system: System, ...words: readonly string[]): number | undefined {
  return system.processes().find(({ command }) => words.every((word) => command.includes(word)))?.pid;
}

function kill(found: number | undefined): boolean {
  try {
    if (found !== undefined) process.kill(found, "SIGKILL");
    return found !== undefined;
  } catch {
    return false; // It has just ended by itself.
  }
}

/** Triggers a run, and waits until one has ended that began after that. */
async function rotated(system: System, log: string, suffix: RegExp): Promise<void> {
  await system.ok("trigger", "log-rotation");
  await system.waitFor(`${log} is rotated`, () =>
    readdirSync(system.directory).some((name) => name.startsWith(`${log}.`) && suffix.test(name)),
  );
}

it("rotates and compresses what is large enough, as the log's owner, and says which files there are", async (t) => {
  const system = await bootSystem(t, {
    config: configured(
      [
        logging("web", "seq 3000; exec sleep 1000000"),
        logging("twin", "echo twin; exec sleep 1000000", "web"),
        logging("small", "echo little; exec sleep 1000000"),
        logging("users", "seq 3000; exec sleep 1000000", "owned/users", `, user: ${user}`),
      ],
      '{ externalLogFiles: ["{directory}/foreign.log", "{directory}/missing.log"] }',
    ),
    directories: { owned: { uid: user, gid: user, name: "nobody at all" } },
  });
  writeFileSync(system.path("foreign.log"), "foreign line\n".repeat(1000), { mode: 0o604 });
  for (const name of ["web", "owned/users"]) await system.waitForFile(`${name}.log`, /3000\n/);
  await system.waitForFile("web.log", /twin\n/);
  assert.deepEqual((await system.ok("files", "log-rotation")).trimEnd().split("\n"), [
    `${system.path("web.log")}\tweb`,
    `${system.path("web.log")}\ttwin`,
    `${system.path("small.log")}\tsmall`,
    `${system.path("owned/users.log")}\tusers`,
    `${system.path("shepherd.log")}\troot`,
    `${system.path("foreign.log")}\t(external)`,
    `${system.path("missing.log")}\t(external)`,
  ]);
  await rotated(system, "foreign.log", /\.gz$/);
  assert.equal(statSync(system.path("owned/users.log.1.gz")).uid, user);
  assert.equal(statSync(system.path("owned/users.log")).uid, user);
  assert.equal(history(system.path("web.log")).length, 3001);
  assert.deepEqual(files(system.path("small.log")), [system.path("small.log")]);
  assert.equal(gunzipSync(readFileSync(system.path("foreign.log.1.gz"))).length, 13_000);
  assert.deepEqual(
    [statSync(system.path("foreign.log")).size, statSync(system.path("foreign.log.1.gz")).mode & 0o777],
    [0, 0o604],
  );
  assert.match(system.log(), new RegExp(`^${stamp} Rotated '${system.path("web.log")}'\\.$`, "m"));
  await system.waitFor("the run has succeeded", async () =>
    /Completed in/.test(await system.ok("status", "log-rotation")),
  );
});

it("tells in the log and in the status when the disk has no room to compress, and loses nothing", async (t) => {
  const script =
    "until [ -e {directory}/go ]; do sleep 0.01; done; head -c 500000 /dev/urandom | base64; exec sleep 1000000";
  const mount = "mkdir {directory}/disk && mount -t tmpfs -o size=1m none {directory}/disk";
  const system = await bootSystem(t, {
    config: configured(
      [
        `service(["disk"], { start: makeSystemConstructor(${JSON.stringify(mount)}) })`,
        logging("web", script, "disk/web", "", 'requirement: ["disk"],'),
      ],
      "{}",
    ),
  });
  await system.untilProcess("web");
  const inside = `/proc/${system.keeper()}/root`;
  const log = inside + system.path("disk/web.log");
  writeFileSync(system.path("go"), "");
  const lines = Math.ceil((Math.ceil(500_000 / 3) * 4) / 76);
  // While it is written its end may be half of a line.
  const logged = (): number => readFileSync(log, "latin1").split("\n").length - 1;
  await system.waitFor("all is logged", () => existsSync(log) && logged() === lines);
  const before = history(log);
  const reason = `compress ${system.path("disk/web.log.1")}: No space left on device`;
  assert.match(await system.ok("trigger", "log-rotation"), /Triggering timer\./);
  await system.waitFor("the reason is in the status of both", async () => {
    const texts = await Promise.all(["log-rotation", "web"].map((name) => system.ok("status", name)));
    return texts.every((text) => text.includes(reason));
  });
  assert.deepEqual(readdirSync(dirname(log)).sort(), ["web.log", "web.log.1"]);
  const grown = [
    "--mount",
    `--target=${system.keeper()}`,
    "mount",
    "-o",
    "remount,size=8m",
    system.path("disk"),
  ];
  assert.equal((await run("nsenter", grown)).status, 0);
  await system.ok("trigger", "log-rotation");
  await system.waitFor("it is compressed", () => existsSync(`${log}.1.gz`) && !existsSync(`${log}.1`));
  assert.deepEqual(history(log), before);
  await system.waitFor(
    "the trouble is over",
    async () => !(await system.ok("status", "web")).includes("Log trouble"),
  );
});

it("rotates a file as soon as it is too large, compresses it then, and keeps so many", async (t) => {
  const system = await bootSystem(t, {
    config: configured(
      [logging("web", "seq -f '%079.0f' 20000; exec sleep 1000000")],
      "{ maxSize: 65536, keep: 3, schedule: calendarEvent({ months: [1], daysOfMonth: [1], hours: [0], minutes: [0] }) }",
    ),
  });
  const log = system.path("web.log");
  await system.waitFor("all is logged", () => lastLine(log) === 20_000);
  await system.waitFor("all that is left is compressed", () => {
    const names = files(log);
    return names.length === 4 && names.slice(0, 3).every((name) => name.endsWith(".gz"));
  });
  const seen = history(log).map(Number);
  assert.deepEqual(
    seen,
    Array.from(seen, (_, index) => 20_000 - seen.length + index + 1),
  );
  for (const file of files(log).slice(0, 3))
    assert.ok(gunzipSync(readFileSync(file)).length < 3 * 65_536, `${file} was rotated in time`);
  await system.ok("stop", "log-rotation");
  await system.ok("restart", "web");
  await system.waitFor("the file grows", () => statSync(log).size > 1_000_000);
});

it("loses, tears and doubles no line of a flood that is rotated while everything is killed", async (t) => {
  const lines = megabytes * 10_000;
  const slice = Math.ceil(lines / bursts);
  // 100 bytes a line.
  const flood = `i=0; while [ $i -lt ${lines} ]; do seq -f '%079.0f' $((i+1)) $((i+${slice})); i=$((i+${slice})); sleep 0.05; done; exec sleep 1000000`;
  const system = await bootSystem(t, {
    config: configured(
      [logging("flood", flood)],
      `{ sizeThreshold: 0, maxSize: ${Math.max(1, megabytes / 10)} * 1024 * 1024, keep: 1000 }`,
    ),
  });
  const log = system.path("flood.log");
  const last = slice * bursts;
  const kills = { daemon: 0, writer: 0, compressor: 0, triggers: 0 };
  const began = Date.now();
  const isOver = (): boolean => lastLine(log) === last;
  const killOne = [
    async () => {
      kills.writer += kill(pid(system, "logwriter")) ? 1 : 0;
    },
    async () => {
      // It comes with the run that was just triggered, and with every file that grows too large.
      const killed = await system.waitFor("there is a compressor, or all is over", () =>
        kill(pid(system, "gzip")) ? "killed" : isOver() && "over",
      );
      kills.compressor += killed === "killed" ? 1 : 0;
    },
    async () => {
      kills.daemon += kill(system.daemon()) ? 1 : 0;
    },
  ];
  for (let round = 0; !isOver(); round += 1) {
    if ((await system.herd("trigger", "log-rotation")).status === 0) kills.triggers += 1;
    await killOne[round % killOne.length]?.();
  }
  const seconds = (Date.now() - began) / 1000;
  await system.untilStatus("log-rotation", "running");
  await system.waitFor("everything is compressed", async () => {
    await system.herd("trigger", "log-rotation");
    return files(log)
      .slice(0, -1)
      .every((file) => file.endsWith(".gz"));
  });
  // The last one that was triggered may still be at it.
  const seen = await system.waitFor("no file is renamed while all are read", () => {
    const before = files(log).join("\n");
    try {
      const lines = history(log);
      return files(log).join("\n") === before && lines;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
      throw error;
    }
  });
  t.diagnostic(
    `${seen.length} lines in ${files(log).length} files after ${seconds} s; kills: ${JSON.stringify(kills)}`,
  );
  assert.equal(seen.length, last);
  seen.forEach((line, index) => {
    assert.equal(Number(line), index + 1);
  });
});
