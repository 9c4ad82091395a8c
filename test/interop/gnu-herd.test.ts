// GNU herd drives our daemon, and shows what our herd shows.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { findGnuShepherd, type GnuShepherd } from "../support/gnu-shepherd.js";
import { bootSystem, type Scope, type System, suiteScope } from "../support/harness.js";
import type { Outcome } from "../support/run.js";
import { gnuHerd } from "./gnu-client.js";

const found = await findGnuShepherd();
const skip = typeof found === "string" ? found : false;

const gnu = (): GnuShepherd => {
  if (typeof found === "string") throw new Error(found);
  return found;
};

const helpers = `
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
const fileExists = async (name: string): Promise<true> => {
  while (!existsSync("{directory}/" + name)) await delay(10);
  return true;
};
`;

const actions = `[
  shepherdAction({
    name: "say",
    documentation: "Say the words.",
    procedure: (_, ...words) => { console.log(words.join("|")); console.log("two\\n\\nlines"); },
  }),
  shepherdAction({ name: "refuse", documentation: "Always fail.", procedure: () => false }),
  shepherdAction({ name: "boom", documentation: "Throw.", procedure: () => { throw new Error("no such luck"); } }),
  shepherdAction({ name: "value", documentation: "Return a list.", procedure: () => [1, "two"] }),
]`;

const web = (documentation: string): string =>
  `service(["web", "http"], {
     requirement: ["db"], documentation: ${JSON.stringify(documentation)}, respawn: true,
     start: ${shell("echo 'héllo \"you\"'; exec sleep 1000000", '{ logFile: "{directory}/web.log" }')},
     stop: makeKillDestructor(), actions: ${actions},
   })`;

const config = configuration(
  [
    sleeper("db"),
    web("Serve pages."),
    sleeper("plain"),
    sleeper("idle", "autoStart: false"),
    sleeper("upper", 'autoStart: false, requirement: ["idle"]'),
    sleeper("passing", "transient: true"),
    'service(["once"], { oneShot: true, start: () => true })',
    'service(["value"], { start: () => [1, "two", true] })',
    'service(["bad"], { start: () => false })',
    'service(["throws"], { start: () => { throw new Error("no such luck"); } })',
    'service(["absent"], { autoStart: false, start: makeForkexecConstructor(["/nonexistent/program"]) })',
    'service(["upon-bad"], { autoStart: false, requirement: ["bad"] })',
    `service(["crash"], { respawn: true, respawnDelay: 0.01, respawnLimit: [2, 60], start: ${shell("exit 3")} })`,
    `service(["ends"], { start: ${shell("exit 7")} })`,
    `service(["dies"], { start: ${shell("kill -USR1 $$")} })`,
    `service(["fine"], { start: ${shell("exit 0")} })`,
    'service(["sour"], { autoStart: false, start: () => true, stop: () => { throw new Error("no such luck"); } })',
    'service(["slow"], { autoStart: false, start: () => fileExists("start") })',
    'service(["reluctant"], { start: () => true, stop: async () => { await fileExists("stop"); return false; } })',
  ],
  helpers,
);

/** A command for both clients; what is in `first` is done before each of them runs it. */
interface Case {
  readonly first?: readonly (readonly string[])[];
  readonly command: readonly string[];
  readonly status: 0 | 1;
  /** The lines that only our herd shows. */
  readonly ourOwn?: RegExp;
}

/** Where cgroups are, or why there are none, is a field that GNU herd does not know. */
const cgroups = / {2}Cgroups: .*\n/;

