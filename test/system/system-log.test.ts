// The service system-log on the real thing: logger(1), Python and a flood send to its socket, and everything arrives.

import assert from "node:assert/strict";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { module } from "../support/configuration.js";
import { bootSystem, type Scope, type System } from "../support/harness.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";

interface Options {
  readonly rules?: string;
  readonly more?: string;
  readonly socket?: string;
  readonly kernelLog?: string;
  readonly args?: readonly string[];
}

const toMessages = `[{ destination: "{directory}/messages" }]`;

function bootLog(
  t: Scope,
  { rules = toMessages, more = "", socket = "{directory}/log", kernelLog = "false", args = [] }: Options = {},
): Promise<System> {
  return bootSystem(t, {
    config: module(`
      import { systemLogService } from "shepherd-ts";
      export default defineConfig({ services: [
        systemLogService({
          endpoints: [endpoint("${socket}", { style: "datagram" })], kernelLogFile: ${kernelLog},
          rules: ${rules}, ${more}
        }),
      ] });`),
    args,
  });
}

/** The lines of a file, without their stamps. */
function lines(system: System, file = "messages"): string[] {
  const all = system.read(file).split("\n");
  assert.equal(all.pop(), "", `${file} ends with a whole line`);
  return all.map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /, ""));
}

async function logger(system: System, ...args: readonly string[]): Promise<void> {
  const { status, stderr } = await run("logger", ["-u", system.path("log"), ...args]);
  assert.equal(status, 0, stderr);
}

function untilLogged(system: System, line: string, file?: string): Promise<true> {
  return system.waitFor(`"${line}" is logged`, () => lines(system, file).includes(line) || undefined);
}

