// What `herd` says and how it exits, line by line, with our daemon and with GNU shepherd under the same configuration;
// and that both daemons send the same replies. What differs on purpose is in docs/differences.md.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { herd } from "../herd/fake-daemon.js";
import { findGnuShepherd, type GnuInstance } from "../support/gnu-shepherd.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import type { Outcome } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import { exchange, gnuRequest } from "../support/wire.js";
import { files, gnus, ours } from "./twins.js";

type Command = readonly [action: string, ...rest: string[]];

interface Line {
  /** Done before, without a look at the reply. `{file NAME}` is one of the twins' files. */
  readonly first?: readonly Command[];
  readonly command: Command;
  readonly says?: string;
  readonly complains?: string;
  readonly status?: 0 | 1;
  /** What GNU shepherd makes `herd` say, where that differs; else `says`, without the reasons that only we give. */
  readonly gnu?: Partial<Outcome>;
  /** Whether the replies are the same on the wire; by default they are if `herd` says the same. */
  readonly sameReply?: boolean;
}

const error = (text: string): string => `herd: error: ${text}\n`;
const hint = (text: string): string => `herd: hint: ${text}\n`;
const exception = (action: string, service: string, text: string): string =>
  error(`exception caught while executing '${action}' on service '${service}':\n${text}`);
const listActions = (service: string): string =>
  hint(`Run 'herd doc ${service} list-actions' to list supported actions.`);

const block = (name: string, ...lines: readonly string[]): string =>
  `● Status of ${name}:\n${lines.map((line) => `  ${line}\n`).join("")}`;
const settled = (name: string): readonly string[] => [
  "It is enabled.",
  `Provides: ${name}`,
  "Will not be respawned.",
];

