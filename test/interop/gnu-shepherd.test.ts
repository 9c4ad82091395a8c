// Our herd drives a GNU shepherd as GNU's own herd does, from the first load to the end of the daemon.
// test/herd/gnu.test.ts has the queries and the everyday actions; here is what changes or ends the daemon, and `--json`.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { herd } from "../herd/fake-daemon.js";
import { findGnuShepherd, type GnuInstance, type GnuShepherd } from "../support/gnu-shepherd.js";
import { suiteScope } from "../support/harness.js";
import type { Outcome } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import { exchange, gnuRequest, parseService } from "../support/wire.js";
import { files, gnus } from "./twins.js";

const found = await findGnuShepherd();
const skip = typeof found === "string" ? found : false;

const gnu = (): GnuShepherd => {
  if (typeof found === "string") throw new Error(found);
  return found;
};

type Command = readonly [action: string, ...rest: string[]];

interface Case {
  /** Done before each of the two clients runs the command. */
  readonly first?: readonly Command[];
  readonly command: Command;
  readonly status: 0 | 1;
}

/** `{directory}` is where GNU shepherd finds the twins' files. */
const extra = "{directory}/extra.scm";

const cases: readonly Case[] = [
  { command: ["status"], status: 0 },
  { command: ["status", "slow"], status: 0 },
  { command: ["status", "reluctant"], status: 0 },
  { command: ["detailed-status"], status: 0 },
  { command: ["graph"], status: 0 },
  { command: ["log"], status: 0 },
  { command: ["log", "root"], status: 0 },
  { command: ["status", "root", "-n", "3"], status: 0 },
  { first: [["start", "upper"]], command: ["stop", "lower"], status: 0 },
  { first: [["start", "upper"]], command: ["restart", "lower"], status: 0 },
  { first: [["start", "bare"]], command: ["status", "bare"], status: 0 },
  { first: [["start", "listed"]], command: ["status", "listed"], status: 0 },
  { first: [["start", "remnant"]], command: ["stop", "remnant"], status: 0 },
  { first: [["start", "sour"]], command: ["stop", "sour"], status: 1 },
  { command: ["start", "on-bad-too"], status: 1 },
  {
    first: [
      ["disable", "bare"],
      ["stop", "bare"],
    ],
    command: ["restart", "bare"],
    status: 0,
  },
  {
    first: [
      ["disable", "bare"],
      ["stop", "bare"],
    ],
    command: ["status", "bare"],
    status: 0,
  },
  { command: ["enable", "bare", "now"], status: 1 },
  { command: ["doc", "web", "action"], status: 0 },
  { command: ["values", "web"], status: 0 },
  { command: ["cd", "root", "/"], status: 1 },
  { command: ["daemonize", "root"], status: 1 },
  { command: ["restart", "root"], status: 0 },
  { command: ["kexec", "root", "now"], status: 1 },
  { first: [["unload", "root", "extra"]], command: ["load", "root", extra], status: 0 },
  {
    first: [
      ["load", "root", extra],
      ["status", "extra"],
    ],
    command: ["unload", "root", "extra"],
    status: 0,
  },
  { command: ["load", "root", "/nonexistent/file"], status: 1 },
  { command: ["load", "root", "{directory}/throws.scm"], status: 1 },
  { command: ["load", "root"], status: 1 },
  { command: ["unload", "root", "nosuch"], status: 1 },
  {
    first: [
      ["start", "lower"],
      ["load", "root", "{directory}/twice.scm"],
    ],
    command: ["status", "lower"],
    status: 0,
  },
  { first: [["start", "passing"]], command: ["status", "passing"], status: 0 },
  { command: ["eval", "root", "(values)"], status: 0 },
  { command: ["eval", "root", '(begin (display "a\\nb") \'c)'], status: 0 },
  { command: ["eval", "root", "(string #\\a #\\nul #\\é)"], status: 0 },
  { command: ["eval", "root", "("], status: 1 },
];

