// The Shepherd's own collection of services together in one system: what herd shows of each, in GNU's layout, what goes over
// the wire, in GNU's expressions, and that GNU's own herd shows the same. SHOW=1 prints what herd shows.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gnuHerd } from "../interop/gnu-client.js";
import { configuration } from "../support/configuration.js";
import { findGnuShepherd } from "../support/gnu-shepherd.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { type Outcome, run } from "../support/run.js";
import { exchange, open } from "../support/wire.js";

const found = await findGnuShepherd();
const isShown = process.env.SHOW === "1";
const names = [
  "system-log",
  "log-rotation",
  "tick",
  "timer",
  "transient",
  "job",
  "repl",
  "repl-client-1",
  "monitoring",
  "web",
] as const;

const helpers = `
import {
  calendarEvent, command, logRotationService, makeTimerConstructor, monitoringService, replService, systemLogService,
  timerService, transientService,
} from "shepherd-ts";
const everySecond = calendarEvent({ seconds: Array.from({ length: 60 }, (_, second) => second) });`;

/** Answers everybody who connects to the socket that it gets with what they say. */
const echoServer = `
const answer = (connection) => connection.once("data", (data) => connection.end(data)).on("error", () => {});
require("node:net").createServer({ allowHalfOpen: true }, answer).listen({ fd: 3 });
`;

const config = configuration(
  [
    `systemLogService({
       endpoints: [endpoint("{directory}/log", { style: "datagram" })], kernelLogFile: false,
       rules: [{ destination: "{directory}/messages" }],
     })`,
    "logRotationService()",
    "timerService()",
    "transientService()",
    "replService()",
    "monitoringService()",
    `service(["tick"], {
       start: makeTimerConstructor(everySecond, command(["/bin/sh", "-c", "echo tick; exit 3"]), { logFile: "{directory}/tick.log" }),
     })`,
    `service(["web"], {
       start: makeSystemdConstructor([process.execPath, "-e", ${JSON.stringify(echoServer)}], [endpoint("{directory}/web")]),
     })`,
  ],
  helpers,
);

const clock = String.raw`\d\d:\d\d:\d\d`;
const date = String.raw`\d{4}-\d\d-\d\d ${clock}`;
const since = String.raw`since ${clock} \(\d+ seconds? ago\)\.`;
const running = `  It is running ${since}`;
const enabled = "  It is enabled.";
const last = "  Will not be respawned.";
const alarms = [
  "",
  "Upcoming timer alarms:",
  ...Array.from(
    { length: 5 },
    () => String.raw`  (\w{3} \w{3} [ \d]\d ${clock} \d{4}|${clock}) \(in \d+ (second|minute|hour|day)s?\)`,
  ),
];

/** What `herd status NAME` shows below its heading: a pattern for each line. */
const details: Readonly<Record<(typeof names)[number], readonly string[]>> = {
  "system-log": [
    running,
    "  System log listening on 1 endpoint:",
    String.raw`    - \S+/log \(".*"\)`,
    "  Kernel log file: -",
    enabled,
    "  Provides: system-log syslogd",
    last,
    String.raw`  Log file: \S+/messages`,
    "",
    "Recent messages .*:",
    `  ${date} localhost visitor: hello from logger`,
  ],
  "log-rotation": [
    "  Timed service.",
    `  Awaiting next timer alarm; service active ${since}`,
    "  Periodically running .*",
    enabled,
    "  Provides: log-rotation",
    "  Custom actions: trigger files",
    last,
    ...alarms,
  ],
  tick: [
    "  Timed service.",
    `  Awaiting next timer alarm; service active ${since}`,
    '  Periodically running: /bin/sh -c "echo tick; exit 3"',
    enabled,
    "  Provides: tick",
    "  Custom action: trigger",
    last,
    String.raw`  Log file: \S+/tick.log`,
    "",
    "Recent runs:",
    String.raw`(  ${date} Process exited with code 3 after \d seconds?\.(\n|$)){1,5}`,
    "Recent messages .*:",
    `(  ${date} tick(\n|$)){1,5}`,
    ...alarms.slice(1),
  ],
  timer: [running, "  Running value is #t.", enabled, "  Provides: timer", "  Custom action: schedule", last],
  transient: [
    running,
    "  Running value is #t.",
    enabled,
    "  Provides: transient",
    "  Custom action: spawn",
    last,
  ],
  job: [
    `  It is transient, running ${since}`,
    String.raw`  Main PID: \d+`,
    '  Command: sh -c "echo hello; exec sleep 1000"',
    enabled,
    "  Provides: job",
    "  Requires: transient",
    last,
    "",
    "Recent messages .*:",
    `  ${date} hello`,
  ],
  repl: [
    running,
    "  Inetd-style service listening on 1 endpoint:",
    String.raw`    - \S+/run/repl`,
    "  Command: .*repl.*",
    enabled,
    "  Provides: repl",
    last,
  ],
  "repl-client-1": [
    `  It is transient, running ${since}`,
    String.raw`  Main PID: \d+`,
    "  Command: .*repl.*",
    enabled,
    "  Provides: repl-client-1",
    last,
  ],
  monitoring: [
    running,
    "  Running value is .*",
    enabled,
    "  Provides: monitoring",
    "  Custom actions: period log",
    last,
  ],
  web: [running, String.raw`  Main PID: \d+`, "  Command: .*", enabled, "  Provides: web", last],
};

