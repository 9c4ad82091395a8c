// The service `transient`, driven by herd as its users do.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { encodeCommand } from "../../src/protocol/messages.js";
import { keyword, type Sexp, sym } from "../../src/protocol/sexp.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";

const config = `
import { registerServices, startInTheBackground, transientService } from "shepherd-ts";
registerServices([transientService()]);
startInTheBackground(["transient"]);
`;

const secret = "xyzzy-the-secret";

describe("herd spawn transient", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await bootSystem(scope, { config });
    await system.untilStatus("transient", "running");
  });
  after(() => scope.close());

  /** What a client other than ours may send. */
  const spawnRaw = async (...args: readonly Sexp[]): Promise<string> => {
    const command = { action: sym("spawn"), service: sym("transient"), directory: "/", stream: false };
    return (await system.rawRequest(encodeCommand({ ...command, arguments: args }))).text;
  };

  it("runs a command with its options, as a service that depends on transient", async () => {
    const output = await system.ok(
      ...["spawn", "transient", "-N", "job", "-d", "/usr", "-E", `SECRET=${secret}`, "-E", "EMPTY="],
      ...[`--log-file=${system.path("job.log")}`, "--user=nobody"],
      ...[
        "--",
        "sh",
        "-c",
        'pwd; echo "$(printf %s "$SECRET" | wc -c)|$EMPTY|$USER|$1"; exec sleep 1000',
        "#:name",
        "#:user",
      ],
    );
    const [first = "", ...rest] = output.split("\n");
    assert.match(first, /^Spawning transient service for \("sh" "-c" ".*" "#:name" "#:user"\)\.$/);
    assert.deepEqual(rest, ["Service job has been started.", ""]);
    const log = await system.waitForFile("job.log", /\|/);
    assert.match(log, /\/usr\n.* 16\|\|nobody\|#:user\n/);
    const status = await system.ok("status", "job");
    assert.match(status, /It is transient, running since/);
    assert.match(status, /Requires: transient/);
  });

  it("shows the environment to nobody", async () => {
    const shown = [
      await system.ok("status", "job"),
      await system.ok("status", "job", "--json"),
      await system.ok("status", "--json"),
      await system.ok("eval", "root", "lookupService('job')"),
      (await system.service("job")).text,
      await spawnRaw("true", keyword("extra-environment-variables"), ["A=1", secret]),
      await spawnRaw("true", keyword("extra-environment-variables"), secret),
      system.log(),
      system.stdout,
    ];
    for (const text of shown) assert.ok(!text.includes(secret), text);
  });

  it("says what is wrong, and registers nothing then", async () => {
    const failure = async (...args: readonly string[]): Promise<string> => {
      const { status, stderr } = await system.herd("spawn", "transient", ...args);
      assert.equal(status, 1);
      return stderr;
    };
    const before = await system.ok("status");
    const heading = "herd: error: exception caught while executing 'spawn' on service 'transient':\n";
    assert.equal(
      await failure(),
      `${heading}spawn: a command is missing; usage: herd spawn transient [OPTION...] -- COMMAND [ARG...]\n`,
    );
    assert.equal(await failure("-N", "job", "--", "true"), `${heading}service 'job' exists already\n`);
    assert.match(await failure("-N", "a b", "--", "true"), /field "provision": expected/);
    assert.match(
      await failure("-d", "", "--", "true"),
      /keyword '#:directory': expected a string that is not/,
    );
    assert.match(
      await failure("-E", "=", "--", "true"),
      /expected a list of NAME=VALUE strings; variable 1 is none/,
    );
    assert.match(await failure("--user=no-such-user", "--", "true"), /^$/);
    assert.match(await failure("--", "/nonexistent/program"), /^$/);
    assert.match(await spawnRaw("true", keyword("nice"), "5"), /unknown keyword '#:nice'/);
    assert.match(await spawnRaw("true", keyword("name")), /keyword '#:name' has no value/);
    assert.match(await spawnRaw("true", keyword("name"), "x", "y"), /expected a keyword among the options/);
    assert.equal(await system.ok("status"), before);
  });

  it("forgets what has ended, and never gives a name twice", async () => {
    const name = /^Service (transient-\d+) has been started\.$/m;
    const [, first = ""] = (await system.ok("spawn", "transient", "--", "sleep", "1000")).match(name) ?? [];
    await system.killDaemon();
    const [, second = ""] = (await system.ok("spawn", "transient", "--", "sleep", "1000")).match(name) ?? [];
    assert.notEqual(first, "");
    assert.notEqual(second, "");
    assert.notEqual(first, second);
    system.kill(await system.untilProcess(first), "SIGTERM");
    await system.waitFor(
      "the service is gone",
      async () => (await system.herd("status", first)).status === 1,
    );
    await system.untilStatus(second, "running");
  });

  it("ends them all with the service", async () => {
    const pid = await system.untilProcess("job");
    const output = await system.ok("stop", "transient");
    assert.match(output, /^Transient service job unregistered\.$/m);
    assert.equal(system.isAlive(pid), false);
    assert.doesNotMatch(await system.ok("status"), /job|transient-|once-/);
    // It is started again by the first who needs it.
    await system.ok("spawn", "transient", "-N", "job", "--", "sleep", "1000");
    await system.untilStatus("transient", "running");
  });
});

it("starts each once while the daemon dies again and again", async (t) => {
  const system = await bootSystem(t, { config });
  await system.untilStatus("transient", "running");
  const names = Array.from({ length: 12 }, (_, index) => `once-${index}`);
  const spawnOne = async (name: string) => {
    const script = `echo ${name} >>once.txt; exec sleep 1000`;
    const { status, stdout } = await system.herd(
      ...["spawn", "transient", "-N", name, "-d", system.directory, "--", "sh", "-c", script],
    );
    return { name, told: status === 0 && stdout.includes(`Service ${name} has been started.`) };
  };
  const spawning = Promise.all(names.map(spawnOne));
  for (let death = 0; death < 3; death += 1) await system.killDaemon();
  const outcomes = await spawning;
  // A client whose request was interrupted is told so; what it began is carried to its end all the same.
  for (const { name } of outcomes.filter(({ told }) => told)) await system.untilStatus(name, "running");
  await system.waitFor(
    "nothing is starting any more",
    async () => !/Starting:/.test(await system.ok("status")),
  );
  const running: readonly string[] = (await system.ok("status")).match(/once-\d+/g) ?? [];
  const { lines } = await system.waitFor("all that run have written", () => {
    const lines = system.read("once.txt").match(/once-\d+/g) ?? [];
    return lines.length >= running.length && { lines };
  });
  assert.deepEqual([...lines].sort(), [...running].sort());
  for (const { name, told } of outcomes) assert.ok(!told || running.includes(name), name);
});