describe("our herd and GNU herd do and show the same with a GNU shepherd", {
  skip,
  concurrency: false,
}, () => {
  const scope = suiteScope();
  let shepherd: GnuInstance;
  let gates: string;
  let inside: string;
  const send = async ([action, service = "root", ...args]: Command): Promise<string> =>
    (await exchange(shepherd.socket, gnuRequest(action, service, ...args.map(placed)))).text;
  const placed = (word: string): string => word.replace("{directory}", inside);

  before(async () => {
    gates = await gnu().directory();
    scope.after(() => rmSync(gates, { recursive: true }));
    inside = gates.slice(gnu().root.length);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(gates, `${name}.scm`), text.gnus);
    shepherd = await gnu().start(gnus(inside));
    scope.after(() => shepherd.stop());
    // The first client ever to ask about a service sees more than later ones do.
    for (const [, name = ""] of gnus("").matchAll(/'\(([\w-]+)[^)]*\)/g)) await send(["status", name]);
    await send(["start", "reluctant"]);
    for (const command of [
      ["start", "slow"],
      ["stop", "reluctant"],
    ] as const) {
      const answer = send(command);
      scope.after(async () => {
        await answer;
      });
    }
    for (const [name, status] of [
      ["slow", "starting"],
      ["reluctant", "stopping"],
    ] as const) {
      await waitFor(`${name} is ${status}`, async () => {
        return parseService(await send(["status", name]))?.status === status;
      });
    }
    scope.after(() => {
      for (const gate of ["start", "stop"]) writeFileSync(join(gates, gate), "");
    });
  });
  after(() => scope.close());

  for (const { first = [], command, status } of cases) {
    it([...first, command].map((words) => words.join(" ")).join("; "), async () => {
      const outcomes: Outcome[] = [];
      for (const client of [
        (args: readonly string[]) => gnu().herd(shepherd.socket, ...args),
        (args: readonly string[]) => herd(["-s", shepherd.socket, ...args]),
      ]) {
        for (const earlier of first) await send(earlier);
        outcomes.push(comparable(await client(command.map(placed))));
      }
      assert.deepEqual(outcomes[1], outcomes[0]);
      assert.equal(outcomes[0]?.status, status);
    });
  }

  it("--json gives what GNU shepherd says as data", async () => {
    await send(["start", "web"]);
    const json = async (status: 0 | 1, ...args: readonly string[]): Promise<unknown> => {
      const outcome = await herd(["-s", shepherd.socket, "--json", ...args]);
      assert.equal(outcome.status, status, outcome.stderr);
      return JSON.parse(outcome.stdout);
    };
    const web = (await json(0, "status", "web")) as Record<string, unknown>;
    assert.deepEqual(web.provides, ["web", "http"]);
    assert.equal(web.status, "running");
    const { services } = (await json(0, "status")) as { services: readonly { provides: string[] }[] };
    assert.ok(services.some(({ provides }) => provides.includes("shepherd")));
    const { events } = (await json(0, "log")) as { events: readonly { service: string }[] };
    assert.ok(events.some(({ service }) => service === "web"));
    const { edges } = (await json(0, "graph")) as { edges: readonly unknown[] };
    assert.ok(edges.some((edge) => JSON.stringify(edge) === '{"from":"web","to":"db"}'));
    assert.deepEqual(await json(0, "eval", "root", "(+ 1 2)"), {
      action: "eval",
      service: "root",
      ok: true,
      result: [3],
      messages: ["Evaluating user expression (+ 1 2)."],
    });
    await json(1, "start", "bad");
    await json(1, "status", "nosuch");
  });
});

/** Without ages, times, the numbers of processes and the addresses of procedures. */
function comparable({ status, stdout, stderr }: Outcome): Outcome {
  const clean = (text: string): string =>
    text
      .replace(/\d\d:\d\d:\d\d \(\d+ \w+ ago\)/g, "TIME (AGE)")
      .replace(/Main PID: \d+/g, "Main PID: PID")
      .replace(/#<procedure \S+/g, "#<procedure");
  return { status, stdout: clean(stdout), stderr: clean(stderr) };
}

describe("the end of a GNU shepherd", { skip }, () => {
  /** Both clients, each with a daemon of its own; then what they say about the daemon that is no more. */
  async function endings(action: string): Promise<{ readonly theirs: Outcome; readonly ours: Outcome }> {
    const end = async (client: (socket: string, ...args: string[]) => Promise<Outcome>): Promise<Outcome> => {
      const shepherd = await gnu().start("(register-services (list (service '(web))))");
      try {
        const outcome = await client(shepherd.socket, action, "root");
        await waitFor("nobody listens any more", async () =>
          (await herd(["-s", shepherd.socket, "status"])).stderr.includes("Connection refused"),
        );
        const gone = await gnu().herd(shepherd.socket, "status");
        assert.deepEqual(
          (await herd(["-s", shepherd.socket, "status"])).stderr.split(":").at(-1),
          gone.stderr.split(":").at(-1),
        );
        return outcome;
      } finally {
        await shepherd.stop();
      }
    };
    const ours = await end((socket, ...args) => herd(["-s", socket, ...args]));
    return { ours, theirs: await end((socket, ...args) => gnu().herd(socket, ...args)) };
  }

  it("herd stop root: the connection's end is the answer", async () => {
    const { ours, theirs } = await endings("stop");
    assert.deepEqual(ours, theirs);
    assert.equal(ours.status, 0);
  });

  for (const action of ["halt", "power-off"]) {
    it(`herd ${action} root has worked, and only ours knows`, async () => {
      // reboot(2) in a PID namespace ends that namespace, and nothing else.
      const { ours, theirs } = await endings(action);
      assert.deepEqual(ours, { status: 0, stdout: "", stderr: "" });
      assert.equal(theirs.status, 1);
      assert.match(theirs.stderr, /premature end-of-file while talking to shepherd/);
    });
  }
});