it("logger(1) and syslog(3) are written, in files by rules, and shown in the status", async (t) => {
  const system = await bootLog(t, {
    rules: `[
      { facility: ["auth", "authpriv"], destination: "{directory}/secure", stop: true },
      { tag: "noise", destination: "history", stop: true },
      { priority: { exactly: "debug" }, destination: "{directory}/debug", stop: true },
      { destination: "{directory}/messages" },
    ]`,
  });
  await system.untilStatus("system-log", "running");
  assert.equal(statSync(system.path("log")).mode & 0o777, 0o666);
  await logger(system, "-t", "web", "hello from logger");
  await logger(system, "-t", "web", "--rfc5424", "hello in RFC 5424");
  await logger(system, "-p", "authpriv.notice", "-t", "sshd", "-i", "a secret");
  await logger(system, "-t", "noise", "not for a file");
  await logger(system, "-p", "user.debug", "-t", "web", "a detail");
  const python = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"<13>Nov 20 21:07:59 python[7]: two\\nlines\\0", sys.argv[1])`;
  assert.equal((await run("python3", ["-c", python, system.path("log")])).status, 0);
  await untilLogged(system, "localhost python[7]: two#012lines");
  assert.deepEqual(lines(system), [
    "localhost web: hello from logger",
    "localhost web: hello in RFC 5424",
    "localhost python[7]: two#012lines",
  ]);
  assert.match(lines(system, "secure").join(), /^localhost sshd\[\d+\]: a secret$/);
  assert.deepEqual(lines(system, "debug"), ["localhost web: a detail"]);

  const status = await system.ok("status", "system-log");
  assert.match(
    status,
    /System log listening on 1 endpoint:\n {4}- .*\/log \("unknown"\)\n {2}Kernel log file: -\n/,
  );
  assert.match(status, /Provides: system-log syslogd\n/);
  assert.match(status, /\d localhost noise: not for a file\n/);
  for (const file of ["secure", "debug", "messages"]) assert.ok(status.includes(system.path(file)), file);
  const { text } = await system.rawRequest(
    `(shepherd-command (version 0) (action status) (service syslogd) (arguments ()) (directory "/"))`,
  );
  assert.match(
    text,
    /\(running \(system-log \(version 0\) \(endpoints \(\(endpoint \(version 0\) \(name "unknown"\)/,
  );
  assert.match(text, /\(bind-attempts 5\)\)\)\) \(kernel-log-file #f\) \(sockets \(\)\)\)\)/);

  // A restart keeps the socket: what is sent meanwhile waits.
  await Promise.all([
    system.ok("restart", "system-log"),
    ...[1, 2, 3].map((number) => logger(system, "-t", "web", `during the restart ${number}`)),
  ]);
  for (const number of [1, 2, 3]) await untilLogged(system, `localhost web: during the restart ${number}`);
  await logger(system, "-t", "web", "the last words");
  await system.ok("stop", "system-log");
  await untilLogged(system, "localhost web: the last words");
  assert.equal(existsSync(system.path("log")), false);
  assert.ok((await system.ok("status", "system-log")).includes(system.path("messages")), "still to be read");
  const history = await system.ok("log", "system-log");
  assert.equal(history.match(/ localhost web: the last words$/gm)?.length, 1, history);
  await system.ok("start", "system-log");
  await logger(system, "-t", "web", "anew");
  await untilLogged(system, "localhost web: anew");
  assert.match(await system.ok("rotate", "root", "system-log"), /messages\.1/);
  assert.deepEqual(lines(system), []);
  assert.ok(lines(system, "messages.1").includes("localhost web: anew"));
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
  assert.equal(existsSync(system.path("log")), false);
});

it("a flood of 100,000 messages arrives, each once, though writer and daemon are killed", async (t) => {
  const system = await bootLog(t, { more: "rateLimit: false" });
  await system.untilStatus("system-log", "running");
  const program = system.path("send-log");
  const source = join(project.root, "test", "native", "logwriter", "send-log.c");
  assert.equal((await run("cc", ["-O1", "-D_GNU_SOURCE", "-o", program, source])).status, 0);
  const half = 50_000;
  let isOver = false;
  const flood = Promise.all(
    ["<13>Nov 20 21:07:59 a: ", "<13>1 - - b - - - "].map((prefix) =>
      run(program, [system.path("log"), prefix, "1", String(half)]),
    ),
  ).finally(() => {
    isOver = true;
  });
  let kills = 0;
  while (!isOver) {
    const pid = system.logWriter();
    if (kills % 3 === 2) await system.killDaemon();
    else if (pid !== undefined) process.kill(pid, "SIGKILL");
    kills += 1;
    const before = system.read("messages").length;
    await system.waitFor("it goes on", () => isOver || system.read("messages").length > before + 200_000);
  }
  for (const { status, stderr } of await flood) assert.equal(status, 0, stderr);
  await system.waitFor("all has arrived", () => lines(system).length >= 2 * half || undefined);
  const numbers = Array.from({ length: half }, (_, index) => String(index + 1));
  for (const tag of ["a", "b"])
    assert.deepEqual(
      lines(system).flatMap((line) => (line.startsWith(`localhost ${tag}: `) ? [line.slice(13)] : [])),
      numbers,
    );
  assert.equal(lines(system).length, 2 * half);
  t.diagnostic(`${kills} kills`);
  assert.ok(kills >= 3);
});

it("the daemon's own log can go there, the kernel's too, and it does not feed on itself", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-own-log-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const socket = join(directory, "log");
  const fifo = join(directory, "kmsg");
  assert.equal((await run("mkfifo", [fifo])).status, 0);
  const kernel = openSync(fifo, "r+"); // so that it has a writer all the time
  t.after(() => closeSync(kernel));
  const system = await bootLog(t, { socket, kernelLog: JSON.stringify(fifo), args: [`--syslog=${socket}`] });
  await system.untilStatus("system-log", "running");
  // The first daemon has found nobody there.
  await system.killDaemon();
  await untilLogged(
    system,
    "localhost shepherd[1]: The supervisor was started anew; services go on as they were.",
  );
  writeSync(kernel, "<4>[    1.000000] the kernel's");
  await system.ok("restart", "system-log");
  await untilLogged(system, "localhost shepherd[1]: Service system-log started.");
  writeSync(kernel, " line\n");
  await untilLogged(system, "localhost linux: [    1.000000] the kernel's line");
  assert.match(await system.ok("status", "system-log"), new RegExp(`Kernel log file: ${fifo}\\n`));
  const { length } = lines(system);
  await logger(system, "-u", socket, "-t", "web", "hello");
  await untilLogged(system, "localhost web: hello");
  assert.ok(lines(system).length <= length + 5, lines(system).join("\n"));
});

it("what is wrong with it is told by name: a kernel log that is not there, a file that is none", async (t) => {
  const system = await bootSystem(t, {
    config: module(`
      import { registerServices, startInTheBackground, systemLogService } from "shepherd-ts";
      const log = (name, file, kernelLogFile) => systemLogService({
        provision: [name], kernelLogFile,
        endpoints: [endpoint("{directory}/" + name, { style: "datagram" })], rules: [{ destination: file }],
      });
      registerServices([
        log("deaf", "{directory}/messages", "{directory}/kmsg"),
        log("broken", "{directory}/config.ts/file", false),
      ]);
      startInTheBackground(["deaf"]);`),
  });
  await system.untilStatus("deaf", "running");
  assert.match(await system.ok("status", "deaf"), /read kernel log .*\/kmsg: No such file or directory/);
  const second = await system.herd("start", "broken");
  assert.match(second.stdout + second.stderr, /service deaf is the system log already/);
  await system.ok("stop", "deaf");
  const broken = await system.herd("start", "broken");
  assert.notEqual(broken.status, 0);
  assert.match(broken.stdout + broken.stderr, /open .*\/config\.ts\/file: Not a directory/);
  await system.waitFor("no socket is left", () => !existsSync(system.path("broken")) || undefined);
});
