// A request that is under way when the daemon dies gets its answer all the same, or a word about what became of it.

import assert from "node:assert/strict";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { DescriptorOutput } from "../../src/herd/output.js";
import { run } from "../../src/herd/run.js";
import { errorCode } from "../../src/herd/system-error.js";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import type { ProcessInfo } from "../support/processes.js";
import type { Outcome } from "../support/run.js";
import { gnuRequest } from "../support/wire.js";

const goesOn = "herd: the supervisor was restarted; it goes on with the request\n";
const notRepeated =
  "herd: error: the supervisor was restarted while it carried out the request: it was begun, may have been carried out in part, and is not repeated\n";
const files = 'import { appendFileSync } from "node:fs";';

/** A service whose start ends once the file `go` exists. */
const slow = `service(["slow"], { autoStart: false, stop: makeKillDestructor(), start: ${shell(
  "until [ -e {directory}/go ]; do sleep 0.01; done; echo $$ > {directory}/slow.pid; exec sleep 1000000",
  '{ pidFile: "{directory}/slow.pid" }',
)} })`;

/** A service that does not heed TERM; its file is there once that holds. */
const stubborn = `service(["stubborn"], { start: ${shell(
  "trap '' TERM; echo > {directory}/deaf; exec sleep 1000000",
)}, stop: makeKillDestructor({ gracePeriod: 1 }) })`;

it("start, wherever in it the daemon dies", async (t) => {
  const system = await bootSystem(t, { config: configuration([slow]) });
  const starting = system.herd("start", "slow");
  await system.untilStatus("slow", "starting");
  await system.killDaemon();
  writeFileSync(system.path("go"), "");
  assert.deepEqual(await starting, { status: 0, stdout: "Service slow has been started.\n", stderr: goesOn });
  const pid = await system.untilProcess("slow");
  assert.equal(system.isAlive(pid), true);
});

it("stop", async (t) => {
  const system = await bootSystem(t, { config: configuration([stubborn]) });
  const pid = await system.untilProcess("stubborn");
  await system.waitForFile("deaf");
  const stopping = system.herd("stop", "stubborn");
  await system.untilStatus("stubborn", "stopping");
  await system.killDaemon();
  assert.deepEqual(await stopping, { status: 0, stdout: "", stderr: goesOn });
  assert.equal(system.isAlive(pid), false);
  assert.equal((await system.service("stubborn")).status, "stopped");
});

it("restart, in its stop", async (t) => {
  const system = await bootSystem(t, { config: configuration([stubborn]) });
  const pid = await system.untilProcess("stubborn");
  await system.waitForFile("deaf");
  const restarting = system.herd("restart", "stubborn");
  await system.untilStatus("stubborn", "stopping");
  await system.killDaemon();
  const { status, stderr } = await restarting;
  assert.deepEqual({ status, stderr }, { status: 0, stderr: goesOn }, system.explain());
  assert.equal((await system.service("stubborn")).status, "running");
  assert.notEqual(await system.untilProcess("stubborn"), pid);
});

it("a start function is not run again, and the client is told why it failed", async (t) => {
  const start = 'async () => { appendFileSync("{directory}/starts", "x\\n"); await new Promise(() => {}); }';
  const system = await bootSystem(t, {
    config: configuration(
      [
        `service(["half"], { autoStart: false, start: ${start} })`,
        `service(["whole"], { autoStart: false, requirement: ["half"], start: () => true })`,
      ],
      files,
    ),
  });
  const starting = system.herd("start", "whole");
  await system.waitForFile("starts");
  await system.killDaemon();
  const { status, stdout, stderr } = await starting;
  assert.match(stdout, /Failed to start half: interrupted/);
  assert.deepEqual(
    { status, stderr },
    { status: 1, stderr: `${goesOn}herd: error: failed to start service whole\n` },
  );
  assert.equal(system.read("starts"), "x\n");
});

it("eval and a service's own action are not carried out again, and it says so", async (t) => {
  const action =
    'async () => { appendFileSync("{directory}/acts", "x\\n"); await new Promise(() => {}); return true; }';
  const system = await bootSystem(t, {
    config: configuration(
      [
        `service(["web"], { start: () => true, actions: [{ name: "reload", documentation: "", procedure: ${action} }] })`,
      ],
      files,
    ),
  });
  const expression = `(await import("node:fs")).appendFileSync("${system.path("evals")}", "x\\n"), await new Promise(() => {})`;
  const requests = [system.herd("eval", "root", expression), system.herd("reload", "web")];
  await Promise.all([system.waitForFile("evals"), system.waitForFile("acts")]);
  await system.killDaemon();
  for (const { status, stderr } of await Promise.all(requests))
    assert.deepEqual({ status, stderr }, { status: 1, stderr: notRepeated });
  const [evals, acts] = [system.read("evals"), system.read("acts")];
  assert.deepEqual([evals, acts], ["x\n", "x\n"]);
  const json = system.herd("reload", "web", "--json");
  await system.waitForFile("acts", /x\nx\n/);
  await system.killDaemon();
  const document = JSON.parse((await json).stdout) as { error: { kind: string } };
  assert.equal(document.error.kind, "interrupted");
});

