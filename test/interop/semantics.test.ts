// What `herd` says and how it exits, line by line, with our daemon and with GNU shepherd under the same configuration;
// and that both daemons send the same replies. What differs on purpose is in docs/differences.md.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { herd } from "../herd/fake-daemon.js";
import { findGnuShepherd } from "../support/gnu-shepherd.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import type { Outcome } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import { exchange, gnuRequest, parseService, type ServiceReply } from "../support/wire.js";
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
    first: [
      ["start", "sour"],
      ["stop", "sour"],
    ],
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
    first: [
      ["start", "web"],
      ["stop", "web"],
    ],
    says: "Service web is not running.\nService web has been started.\n",
  },
  {
    command: ["restart", "lower"],
    first: [["start", "upper"]],
    says: "Service lower has been started.\nService middle has been started.\nService upper has been started.\n",
  },
  {
    command: ["restart", "bare"],
    first: [
      ["start", "bare"],
      ["stop", "bare"],
      ["disable", "bare"],
    ],
    says: "Service bare is not running.\nService bare is currently disabled.\n",
    status: 1,
    gnu: { status: 0 },
  },

  // Enabling.
  { command: ["disable", "bare"], says: "Disabled service bare.\n" },
  {
    command: ["start", "bare"],
    first: [
      ["start", "bare"],
      ["stop", "bare"],
      ["disable", "bare"],
    ],
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
      complains:
        error(`service '${action}' could not be found`) + hint(`Did you mean 'herd ${action} root'?`),
      status: 1,
    }),
  ),

  // What there is.
  {
    command: ["status", "bare"],
    first: [
      ["enable", "bare"],
      ["start", "bare"],
    ],
    says: block("bare", "It is running since TIME (AGE).", "Running value is #t.", ...settled("bare")),
  },
  {
    command: ["status", "listed"],
    first: [["start", "listed"]],
    says: block(
      "listed",
      "It is running since TIME (AGE).",
      'Running value is ("a" 2 #t).',
      ...settled("listed"),
    ),
  },
  {
    command: ["status", "http"],
    first: [
      ["stop", "db"],
      ["start", "web"],
    ],
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
    first: [
      ["start", "web"],
      ["stop", "web"],
    ],
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
    says: block(
      "on-bad",
      "It is stopped.",
      "  (it requires bad, which failed to start)",
      "It is enabled.",
      "Provides: on-bad",
      "Requires: bad",
      "Will not be respawned.",
    ),
  },
  {
    command: ["status", "bare"],
    first: [
      ["start", "bare"],
      ["stop", "bare"],
      ["disable", "bare"],
    ],
    says: block(
      "bare",
      "It is stopped since TIME (AGE).",
      "It is disabled.",
      "Provides: bare",
      "Will not be respawned.",
    ),
  },
  {
    command: ["status", "once"],
    first: [["start", "once"]],
    says: block("once", "It is stopped (one-shot).", ...settled("once")),
  },
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
    first: [
      ["load", "root", "{file extra}"],
      ["status", "extra"],
    ],
    says: "Removing service 'extra'...\nService extra is not running.\nDone.\n",
  },
  {
    command: ["unload", "root", "nosuch"],
    complains: error("service 'nosuch' could not be found"),
    status: 1,
  },
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
    first: [
      ["start", "lower"],
      ["load", "root", "{file twice}"],
    ],
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
    first: [
      ["start", "lower"],
      ["load", "root", "{file twice}"],
    ],
    says: "[No description].\n",
  },
  {
    command: ["doc", "lower"],
    first: [
      ["start", "lower"],
      ["load", "root", "{file twice}"],
      ["stop", "lower"],
    ],
    says: "New.\n",
  },
];

/** A daemon, and where its files are: as we see them, and as it does. */
interface Side {
  readonly socket: string;
  readonly gates: string;
  readonly fileName: (name: string) => string;
}

