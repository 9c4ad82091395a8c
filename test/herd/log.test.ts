// `herd log` as a program, against a fake daemon that tells where the lines are.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { tracksOf } from "../../src/herd/log/tracks.js";
import { encodeLogSources, type ServiceSources } from "../../src/protocol/log-sources.js";
import { encodeReply } from "../../src/protocol/messages.js";
import { pair, symbolName } from "../../src/protocol/sexp.js";
import { run } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import { client, type FakeDaemon, fakeDaemon, reply } from "./fake-daemon.js";
import { LogFiles, lines } from "./log-files.js";

const notFound = (name: string) => reply("#f", "", `(error (version 0) service-not-found ${name})`);

/** Answers `log-sources` for the named services, and `log` with one line. */
async function daemon(context: TestContext, services: () => readonly ServiceSources[]): Promise<FakeDaemon> {
  const fake = await fakeDaemon((socket, { action, arguments: names }) => {
    if (symbolName(action) === "log") {
      socket.end(encodeReply({ result: [[pair(1_795_242_600, "remembered")]], messages: ["as a message"] }));
      return;
    }
    const all = services();
    const missing = names.find((name) => !all.some(({ service }) => service === name));
    if (missing !== undefined) socket.end(notFound(String(missing)));
    else {
      const wanted = all.filter(({ service }) => names.length === 0 || names.includes(service));
      socket.end(
        encodeReply({ result: [encodeLogSources({ zone: "UTC", services: wanted })], messages: [] }),
      );
    }
  });
  context.after(() => fake.close());
  return fake;
}

function source(path: string, service: string): ServiceSources {
  const { dev, ino } = statSync(path, { bigint: true });
  return { service, ownAction: false, sources: [{ path, format: "stamped", identity: `${dev}:${ino}` }] };
}

test("lines of one service, and of several", async (context) => {
  const files = new LogFiles(context);
  const other = join(files.directory, "db.log");
  files.append(1, 150);
  writeFileSync(other, lines(2, 2).replace(" 2\n", " two\n"));
  const fake = await daemon(context, () => [source(files.path, "web"), source(other, "db")]);
  const one = await fake.herd("log", "web");
  assert.deepEqual(one, { status: 0, stdout: lines(51, 150), stderr: "" });
  assert.equal((await fake.herd("log", "web", "-n", "1")).stdout, "2026-11-21 00:02:30 150\n");
  assert.equal(
    (await fake.herd("log", "web", "db", "--until", "2026-11-21 00:00:02")).stdout,
    "2026-11-21 00:00:01 web: 1\n2026-11-21 00:00:02 web: 2\n2026-11-21 00:00:02 db: two\n",
  );
  assert.equal((await fake.herd("log", "--grep", "TWO|^7$")).stdout, "2026-11-21 00:00:07 web: 7\n");
  assert.equal(
    (await fake.herd("log", "--grep", "two", "--json")).stdout,
    '{"time":"2026-11-21T00:00:02.000Z","service":"db","line":"two"}\n',
  );
  assert.deepEqual(await fake.herd("log", "web", "--since", "-0s", "--grep", "x"), {
    status: 0,
    stdout: "",
    stderr: "",
  });
  const unknown = await fake.herd("log", "web", "nosuch");
  assert.deepEqual(unknown, {
    status: 1,
    stdout: "",
    stderr: "herd: error: service 'nosuch' could not be found\n",
  });
});

test("on a terminal a line cannot drive the screen; elsewhere it is as it was written", async (context) => {
  const files = new LogFiles(context);
  writeFileSync(files.path, "2026-11-21 00:00:01 a\x1b[2Jb\n");
  const fake = await daemon(context, () => [source(files.path, "web")]);
  assert.equal((await fake.herd("log", "web")).stdout, "2026-11-21 00:00:01 a\x1b[2Jb\n");
  const command = `${process.execPath} ${client} -s ${fake.path} log web`;
  const { stdout } = await run("script", ["-qec", command, "/dev/null"]);
  assert.equal(stdout, "2026-11-21 00:00:01 a\\x1b[2Jb\r\n");
});

test("what cannot be read from here is what the daemon tells, and that is said", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 2);
  const elsewhere = { ...source(files.path, "web") };
  const link = join(files.directory, "loop.log");
  symlinkSync(link, link);
  const fake = await daemon(context, () => [
    { ...elsewhere, sources: [{ path: files.path, format: "stamped", identity: "1:2" }] },
    { service: "loop", ownAction: false, sources: [{ path: link, format: "stamped" }] },
    { service: "mute", ownAction: false, sources: [] },
  ]);
  const other = await fake.herd("log", "web");
  assert.equal(other.status, 0);
  assert.equal(other.stdout, "2026-11-21 06:30:00 remembered\n");
  assert.equal(
    other.stderr,
    `herd: cannot read ${files.path}: shepherd's file of that name cannot be seen from here (are its mounts others?); shown is what shepherd tells\n`,
  );
  const loop = await fake.herd("log", "loop");
  assert.equal(loop.stdout, "2026-11-21 06:30:00 remembered\n");
  assert.match(loop.stderr, /^herd: cannot read \S+: Too many levels of symbolic links; shown is/);
  const mute = await fake.herd("log", "mute", "-f");
  assert.equal(mute.status, 1);
  assert.match(
    mute.stderr,
    /mute has no log file; shown is .*\nherd: error: cannot follow: there is no log file/,
  );
});

