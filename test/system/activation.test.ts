// Socket activation: the keeper listens, programs get the sockets or one connection each, and clients notice nothing of
// restarts.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { it } from "node:test";
import { account } from "../support/accounts.js";
import { type Address, ask, converse, isHungUp, isRefused, Load } from "../support/clients.js";
import { configuration, shell } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { freePorts } from "../support/ports.js";
import { project } from "../support/project.js";

/** Answers one line, and tells what it finds in its environment. */
const echo = `["/bin/sh", "-c", 'read line; echo "$line $TCPLOCALIP $TCPLOCALPORT $TCPREMOTEIP $TCPREMOTEPORT"']`;

/** Answers everything until its client is gone. */
const cat = '["/bin/cat"]';

/** Takes connections from descriptor 3 on, answers each with its pid, and ends, asked to, when all are answered. */
const server = `
const { createServer } = require("node:net");
const answer = (connection) => connection.once("data", (data) => connection.end(process.pid + " " + data)).on("error", () => {});
const servers = Array.from({ length: Number(process.env.LISTEN_FDS) }, (_, index) =>
  createServer({ allowHalfOpen: true }, answer).listen({ fd: 3 + index }));
process.on("SIGTERM", () => { for (const one of servers) one.close(); });
`;

const serverCommand = `["${process.execPath}", "{directory}/server.cjs"]`;

const v4 = (port: number): Address => ({ host: "127.0.0.1", port });

/** The services of connections that there are. */
async function connections(system: System, stem: string): Promise<readonly string[]> {
  return [...(await system.ok("status")).matchAll(new RegExp(`\\b${stem}-\\d+\\b`, "g"))].map(
    ([name]) => name,
  );
}

it("inetd: IPv4, IPv6 and Unix sockets, each with its variables", async (t) => {
  const [one = 0, six = 0] = await freePorts(2);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["echo"], { start: makeInetdConstructor(${echo}, [
         endpoint("127.0.0.1:${one}"), endpoint("[::1]:${six}"), endpoint("{directory}/sockets/echo"), endpoint("@{directory}"),
       ]) })`,
    ]),
  });
  await system.untilStatus("echo", "running");
  assert.match(await ask(v4(one), "four"), new RegExp(`^four 127.0.0.1 ${one} 127.0.0.1 \\d+\\n$`));
  assert.match(await ask({ host: "::1", port: six }, "six"), new RegExp(`^six ::1 ${six} ::1 \\d+\\n$`));
  assert.equal(await ask({ path: system.path("sockets/echo") }, "unix"), "unix    \n");
  // Node cannot connect to those.
  assert.match(readFileSync("/proc/net/unix", "utf8"), new RegExp(` @${system.directory}\n`));
  const status = await system.ok("status", "echo");
  assert.match(status, /Inetd-style service listening on 4 endpoints:/);
  assert.match(
    status,
    new RegExp(`- 127.0.0.1:${one}\\n +- \\[::1\\]:${six}\\n +- ${system.path("sockets/echo")}\\n`),
  );
  const { text } = await system.rawRequest(
    `(shepherd-command (version 0) (action status) (service echo) (arguments ()) (directory "/"))`,
  );
  assert.match(
    text,
    new RegExp(
      `\\(inetd-service \\(version 0\\) \\(endpoints \\(\\(endpoint \\(version 0\\) \\(name "unknown"\\) \\(address #\\(2 2130706433 ${one}\\)\\) \\(style 1\\) \\(backlog 128\\) \\(owner 0\\) \\(group 0\\) \\(permissions 493\\) \\(bind-attempts 5\\)\\)`,
    ),
  );
  assert.match(text, new RegExp(`\\(address #\\(10 1 ${six} 0 0\\)\\)`));
  await system.waitFor("no connection is left", async () => (await connections(system, "sh")).length === 0);
  assert.equal(existsSync(system.path("sockets/echo")), true);
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
  assert.equal(existsSync(system.path("sockets/echo")), false);
});

it("inetd: a service for each connection, up to the limit; they live on when the service stops", async (t) => {
  const [port = 0] = await freePorts(1);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["cats"], { start: makeInetdConstructor(${cat}, [endpoint("127.0.0.1:${port}")], {
         maxConnections: 2, serviceNameStem: "tom", requirements: ["milk"], user: "nobody",
       }) })`,
      'service(["milk"], { autoStart: false })',
    ]),
  });
  await system.untilStatus("cats", "running");
  assert.equal((await system.service("milk")).status, "stopped");
  const first = await converse(v4(port), "one\n");
  assert.equal((await system.service("milk")).status, "running");
  const second = await converse(v4(port), "two\n");
  assert.deepEqual(await connections(system, "tom"), ["tom-1", "tom-2"]);
  assert.match(await system.ok("status", "tom-1"), /transient/);
  assert.equal(await isHungUp(v4(port)), true, "the third is closed");
  await first.end();
  await system.waitFor("one is over", async () => (await connections(system, "tom")).length === 1);
  const fourth = await converse(v4(port), "four\n");
  assert.deepEqual(await connections(system, "tom"), ["tom-2", "tom-3"]);

  await system.ok("stop", "cats");
  assert.equal(await isRefused(v4(port)), true);
  assert.equal(await second.say("two, still\n"), "two, still\n");
  await system.ok("stop", "tom-2");
  assert.equal(await second.ended, "two\ntwo, still\n");
  await system.ok("stop", "milk");
  assert.equal(await fourth.ended, "four\n");
  assert.deepEqual(await connections(system, "tom"), []);
});

it("inetd: connections leave nothing behind", async (t) => {
  // As many as one likes by hand: INETD_CONNECTIONS=10000 npm test -- system/activation
  const count = Number(process.env.INETD_CONNECTIONS ?? 1000);
  const [port = 0] = await freePorts(1);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["echo"], { start: makeInetdConstructor(["/bin/cat"], [endpoint("127.0.0.1:${port}")]) })`,
    ]),
  });
  await system.untilStatus("echo", "running");
  const descriptors = (): number => readdirSync(`/proc/${system.keeper()}/fd`).length;
  const quiet = async (): Promise<number> => {
    await system.waitFor(
      "no connection is left",
      async () => (await connections(system, "cat")).length === 0,
    );
    return descriptors();
  };
  await ask(v4(port), "first");
  const before = await quiet();
  const client = async (): Promise<void> => {
    for (let round = 0; round < count / 10; round += 1)
      assert.equal(await ask(v4(port), `line ${round}`), `line ${round}\n`);
  };
  await Promise.all(Array.from({ length: 10 }, client));
  const after = await quiet();
  t.diagnostic(`the keeper's descriptors before ${count} connections: ${before}, after: ${after}`);
  assert.equal(after, before);
  assert.equal(system.processes().filter(({ command }) => command[0] === "/bin/cat").length, 0);
});

