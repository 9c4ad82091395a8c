// Every keyword of makeForkexecConstructor as the process sees it, and the constructors that run a shell command.

import assert from "node:assert/strict";
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { account } from "../support/accounts.js";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";

/** What each service is given, and what it prints about itself. */
const subjects: Readonly<Record<string, { readonly options: string; readonly script: string }>> = {
  user: { options: 'user: "redis"', script: "id -un; id -gn" },
  number: { options: "user: 65534", script: "id -u" },
  group: { options: 'user: "redis", group: "www-data"', script: "id -un; id -gn" },
  "group-only": { options: 'group: "www-data"', script: "id -u; id -gn" },
  supplementary: {
    options: 'user: "redis", group: "redis", supplementaryGroups: ["www-data", "daemon"]',
    script: "id -Gn",
  },
  directory: { options: 'directory: "{directory}/work"', script: "pwd" },
  "default-directory": { options: "", script: "pwd" },
  umask: { options: "fileCreationMask: 0o027", script: "umask; touch {directory}/masked" },
  session: { options: "", script: "cut -d ' ' -f 1,5,6 /proc/$$/stat" },
  "no-session": { options: "createSession: false", script: "cut -d ' ' -f 1,5,6 /proc/$$/stat" },
  list: {
    options: 'environmentVariables: ["A=1", "B=two words", "PATH=/usr/bin:/bin"]',
    script: "tr '\\0' '\\n' </proc/$$/environ",
  },
  record: {
    options: 'environmentVariables: { A: "1", B: "two words", PATH: "/usr/bin:/bin" }',
    script: "tr '\\0' '\\n' </proc/$$/environ",
  },
  "default-environment": { options: "", script: "tr '\\0' '\\n' </proc/$$/environ" },
  limits: {
    options: 'resourceLimits: { nofile: { soft: 100, hard: 200 }, core: 0, cpu: "unlimited" }',
    script: "ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -t",
  },
  // Read by the shell itself: while it waits for a program it has started, it blocks signals of its own accord.
  signals: {
    options: "",
    script:
      "while read name value; do case $name in SigBlk: | SigIgn:) echo $name $value ;; esac; done </proc/$$/status",
  },
};

describe("what a process gets from makeForkexecConstructor", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    const services = Object.entries(subjects).map(
      ([name, { options, script }]) =>
        `service(["${name}"], { start: ${shell(`${script}; echo end; exec sleep 1000000`, `{ logFile: "{directory}/${name}.log", ${options} }`)} })`,
    );
    system = await bootSystem(scope, {
      config: configuration([...services, sleeper("plain")]),
      directories: { work: account("root") },
      env: { FROM_OUTSIDE: "yes" },
    });
  });
  after(() => scope.close());

  /** The lines that a service printed about itself. */
  async function said(name: string): Promise<readonly string[]> {
    const text = await system.waitForFile(`${name}.log`, / end\n/);
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /, ""));
    return lines.slice(0, -1);
  }

  it("user: the user and its own group", async () => {
    assert.deepEqual(await said("user"), ["redis", "redis"]);
  });

  it("user: a number", async () => {
    assert.deepEqual(await said("number"), ["65534"]);
  });

  it("group: with a user", async () => {
    assert.deepEqual(await said("group"), ["redis", "www-data"]);
  });

  it("group: without a user", async () => {
    assert.deepEqual(await said("group-only"), ["0", "www-data"]);
  });

  it("supplementaryGroups", async () => {
    const [groups = ""] = await said("supplementary");
    const names = groups.split(" ");
    for (const name of ["redis", "www-data", "daemon"]) assert.ok(names.includes(name), groups);
    assert.ok(!names.includes("root"), groups);
  });

  it("directory, and / by default", async () => {
    assert.deepEqual(await said("directory"), [system.path("work")]);
    assert.deepEqual(await said("default-directory"), ["/"]);
  });

  it("fileCreationMask", async () => {
    assert.deepEqual(await said("umask"), ["0027"]);
    assert.equal(statSync(system.path("masked")).mode & 0o777, 0o640);
  });

  it("createSession: by default the process leads its group and session", async () => {
    const [ids = ""] = await said("session");
    assert.equal(new Set(ids.split(" ")).size, 1, ids);
  });

  it("createSession: false leaves it in another session", async () => {
    const [ids = ""] = await said("no-session");
    const [pid, , session] = ids.split(" ");
    assert.notEqual(pid, session);
  });

  for (const form of ["list", "record"]) {
    it(`environmentVariables as a ${form} are all there is`, async () => {
      const environment = (await said(form)).filter((line) => !/^(SHEPHERD_MARK|_|PWD)=/.test(line));
      assert.deepEqual([...environment].sort(), ["A=1", "B=two words", "PATH=/usr/bin:/bin"]);
    });
  }

  it("environmentVariables by default are the supervisor's, without what is private to it", async () => {
    const environment = await said("default-environment");
    assert.ok(environment.includes("FROM_OUTSIDE=yes"), environment.join("\n"));
    assert.ok(
      !environment.some((line) => /^SHEPHERD_(KEEPER_FD|GENERATION|RESCUE|SAVED)/.test(line)),
      environment.join("\n"),
    );
  });

  it("resourceLimits", async () => {
    assert.deepEqual(await said("limits"), ["100", "200", "0", "unlimited"]);
  });

  it("no signal is blocked or ignored", async () => {
    const [blocked, ignored] = await said("signals");
    assert.match(blocked ?? "", /SigBlk:\s*0+$/);
    assert.match(ignored ?? "", /SigIgn:\s*0+$/);
  });

  it("descriptors 0, 1 and 2 are open, and no other", async () => {
    const inner = await system.untilProcess("plain");
    const pid = await system.waitFor("it runs its program", () =>
      system.processes().find((process) => process.inner === inner && process.command[0] === "/bin/sleep"),
    );
    assert.deepEqual(readdirSync(`/proc/${pid.pid}/fd`).sort(), ["0", "1", "2"]);
    assert.equal(readlinkSync(`/proc/${pid.pid}/fd/0`), "/dev/null");
    assert.match(readlinkSync(`/proc/${pid.pid}/fd/1`), /^pipe:/);
  });

  it("logFile has mode 0640", () => {
    assert.equal(statSync(system.path("user.log")).mode & 0o777, 0o640);
  });
});

