// Readiness, health and watchdog on the real thing: programs that notify, are probed, hang, and give descriptors away.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { it } from "node:test";
import { account } from "../support/accounts.js";
import { module } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { freePorts } from "../support/ports.js";
import { waitFor } from "../support/wait.js";

/** Says and does, line by line, what is written into its FIFO. */
const notifier = `
import array, os, socket, sys, time
name, orders = sys.argv[1], sys.argv[2]
speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
speaker.connect("\\0" + os.environ["NOTIFY_SOCKET"][1:])
def say(text, *fds):
    speaker.sendmsg([text if isinstance(text, bytes) else text.encode()],
                    [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
def barrier():
    near, far = os.pipe()
    say("BARRIER=1", far)
    os.close(far)
    assert os.read(near, 1) == b""
    os.close(near)
def store(name, text):
    fd = os.memfd_create(name)
    os.write(fd, text.encode())
    say("FDSTORE=1\\nFDNAME=" + name, fd)
    os.close(fd)
def stored():
    names = os.environ.get("LISTEN_FDNAMES", "").split(":") if "LISTEN_FDS" in os.environ else []
    return {name: os.pread(3 + index, 100, 0).decode() for index, name in enumerate(names)}
def tell(text):
    with open(orders + ".answer.new", "w") as file:
        file.write(str(text))
    os.rename(orders + ".answer.new", orders + ".answer")
def orphan():
    near, far = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            os.write(far, b"%d" % os.getpid())
            time.sleep(999999)
        os._exit(0)
    os.wait()
    return int(os.read(near, 20))
def fork_main():
    near, far = os.pipe()
    if os.fork() > 0:
        os.close(far)
        os.read(near, 1)
        os._exit(0)
    os.setsid()
    return far
while True:
    with open(orders) as fifo:
        for line in fifo:
            exec(line)
`;

const helpers = `import { commandSucceeds, notify, portAnswers } from "shepherd-ts";`;

/** A service that obeys what is written into the FIFO \`NAME.orders\`. */
const obedient = (name: string, options: string, fields = ""): string =>
  `service(["${name}"], {
     start: makeForkexecConstructor(["/bin/sh", "-c",
       "test -p {directory}/${name}.orders || mkfifo -m 666 {directory}/${name}.orders; " +
       "exec /usr/bin/python3 {directory}/notifier.py ${name} {directory}/${name}.orders"], { ${options} }),
     stop: makeKillDestructor({ gracePeriod: 2 }), autoStart: false, ${fields} })`;

const config = (...services: readonly string[]): string =>
  module(`${helpers}\nexport default defineConfig({ services: [${services.join(",\n")}] });`);

/** Lines of Python, each a statement. */
async function order(system: System, name: string, ...lines: readonly string[]): Promise<void> {
  const fifo = system.path(`${name}.orders`);
  await system.waitFor(`${name} has its FIFO`, () => existsSync(fifo));
  await writeFile(fifo, `${lines.join("\n")}\n`);
}

/** What a process answers with \`tell\`. */
async function answer(system: System, name: string, expression: string): Promise<string> {
  const file = system.path(`${name}.orders.answer`);
  const stamp = String(Math.random());
  await order(system, name, `tell("${stamp} " + str(${expression}))`);
  const text = await system.waitFor(`${name} has answered`, () =>
    existsSync(file) && readFileSync(file, "utf8").startsWith(stamp) ? readFileSync(file, "utf8") : undefined,
  );
  return text.slice(stamp.length + 1);
}

const statusText = (system: System, name: string, text: RegExp): Promise<string> =>
  system.waitFor(`the status of ${name} matches ${text}`, async () => {
    const status = await system.ok("status", name);
    return text.test(status) ? status : undefined;
  });

