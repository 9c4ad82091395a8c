// Units that start others, in a real system: sockets, connections, FIFOs, timers and paths, over the supervisor's death.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { type Address, ask } from "../support/clients.js";
import { bootSystem, type Scope, type System } from "../support/harness.js";
import { freePorts } from "../support/ports.js";

const lib = "root/usr/lib/systemd/system";

const config =
  'import { systemdUnits } from "shepherd-ts/systemd";\n' +
  'export const services = systemdUnits({ target: "goal", root: "{directory}/root" });\n';

/** Takes connections from descriptor 3 on, and answers each with its pid and what it was told of its sockets. */
const server = `
const { createServer } = require("node:net");
for (let index = 0; index < Number(process.env.LISTEN_FDS); index += 1)
  createServer({ allowHalfOpen: true }, (connection) =>
    connection.once("data", (data) => connection.end([process.pid, process.env.LISTEN_FDNAMES, data].join(" "))),
  ).listen({ fd: 3 + index });
`;

const inetd = (port: number): Address => ({ host: "127.0.0.1", port });

async function boot(t: Scope, wants: string, units: Readonly<Record<string, string>>): Promise<System> {
  const files = Object.fromEntries(Object.entries(units).map(([name, text]) => [`${lib}/${name}`, text]));
  const goal = `[Unit]\nDefaultDependencies=no\nWants=${wants}\nAfter=${wants}\n`;
  return await bootSystem(t, {
    config,
    files: { ...files, [`${lib}/goal.target`]: goal, "server.cjs": server },
  });
}

/** What units have while they run is taken away when they stop. */
async function shutDown(system: System): Promise<void> {
  await system.herd("stop", "root");
  await system.ended;
}

const plain = "[Unit]\nDefaultDependencies=no\n";

it("a socket starts its service, which gets it and can be restarted and die without a client noticing", async (t) => {
  const [port = 0] = await freePorts(1);
  const system = await boot(t, "web.socket", {
    "web.socket": `${plain}[Socket]\nListenStream=127.0.0.1:${port}\nListenStream={directory}/web.sock\nSocketMode=0640\nFileDescriptorName=front\nKeepAlive=yes\nSymlinks={directory}/link.sock\nExecStartPre=/bin/sh -c "echo pre >>{directory}/commands"\nExecStartPost=/bin/sh -c "echo post >>{directory}/commands"\nExecStopPre=/bin/sh -c "echo stop >>{directory}/commands"\nExecStopPost=/bin/sh -c "echo stopped >>{directory}/commands"\nRemoveOnStop=yes\n`,
    "web.service": `${plain}[Service]\nExecStart=${process.execPath} {directory}/server.cjs\n`,
  });
  await system.untilStatus("web.socket", "running");
  assert.equal((await system.service("web")).status, "stopped");
  assert.equal(readFileSync(system.path("commands"), "utf8"), "pre\npost\n");
  const first = await ask(inetd(port), "one");
  assert.match(first, /^\d+ front:front one\n$/);
  const pid = await system.untilProcess("web");
  assert.equal(first.split(" ")[0], String(pid));
  assert.match(await ask({ path: system.path("link.sock") }, "two"), new RegExp(`^${pid} `));

  await system.killDaemon();
  await system.ok("stop", "web");
  assert.match(await ask(inetd(port), "three"), /front:front three\n$/);
  const second = await system.untilProcess("web", pid);
  await system.ok("restart", "web");
  await system.untilProcess("web", second);
  assert.match(await ask(inetd(port), "four"), /front:front four\n$/);
  assert.match(await system.ok("status", "web.socket"), /listening on 2 endpoints/);

  await system.ok("stop", "web");
  await system.ok("stop", "web.socket");
  assert.equal(readFileSync(system.path("commands"), "utf8"), "pre\npost\nstop\nstopped\n");
  assert.deepEqual(
    ["web.sock", "link.sock"].filter((name) => existsSync(system.path(name))),
    [],
  );
  await shutDown(system);
});