describe("constructors and destructors that run a shell command", () => {
  it("makeSystemConstructor joins its strings, and exit 0 is success", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([
        'service(["good"], { autoStart: false, start: makeSystemConstructor("echo one ", ">{directory}/", "out") })',
        'service(["bad"], { autoStart: false, start: makeSystemConstructor("exit 3") })',
      ]),
    });
    await system.ok("start", "good");
    assert.equal(system.read("out"), "one\n");
    assert.equal((await system.service("good")).status, "running");
    const { status, stdout } = await system.herd("start", "bad");
    assert.equal(status, 1);
    assert.match(stdout, /command "exit 3" exited with 3/);
  });

  it("makeSystemDestructor runs at the stop", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([
        'service(["web"], { start: () => true, stop: makeSystemDestructor("echo ", "bye >{directory}/out") })',
      ]),
    });
    await system.untilStatus("web", "running");
    await system.ok("stop", "web");
    assert.equal(system.read("out"), "bye\n");
  });

  it("makeKillDestructor sends its signal and, after the grace period, KILL", async (t) => {
    const trap =
      "trap 'echo usr1 >>{directory}/got' USR1; trap '' TERM; echo ready >>{directory}/got; while :; do sleep 0.05; done";
    const system = await bootSystem(t, {
      config: configuration([
        `service(["web"], { start: ${shell(trap)}, stop: makeKillDestructor("SIGUSR1", { gracePeriod: 1 }) })`,
      ]),
    });
    await system.waitForFile("got", /ready\n/);
    await system.ok("stop", "web");
    assert.match(system.read("got"), /usr1/);
    assert.deepEqual((await system.service("web")).exits, [9]);
    await system.waitForLog(/Grace period of 1 seconds? is over/);
  });

  it("a user's own start function can use a constructor and return its process", async (t) => {
    const system = await bootSystem(t, {
      config: configuration([
        `service(["web"], {
           start: async (...args: string[]) => await makeForkexecConstructor(["/bin/sleep", args[0] ?? "1000000"])(),
           stop: makeKillDestructor(),
           autoStart: false,
         })`,
      ]),
    });
    await system.ok("start", "web", "424242");
    const { pid = 0 } = await system.service("web");
    const process = system.processes().find(({ inner }) => inner === pid);
    assert.deepEqual(process?.command, ["/bin/sleep", "424242"]);
    await system.ok("stop", "web");
    assert.equal(system.isAlive(pid), false);
  });
});