it("a service starts when it says READY=1, tells its status, and is found ready by the next daemon", async (t) => {
  const nobody = account("nobody");
  const system = await bootSystem(t, {
    config: config(
      obedient("web", `readiness: notify(), user: ${nobody.uid}, group: ${nobody.gid}`),
      obedient("mute", "readiness: notify(), readinessTimeout: 0.3"),
    ),
    files: { "notifier.py": notifier },
  });
  // It could make none in a directory that is not its own.
  execFileSync("mkfifo", ["-m", "666", system.path("web.orders")]);
  const started = system.ok("start", "web");
  await order(system, "web", 'say("STATUS=warming up")');
  await statusText(system, "web", /It is starting\.\n {2}Status: warming up\n/);
  await system.killDaemon();
  await order(system, "web", 'say("READY=1\\nSTATUS=serving")', "barrier()", 'say("X=y")');
  await started.catch(() => undefined);
  await system.untilStatus("web", "running");
  await statusText(system, "web", /Status: serving\n/);
  await order(system, "web", 'say("RELOADING=1\\nMONOTONIC_USEC=1")');
  await statusText(system, "web", /It is reloading/);
  const { extra } = JSON.parse(await system.ok("status", "--json", "web")) as {
    extra: Record<string, unknown>;
  };
  assert.equal(extra["status-text"], "serving");
  assert.equal(extra.phase, "reloading");

  const failed = await system.herd("start", "mute");
  assert.match(
    `${failed.stdout}${failed.stderr}`,
    /readiness: process \d+ has not said READY=1 within 0\.3 s/,
  );
  await system.untilStatus("mute", "stopped");
});

it("descriptors outlive their process and the daemon, and are gone when the service is stopped", async (t) => {
  const system = await bootSystem(t, {
    config: config(
      obedient("web", 'notifyAccess: "main", fileDescriptorStoreMax: 3', "respawn: true, respawnDelay: 0"),
    ),
    files: { "notifier.py": notifier },
  });
  await system.ok("start", "web");
  const pid = await system.untilProcess("web");
  await order(
    system,
    "web",
    'store("one", "first")',
    'store("two", "second")',
    'store("one", "third")',
    "barrier()",
  );
  assert.equal(await answer(system, "web", "stored()"), "{}");
  await order(system, "web", 'store("four", "too many")', "barrier()");
  await system.waitForLog(/fileDescriptorStoreMax is 3/);
  await system.killDaemon();
  system.kill(pid, "SIGKILL");
  const next = await system.untilProcess("web", pid);
  assert.equal(
    await answer(system, "web", "[stored(), os.environ['LISTEN_FDS'], os.getpid()]"),
    `[{'one': 'third', 'two': 'second'}, '3', ${next}]`,
  );
  await order(system, "web", 'say("FDSTOREREMOVE=1\\nFDNAME=one")', "barrier()");
  await answer(system, "web", "1");
  await system.ok("restart", "web");
  assert.equal(await answer(system, "web", "stored()"), "{'two': 'second'}");
  const held = (): number => readdirSync(`/proc/${system.keeper()}/fd`).length;
  const before = held();
  await system.ok("stop", "web");
  await system.waitFor("the keeper holds neither descriptor nor socket", () => held() <= before - 2);
  await system.ok("start", "web");
  assert.equal(await answer(system, "web", "stored()"), "{}");
});

it("MAINPID names the main process: in a start, and later", async (t) => {
  const system = await bootSystem(t, {
    config: config(obedient("web", 'readiness: notify(), notifyAccess: "all"')),
    files: { "notifier.py": notifier },
  });
  const started = system.ok("start", "web");
  // It goes to the background, and says from there who it is before what it was has ended: that would have failed.
  await order(
    system,
    "web",
    "far = fork_main()",
    'say("MAINPID=%d" % os.getpid())',
    "os.close(far)",
    'say("READY=1")',
  );
  await started;
  const first = await system.untilProcess("web");
  assert.equal(await answer(system, "web", "os.getpid()"), String(first));
  await order(system, "web", "heir = orphan()", 'say("MAINPID=%d" % heir)', 'say("MAINPID=1")', "barrier()");
  const heir = Number(await answer(system, "web", "heir"));
  assert.equal(await system.untilProcess("web", first), heir);
  await system.killDaemon();
  assert.equal(await system.untilProcess("web", first), heir);
  assert.equal(system.isAlive(first), true);
  await system.ok("stop", "web");
  assert.equal(system.isAlive(heir) || system.isAlive(first), false);
});