it("systemd: lazy: sockets from descriptor 3 on, with names, for the first connection", async (t) => {
  const [port = 0] = await freePorts(1);
  const script =
    'echo "$LISTEN_FDS $LISTEN_FDNAMES $((LISTEN_PID == $$))" > {directory}/found; for fd in 3 4 5; do [ -e /proc/self/fd/$fd ] && grep flags /proc/self/fdinfo/$fd >> {directory}/found; done; exec "$0" {directory}/server.cjs';
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { start: makeSystemdConstructor(["/bin/sh", "-c", ${JSON.stringify(script)}, "${process.execPath}"], [
         endpoint("127.0.0.1:${port}", { name: "http" }),
         endpoint("{directory}/made/for/web", { name: "local", socketOwner: "www-data", socketGroup: "daemon",
           socketPermissions: 0o660, socketDirectoryPermissions: 0o750 }),
       ]) })`,
    ]),
    files: { "server.cjs": server },
  });
  await system.untilStatus("web", "running");
  assert.equal(existsSync(system.path("found")), false, "it waits for a connection");
  assert.match(
    await system.ok("status", "web"),
    new RegExp(`Systemd-style service listening on 2 endpoints:\\n +- 127.0.0.1:${port} \\("http"\\)\\n`),
  );
  const path = system.path("made/for/web");
  const { uid, gid, mode } = statSync(path);
  assert.deepEqual([uid, gid, mode & 0o777], [account("www-data").uid, account("daemon").gid, 0o660]);
  assert.equal(statSync(system.path("made")).mode & 0o777, 0o750);

  const answer = await ask(v4(port), "hello");
  const { pid = 0 } = await system.service("web");
  assert.equal(answer, `${pid} hello\n`);
  assert.equal(await ask({ path }, "local"), `${pid} local\n`);
  assert.equal(system.read("found"), "2 http:local 1\nflags:\t02\nflags:\t02\n");
  assert.match(await system.ok("status", "web"), new RegExp(`Main PID: ${pid}`));

  await system.ok("stop", "web");
  assert.equal(await isRefused(v4(port)), true);
  assert.equal(existsSync(path), false);
  assert.equal(system.isAlive(pid), false);
});

it("systemd: not lazy: it runs at once; its sockets stay while it is respawned and restarted", async (t) => {
  const [port = 0] = await freePorts(1);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { respawn: true, respawnDelay: 0.5,
         start: makeSystemdConstructor(${serverCommand}, [endpoint("127.0.0.1:${port}")], { lazyStart: false }) })`,
    ]),
    files: { "server.cjs": server },
  });
  const first = await system.untilProcess("web");
  assert.equal(await ask(v4(port), "a"), `${first} a\n`);
  system.kill(first, "SIGKILL");
  await system.until("web", "has ended", ({ exits }) => exits.length === 1);
  // Nobody is there to answer; the kernel keeps the connection for whoever comes.
  const answer = await ask(v4(port), "b");
  const second = await system.untilProcess("web", first);
  assert.equal(answer, `${second} b\n`);
  await system.ok("restart", "web");
  const third = await system.untilProcess("web", second);
  assert.equal(await ask(v4(port), "c"), `${third} c\n`);
  await system.ok("disable", "web");
  system.kill(third, "SIGKILL");
  await system.untilStatus("web", "stopped");
  await system.waitFor("its socket is closed", () => isRefused(v4(port)));
});