it("what only asks is asked again, and nothing is said of it", async (t) => {
  const system = await bootSystem(t, { config: configuration([sleeper("web", 'documentation: "Sleeps."')]) });
  await system.untilStatus("web", "running");
  const daemon = await system.waitFor("a daemon lives", () => system.daemon());
  // A daemon that is stopped accepts nothing; killed then, it leaves the clients that wait to the next one.
  process.kill(daemon, "SIGSTOP");
  const asking = [system.herd("status"), system.herd("doc", "web"), system.herd("status", "--json")];
  await delay(100);
  process.kill(daemon, "SIGKILL");
  const [overview, doc, json] = await Promise.all(asking);
  assert.deepEqual(overview, { status: 0, stdout: "Started:\n + root\n + web\n", stderr: "" });
  assert.deepEqual(doc, { status: 0, stdout: "Sleeps.\n", stderr: "" });
  assert.doesNotThrow(() => JSON.parse(json?.stdout ?? ""));
});

it("a request is remembered while it is under way, and forgotten once its reply was taken", async (t) => {
  const system = await bootSystem(t, { config: configuration([slow]) });
  const named = (action: string, service: string) =>
    gnuRequest(action, service).replace("(version 0)", '(version 0 (id "a"))');
  const outcome = async () => {
    const { text } = await system.rawRequest(gnuRequest("request-outcome", "root", "a"));
    return /\(result \((\w+)\)\)/.exec(text)?.[1];
  };
  assert.equal(await outcome(), "unknown");
  const starting = system.rawRequest(named("start", "slow"));
  await system.untilStatus("slow", "starting");
  assert.equal(await outcome(), "resumable");
  // Whoever sends it once more shares the start and its reply.
  const again = system.rawRequest(named("start", "slow"));
  writeFileSync(system.path("go"), "");
  const [first, second] = await Promise.all([starting, again]);
  assert.match(first.text, /has been started/);
  assert.equal(second.text, first.text);
  assert.equal(await outcome(), "unknown");
  await system.rawRequest(named("status", "slow"));
  assert.equal(await outcome(), "unknown");
});

/** Our client inside this process: its request is out within a millisecond. */
async function client(system: System, name: string, ...args: readonly string[]): Promise<Outcome> {
  const [output, errors] = ["out", "err"].map((end) => openSync(system.path(`${name}.${end}`), "w"));
  const status = await run({
    args: ["-s", system.socket, ...args],
    environment: {},
    uid: 0,
    directory: system.directory,
    output: new DescriptorOutput(output ?? -1, "output"),
    errors: new DescriptorOutput(errors ?? -1, "errors"),
    isTerminal: { input: false, output: false, errors: false },
    now: () => 0,
  });
  for (const descriptor of [output, errors]) closeSync(descriptor ?? -1);
  return { status, stdout: system.read(`${name}.out`), stderr: system.read(`${name}.err`) };
}

it("restart and load, with the death at each millisecond of them", async (t) => {
  const more = configuration([sleeper("extra")]);
  const system = await bootSystem(t, {
    config: configuration([sleeper("web")]),
    files: { "more.ts": more },
    keeperOptions: ["--window=1"],
  });
  let pid = await system.untilProcess("web");
  let resumed = 0;
  for (let wait = 0; wait < 14; wait += 1) {
    const old = await system.waitFor("a daemon lives", () => system.daemon());
    const requests = [
      client(system, "restart", "restart", "web"),
      client(system, "load", "load", "root", system.path("more.ts")),
    ];
    await delay(wait);
    process.kill(old, "SIGKILL");
    for (const { status, stdout, stderr } of await Promise.all(requests)) {
      assert.equal(status, 0, `after ${wait} ms: ${stdout}${stderr}\n${system.explain()}`);
      if (stderr === goesOn) resumed += 1;
    }
    pid = await system.untilProcess("web", pid);
    await system.untilStatus("extra", "running");
    const isSleeping = ({ command, state }: ProcessInfo) => command[0] === "/bin/sleep" && state !== "Z";
    assert.equal(system.processes().filter(isSleeping).length, 2, `after ${wait} ms`);
  }
  t.diagnostic(`${resumed} of 28 requests were interrupted`);
});