const unchanging: readonly Case[] = [
  { command: ["status"], status: 0 },
  { command: ["detailed-status"], status: 0, ourOwn: /^ {2}Cgroups: .*\n|^ {4}\(.*\)\n/gm },
  ...[
    "web",
    "http",
    "plain",
    "idle",
    "once",
    "value",
    "passing",
    "ends",
    "dies",
    "fine",
    "slow",
    "reluctant",
  ].map((name): Case => ({ command: ["status", name], status: 0 })),
  // Why it failed, and why it is disabled, are fields that GNU herd does not know.
  { command: ["status", "bad"], status: 0, ourOwn: /^ {4}\(the start of bad returned false\)\n/m },
  { command: ["status", "throws"], status: 0, ourOwn: /^ {4}\(no such luck\)\n/m },
  { command: ["status", "crash"], status: 0, ourOwn: /^ {4}\(Respawning too fast\.\)\n/m },
  { command: ["status", "web", "-n", "0"], status: 0 },
  { command: ["status", "web", "-n", "50"], status: 0 },
  { command: ["status", "root"], status: 0, ourOwn: cgroups },
  { command: ["status", "shepherd"], status: 0, ourOwn: cgroups },
  { command: ["log"], status: 0 },
  { command: ["log", "web"], status: 0 },
  { command: ["graph"], status: 0 },
  { command: ["help"], status: 0 },
  { command: ["help", "root"], status: 0 },
  { command: ["doc", "web"], status: 0 },
  { command: ["doc", "web", "full"], status: 0 },
  { command: ["doc", "web", "short"], status: 0 },
  { command: ["doc", "web", "list-actions"], status: 0 },
  { command: ["doc", "plain", "list-actions"], status: 0 },
  { command: ["doc", "web", "action", "say"], status: 0 },
  { command: ["doc", "web", "action", "nosuch"], status: 1 },
  { command: ["doc", "web", "other"], status: 0 },
  { command: ["doc", "plain"], status: 0 },
  { command: ["doc", "root"], status: 0 },
  { command: ["doc", "root", "list-actions"], status: 0 },
  { command: ["doc", "root", "action", "halt"], status: 0 },
  { command: ["say", "web", "a b", '"quoted"\\', "é", "--", "-x"], status: 0 },
  { command: ["say", "http"], status: 0 },
  { command: ["refuse", "web"], status: 1 },
  { command: ["boom", "web"], status: 1 },
  { command: ["value", "web"], status: 0 },
  { command: ["start", "web"], status: 0 },
  { command: ["start", "nosuch"], status: 1 },
  { command: ["stop", "nosuch"], status: 1 },
  { command: ["status", "nosuch"], status: 1 },
  { command: ["doc", "nosuch"], status: 1 },
  { command: ["log", "nosuch"], status: 1 },
  { command: ["frob", "web"], status: 1 },
  { command: ["frob", "root"], status: 1 },
  { command: ["web", "status"], status: 1 },
  { command: ["web", "start"], status: 1 },
  { command: ["root", "halt"], status: 1 },
  { command: ["root", "frob"], status: 1 },
  { command: ["enable", "web", "now"], status: 1 },
  { command: ["eval", "root", "[1, 2.5, 'text', true, null]"], status: 0 },
  { command: ["eval", "root", "({ a: 1 })"], status: 0 },
  { command: ["eval", "root", "undefined"], status: 0 },
  { command: ["eval", "root", "false"], status: 0 },
  { command: ["eval", "root", "console.log('said')"], status: 0 },
  { command: ["eval", "root", "nonsense()"], status: 1 },
  { command: ["eval", "root"], status: 1 },
  { command: ["load", "root", "/nonexistent/file.ts"], status: 1 },
  { command: ["load", "root"], status: 1 },
  { command: ["unload", "root", "nosuch"], status: 1 },
  { command: ["unload", "root", "root"], status: 1 },
  { command: ["reload", "root", "/nonexistent/file.ts"], status: 1 },
  { command: ["daemonize", "root"], status: 0 },
  { command: ["cd", "root", "/nonexistent"], status: 1 },
  { command: [], status: 1 },
  { command: ["start"], status: 1 },
  { command: ["--bogus"], status: 1 },
];