it("systemd: a lazy service whose program ended waits for the next connection", async (t) => {
  const [port = 0] = await freePorts(1);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { respawn: true, respawnDelay: 0,
         start: makeSystemdConstructor(${serverCommand}, [endpoint("127.0.0.1:${port}")]) })`,
    ]),
    files: { "server.cjs": server },
  });
  await system.untilStatus("web", "running");
  await ask(v4(port), "a");
  const first = await system.untilProcess("web");
  system.kill(first, "SIGTERM");
  const waiting = await system.until(
    "web",
    "waits again",
    ({ exits, pid, status }) => exits.length === 1 && status === "running" && pid === undefined,
  );
  assert.deepEqual(waiting.exits, [0]);
  const answer = await ask(v4(port), "b");
  assert.equal(answer, `${await system.untilProcess("web", first)} b\n`);
});

it("systemd: a program that cannot be executed is told of, and tried as often as the limit allows", async (t) => {
  const [port = 0] = await freePorts(1);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { respawn: true, respawnDelay: 0, respawnLimit: [2, 60],
         start: makeSystemdConstructor(["/nowhere/server"], [endpoint("127.0.0.1:${port}")]) })`,
    ]),
  });
  await system.untilStatus("web", "running");
  const hungUp = isHungUp(v4(port));
  const { exits } = await system.until(
    "web",
    "is disabled",
    ({ enabled, status }) => !enabled && status === "stopped",
  );
  assert.deepEqual(exits, [127 << 8, 127 << 8, 127 << 8]);
  await system.waitForLog(/Service web: exec \/nowhere\/server: No such file or directory/);
  assert.equal(await hungUp, true, "the client learns of it too");
  assert.equal(await isRefused(v4(port)), true);
});