const gnu = await findGnuShepherd();
const skip = typeof gnu === "string" ? gnu : false;
const names = [...ours.matchAll(/service\(\["([^"]+)"/g)].map(([, name = ""]) => name);

async function send(
  { socket, fileName }: Side,
  [action, service = "root", ...args]: Command,
): Promise<string> {
  const words = args.map((word) => word.replace(/^\{file (\w+)\}$/, (_, name: string) => fileName(name)));
  return (await exchange(socket, gnuRequest(action, service, ...words))).text;
}

async function ask({ socket, fileName }: Side, command: Command): Promise<Outcome> {
  const words = command.map((word) => word.replace(/^\{file (\w+)\}$/, (_, name: string) => fileName(name)));
  const { status, stdout, stderr } = await herd(["-s", socket, ...words]);
  return { status, stdout: timeless(stdout), stderr: timeless(stderr) };
}

async function until(side: Side, name: string, holds: (service: ServiceReply) => boolean): Promise<void> {
  await waitFor(`service ${name} is as expected`, async () => {
    const service = parseService(await send(side, ["status", name]));
    return service !== undefined && holds(service);
  });
}

/** Without what depends on the moment or the place. */
function timeless(text: string): string {
  return text
    .replace(/\d\d:\d\d:\d\d \(\d+ \w+ ago\)/g, "TIME (AGE)")
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "DATE")
    .replace(/Main PID: \d+/g, "Main PID: PID")
    .replace(/#<procedure [^>]*>/g, "#<procedure>")
    .replace(/\/\S+\/\w+\.(?:ts|scm)\b|\/nonexistent\/file/g, "FILE");
}

function timelessReply(text: string): string {
  return timeless(text)
    .replace(/\. \d{9,}\)/g, ". T)")
    .replace(/\(startup-failures \([\d ]+\)\)/g, "(startup-failures (T))")
    .replace(/\(id \d+\)/g, "(id PID)");
}

/** What GNU shepherd says where ours gives a reason too. */
function withoutReasons(text: string): string {
  return text.replace(/^Failed to start .*\n/gm, "").replace(/^ {4}\(.*\)\n/gm, "");
}

/** Our reply without what only we send: reasons, and that a start that threw has failed. */
function asOfGnu(reply: string): string {
  return reply
    .replace(
      / \((?:failure|disabled-because) "[^"]*"\)| \(lacking \((?:\(\S+ \w+\) ?)+\)\)| \(auto-start\? #f\)/g,
      "",
    )
    .replace(/"Failed to start [^"]*" /g, "")
    .replace(/(action-exception start .*\(messages \().*(\)\)\))$/, "$1$2");
}