const lines: readonly Line[] = [
  // Starting.
  {
    command: ["start", "web"],
    first: [["stop", "db"]],
    says: "Service db has been started.\nService web has been started.\n",
  },
  { command: ["start", "web"], first: [["start", "web"]], says: "Service web is already running.\n" },
  { command: ["start", "http"], first: [["start", "web"]], says: "Service web is already running.\n" },
  { command: ["start", "bare"], first: [["stop", "bare"]], says: "Service bare has been started.\n" },
  { command: ["start", "once"], says: "Service once has been started.\n" },
  {
    command: ["start", "bad"],
    says: "Failed to start bad: the start of bad returned false\nService bad could not be started.\n",
    complains: error("failed to start service bad"),
    status: 1,
  },
  {
    command: ["start", "on-bad"],
    says:
      "Failed to start bad: the start of bad returned false\nService bad could not be started.\n" +
      "Service on-bad depends on bad.\n",
    complains: error("failed to start service on-bad"),
    status: 1,
  },
  {
    command: ["start", "on-bad-too"],
    says:
      "Failed to start bad: the start of bad returned false\nService bad could not be started.\n" +
      "Service on-bad depends on bad.\nService on-bad-too depends on on-bad.\n",
    complains: error("failed to start service on-bad-too"),
    status: 1,
  },
  {
    command: ["start", "throws"],
    says: "Service throws could not be started.\n",
    complains: exception("start", "throws", "no such luck"),
    status: 1,
    gnu: { stdout: "" },
    sameReply: true,
  },

  // Stopping.
  { command: ["stop", "web"], first: [["start", "web"]] },
  { command: ["stop", "web"], first: [["stop", "web"]] },
  { command: ["stop", "lower"], first: [["start", "upper"]] },
  {
    command: ["stop", "sour"],
    first: [["start", "sour"]],
    complains: exception("stop", "sour", "no such luck"),
    status: 1,
  },
  {
    command: ["status", "sour"],
    first: [["start", "sour"], ["stop", "sour"]],
    says: block("sour", "It is stopped since TIME (AGE).", ...settled("sour")),
  },
  { command: ["stop", "remnant"], first: [["start", "remnant"]] },

  // Restarting.
  {
    command: ["restart", "web"],
    first: [["start", "web"]],
    says: "Service web has been started.\n",
  },
  {
    command: ["restart", "web"],
    first: [["start", "web"], ["stop", "web"]],
    says: "Service web is not running.\nService web has been started.\n",
  },
  {
    command: ["restart", "lower"],
    first: [["start", "upper"]],
    says: "Service lower has been started.\nService middle has been started.\nService upper has been started.\n",
  },
  {
    command: ["restart", "bare"],
    first: [["stop", "bare"], ["disable", "bare"]],
    says: "Service bare is not running.\nService bare is currently disabled.\n",
    status: 1,
    gnu: { status: 0 },
  },

  // Enabling.
  { command: ["disable", "bare"], says: "Disabled service bare.\n" },
  {
    command: ["start", "bare"],
    first: [["stop", "bare"], ["disable", "bare"]],
    says: "Service bare is currently disabled.\n",
    complains: error("failed to start service bare"),
    status: 1,
  },
  { command: ["enable", "bare"], first: [["disable", "bare"]], says: "Enabled service bare.\n" },
  {
    command: ["enable", "bare", "now"],
    complains: exception("enable", "bare", "Wrong number of arguments to enable: expected 0, got 1"),
    status: 1,
    gnu: { stderr: exception("enable", "bare", "Wrong number of arguments to #<procedure>") },
  },

  // Documentation.
  { command: ["doc", "web"], says: "Serve pages.\n" },
  { command: ["doc", "web", "full"], says: "Serve pages.\n" },
  { command: ["doc", "web", "short"], says: "Serve pages.\n" },
  { command: ["doc", "bare"], says: "[No description].\n" },
  {
    command: ["doc", "web", "list-actions"],
    says: "say:\n  Say the words.\n\nrefuse:\n  Always fail.\n\nboom:\n  Throw.\n\nvalues:\n  Return a list.\n\n",
  },
  { command: ["doc", "bare", "list-actions"] },
  { command: ["doc", "web", "action", "say"], says: "say: Say the words.\n" },
  {
    command: ["doc", "web", "action", "nosuch"],
    complains: error("service 'web' does not have an action 'nosuch'") + listActions("web"),
    status: 1,
  },
  { command: ["doc", "web", "other"], says: "Unknown keyword.  Try 'herd help'.\n" },
  { command: ["doc", "root"], says: "The root service is used to operate on shepherd itself.\n" },

  // A service's own actions.
  { command: ["say", "web", "a b", "é"], says: "a b é\none\n\ntwo\n" },
  { command: ["say", "http"], says: "\none\n\ntwo\n" },
  { command: ["values", "web"] },
  { command: ["refuse", "web"], status: 1 },
  { command: ["boom", "web"], complains: exception("boom", "web", "no such luck"), status: 1 },

  // Mistakes.
  { command: ["status", "nosuch"], complains: error("service 'nosuch' could not be found"), status: 1 },
  { command: ["start", "nosuch"], complains: error("service 'nosuch' could not be found"), status: 1 },
  { command: ["restart", "nosuch"], complains: error("service 'nosuch' could not be found"), status: 1 },
  {
    command: ["frob", "http"],
    complains: error("service 'web' does not have an action 'frob'") + listActions("web"),
    status: 1,
  },
  {
    command: ["frob", "root"],
    complains: error("service 'root' does not have an action 'frob'") + listActions("root"),
    status: 1,
  },
  {
    command: ["graph", "web"],
    complains: error("service 'web' does not have an action 'graph'") + listActions("web"),
    status: 1,
  },
  ...["start", "stop", "status", "doc"].map(
    (action): Line => ({
      command: ["web", action],
      complains: error(`service '${action}' could not be found`) + hint(`Did you mean 'herd ${action} web'?`),
      status: 1,
    }),
  ),
  ...["help", "halt", "power-off", "load", "eval", "unload", "reload", "daemonize", "restart"].map(
    (action): Line => ({
      command: ["root", action],
      complains: error(`service '${action}' could not be found`) + hint(`Did you mean 'herd ${action} root'?`),
      status: 1,
    }),
  ),

  // What there is.
  {
    command: ["status", "bare"],
    first: [["start", "bare"]],
    says: block("bare", "It is running since TIME (AGE).", "Running value is #t.", ...settled("bare")),
  },
  {
    command: ["status", "listed"],
    first: [["start", "listed"]],
    says: block("listed", "It is running since TIME (AGE).", 'Running value is ("a" 2 #t).', ...settled("listed")),
  },
  {
    command: ["status", "http"],
    first: [["stop", "db"], ["start", "web"]],
    says: block(
      "web",
      "It is running since TIME (AGE).",
      "Main PID: PID",
      'Command: /bin/sh -c "exec sleep inf"',
      "It is enabled.",
      "Provides: web http",
      "Requires: db",
      "Custom actions: say refuse boom values",
      "Will be respawned.",
    ),
  },
  {
    command: ["status", "web"],
    first: [["start", "web"], ["stop", "web"]],
    says: block(
      "web",
      "It is stopped since TIME (AGE).",
      "Process terminated with signal 15.",
      "It is enabled.",
      "Provides: web http",
      "Requires: db",
      "Custom actions: say refuse boom values",
      "Will be respawned.",
    ),
  },
  {
    command: ["status", "on-bad"],
    says: block("on-bad", "It is stopped.", "It is enabled.", "Provides: on-bad", "Requires: bad", "Will not be respawned."),
  },
  {
    command: ["status", "bare"],
    first: [["stop", "bare"], ["disable", "bare"]],
    says: block(
      "bare",
      "It is stopped since TIME (AGE).",
      "It is disabled.",
      "Provides: bare",
      "Will not be respawned.",
    ),
  },
  { command: ["status", "once"], first: [["start", "once"]], says: block("once", "It is stopped (one-shot).", ...settled("once")) },
  {
    command: ["status", "bad"],
    first: [["start", "bad"]],
    says: block(
      "bad",
      "It is stopped (failing).",
      ...settled("bad"),
      "Failed to start at TIME (AGE).\n    (the start of bad returned false)",
    ),
  },
  {
    command: ["status", "passing"],
    first: [["start", "passing"]],
    says: block(
      "passing",
      "It is transient, running since TIME (AGE).",
      "Main PID: PID",
      "Command: /bin/sleep 1000000",
      ...settled("passing"),
    ),
  },

  // Loading.
  {
    command: ["load", "root", "{file extra}"],
    first: [["unload", "root", "extra"]],
    says: "Loading FILE.\n",
  },
  {
    command: ["unload", "root", "extra"],
    first: [["load", "root", "{file extra}"], ["status", "extra"]],
    says: "Removing service 'extra'...\nService extra is not running.\nDone.\n",
  },
  { command: ["unload", "root", "nosuch"], complains: error("service 'nosuch' could not be found"), status: 1 },
  {
    command: ["load", "root", "{file throws}"],
    says: "Loading FILE.\n",
    complains: exception("load", "root", "FILE:2:7: Error: no such luck"),
    status: 1,
    gnu: { stderr: exception("load", "root", "no such luck") },
  },
  {
    command: ["load", "root", "/nonexistent/file"],
    says: "Loading FILE.\n",
    complains: exception("load", "root", "cannot read FILE: no such file or directory"),
    status: 1,
    gnu: { stderr: exception("load", "root", "In procedure open-fdes: No such file or directory") },
  },
  {
    command: ["status", "lower"],
    first: [["start", "lower"], ["load", "root", "{file twice}"]],
    says: block(
      "lower",
      "It is running since TIME (AGE).",
      "Main PID: PID",
      "Command: /bin/sleep 1000000",
      ...settled("lower").slice(0, 2),
      "Replacement pending (restart to upgrade).",
      "Will not be respawned.",
    ),
  },
  {
    command: ["doc", "lower"],
    first: [["start", "lower"], ["load", "root", "{file twice}"]],
    says: "[No description].\n",
  },
  {
    command: ["doc", "lower"],
    first: [["start", "lower"], ["load", "root", "{file twice}"], ["stop", "lower"]],
    says: "New.\n",
  },
];