it("whoever is none of its processes speaks for nobody, and floods in vain", async (t) => {
  const nobody = account("nobody");
  const system = await bootSystem(t, {
    config: config(
      obedient("web", 'readiness: notify(), notifyAccess: "all"'),
      `service(["stranger"], { start: makeForkexecConstructor(["/usr/bin/python3", "{directory}/stranger.py", "{directory}/address"], { user: ${nobody.uid}, group: ${nobody.gid} }), autoStart: false })`,
    ),
    files: {
      "notifier.py": notifier,
      "stranger.py": `
import os, socket, sys
speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
speaker.connect("\\0" + open(sys.argv[1]).read()[1:])
# The parent's messages come from a process that lives, the child's from one that is gone.
os.fork()
for size in (65000, 100, 1):
    for count in range(200):
        try:
            speaker.send(b"READY=1\\nSTATUS=mine\\n" + os.urandom(size))
        except OSError:
            pass
`,
    },
  });
  const started = system.ok("start", "web");
  await answer(system, "web", 'open(sys.argv[2][:-10] + "address", "w").write(os.environ["NOTIFY_SOCKET"])');
  await system.ok("start", "stranger");
  await system.waitForLog(/notify socket of service web is passed over/);
  assert.match(await system.ok("status", "web"), /It is starting/);
  await order(system, "web", 'say("READY=1\\nSTATUS=own")', 'say(b"\\xff" * 60000)');
  await started;
  await statusText(system, "web", /Status: own\n/);
  assert.doesNotMatch(system.log(), /[^ -~\n]/);
});

it("a hung process is ended by its watchdog and started again; one that was busy while no daemon read is not", async (t) => {
  const system = await bootSystem(t, {
    config: config(obedient("web", "readiness: notify(), watchdog: 0.6")),
    files: { "notifier.py": notifier },
  });
  const started = system.ok("start", "web");
  await order(system, "web", 'say("READY=1")', "for _ in range(30): say('WATCHDOG=1'); time.sleep(0.05)");
  await started;
  const pid = await system.untilProcess("web");
  assert.equal(
    await answer(system, "web", '[os.environ["WATCHDOG_USEC"], os.environ["WATCHDOG_PID"]]'),
    `['600000', '${pid}']`,
  );
  const { exits } = await system.until("web", "was started again", ({ exits: all }) => all.length === 1);
  assert.equal((exits[0] ?? 0) & 0x7f, 6);
  await system.waitForLog(
    /Service web has not said WATCHDOG=1 within 0\.6 s; it is ended and started again\./,
  );
  await order(system, "web", 'say("READY=1\\nWATCHDOG_USEC=0")');
  assert.notEqual(await system.untilProcess("web", pid), pid);
});

it("programs as they are: a redis that notifies, systemd-notify, ports and commands that are probed", async (t) => {
  const [open = 0, closed = 0, redis = 0, http = 0] = await freePorts(4);
  const server = `const { createServer } = require("node:net"); createServer((c) => c.on("error", () => {}).end()).listen(${open}, "127.0.0.1");`;
  const system = await bootSystem(t, {
    config: config(
      `service(["open"], { start: makeForkexecConstructor(["${process.execPath}", "-e", ${JSON.stringify(server)}], { readiness: portAnswers(${open}, { interval: 0.02 }) }), autoStart: false })`,
      `service(["redis"], { start: makeForkexecConstructor(["redis-server", "--port", "${redis}", "--save", "", "--dir", "{directory}/home", "--supervised", "systemd", "--bind", "127.0.0.1"],
         { readiness: notify(), health: { probe: portAnswers(${redis}), interval: 0.1, startDelay: 0 } }), autoStart: false })`,
      `service(["nginx"], { start: makeForkexecConstructor(["nginx", "-p", "{directory}/home", "-c", "{directory}/nginx.conf"],
         { pidFile: "{directory}/home/nginx.pid", readiness: portAnswers(${http}) }), autoStart: false })`,
      `service(["speaker"], { start: makeForkexecConstructor(["/bin/sh", "-c",
         "systemd-notify --pid=self --status=up WATCHDOG=1; systemd-notify --no-block --ready; exec sleep 1000000"],
         { readiness: notify(), readinessTimeout: 10, notifyAccess: "all" }), autoStart: false })`,
      `service(["closed"], { start: makeForkexecConstructor(["sleep", "1000000"], { readiness: portAnswers("127.0.0.1:${closed}", { attempts: 3, interval: 0.02 }) }), autoStart: false })`,
      `service(["hangs"], { start: makeForkexecConstructor(["sleep", "1000000"], { readiness: commandSucceeds(["sh", "-c", "setsid sleep 999999 & echo stuck >&2; sleep 999999"], { timeout: 0.3, attempts: 1 }) }), autoStart: false })`,
    ),
    files: {
      "nginx.conf": `daemon on; pid {directory}/home/nginx.pid; error_log {directory}/home/error.log; events {}
        http { access_log off; server { listen 127.0.0.1:${http}; return 200; } }`,
    },
  });
  await system.ok("start", "open");
  await system.ok("start", "redis");
  await statusText(system, "redis", /Status: Ready to accept connections\n {2}Healthy since/);
  await system.ok("start", "nginx");
  assert.equal(await system.untilProcess("nginx"), Number(system.read("home/nginx.pid")));
  // It is gone when its message is read.
  await system.ok("start", "speaker");
  await statusText(system, "speaker", /Status: up\n/);
  const said = async (name: string): Promise<string> => {
    const { status, stdout, stderr } = await system.herd("start", name);
    assert.equal(status, 1);
    return stdout + stderr;
  };
  assert.match(
    await said("closed"),
    new RegExp(`readiness: 127\\.0\\.0\\.1:${closed}: .*ECONNREFUSED.* \\(tried 3 times\\)`),
  );
  assert.match(
    await said("hangs"),
    /readiness: command "sh -c .*": did not end within 0\.3 s \(tried once\)/,
  );
  await system.waitFor(
    "nothing of the probes is left",
    () => !system.processes().some(({ command }) => command.includes("999999")),
  );
  assert.match(system.log(), /stuck/);
});