describe("herd, with our daemon and with GNU shepherd", { concurrency: false }, () => {
  const scope = suiteScope();
  let system: System;
  let own: Side;
  let theirs: Side | undefined;
  before(async () => {
    const loadable = Object.entries(files).map(([name, text]) => [`${name}.ts`, text.ours]);
    system = await bootSystem(scope, { config: ours, files: Object.fromEntries(loadable) });
    own = {
      socket: system.socket,
      gates: system.directory,
      fileName: (name) => system.path(`${name}.ts`),
    };
    if (typeof gnu === "string") return;
    const gates = await gnu.directory();
    scope.after(() => rmSync(gates, { recursive: true }));
    const inside = gates.slice(gnu.root.length);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(gates, `${name}.scm`), text.gnus);
    const instance = await gnu.start(gnus(inside));
    scope.after(() => instance.stop());
    theirs = { socket: instance.socket, gates, fileName: (name) => `${inside}/${name}.scm` };
    // GNU shepherd tells what a service does to the first client that ever asks about it: not to those of the tests.
    for (const name of names) await send(theirs, ["status", name]);
  });
  after(() => scope.close());

  const gnuSide = (): Side => {
    if (theirs === undefined) throw new Error("GNU shepherd was not started");
    return theirs;
  };

  for (const line of lines) {
    const { first = [], command, says = "", complains = "", status = 0, gnu: differently } = line;
    const title = [...first, command].map((words) => words.join(" ")).join("; ");
    const expected: Outcome = { status, stdout: says, stderr: complains };
    const prepare = async (side: Side): Promise<void> => {
      for (const earlier of first) await send(side, earlier);
    };

    it(title, async () => {
      await prepare(own);
      assert.deepEqual(await ask(own, command), expected, system.explain());
    });

    // It counts on the one before: both daemons have gone through the same commands.
    it(`${title}: with GNU shepherd`, { skip }, async () => {
      const side = gnuSide();
      await prepare(side);
      assert.deepEqual(await ask(side, command), {
        ...expected,
        stdout: withoutReasons(says),
        ...differently,
      });
      await Promise.all([own, side].map(prepare));
      const [our, their] = await Promise.all([own, side].map((one) => send(one, command)));
      if (!(line.sameReply ?? differently === undefined)) return;
      const nothing = '(result ("#<unspecified>"))';
      assert.equal(
        asOfGnu(timelessReply(our ?? "")),
        timelessReply(their ?? "").replace(nothing, "(result (#t))"),
      );
    });
  }

  it("the overview has a section for each state, in order, with names sorted", async () => {
    const overviews: string[] = [];
    for (const side of theirs === undefined ? [own] : [own, theirs]) {
      for (const name of ["bare", "crash"]) await send(side, ["enable", name]);
      for (const name of ["web", "reluctant", "bare", "bad", "once"]) await send(side, ["start", name]);
      for (const name of ["upper", "passing", "lower", "extra", "listed"]) await send(side, ["stop", name]);
      const pending = [send(side, ["start", "slow"]), send(side, ["stop", "reluctant"])];
      await until(side, "slow", (service) => service.status === "starting");
      await until(side, "reluctant", (service) => service.status === "stopping");
      const { stdout } = await ask(side, ["status"]);
      overviews.push(stdout);
      assert.match(
        (await ask(side, ["status", "slow"])).stdout,
        /^● Status of slow:\n {2}It is starting\.\n/,
      );
      assert.match(
        (await ask(side, ["status", "reluctant"])).stdout,
        /^● Status of reluctant:\n {2}It is being stopped\.\n/,
      );
      for (const gate of ["start", "stop"]) writeFileSync(join(side.gates, gate), "");
      await Promise.all(pending);
    }
    const [ourOverview = "", theirOverview = ourOverview] = overviews;
    assert.match(
      ourOverview,
      new RegExp(
        "^Started:\n \\+ bare\n \\+ db\n(?: \\+ .*\n)* \\+ web\n" +
          "Starting:\n \\^ slow\nStopped:\n(?: - .*\n)+Stopping:\n v reluctant\n" +
          "One-shot:\n \\* once\nFailed to start:\n ! bad\n(?: ! .*\n)*$",
      ),
    );
    assert.equal(ourOverview, theirOverview);
  });

  it("a service that is given up is disabled, with its exits listed", async () => {
    const expected = [
      "● Status of crash:",
      "  It is stopped since TIME (AGE).",
      "  Process exited with code 3.",
      "  It is disabled.",
      "    (Respawning too fast.)",
      "  Provides: crash",
      "  Will be respawned.",
      "  Last respawned on TIME (AGE).",
      "  Latest exits:",
      "    - DATE  Process exited with code 3.",
      "    - DATE  Process exited with code 3.",
      "    - DATE  Process exited with code 3.",
      "",
    ].join("\n");
    for (const side of theirs === undefined ? [own] : [own, theirs]) {
      await send(side, ["start", "crash"]);
      await until(side, "crash", ({ enabled }) => !enabled);
      const { stdout } = await ask(side, ["status", "crash"]);
      assert.equal(stdout, side === own ? expected : withoutReasons(expected));
    }
  });

  it("a failure to start is shown until a start succeeds", async () => {
    for (const side of theirs === undefined ? [own] : [own, theirs]) {
      for (const action of ["start", "stop"]) await send(side, [action, "gated"]);
      assert.match((await ask(side, ["status", "gated"])).stdout, /\n {2}It is stopped \(failing\)\.\n/);
      assert.match((await ask(side, ["status"])).stdout, /^Failed to start:\n(?: ! .*\n)*? ! gated\n/m);
      assert.match(
        (await ask(side, ["log"])).stdout,
        /\tservice gated is being started\n(?:.*\n)*?.*\tservice gated failed to start\n/,
      );
      writeFileSync(join(side.gates, "open"), "");
      for (const action of ["start", "stop"]) await send(side, [action, "gated"]);
      assert.equal(
        (await ask(side, ["status", "gated"])).stdout,
        block("gated", "It is stopped since TIME (AGE).", ...settled("gated")),
      );
      assert.match((await ask(side, ["status"])).stdout, /^Stopped:\n(?: - .*\n)*? - gated\n/m);
    }
  });
});