/** A daemon, and where its files are on our side and on its own. */
interface Side {
  readonly socket: string;
  readonly fileName: (name: string) => string;
}

const gnu = await findGnuShepherd();
const names = [...ours.matchAll(/service\(\["([^"]+)"/g)].map(([, name = ""]) => name);

describe("herd, with our daemon and with GNU shepherd", { concurrency: false }, () => {
  const scope = suiteScope();
  let system: System;
  let own: Side;
  let theirs: Side | undefined;
  before(async () => {
    const loadable = Object.entries(files).map(([name, text]) => [`${name}.ts`, text.ours]);
    system = await bootSystem(scope, { config: ours, files: Object.fromEntries(loadable) });
    own = { socket: system.socket, fileName: (name) => system.path(`${name}.ts`) };
    if (typeof gnu === "string") return;
    const instance: GnuInstance = await gnu.start(gnus());
    scope.after(() => instance.stop());
    for (const [name, { gnus: text }] of Object.entries(files))
      writeFileSync(join(instance.directory, `${name}.scm`), text);
    const inside = instance.directory.slice(gnu.root.length);
    theirs = { socket: instance.socket, fileName: (name) => `${inside}/${name}.scm` };
    // GNU shepherd tells what a service does to the first client that ever asks about it: not to those of the test.
    for (const name of names) await exchange(theirs.socket, gnuRequest("status", name));
  });
  after(() => scope.close());

  for (const line of lines) {
    const { first = [], command, says = "", complains = "", status = 0, gnu: differently } = line;
    const title = [...first, command].map((words) => words.join(" ")).join("; ");
    const expected: Outcome = { status, stdout: says, stderr: complains };

    const prepare = async (side: Side): Promise<void> => {
      await reset(side);
      for (const [action, service = "root", ...args] of first)
        await exchange(side.socket, gnuRequest(action, service, ...args.map(filled(side))));
    };
    const outcome = async (side: Side): Promise<Outcome> => {
      await prepare(side);
      return timeless(await herd(["-s", side.socket, ...command.map(filled(side))]), side);
    };
    const reply = async (side: Side): Promise<string> => {
      await prepare(side);
      const [action, service = "root", ...args] = command.map(filled(side));
      return timelessReply((await exchange(side.socket, gnuRequest(action ?? "", service, ...args))).text, side);
    };

    it(`herd ${title}`, async () => {
      assert.deepEqual(await outcome(own), expected, system.explain());
    });

    it(`herd ${title}: as with GNU shepherd`, { skip: typeof gnu === "string" ? gnu : false }, async () => {
      if (theirs === undefined) throw new Error("GNU shepherd was not started");
      assert.deepEqual(await outcome(theirs), { ...expected, stdout: withoutReasons(says), ...differently });
      if (line.sameReply ?? differently === undefined) {
        const [our, their] = [await reply(own), await reply(theirs)];
        assert.equal(asOfGnu(our), their.replace('(result ("#<unspecified>"))', "(result (#t))"));
      }
    });
  }

  it("herd start, of what cannot come up, then status and log: failing, until it is stopped or started", async () => {
    await system.herd("start", "bad");
    assert.match(await system.ok("status"), /^Failed to start:\n(?: ! .*\n)* ! bad\n/m);
    assert.match(await system.ok("log"), /\tservice bad is being started\n.*\tservice bad failed to start\n/);
  });

  it("herd status has a section for each state, in order, with names sorted", async () => {
    for (const name of names) await exchange(system.socket, gnuRequest("enable", name));
    await Promise.all(["start", "stop"].map((name) => system.waitFor("", () => writeGate(system, name, false))));
    for (const name of ["web", "reluctant", "bare"]) await system.ok("start", name);
    for (const name of ["bad", "once"]) await system.herd("start", name);
    const pending = [system.herd("start", "slow"), system.herd("stop", "reluctant")];
    await system.untilStatus("slow", "starting");
    await system.untilStatus("reluctant", "stopping");
    const overview = await system.ok("status");
    assert.deepEqual(
      overview.match(/^\S.*:$/gm),
      ["Started:", "Starting:", "Stopped:", "Stopping:", "One-shot:", "Failed to start:"],
    );
    assert.match(overview, /Starting:\n \^ slow\nStopped:\n/);
    assert.match(overview, /Stopping:\n v reluctant\nOne-shot:\n \* once\nFailed to start:\n/);
    for (const section of overview.split(/^\S.*\n/m)) {
      const members = section.split("\n").slice(0, -1);
      assert.deepEqual(members, [...members].sort());
    }
    assert.match(await system.ok("status", "slow"), /^● Status of slow:\n {2}It is starting\.\n/);
    assert.match(await system.ok("status", "reluctant"), /^● Status of reluctant:\n {2}It is being stopped\.\n/);
    await system.waitFor("", () => writeGate(system, "start", true) && writeGate(system, "stop", true));
    for (const { status } of await Promise.all(pending)) assert.equal(status, 0);
  });
});