it("with Accept=yes each connection has a service of its own, on standard input or on descriptor 3", async (t) => {
  const [one = 0, two = 0] = await freePorts(2);
  const system = await boot(t, "echo.socket passed.socket", {
    "echo.socket": `${plain}[Socket]\nListenStream=127.0.0.1:${one}\nAccept=yes\n`,
    "echo@.service": `${plain}[Service]\nExecStart=/bin/sh -c 'read line; echo "$line $REMOTE_ADDR %i"'\nStandardInput=socket\n`,
    "passed.socket": `${plain}[Socket]\nListenStream=127.0.0.1:${two}\nAccept=yes\n`,
    "passed@.service": `${plain}[Service]\nExecStart=/bin/sh -c 'read line <&3; echo "$LISTEN_FDS $LISTEN_FDNAMES $line" >&3'\n`,
  });
  await system.untilStatus("echo.socket", "running");
  assert.match(
    await ask(inetd(one), "hello"),
    new RegExp(`^hello 127\\.0\\.0\\.1 1-127\\.0\\.0\\.1:${one}-127\\.0\\.0\\.1:\\d+\\n$`),
  );
  await system.killDaemon();
  assert.match(await ask(inetd(one), "again"), /^again 127\.0\.0\.1 2-/);
  await system.untilStatus("passed.socket", "running");
  assert.equal(await ask(inetd(two), "third"), "1 connection third\n");
  await system.waitFor("no connection's service is left", async () => {
    const status = await system.ok("status");
    return !/echo@|passed@/.test(status);
  });
  await shutDown(system);
});

it("a FIFO starts its service, which reads what was written to it", async (t) => {
  const system = await boot(t, "pipe.socket", {
    "pipe.socket": `${plain}[Socket]\nListenFIFO={directory}/fifo\nSocketMode=0622\n`,
    "pipe.service": `${plain}[Service]\nExecStart=/bin/sh -c 'read line <&3; echo "$line" >{directory}/read'\n`,
  });
  await system.untilStatus("pipe.socket", "running");
  writeFileSync(system.path("fifo"), "a line\n");
  await system.waitFor(
    "it was read",
    () => existsSync(system.path("read")) && readFileSync(system.path("read"), "utf8") === "a line\n",
  );
  await shutDown(system);
});

it("timers and paths start their units, in the next supervisor too", async (t) => {
  const system = await boot(t, "tick.timer spool.path", {
    "tick.timer": `${plain}[Timer]\nOnActiveSec=100ms\nOnUnitInactiveSec=200ms\n`,
    "tick.service": `${plain}[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo tick >>{directory}/ticks'\n`,
    "spool.path": `${plain}[Path]\nDirectoryNotEmpty={directory}/spool\nMakeDirectory=yes\n`,
    "spool.service": `${plain}[Service]\nType=oneshot\nExecStart=/bin/sh -c 'cat {directory}/spool/* >>{directory}/done; rm {directory}/spool/*'\n`,
  });
  const ticks = (): number =>
    existsSync(system.path("ticks")) ? readFileSync(system.path("ticks"), "utf8").split("\n").length - 1 : 0;
  const done = (): string =>
    existsSync(system.path("done")) ? readFileSync(system.path("done"), "utf8") : "";
  await system.untilStatus("spool.path", "running");
  writeFileSync(system.path("spool/job"), "first\n");
  await system.waitFor("the job is done", () => done() === "first\n");
  await system.waitFor("it has ticked", () => ticks() >= 2);
  await system.killDaemon();
  const before = ticks();
  writeFileSync(system.path("spool/job"), "second\n");
  await system.waitFor("the second job is done", () => done() === "first\nsecond\n");
  await system.waitFor("it has ticked on", () => ticks() >= before + 2);
  await system.until("tick.timer", "runs", ({ status }) => status === "running");
  await shutDown(system);
});