it("systemd: a datagram starts its service, and is there to be read", async (t) => {
  const [port = 0] = await freePorts(1);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["syslog"], { start: makeSystemdConstructor(
         ["/bin/sh", "-c", "dd bs=100 count=1 <&3 > {directory}/got 2> /dev/null; echo >> {directory}/got"],
         [endpoint("127.0.0.1:${port}", { style: "datagram" })]) })`,
    ]),
  });
  await system.untilStatus("syslog", "running");
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  socket.send("a message", port, "127.0.0.1");
  assert.equal(await system.waitForFile("got"), "a message\n");
});

it("an address in use is tried again each second; a start that gives up says which", async (t) => {
  const holder = createServer().listen(0, "127.0.0.1");
  t.after(() => holder.close());
  await once(holder, "listening");
  const { port } = holder.address() as { readonly port: number };
  const [free = 0] = await freePorts(1);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["web"], { autoStart: false, start: makeInetdConstructor(${cat}, [
         endpoint("127.0.0.1:${free}"), endpoint("127.0.0.1:${port}", { bindAttempts: 2 })]) })`,
      `service(["patient"], { autoStart: false, start: makeInetdConstructor(${cat}, [
         endpoint("127.0.0.1:${port}", { bindAttempts: 100 })]) })`,
    ]),
  });
  const { status, stdout, stderr } = await system.herd("start", "web");
  assert.equal(status, 1);
  assert.match(
    stdout + stderr,
    new RegExp(`listen on 127.0.0.1:${port}: Address already in use \\(tried 2 times\\)`),
  );
  assert.equal(await isRefused(v4(free)), true, "the socket that could be made is closed again");
  const starting = system.herd("start", "patient");
  await system.waitForLog(new RegExp(`listen on 127.0.0.1:${port}: Address already in use; trying again`));
  holder.close();
  assert.equal((await starting).status, 0);
  assert.equal(await isRefused(v4(port)), false);
});

it("who holds an address in use is said: another service, or a process", async (t) => {
  const [shared = 0, taken = 0] = await freePorts(2);
  const listener = `require("net").createServer().listen(${taken}, () => console.log("its port is " + "open"))`;
  const clash = (port: number): string =>
    `makeInetdConstructor(${cat}, [endpoint("127.0.0.1:${port}", { bindAttempts: 1 })])`;
  const system = await bootSystem(t, {
    config: configuration([
      `service(["first"], { start: makeInetdConstructor(${cat}, [endpoint("127.0.0.1:${shared}")]) })`,
      `service(["server"], { start: makeForkexecConstructor([process.execPath, "-e", ${JSON.stringify(listener)}]) })`,
      `service(["second"], { autoStart: false, start: ${clash(shared)} })`,
      `service(["third"], { autoStart: false, start: ${clash(taken)} })`,
    ]),
  });
  await system.untilStatus("first", "running");
  // Not its command, which is logged, too.
  await system.waitForLog(/its port is open/);
  const second = await system.herd("start", "second");
  assert.match(second.stdout, /Address already in use by service first \(tried once\)/);
  const third = await system.herd("start", "third");
  const { pid } = await system.service("server");
  assert.match(third.stdout, new RegExp(`Address already in use by \\S+ \\(PID ${pid}\\) \\(tried once\\)`));
});

it("a start that is given up leaves no socket; a definition with other endpoints gets others at the restart", async (t) => {
  const [before = 0, both = 0, after = 0] = await freePorts(3);
  const text = (...ports: readonly number[]): string =>
    configuration([
      `service(["web"], { start: makeInetdConstructor(${cat}, [${ports.map((port) => `endpoint("127.0.0.1:${port}")`)}]) })`,
    ]);
  const system = await bootSystem(t, { config: text(before, both) });
  await system.untilStatus("web", "running");
  const held = await converse(v4(both), "held\n");
  writeFileSync(system.config, text(both, after));
  await system.ok("load", "root", system.config);
  assert.equal(await isRefused(v4(before)), false, "the old definition is in force while it runs");
  await system.ok("restart", "web");
  assert.deepEqual(await Promise.all([before, both, after].map((port) => isRefused(v4(port)))), [
    true,
    false,
    false,
  ]);
  assert.equal(await held.say("still\n"), "still\n");
  // No socket at all in its next definition.
  writeFileSync(
    system.config,
    configuration([`service(["web"], { start: ${shell("exec sleep 1000000")} })`]),
  );
  await system.ok("load", "root", system.config);
  await system.ok("restart", "web");
  assert.deepEqual(await Promise.all([both, after].map((port) => isRefused(v4(port)))), [true, true]);
});