it("start, stop, enable and disable likewise: what was asked for holds", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([sleeper("web"), sleeper("db")]),
    keeperOptions: ["--window=1"],
  });
  await system.untilStatus("web", "running");
  for (let wait = 0; wait < 8; wait += 1) {
    const isUp = wait % 2 === 1;
    const old = await system.waitFor("a daemon lives", () => system.daemon());
    const requests = [
      client(system, "web", isUp ? "start" : "stop", "web"),
      client(system, "db", isUp ? "enable" : "disable", "db"),
    ];
    await delay(wait);
    process.kill(old, "SIGKILL");
    for (const { status, stdout, stderr } of await Promise.all(requests))
      assert.equal(status, 0, `after ${wait} ms: ${stdout}${stderr}\n${system.explain()}`);
    assert.equal((await system.service("web")).status, isUp ? "running" : "stopped", `after ${wait} ms`);
    assert.equal((await system.service("db")).enabled, isUp, `after ${wait} ms`);
  }
});

it("the end of the system is success, with or without a daemon that could say so", async (t) => {
  const system = await bootSystem(t, { config: configuration([stubborn]) });
  await system.waitForFile("deaf");
  const stopping = system.herd("stop", "root");
  await system.waitForLog(/Stopping service stubborn/);
  await system.killDaemon();
  assert.deepEqual(await system.waitForEnd(), { code: 0, signal: null });
  assert.equal((await stopping).status, 0);
});

it("so it is wherever in its beginning the daemon dies", async (t) => {
  for (const wait of [0, 2, 5, 10]) {
    const system = await bootSystem(t, { config: configuration([sleeper("web")]) });
    await system.untilStatus("web", "running");
    const old = await system.waitFor("a daemon lives", () => system.daemon());
    const stopping = client(system, "stop", "stop", "root");
    await delay(wait);
    try {
      process.kill(old, "SIGKILL");
    } catch (error) {
      // The system has ended by then.
      if (errorCode(error) !== "ESRCH") throw error;
    }
    const { status, stdout, stderr } = await stopping;
    assert.equal(status, 0, `after ${wait} ms: ${stdout}${stderr}\n${system.explain()}`);
    assert.deepEqual(await system.waitForEnd(), { code: 0, signal: null }, `after ${wait} ms`);
  }
});

it("many requests and a daemon that dies again and again: none ends in silence, none is carried out twice", async (t) => {
  const names = Array.from({ length: 4 }, (_, index) => `s${index}`);
  // The first death comes between the effects and their replies.
  const help = `
    const effect = async (word: string) => {
      appendFileSync("{directory}/effects", word + "\\n");
      while (!existsSync("{directory}/enough")) await new Promise((resolve) => setTimeout(resolve, 10));
      return true;
    };
    Object.assign(globalThis, { effect });`;
  const system = await bootSystem(t, {
    config: configuration(
      [
        ...names.map((name) => sleeper(name)),
        `service(["worker"], { start: () => true, actions: [
           { name: "act", documentation: "", procedure: (_value, word) => effect("act-" + word) }] })`,
      ],
      `import { appendFileSync, existsSync } from "node:fs";${help}`,
    ),
    keeperOptions: ["--deaths=50"],
  });
  await system.untilStatus("worker", "running");
  const commands: readonly (readonly string[])[] = names.flatMap((name) => [
    ["restart", name],
    ["start", name],
    ["status", name],
    ["disable", name],
    ["enable", name],
    ["eval", "root", `effect("eval-${name}")`],
    ["act", "worker", name],
    ["status", "--json"],
    ["log", name],
    ["stop", name],
  ]);
  const requests = commands.map((words) => system.herd(...words));
  await system.waitForFile("effects");
  for (let death = 0; death < 5; death += 1) {
    await system.killDaemon();
    writeFileSync(system.path("enough"), "");
    await delay(Math.random() * 300);
  }
  const outcomes = await Promise.all(requests);
  const effects = system.read("effects").split("\n").slice(0, -1);
  assert.deepEqual(effects, [...new Set(effects)], "an effect that came twice");
  const begun = outcomes.filter(({ stderr }) => stderr === notRepeated);
  assert.notEqual(begun.length, 0, "the first death interrupted nothing");
  for (const [index, { status, stdout, stderr }] of outcomes.entries()) {
    const [action = "", service = "", word = ""] = commands[index] ?? [];
    const told = `${action} ${service} ${word}: ${status} ${JSON.stringify(stdout)} ${JSON.stringify(stderr)}`;
    if (status !== 0) assert.notEqual(`${stdout}${stderr}`, "", told);
    assert.doesNotMatch(stderr, /premature|does not answer|malformed/, told);
    if (service === "--json") assert.doesNotThrow(() => JSON.parse(stdout), told);
    const effect = action === "act" ? `act-${word}` : /eval-\w+/.exec(word)?.[0];
    if (effect !== undefined && status === 0) assert.ok(effects.includes(effect), told);
  }
});