const overview = `Started:
 + job
 + monitoring
 + repl
 + repl-client-1
 + root
 + system-log
 + timer
 + transient
 + web
Running timers:
 + log-rotation
 + tick
`;

/** The fields of GNU's expressions, in their order; ours may have more after them. */
const fields = {
  service:
    "provides requires respawn? docstring enabled? running conflicts last-respawns status-changes startup-failures status one-shot? transient? respawn-limit respawn-delay actions exit-statuses recent-messages log-files pending-replacement?",
  process: "id command",
  "inetd-service": "endpoints sockets command",
  "systemd-service": "endpoints sockets command",
  "system-log": "endpoints kernel-log-file sockets",
  endpoint: "name address style backlog owner group permissions bind-attempts",
  timer: "event action processes remaining-occurrences past-runs",
  "calendar-event": "seconds minutes hours days-of-month days-of-week months",
  command: "arguments user group supplementary-groups environment-variables directory resource-limits",
} as const;
type Kind = keyof typeof fields;

/** Of what kind the running values are. */
const values: readonly (readonly [(typeof names)[number], Kind])[] = [
  ["system-log", "system-log"],
  ["log-rotation", "timer"],
  ["tick", "timer"],
  ["job", "process"],
  ["repl", "inetd-service"],
  ["repl-client-1", "process"],
  ["web", "process"],
];

type Sexp = string | readonly Sexp[];

/** The lists and atoms of an expression; strings keep their quotes, and vectors are lists. */
function read(text: string): readonly Sexp[] {
  const stack: Sexp[][] = [[]];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|#?\(|\)|[^\s()]+/g)) {
    if (token.endsWith("(") && !token.startsWith('"')) stack.push([]);
    else if (token === ")") {
      const list = stack.pop() ?? [];
      stack.at(-1)?.push(list);
    } else stack.at(-1)?.push(token);
  }
  const [whole = []] = stack;
  if (stack.length !== 1 || whole.length !== 1) throw new Error(`read ${text}: it is no expression`);
  return whole;
}

/** Every record in an expression: a list that begins with its kind and `(version 0)`. */
function records(expression: Sexp): (readonly [string, readonly Sexp[]])[] {
  if (typeof expression === "string") return [];
  const [kind, version, ...rest] = expression;
  const isRecord = typeof kind === "string" && String(version) === "version,0";
  return [...(isRecord ? [[kind, rest] as const] : []), ...expression.flatMap(records)];
}

function fieldNames(rest: readonly Sexp[]): readonly string[] {
  return rest.map((field) => String(field[0]));
}

function field(rest: readonly Sexp[], name: string): Sexp | undefined {
  return rest.find((one) => one[0] === name)?.[1];
}

/** Without what depends on the moment and on the client. */
function comparable({ status, stdout, stderr }: Outcome): Outcome {
  const plain = (text: string): string =>
    text
      .replace(/( {2}.* Process exited .*\n)+/g, "RUNS\n")
      .replace(/( {2}.* tick\n)+/g, "MESSAGES\n")
      .replace(/ {2}.*\(in \d+ \w+\)\n/g, "ALARM\n")
      .replace(/\(\d+ \w+ ago\)/g, "(AGE)")
      .replaceAll(new RegExp(`${date}|${clock}`, "g"), "TIME");
  return { status, stdout: plain(stdout), stderr: plain(stderr) };
}

