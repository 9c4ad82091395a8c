// `herd top` on a terminal and elsewhere, over a whole system.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { children } from "../support/processes.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";
import { Terminal, type TerminalOptions, uncoloured } from "../support/terminal.js";

const client = [process.execPath, join(project.dist, "herd.cjs")] as const;

const config = configuration([
  `service(["busy"], { start: ${shell("while :; do :; done")}, stop: makeKillDestructor() })`,
  `service(["chatty"], { start: ${shell("echo hello; echo 'a\\033[31mb'; exec sleep 1000000", '{ logFile: "{directory}/chatty.log" }')}, stop: makeKillDestructor() })`,
  sleeper("db"),
  sleeper("web", 'requirement: ["db"]'),
  `service(["bad"], { autoStart: false, start: () => { throw new Error("no port"); } })`,
]);

const ENTERED = "␛[?1049h";
const LEFT = /␛\[\?7h␛\[\?25h␛\[\?1049l/;

function top(
  context: TestContext,
  system: System,
  args: readonly string[] = [],
  options: TerminalOptions = {},
): Terminal {
  const terminal = new Terminal([...client, "-s", system.socket, "top", "--interval=0.2", ...args], {
    columns: 100,
    ...options,
  });
  context.after(() => terminal.close());
  return terminal;
}

async function boot(context: TestContext): Promise<System> {
  const system = await bootSystem(context, { config });
  for (const name of ["busy", "chatty", "web"]) await system.untilStatus(name, "running");
  return system;
}

/** The last whole screen, as lines. */
function screen(terminal: Terminal): readonly string[] {
  const last = terminal.text.split("␛[H").at(-1) ?? "";
  return uncoloured(last).split(/\r+\n/);
}

test("a live table: what runs, keys that start, stop and restart, and the terminal as it was", async (context) => {
  const system = await boot(context);
  const terminal = top(context, system);
  // What it uses is only known to somebody who sees the same processes, or of a cgroup; the supervisor tells its own.
  await terminal.until(/root +␛\[1;32mrunning *␛\[0m[^\r]* \d+\.\d +\d+(?:\.\d)? MiB +\d+s +0/);
  assert.ok(terminal.text.includes(ENTERED));
  // The first is selected, whoever that is, until somebody chooses.
  await terminal.until(/> ␛\[0mroot/);
  terminal.type("Ngj");
  await terminal.until(/> ␛\[0mbusy/);
  terminal.type("/web\r");
  await terminal.until(/> ␛\[0mweb/);
  const before = await system.untilProcess("web");
  terminal.type("r");
  await terminal.until(/Restart web, and what requires it, for a moment\? \(y\/n\)/);
  terminal.type("y");
  await terminal.until(/restart web: done/);
  await system.untilProcess("web", before);
  terminal.type("x");
  await terminal.until(/Stop web, and what requires it\? \(y\/n\)/);
  terminal.type("y");
  await terminal.until(/stop web: done/);
  await system.untilStatus("web", "stopped");
  terminal.type("s");
  await terminal.until(/start web: done/);
  await system.untilStatus("web", "running");
  // What fails says why.
  terminal.type("/\x15bad\r");
  await terminal.until(/> ␛\[0mbad/);
  terminal.type("s");
  await terminal.until(/exception caught while executing 'start' on service 'bad'/);
  terminal.type("q");
  assert.equal(await terminal.ended, 0);
  assert.match(terminal.text, LEFT);
  assert.match(terminal.text, /␛\[\?1049las before\r\n$/);
});

test("what a service wrote, harmless; help; another size", async (context) => {
  const system = await boot(context);
  const terminal = top(context, system, ["--by=name"]);
  const device = await terminal.device();
  await terminal.until(/> ␛\[0mbad/);
  terminal.type("/chat\rl");
  await terminal.until(/what chatty wrote/);
  await terminal.until(/hello␛\[K\r+\n[^\r]*a\\x1b\[31mb/);
  terminal.type("l?");
  await terminal.until(/shows? only services with a text in their names/);
  terminal.type(" ");
  const mark = terminal.text.length;
  assert.equal(spawnSync("stty", ["-F", device, "rows", "6", "cols", "40"]).status, 0);
  await terminal.until(/CPU % +MEMORY␛\[0m/, mark);
  await terminal.until(/␛\[H/, mark);
  const lines = screen(terminal);
  assert.ok(lines.length <= 6, lines.join("\n"));
  for (const line of lines) assert.ok([...line].length <= 40, line);
  terminal.type("\x03");
  assert.equal(await terminal.ended, 0);
});

test("a signal, and a stop and its end, find the terminal as it was", async (context) => {
  const system = await boot(context);
  for (const [signal, status] of [
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGINT", 130],
  ] as const) {
    const terminal = top(context, system);
    const pid = await looker(terminal);
    process.kill(pid, signal);
    assert.equal(await terminal.ended, status, signal);
    assert.match(terminal.text, /␛\[\?1049l[\s\S]*as before\r\n$/, signal);
  }
  const terminal = top(context, system);
  const pid = await looker(terminal);
  process.kill(pid, "SIGTSTP");
  await terminal.until(LEFT);
  const mark = terminal.text.length;
  process.kill(pid, "SIGCONT");
  await terminal.until(/␛\[\?1049h[\s\S]*SERVICE/, mark);
  terminal.type("q");
  assert.equal(await terminal.ended, 0);
});

/** The number of the process that looks, once it draws. */
async function looker(terminal: Terminal): Promise<number> {
  const device = await terminal.device();
  await terminal.until(/SERVICE/);
  // script -> the shell on the terminal -> the client, perhaps with shells between.
  let [pid] = children(terminal.pid);
  for (let next = pid; next !== undefined; [next] = children(next)) pid = next;
  assert.ok(pid !== undefined);
  assert.equal(readlinkSync(`/proc/${pid}/fd/0`), device);
  return pid;
}

test("it goes on while the supervisor is killed", async (context) => {
  const system = await boot(context);
  const terminal = top(context, system);
  await terminal.until(/SERVICE/);
  const daemon = system.daemon();
  assert.ok(daemon !== undefined);
  process.kill(daemon, "SIGKILL");
  await system.waitFor("another supervisor", () => ![undefined, daemon].includes(system.daemon()));
  await system.untilStatus("web", "running");
  const mark = terminal.text.length;
  await terminal.until(/herd top - [^\r]*5 running/, mark);
  terminal.type("q");
  assert.equal(await terminal.ended, 0);
});

test("elsewhere it is one table, or as many as are asked for, and never drives a terminal", async (context) => {
  const system = await boot(context);
  const once = await system.ok("top");
  assert.match(once, /^SERVICE +STATE +PID +CPU % +MEMORY +UPTIME +RESTARTS\n/);
  assert.match(once, /\nbad +stopped +- +- +- +- +0\n/);
  assert.match(once, /\nroot +running +\d+ +\d+\.\d +\d+(?:\.\d)? MiB +\d+s +0\n/);
  assert.ok(!once.includes("\x1b"));
  const two = await system.ok("top", "-n", "2", "--interval=0.2", "--by", "name", "db", "web");
  assert.match(two, /^(SERVICE.*\ndb .*\nweb .*\n)\n(SERVICE.*\ndb .*\nweb .*\n)$/);
  const { services } = JSON.parse(await system.ok("top", "--json", "web")) as {
    readonly services: readonly { readonly name: string; readonly state: string }[];
  };
  assert.deepEqual(
    services.map(({ name, state }) => [name, state]),
    [["web", "running"]],
  );
  const terminal = top(context, system, ["--once"], { env: { NO_COLOR: "1" } });
  assert.equal(await terminal.ended, 0);
  assert.match(terminal.text, /SERVICE +STATE[^␛]*as before\r\n$/);
  const missing = await system.herd("top", "nosuch");
  assert.deepEqual(
    [missing.status, missing.stderr],
    [1, "herd: error: service 'nosuch' could not be found\n"],
  );
  const sort = await system.herd("top", "--by=size");
  assert.equal(sort.status, 1);
  assert.match(
    sort.stderr,
    /top: --by: expected one of name, state, pid, cpu, memory, uptime, restarts, got "size"/,
  );
  for (const wrong of [["--interval=0"], ["--interval=x"], ["-n", "0"]])
    assert.equal((await system.herd("top", ...wrong)).status, 1, wrong.join(" "));
});

test("who sees the same processes has what they use by their numbers", async (context) => {
  const system = await boot(context);
  const daemon = system.daemon();
  assert.ok(daemon !== undefined);
  const inside = ["--target", String(daemon), "--pid", "--mount", ...client, "-s", system.socket];
  const { stdout, stderr } = await run("nsenter", [...inside, "top", "busy", "db"]);
  assert.match(stdout, /\nbusy +running +\d+ +\d+\.\d +\d+(?:\.\d)? [KM]iB +\d+s +0\n/, stderr);
  const [, busy] = /\nbusy +running +\d+ +(\d+\.\d)/.exec(stdout) ?? [];
  assert.ok(Number(busy) > 1, stdout);
});