test("a service's own action of that name, and a daemon that does not know where its logs are", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 2);
  const own = await daemon(context, () => [{ ...source(files.path, "web"), ownAction: true }]);
  assert.equal((await own.herd("log", "web")).stdout, "as a message\n");
  assert.equal((await own.herd("log", "web", "--since", "@0")).stdout, lines(1, 2));
  const unknown = reply("#f", "", "(error (version 0) action-not-found log-sources root)");
  const old = await fakeDaemon((socket, { action }) =>
    socket.end(symbolName(action) === "log" ? reply("(#t)", '"told"') : unknown),
  );
  context.after(() => old.close());
  assert.deepEqual(await old.herd("log", "web"), { status: 0, stdout: "told\n", stderr: "" });
  const refused = await old.herd("log", "web", "--follow");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^herd: error: this shepherd does not tell where its logs are/);
});

/** Starts `herd log -f` and gives what it prints. */
function follow(fake: FakeDaemon, ...args: readonly string[]) {
  const child = spawn(process.execPath, [client, "-s", fake.path, "log", "-f", ...args]);
  const seen = { stdout: "", stderr: "" };
  child.stdout.on("data", (data) => {
    seen.stdout += String(data);
  });
  child.stderr.on("data", (data) => {
    seen.stderr += String(data);
  });
  const ended = once(child, "close").then(([status]: unknown[]) => status);
  const until = (pattern: RegExp) =>
    waitFor(
      `herd prints ${pattern}`,
      () => pattern.test(seen.stdout + seen.stderr),
      () => JSON.stringify(seen),
    );
  return { child, seen, ended, until };
}

test("following goes on without the daemon, ends well when interrupted", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 20);
  const fake = await daemon(context, () => [source(files.path, "web")]);
  const { child, seen, ended, until } = follow(fake, "web");
  await until(/ 20\n/);
  await fake.close();
  files.append(21, 22);
  files.rotate();
  files.append(23, 24);
  await until(/ 24\n/);
  child.kill("SIGINT");
  assert.equal(await ended, 0);
  assert.deepEqual(seen, { stdout: lines(11, 24), stderr: "" });
});

test("what is no file is passed over: a service's user may have put it there", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 3);
  const fake = await daemon(context, () => [source(files.path, "web")]);
  execFileSync("mkfifo", [`${files.path}.1`, `${files.path}.2.gz`]);
  symlinkSync("/dev/zero", `${files.path}.3`);
  const args = [client, "-s", fake.path, "log", "web", "-n", "1000"];
  const { status, stdout, stderr } = await run(process.execPath, args, { timeout: 10_000 });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: lines(1, 3), stderr: "" });
});

test("a log that cannot be opened is told, and the others are shown", async (context) => {
  const files = new LogFiles(context);
  const other = join(files.directory, "db.log");
  writeFileSync(other, lines(1, 1).replace(" 1\n", " one\n"));
  writeFileSync(files.path, lines(2, 2));
  for (let number = 1; number <= 60; number += 1) writeFileSync(`${files.path}.${number}`, lines(1, 1));
  const fake = await daemon(context, () => [source(other, "db"), source(files.path, "web")]);
  const args = ["-s", fake.path, "log", "db", "web", "-n", "1000"];
  const script = 'ulimit -n 40 && exec "$@"';
  const { status, stdout, stderr } = await run("sh", ["-c", script, "sh", process.execPath, client, ...args]);
  assert.deepEqual(
    { status, stdout, stderr },
    {
      status: 1,
      stdout: "2026-11-21 00:00:01 db: one\n",
      stderr: `herd: error: cannot read ${files.path}: Too many open files\n`,
    },
  );
});

test("thousands of logs in one directory are found at once", async (context) => {
  const { directory } = new LogFiles(context);
  const services = Array.from({ length: 3000 }, (_, index): ServiceSources => {
    const path = join(directory, `service${index}.log`);
    writeFileSync(path, lines(1, 1));
    return source(path, `service${index}`);
  });
  const begin = performance.now();
  assert.equal(tracksOf(services, true).tracks.length, 3000);
  assert.ok(performance.now() - begin < 3000);
});

test("an interrupt ends it, also while it shows what there is already", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 200_000);
  const fake = await daemon(context, () => [source(files.path, "web")]);
  const child = spawn(process.execPath, [client, "-s", fake.path, "log", "-f", "web", "-n", "200000"]);
  const ended = once(child, "close");
  let read = 0;
  for await (const chunk of child.stdout) {
    if (read === 0) child.kill("SIGINT");
    read += chunk.length;
  }
  assert.deepEqual(await ended, [0, null]);
  assert.ok(read < files.size() / 2, `${read} bytes were printed`);
});

test("following ends when nobody reads it, and when its service is unloaded", async (context) => {
  const files = new LogFiles(context);
  files.append(1, 3);
  let services: readonly ServiceSources[] = [source(files.path, "web")];
  const fake = await daemon(context, () => services);
  const deserted = follow(fake, "web");
  await deserted.until(/ 3\n/);
  deserted.child.stdout.destroy();
  appendFileSync(files.path, lines(4, 4));
  assert.equal(await deserted.ended, 0);
  assert.equal(deserted.seen.stderr, "");
  const orphaned = follow(fake, "web", "-n", "1");
  await orphaned.until(/ 4\n/);
  services = [];
  assert.equal(await orphaned.ended, 0, orphaned.seen.stderr);
  assert.match(orphaned.seen.stderr, /^herd: service 'web' is not there any more: its log ends here\n$/);
});