describe("the collection of services", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await bootSystem(scope, { config });
    for (const name of [
      "system-log",
      "log-rotation",
      "tick",
      "timer",
      "transient",
      "repl",
      "monitoring",
      "web",
    ])
      await system.untilStatus(name, "running");
    await show("spawn", "transient", "-N", "job", "--", "sh", "-c", "echo hello; exec sleep 1000");
    await system.until("job", "says something", ({ text }) => text.includes("hello"));
    const terminal = await open(system.path("run/repl"));
    scope.after(() => void terminal.destroy());
    let answers = "";
    terminal.setEncoding("utf8").on("data", (text: string) => {
      answers += text;
    });
    await system.waitFor("the REPL prompts", () => answers.endsWith("> "));
    terminal.write("[typeof lookupService, 40 + 2].join()\n");
    await system.waitFor("the REPL answers", () => /\bfunction,42\b.*\n> $/.test(answers));
    const logger = await run("logger", ["-u", system.path("log"), "-t", "visitor", "hello from logger"]);
    assert.equal(logger.status, 0, logger.stderr);
    await system.waitForFile("messages", /visitor: hello from logger\n/);
    assert.equal((await exchange(system.path("web"), "knock\n")).text, "knock\n");
    await system.until("tick", "has run", ({ text }) => /\(past-runs \(\(768 .*\(\(\d+ \. "tick"/.test(text));
  });
  after(() => scope.close());

  /** With SHOW=1 it is printed, as a terminal would have it. */
  async function show(...words: readonly string[]): Promise<string> {
    const output = await system.ok(...words);
    if (isShown) process.stdout.write(`$ herd ${words.join(" ")}\n${output}`);
    return output;
  }

  /** What is shown while no run of a timer goes on, which would be shown too. */
  async function atRest(ask: () => Promise<Outcome>): Promise<Outcome> {
    return await system.waitFor("no timer's action is executed", async () => {
      const outcome = await ask();
      return outcome.stdout.includes("Executing timer action") ? undefined : outcome;
    });
  }

  it("is shown as a whole", async () => {
    assert.equal(await show("status"), overview);
  });

  for (const name of names) {
    it(`is shown one by one: ${name}`, async () => {
      const { stdout } = await atRest(() => system.herd("status", name));
      if (isShown) process.stdout.write(`$ herd status ${name}\n${stdout}`);
      assert.match(stdout, new RegExp(`^● Status of ${name}:\n${details[name].join("\n")}\n$`));
    });
  }

  it("does what it is for", async () => {
    assert.match(await show("files", "log-rotation"), /\/tick\.log\ttick\n/);
    await show("trigger", "log-rotation");
    await system.waitForFile("tick.log.1.gz", /^/);
    assert.match(await show("log", "monitoring"), /service names: \d+; heap: /);
    assert.equal(await show("trigger", "tick"), "Triggering timer.\n");
  });

  it("has GNU's expressions on the wire", async () => {
    for (const name of names) {
      const all = records(read((await system.service(name)).text));
      for (const [kind, rest] of all) {
        if (kind === "reply") continue;
        const expected = fields[kind as Kind]?.split(" ");
        assert.ok(expected !== undefined, `${name}: GNU has no expression "${kind}"`);
        assert.deepEqual(fieldNames(rest).slice(0, expected.length), expected, `${kind} of ${name}`);
      }
      const [, own = []] = all.find(([kind]) => kind === "service") ?? [];
      assert.deepEqual(field(own, "status"), "running");
    }
    for (const [name, kind] of values) {
      const all = records(read((await system.service(name)).text));
      const [, own = []] = all.find(([one]) => one === "service") ?? [];
      assert.equal(field(own, "running")?.[0], kind, name);
    }
  });

  it("is shown by GNU's herd as by ours", { skip: typeof found === "string" && found }, async () => {
    if (typeof found === "string") return;
    for (const words of [["status"], ...names.map((name) => ["status", name])]) {
      const theirs = await atRest(() => gnuHerd(found, system, ...words));
      const ours = await atRest(() => system.herd(...words));
      if (isShown) process.stdout.write(`$ (GNU) herd ${words.join(" ")}\n${theirs.stdout}`);
      assert.deepEqual(comparable(ours), comparable(theirs), words.join(" "));
    }
  });
});