it("examples/activation.ts: the time and a page for whoever connects", async (t) => {
  const [daytime = 0, http = 0] = await freePorts(2);
  const text = readFileSync(join(project.examples, "activation.ts"), "utf8");
  const system = await bootSystem(t, {
    config: text
      .replaceAll(":1313", `:${daytime}`)
      .replaceAll(":8080", `:${http}`)
      .replaceAll("/tmp/shepherd-activation", "{directory}/activation"),
  });
  for (const name of ["daytime", "web"]) await system.untilStatus(name, "running");
  assert.match(await ask({ host: "::1", port: daytime }), /\d\d:\d\d:\d\d/);
  const page = await (await fetch(`http://127.0.0.1:${http}/page`)).text();
  assert.equal(page, `Process ${(await system.service("web")).pid} serves /page\n`);
  const get = "GET /local HTTP/1.0\r\n\r\n";
  assert.match(await ask({ path: system.path("activation/web") }, get), /serves \/local\n$/);
  assert.equal(statSync(system.path("activation/web")).mode & 0o777, 0o600);
});

it("no connection is refused or left unanswered while the daemon is killed 20 times, and services are restarted", async (t) => {
  const [inetd = 0, lazy = 0] = await freePorts(2);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["echo"], { start: makeInetdConstructor(["/bin/cat"], [endpoint("127.0.0.1:${inetd}")]) })`,
      `service(["web"], { start: makeSystemdConstructor(${serverCommand}, [endpoint("127.0.0.1:${lazy}")]),
         stop: makeKillDestructor({ gracePeriod: 30 }) })`,
    ]),
    files: { "server.cjs": server },
    keeperOptions: ["--deaths=0", "--window=1"],
  });
  await system.untilStatus("echo", "running");
  await system.untilStatus("web", "running");
  const loads = [
    new Load(Array(4).fill(v4(inetd)), (answer, question) => answer === `${question}\n`),
    new Load(Array(4).fill(v4(lazy)), (answer, question) => answer.replace(/^\d+ /, "") === `${question}\n`),
  ];
  for (let kill = 0; kill < 20; kill += 1) {
    const before = loads.map(({ answered }) => answered);
    const restarts = kill % 4 === 0 ? ["echo", "web"].map((name) => system.herd("restart", name)) : [];
    // At another instant of the connections' lives each time.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 50));
    await system.killDaemon();
    for (const { status, stdout, stderr } of await Promise.all(restarts))
      assert.equal(status, 0, stdout + stderr);
    await system.waitFor("connections are answered again", () =>
      loads.every(
        ({ answered, problems }, index) => answered > (before[index] ?? 0) + 20 || problems.length > 0,
      ),
    );
  }
  await Promise.all(loads.map((load) => load.end()));
  assert.deepEqual(
    loads.flatMap(({ problems }) => problems),
    [],
    system.explain(),
  );
  t.diagnostic(`answered: inetd ${loads[0]?.answered}, systemd ${loads[1]?.answered}`);
  await system.waitFor("no connection is left", async () => (await connections(system, "cat")).length === 0);
  assert.equal(system.processes().filter(({ command }) => command[0] === "/bin/cat").length, 0);
});

/** Inherits its sockets as it does at an upgrade of its own. */
const nginxConf = (port: number): string => `daemon off;
worker_processes 2;
pid {directory}/nginx.pid;
error_log stderr notice;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:${port};
    location / { return 200 "served by nginx\\n"; }
  }
}
`;

it("nginx answers 10,000 connections, and refuses none, while it is restarted 20 times", async (t) => {
  const [port = 0] = await freePorts(1);
  const system = await bootSystem(t, {
    config: configuration([
      `service(["nginx"], {
         start: makeSystemdConstructor(["nginx", "-e", "stderr", "-c", "{directory}/nginx.conf"], [endpoint("127.0.0.1:${port}")], {
           environmentVariables: { PATH: process.env.PATH, NGINX: "3;" },
         }),
         stop: makeKillDestructor("QUIT", { gracePeriod: 30 }),
       })`,
    ]),
    files: { "nginx.conf": nginxConf(port) },
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
  await system.untilStatus("nginx", "running");
  const load = new Load(
    Array(8).fill(v4(port)),
    (answer) => answer.endsWith("served by nginx\n"),
    (id) => `GET /${id} HTTP/1.0\r\n\r`,
  );
  for (let restart = 1; restart <= 20; restart += 1) {
    await system.waitFor("connections are answered", () => load.answered >= restart * 500);
    await system.ok("restart", "nginx");
  }
  await load.end();
  t.diagnostic(`answered: ${load.answered}, otherwise: ${load.problems.length} ${load.problems[0] ?? ""}`);
  assert.deepEqual(
    load.problems.filter((problem) => problem.includes("ECONNREFUSED")),
    [],
  );
});
