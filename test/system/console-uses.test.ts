// What terminals of services are for, who may have them, and what is said where there is none.

import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { it as test } from "node:test";
import { account } from "../support/accounts.js";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { attach, it, shellService, untilNoHolder } from "../support/consoles.js";
import { bootSystem } from "../support/harness.js";
import { project } from "../support/project.js";

it("only terminals are attached, and whatever has no console is told", async (t) => {
  const system = await bootSystem(t, {
    config: configuration([
      shellService(["sh"], "autoStart: false"),
      sleeper("plain"),
      sleeper(
        "own",
        `actions: [shepherdAction({ name: "attach", procedure: () => console.log("an own action") })]`,
      ),
    ]),
  });
  await system.untilProcess("plain");
  const refusal = await system.herd("attach", "sh");
  assert.equal(refusal.status, 1);
  assert.match(refusal.stderr, /standard input and output are to be a terminal/);
  const cases = [
    ["nobody", /could not be found/],
    ["sh", /it is stopped/],
    ["plain", /runs without a console/],
    ["root", /has no console/],
  ] as const;
  for (const [name, message] of cases) {
    const { status, stderr } = await system.herd("attach", "--read-only", name);
    assert.equal(status, 1);
    assert.match(stderr, message);
  }
  assert.match((await system.herd("attach", "--detach-key=escape", "sh")).stderr, /expected a key/);
  assert.match(await system.ok("attach", "--read-only", "own"), /an own action/);
});

it("a getty has a terminal that interrupts, belongs to who logs in, and comes back", async (t) => {
  const agetty = ["/sbin/agetty", "/usr/sbin/agetty"].find((file) => existsSync(file));
  if (agetty === undefined) {
    t.skip("there is no agetty");
    return;
  }
  const command = JSON.stringify([
    agetty,
    "--noclear",
    "--skip-login",
    "--nonewline",
    "--noissue",
    "--login-program",
    "/bin/sh",
    "--login-options",
    "-i",
    "-",
    "xterm",
  ]);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["getty"], { start: makeForkexecConstructor(${command}, { terminal: true, extraEnvironmentVariables: ["PS1=login> "] }), stop: makeKillDestructor("SIGHUP"), respawn: true })`,
    ]),
  });
  const pid = await system.untilProcess("getty");
  const window = attach(t, system, ["getty"]);
  await window.until(/login> /);
  window.type("sleep 1000000\r");
  await system.waitFor("the command runs", () =>
    system.processes().some(({ command: words }) => words[1] === "1000000"),
  );
  window.type("\u0003");
  await window.until(/login> /);
  window.type("echo code-$?\r");
  await window.until(/\ncode-130\r\n/);
  window.type("exit\r");
  assert.equal(await window.exitStatus(), 0);
  await system.untilProcess("getty", pid);
  const again = attach(t, system, ["getty"]);
  await again.until(/login> /);
  assert.doesNotMatch(again.shown, /code-130/);
});

it("examples/terminals.ts: what it says can be done, can", async (t) => {
  const system = await bootSystem(t, {
    config: readFileSync(join(project.examples, "terminals.ts"), "utf8"),
  });
  const pid = await system.untilProcess("shell");
  const shell = attach(t, system, ["console"]);
  await shell.until(/shell> /);
  shell.type("exit\r");
  await shell.until(/the terminal of shell was closed/);
  await system.untilProcess("shell", pid);
  await system.ok("start", "prompt");
  const prompt = attach(t, system, ["prompt"]);
  await prompt.until(/> /);
  prompt.type("6 * 7\r");
  await prompt.until(/\n\S*42/);
  assert.match(await system.ok("tree", "prompt"), /^prompt\n.{3}\d+ node\n.{3}\d+ .*console\.cjs/m);
});

it("the terminal is its user's", async (t) => {
  if (process.getuid?.() !== 0) {
    t.skip("only root runs services as others");
    return;
  }
  const nobody = account("nobody");
  const start = shell(
    "stat -c owner-%U $(tty) >/dev/tty; read line; echo got-$line",
    `{ terminal: true, user: "${nobody.name}" }`,
  );
  const system = await bootSystem(t, {
    config: configuration([`service(["low"], { start: ${start}, respawn: false })`]),
  });
  await system.untilProcess("low");
  const window = attach(t, system, ["low"]);
  await window.until(/owner-nobody/);
  window.type("hello\r");
  await window.until(/got-hello/);
  await system.untilStatus("low", "stopped");
});

test("without node-pty a start with a terminal says what to install, and nothing else changes", async (t) => {
  const system = await bootSystem(t, {
    variant: "none",
    native: project.native("none"),
    config: configuration([shellService(["sh"], "autoStart: false"), sleeper("plain")]),
  });
  const pid = await system.untilProcess("plain");
  // A copy of the program, with no packages beside it.
  const program = system.path("programs/console.cjs");
  rmSync(program);
  copyFileSync(join(project.dist, "console.cjs"), program);
  const { status, stdout, stderr } = await system.herd("start", "sh");
  assert.equal(status, 1, stdout + stderr);
  assert.match(
    `${stdout}${stderr}${system.log()}`,
    /terminal: needs the package node-pty, which is not installed: run `npm install node-pty@/,
  );
  await untilNoHolder(system);
  assert.equal(await system.untilProcess("plain"), pid);
  const { optionalDependencies, dependencies } = JSON.parse(
    readFileSync(join(project.root, "package.json"), "utf8"),
  );
  assert.ok("node-pty" in optionalDependencies && !("node-pty" in dependencies));
});
