// Actions: those of users, and those every service has.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { configuration, sleeper } from "../support/configuration.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";

const actions = `[
  shepherdAction({
    name: "echo",
    documentation: "Print the arguments.",
    procedure: (running, ...args) => { console.log(JSON.stringify(args)); },
  }),
  shepherdAction({
    name: "running",
    documentation: "Print what runs.",
    procedure: (running) => { console.log(running === false ? "nothing" : (running as { pid: number }).pid); },
  }),
  shepherdAction({ name: "refuse", documentation: "Fail.", procedure: () => false }),
  shepherdAction({ name: "boom", documentation: "Throw.", procedure: () => { throw new Error("no such luck"); } }),
  shepherdAction({
    name: "slow",
    documentation: "Print later.",
    procedure: async () => { await new Promise((resolve) => setTimeout(resolve, 50)); console.log("later"); },
  }),
]`;

describe("actions", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await bootSystem(scope, {
      config: configuration([
        sleeper("web", `documentation: "Serve pages.", actions: ${actions}`),
        sleeper("idle", `autoStart: false, actions: ${actions}`),
      ]),
    });
    await system.untilStatus("web", "running");
  });
  after(() => scope.close());

  it("get their arguments, and what they print goes to the client", async () => {
    assert.equal(await system.ok("echo", "web"), "[]\n");
    assert.equal(await system.ok("echo", "web", "a", "two words", "¡ñ!"), '["a","two words","¡ñ!"]\n');
  });

  it("get the running value, or false for a service that is stopped", async () => {
    const { pid } = await system.service("web");
    assert.equal(await system.ok("running", "web"), `${pid}\n`);
    assert.equal(await system.ok("running", "idle"), "nothing\n");
  });

  it("may take their time", async () => {
    assert.equal(await system.ok("slow", "web"), "later\n");
  });

  it("that return false exit 1", async () => {
    assert.deepEqual(await system.herd("refuse", "web"), { status: 1, stdout: "", stderr: "" });
  });

  it("that throw exit 1 with the exception's text", async () => {
    const { status, stderr } = await system.herd("boom", "web");
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^herd: error: exception caught while executing 'boom' on service 'web':\n.*no such luck/,
    );
  });

  it("that do not exist are named, with a hint", async () => {
    assert.deepEqual(await system.herd("frob", "web"), {
      status: 1,
      stdout: "",
      stderr:
        "herd: error: service 'web' does not have an action 'frob'\n" +
        "herd: hint: Run 'herd doc web list-actions' to list supported actions.\n",
    });
  });

  it("are documented", async () => {
    assert.equal(await system.ok("doc", "web"), "Serve pages.\n");
    assert.equal(await system.ok("doc", "web", "action", "echo"), "echo: Print the arguments.\n");
    assert.match(await system.ok("doc", "web", "list-actions"), /^echo:\n {2}Print the arguments\.\n/m);
  });

  it("of a service that does not exist", async () => {
    assert.deepEqual(await system.herd("echo", "nope"), {
      status: 1,
      stdout: "",
      stderr: "herd: error: service 'nope' could not be found\n",
    });
  });

  it("and services that were swapped get a hint", async () => {
    const { status, stderr } = await system.herd("web", "status");
    assert.equal(status, 1);
    assert.match(stderr, /herd: hint: Did you mean 'herd status web'\?/);
  });

  it("disable and enable", async () => {
    assert.equal(await system.ok("disable", "idle"), "Disabled service idle.\n");
    const refused = await system.herd("start", "idle");
    assert.equal(refused.status, 1);
    assert.match(refused.stdout, /^Service idle is currently disabled\.$/m);
    assert.match(await system.ok("status", "idle"), /It is disabled\./);
    assert.equal(await system.ok("enable", "idle"), "Enabled service idle.\n");
    await system.ok("start", "idle");
    await system.ok("stop", "idle");
  });

  it("start of what runs says so, stop of what is stopped says nothing", async () => {
    assert.equal(await system.ok("start", "web"), "Service web is already running.\n");
    assert.equal(await system.ok("stop", "idle"), "");
  });

  it("eval gives an expression's value", async () => {
    assert.equal(await system.ok("eval", "root", "6 * 7"), "Evaluating user expression 6 * 7.\n42\n");
  });

  it("eval of what throws exits 1 with the text", async () => {
    const { status, stderr } = await system.herd("eval", "root", "nonsense()");
    assert.equal(status, 1);
    assert.match(stderr, /nonsense is not defined/);
  });

  it("root has help, and cannot be daemonized as PID 1", async () => {
    assert.match(await system.ok("help"), /root/);
    assert.equal(await system.ok("daemonize", "root"), "Running as PID 1, so not daemonizing.\n");
  });
});