it("an unhealthy service is started again until its respawn limit, and a probe under way dies with the daemon", async (t) => {
  const system = await bootSystem(t, {
    config: config(
      `service(["web"], { start: makeForkexecConstructor(["sleep", "1000000"], { health: {
         probe: commandSucceeds(["sh", "-c", "test -e {directory}/slow && exec sleep 999999; test -e {directory}/well"], { timeout: 30 }),
         interval: 0.05, startDelay: 0, failures: 2 } }), respawnLimit: [2, 60], respawnDelay: 0, autoStart: false })`,
    ),
    files: { well: "" },
  });
  await system.ok("start", "web");
  await statusText(system, "web", /Healthy since/);
  await writeFile(system.path("slow"), "");
  const probing = (): number => system.processes().filter(({ command }) => command.includes("999999")).length;
  await system.waitFor("a probe is under way", () => probing() === 1);
  await writeFile(system.path("slow.not"), "");
  execFileSync("mv", [system.path("slow"), system.path("slow.not")]);
  await system.killDaemon();
  await system.waitFor("it is gone with the daemon", () => probing() === 0);
  await statusText(system, "web", /Healthy since/);
  execFileSync("rm", [system.path("well")]);
  const { exits } = await system.until(
    "web",
    "is disabled",
    ({ status, exits: all }) => status === "stopped" && all.length === 3,
  );
  assert.equal(exits.length, 3);
  const status = await system.ok("status", "web");
  assert.match(status, /Ended because it is unhealthy: command ".*": exited with 1 \(2 times in a row\)/);
  assert.match(status, /Respawning too fast/);
});

it("a manager above is told when the services are up, the configuration is read anew, and all is stopped", async (t) => {
  const address = `shepherd-test-${process.pid}-${Date.now()}`;
  const receiver = spawn("/usr/bin/python3", [
    "-c",
    `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0${address}")
print("bound", flush=True)
while True: print(s.recv(100).decode(), flush=True)`,
  ]);
  t.after(() => receiver.kill("SIGKILL"));
  let told = "";
  receiver.stdout.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  await waitFor("the manager listens", () => told === "bound\n");
  const system = await bootSystem(t, {
    config: config(`service(["up"], { start: makeForkexecConstructor(["sleep", "1000000"]) })`),
    env: { NOTIFY_SOCKET: `@${address}` },
  });
  await system.waitFor("the manager is told", () => told === "bound\nREADY=1\n");
  assert.equal((await system.service("up")).status, "running");
  await system.ok("restart", "root");
  const again = /^bound\nREADY=1\nRELOADING=1\nMONOTONIC_USEC=\d+\nREADY=1\n$/;
  await system.waitFor("the manager is told of the next supervisor", () => again.test(told));
  told = "";
  await system.ok("reload", "root", system.config);
  const reloaded = /^RELOADING=1\nMONOTONIC_USEC=\d+\nREADY=1\n$/;
  await system.waitFor("the manager is told of what is read anew", () => reloaded.test(told));
  told = "";
  assert.deepEqual(await system.stop(), { code: 0, signal: null });
  await waitFor("the manager is told of the end", () => told === "STOPPING=1\n");
});