const changing: readonly Case[] = [
  { command: ["start", "bad"], status: 1 },
  { command: ["start", "throws"], status: 1 },
  { command: ["start", "absent"], status: 1 },
  { command: ["start", "upon-bad"], status: 1 },
  { command: ["start", "once"], status: 0 },
  { first: [["stop", "idle"]], command: ["start", "idle"], status: 0 },
  { first: [["stop", "idle"]], command: ["start", "upper"], status: 0 },
  { first: [["start", "upper"]], command: ["stop", "idle"], status: 0 },
  { first: [["stop", "idle"]], command: ["stop", "idle"], status: 0 },
  { first: [["start", "sour"]], command: ["stop", "sour"], status: 1 },
  { first: [["start", "upper"]], command: ["restart", "idle"], status: 0 },
  { first: [["stop", "idle"]], command: ["restart", "idle"], status: 0 },
  { command: ["restart", "web"], status: 0 },
  { command: ["disable", "idle"], status: 0 },
  {
    first: [
      ["disable", "idle"],
      ["stop", "idle"],
    ],
    command: ["start", "idle"],
    status: 1,
  },
  { first: [["disable", "idle"]], command: ["status", "idle"], status: 0 },
  {
    first: [
      ["disable", "idle"],
      ["stop", "idle"],
    ],
    command: ["restart", "idle"],
    status: 1,
  },
  { first: [["disable", "idle"]], command: ["enable", "idle"], status: 0 },
  {
    first: [
      ["unload", "root", "extra"],
      ["unload", "root", "fleeting"],
    ],
    command: ["load", "root", "{directory}/extra.ts"],
    status: 0,
  },
  { first: [["load", "root", "{directory}/extra.ts"]], command: ["unload", "root", "extra"], status: 0 },
  {
    first: [
      ["load", "root", "{directory}/extra.ts"],
      ["start", "fleeting"],
    ],
    command: ["stop", "fleeting"],
    status: 0,
  },
  { first: [["load", "root", "{directory}/new.ts"]], command: ["status", "web"], status: 0 },
  { first: [["load", "root", "{directory}/new.ts"]], command: ["status"], status: 0 },
  { command: ["load", "root", "{directory}/cycle.ts"], status: 1 },
  { command: ["load", "root", "{directory}/broken.ts"], status: 1 },
  {
    first: [["reload", "root", "{directory}/extra.ts"]],
    command: ["reload", "root", "{directory}/more.ts"],
    status: 0,
  },
  { first: [["reload", "root", "{directory}/extra.ts"]], command: ["unload", "root", "all"], status: 0 },
  { command: ["cd", "root", "/"], status: 0 },
];

function boot(scope: Scope): Promise<System> {
  return bootSystem(scope, {
    config,
    files: {
      "extra.ts": configuration([sleeper("extra"), sleeper("fleeting", "autoStart: false, transient: true")]),
      "more.ts": configuration([sleeper("more")]),
      "new.ts": configuration([web("Serve new pages.")]),
      "cycle.ts": configuration([sleeper("a", 'requirement: ["b"]'), sleeper("b", 'requirement: ["a"]')]),
      "broken.ts": "export default defineConfig({",
    },
  });
}

async function assertSame(system: System, { first = [], command, status, ourOwn }: Case): Promise<void> {
  const place = (word: string): string => word.replace("{directory}", system.directory);
  const args = command.map(place);
  const prepare = async (): Promise<void> => {
    for (const earlier of first) await system.herd(...earlier.map(place));
  };
  await prepare();
  const theirs = comparable(await gnuHerd(gnu(), system, ...args));
  await prepare();
  const ours = comparable(await system.herd(...args));
  if (ourOwn !== undefined) assert.match(ours.stdout, ourOwn);
  assert.deepEqual({ ...ours, stdout: ours.stdout.replace(ourOwn ?? "", "") }, theirs);
  assert.equal(theirs.status, status, system.explain());
}

/** Without what depends on the moment: ages and the numbers of processes. */
function comparable({ status, stdout, stderr }: Outcome): Outcome {
  return {
    status,
    stdout: stdout.replace(/\(\d+ \w+ ago\)/g, "(AGE)"),
    stderr,
  };
}

describe("GNU herd shows about our daemon what our herd shows", { skip, concurrency: false }, () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await boot(scope);
    await system.untilStatus("web", "running");
    await system.untilStatus("passing", "running");
    await system.waitFor("the first line is logged", () => /héllo/.test(system.read("web.log")));
    await system.until("crash", "was given up", ({ enabled }) => !enabled);
    for (const name of ["ends", "dies", "fine"])
      await system.until(name, "has ended", ({ exits }) => exits.length > 0);
    void system.herd("start", "slow").catch(() => undefined);
    await system.untilStatus("slow", "starting");
    void system.herd("stop", "reluctant").catch(() => undefined);
    await system.untilStatus("reluctant", "stopping");
  });
  after(async () => {
    writeFileSync(system.path("start"), "");
    writeFileSync(system.path("stop"), "");
    await scope.close();
  });

  for (const one of unchanging) it(["herd", ...one.command].join(" "), () => assertSame(system, one));
});

describe("GNU herd does to our daemon what our herd does", { skip, concurrency: false }, () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await boot(scope);
    writeFileSync(system.path("start"), "");
    writeFileSync(system.path("stop"), "");
    await system.untilStatus("web", "running");
  });
  after(() => scope.close());

  for (const one of changing) it(["herd", ...one.command].join(" "), () => assertSame(system, one));
});

describe("GNU herd ends our daemon as our herd does", { skip }, () => {
  const both = (args: readonly string[]): readonly ((system: System) => Promise<Outcome>)[] => [
    (system) => gnuHerd(gnu(), system, ...args),
    (system) => system.herd(...args),
  ];

  for (const [action, init] of [
    ["stop", true],
    ["stop", false],
    ["halt", true],
    ["power-off", true],
    ["reboot", true],
  ] as const) {
    it(`herd ${action} root, ${init ? "as" : "not as"} PID 1`, async (t) => {
      const outcomes: Outcome[] = [];
      for (const herd of both([action, "root"])) {
        const system = await bootSystem(t, { config: configuration([sleeper("web")]), init });
        await system.untilStatus("web", "running");
        outcomes.push(await herd(system));
        assert.deepEqual(await system.waitForEnd(), { code: 0, signal: null });
        // Who asks a daemon that is no more is told where it was.
        const { status, stderr } = await gnuHerd(gnu(), system, "status");
        const ours = await system.herd("status");
        assert.deepEqual([status, ours.status], [1, 1]);
        assert.equal(ours.stderr.replace(system.path("run"), "/mnt"), stderr);
      }
      assert.deepEqual(outcomes[0], outcomes[1]);
      assert.equal(outcomes[0]?.status, 0);
    });
  }

  for (const action of ["halt", "daemonize"]) {
    it(`herd ${action} root, not as PID 1, is refused in the same words`, async (t) => {
      const system = await bootSystem(t, { config: configuration([]), init: false });
      const [theirs, ours] = await Promise.all(both([action, "root"]).map((herd) => herd(system)));
      assert.deepEqual(ours, theirs);
      assert.equal(ours?.status, 1);
    });
  }

  it("herd restart root", async (t) => {
    const system = await bootSystem(t, { config: configuration([sleeper("web")]) });
    const pid = await system.untilProcess("web");
    const outcomes: Outcome[] = [];
    for (const herd of both(["restart", "root"])) {
      const daemon = system.daemon();
      outcomes.push(await herd(system));
      await system.waitFor("another daemon lives", () => {
        const now = system.daemon();
        return now !== undefined && now !== daemon;
      });
      assert.equal((await system.untilStatus("web", "running")).pid, pid);
    }
    assert.deepEqual(outcomes[0], outcomes[1]);
    assert.equal(outcomes[0]?.status, 0);
  });
});
