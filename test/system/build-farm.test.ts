// examples/build-farm.ts: built, drawn, booted as PID 1 in a root of its own, and reconfigured while it runs. PostgreSQL and
// Tor are real; programs that write down how they are run stand in for those of Guix's. SHOW=1 prints what was built,
// recorded and planned.

import assert from "node:assert/strict";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { suiteScope } from "../support/harness.js";
import { type OwnRoot, startInOwnRoot, whyNoOwnRoot } from "../support/own-root.js";
import { namespaceOf, processesOf } from "../support/processes.js";
import { project } from "../support/project.js";
import { type Recorded, recordDirectory, recorded, recorder, running } from "../support/recorder.js";
import { run } from "../support/run.js";
import { cell, describeRun, groupOfLine } from "./build-farm-run.js";
import { accounts, directories, realPrograms, recordedPrograms } from "./build-farm-tables.js";

const example = join(project.examples, "build-farm.ts");
const shepherd = join(project.bin, "shepherd");
const agent = "guix-build-coordinator-agent";
const queueBuilds = "guix-build-coordinator-queue-builds";
const environment = { PATH: process.env.PATH, HOME: "/", SHEPHERD_NODE: process.execPath };

function show(title: string, text: string): void {
  if (process.env.SHOW === "1") console.log(`\n== ${title}\n${text.trimEnd()}`);
}

async function system(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(shepherd, ["system", ...args], { env: environment });
  assert.equal(status, 0, stderr);
  return stdout;
}

describe("shepherd system build examples/build-farm.ts", () => {
  it("gives the same names, permissions, times and bytes twice", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "shepherd-build-"));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const listings = await Promise.all(
      ["one", "other"].map(async (name) => {
        const output = join(directory, name);
        assert.equal(await system("build", example, "-o", output), `${output}\n`);
        const list = 'cd "$0" && find . -printf "%M %T@ %8s %P %l\\n" | sort -k4';
        return (await run("sh", ["-c", list, output])).stdout;
      }),
    );
    const [one = "", other] = listings;
    show("the system directory", one.replace(/ \d+\.0+ /g, " "));
    assert.match(one, / shepherd\/configuration\.mjs /);
    assert.equal(one, other);
    const { status, stdout } = await run("diff", ["-r", "--no-dereference", "one", "other"], {
      cwd: directory,
    });
    assert.equal(status, 0, stdout);
  });

  it("shepherd-graph: an edge from each service to what it requires", async () => {
    const dot = await system("shepherd-graph", example);
    show("shepherd-graph", dot);
    const idOf = (name: string): string =>
      new RegExp(`^ {2}"((?:[^"]+ )?${name}(?: [^"]+)?)" \\[label`, "m").exec(dot)?.[1] ?? "";
    for (const { service, requirement } of [...recordedPrograms, ...realPrograms])
      for (const name of requirement)
        assert.ok(dot.includes(`  "${idOf(service)}" -> "${idOf(name)}" [color = `), `${service} -> ${name}`);
  });

  it("shepherd-graph --svg: a picture", async (t) => {
    const { status } = await run("sh", ["-c", "command -v dot"]);
    if (status !== 0) return t.skip("dot is not installed (package graphviz)");
    const svg = await system("shepherd-graph", "--svg", example);
    assert.match(svg, /<svg /);
    assert.match(
      svg,
      /<title>guix&#45;data&#45;service&#45;process&#45;jobs&#45;&gt;|guix-data-service-process-jobs/,
    );
  });
});

/** Why the system cannot be booted here; false where it can. */
function whyNot(): string | false {
  for (const [file, name] of [
    ["/usr/lib/postgresql/15/bin/postgres", "postgresql-15"],
    ["/usr/bin/tor", "tor"],
  ] as const)
    if (!existsSync(file)) return `${file} is not installed (package ${name})`;
  return whyNoOwnRoot();
}

/** Another system than the example's: a service less, one that is run otherwise, and one more. */
const changed = `
import {
  deleteService, guixBuildCoordinatorAgentServiceType, guixBuildCoordinatorQueueBuildsConfiguration,
  guixBuildCoordinatorQueueBuildsServiceType, makeForkexecConstructor, modifyServices, operatingSystem,
  shepherdRootServiceType, shepherdService, simpleService, updateService,
} from "shepherd-ts/system";
import farm from "${example}";

export default operatingSystem({
  ...farm,
  services: [
    simpleService("beacon", shepherdRootServiceType, [
      shepherdService({
        provision: ["beacon"],
        requirement: ["networking"],
        start: makeForkexecConstructor(["/bin/sleep", "1000000"], { user: "nobody" }),
        documentation: "Shine.",
      }),
    ]),
    ...modifyServices(farm.services, [
      deleteService(guixBuildCoordinatorAgentServiceType),
      updateService(guixBuildCoordinatorQueueBuildsServiceType, (config) =>
        guixBuildCoordinatorQueueBuildsConfiguration({ ...config, systems: ["x86_64-linux", "i686-linux"] })),
    ]).filter(({ kind }) => kind.name !== "agent-password"),
  ],
});
`;

describe("examples/build-farm.ts as PID 1 in a root of its own", { skip: whyNot() }, () => {
  const scope = suiteScope();
  let root: OwnRoot;
  const records = new Map<string, Recorded>();
  const recordOf = (service: string): Recorded =>
    records.get(service) ?? assert.fail(`no record of ${service}`);

  before(async () => {
    const stand = recordedPrograms.flatMap(({ argv: [program = ""] }) => [[program, recorder] as const]);
    root = await startInOwnRoot(scope, {
      command: [shepherd, "system", "boot", example],
      directories: { [recordDirectory]: 0o1777 },
      files: {
        ...Object.fromEntries(stand),
        "/run/secrets/agent-password": { text: "opensesame\n", mode: 0o600 },
        "/etc/changed.ts": { text: changed },
      },
    });
    await root.waitFor("all services have been tried", () =>
      /Successfully started \d+ services in the background/.test(root.output),
    );
    for (const { service, program } of recordedPrograms) records.set(service, await recorded(root, program));
    for (const { service, argv } of realPrograms) {
      const found = root.processes().find(({ command }) => command[0] === argv[0]);
      assert.ok(found !== undefined, `${argv[0]} runs\n${root.explain()}`);
      records.set(service, running(found.pid));
    }
  });
  after(() => scope.close());

  it("every service is up", async () => {
    const status = await root.ok(join(project.bin, "herd"), "status");
    show("herd status", status);
    assert.doesNotMatch(status, /Failed|Stopped|Starting/);
    for (const { service } of [...recordedPrograms, ...realPrograms])
      assert.match(status, new RegExp(`^ \\+ ${service}$`, "m"));
    assert.equal(await root.ok("uname", "-n"), "build-farm\n");
    assert.match(await root.ok("cat", "/etc/issue"), /^The build farm\./);
  });

  for (const expected of [...recordedPrograms, ...realPrograms]) {
    it(`${expected.service} is run as the table says, field by field`, async () => {
      const { service } = expected;
      const actual = await describeRun(root, expected, recordOf(service));
      const rows = Object.entries(actual).map(([field, value]) => {
        const wanted = Reflect.get(expected, field) as unknown;
        return `| ${[field, wanted, value].map(cell).join(" | ")} |`;
      });
      show(service, ["| field | specification | recorded |", "| --- | --- | --- |", ...rows].join("\n"));
      for (const [field, value] of Object.entries(actual))
        assert.deepEqual(value, Reflect.get(expected, field), field);
    });
  }

  it("accounts are as the table says", async () => {
    const passwd = (await root.ok("cat", "/etc/passwd")).split("\n").map((line) => line.split(":"));
    const rows = accounts.map(([name]) => passwd.find(([own]) => own === name) ?? []);
    const groups = new Map((await root.ok("cat", "/etc/group")).split("\n").map(groupOfLine));
    const actual = rows.map(([name, , , gid = "", ...rest]) => [name, groups.get(gid), ...rest]);
    show("accounts", rows.map((row) => row.join(":")).join("\n"));
    assert.deepEqual(actual, accounts);
    assert.match(await root.ok("id", "-nG", "ludo"), /\btor\b/);
  });

  it("directories are as the table says", async () => {
    const paths = directories.map(([path]) => path);
    const listing = await root.ok("stat", "-L", "--format=%n %a %U %G", ...paths);
    show("directories", listing);
    assert.deepEqual(
      listing
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ")),
      directories,
    );
  });

  it("the agent's password is a file of its own, and nowhere else", async () => {
    const file = "/etc/guix-build-coordinator/agent-password";
    assert.equal(await root.ok("stat", "--format=%a %U", file), `400 ${agent}\n`);
    assert.equal(await root.ok("cat", file), "opensesame\n");
    const { stdout } = await root.run([
      "grep",
      "-rl",
      "opensesame",
      "/var/lib/shepherd",
      "/var/log",
      "/run/shepherd",
    ]);
    assert.equal(stdout, "");
    assert.doesNotMatch(root.output, /opensesame/);
  });

  it("the agent is not run with a password that others can read", async () => {
    const file = "/etc/guix-build-coordinator/agent-password";
    await root.ok("chmod", "0444", file);
    assert.notEqual((await root.herd("restart", agent)).status, 0);
    const why = `secret file ${file} (mode 0444): everybody has access to it`;
    await root.waitFor("the log tells why", () => root.output.includes(why));
    await root.ok("chmod", "0400", file);
    await root.shell(`herd start ${agent}`);
    const { pid } = recordOf(agent);
    const again = await root.waitFor("it was run again", async () => {
      const record = await recorded(root, agent);
      return record.pid !== pid && record;
    });
    records.set(agent, again);
  });

  it("postgres answers queries, of its own user and of the data service's", async () => {
    const psql = (user: string, database: string, query: string): Promise<string> =>
      root.shell(
        `setpriv --reuid=${user} --regid=${user} --init-groups psql -h /run/postgresql -d ${database} -Atc "${query}"`,
      );
    assert.equal(await psql("postgres", "postgres", "select 6 * 7"), "42\n");
    assert.equal(
      await psql("guix-data-service", "guix-data-service", "select current_user"),
      "guix-data-service\n",
    );
    await root.waitForText("/var/log/messages", /database system is ready to accept connections/);
  });

  it("cat $(herd configuration tor) is what tor itself finds valid, and the hidden service has a name", async () => {
    const torrc = await root.shell("cat $(herd configuration tor)");
    show("cat $(herd configuration tor)", torrc);
    assert.match(torrc, /^HiddenServicePort 80 127\.0\.0\.1:8745$/m);
    const verified = await root.shell(
      "setpriv --reuid=tor --regid=tor --clear-groups tor --verify-config -f $(herd configuration tor)",
    );
    assert.match(verified, /Configuration was valid/);
    const name = await root.ok("cat", "/var/lib/tor/hidden-services/coordinator/hostname");
    assert.match(name, /^[a-z2-7]{56}\.onion\n$/);
  });

  describe("reconfigured while it runs", () => {
    const plan = [
      `to be unloaded: ${agent}`,
      /^to be started: (?:.* )?beacon(?: |$)/,
      new RegExp(`^to be replaced when they are restarted: .*\\b${queueBuilds}\\b`),
    ] as const;
    const assertPlan = (text: string): void => {
      const lines = text.split("\n");
      for (const [index, wanted] of plan.entries()) {
        if (typeof wanted === "string") assert.equal(lines[index], wanted);
        else assert.match(lines[index] ?? "", wanted);
      }
    };
    const currentSystem = (): Promise<string> => root.ok("readlink", "-f", "/run/current-system");
    let former: string;

    it("--dry-run prints the plan and does nothing", async () => {
      former = await currentSystem();
      const printed = await root.ok(shepherd, "system", "reconfigure", "--dry-run", "/etc/changed.ts");
      show("shepherd system reconfigure --dry-run", printed);
      assertPlan(printed);
      assert.equal(await currentSystem(), former);
      assert.equal(await root.ok("sh", "-c", "ls /var/lib/shepherd/generations"), "system-1\n");
      assert.match(await root.shell("herd status"), new RegExp(`^ \\+ ${agent}$`, "m"));
    });

    it("what was added is started, what was removed ended, and all else runs on as it was", async () => {
      const printed = await root.ok(shepherd, "system", "reconfigure", "/etc/changed.ts");
      show("shepherd system reconfigure", printed);
      assertPlan(printed);
      assert.match(
        printed,
        /^To complete the upgrade, run 'herd restart SERVICE' to stop, upgrade, and restart each service that was not automatically restarted\.$/m,
      );
      const status = await root.shell("herd status");
      show("herd status", status);
      assert.match(status, /^ \+ beacon$/m);
      assert.doesNotMatch(status, new RegExp(agent));
      assert.notEqual((await root.herd("status", agent)).status, 0);
      const living = root.processes();
      assert.ok(living.some(({ command }) => command.join(" ") === "/bin/sleep 1000000"));
      for (const { service } of [...recordedPrograms, ...realPrograms])
        assert.equal(
          living.some(({ inner }) => inner === recordOf(service).pid),
          service !== agent,
          service,
        );
      assert.notEqual(await currentSystem(), former);
      await root.waitForText("/var/log/guix-build-coordinator/agent.log", /got TERM\n$/);
    });

    it("what was changed is run anew when it is restarted", async () => {
      const [expected] = recordedPrograms.filter(({ service }) => service === queueBuilds);
      assert.ok(expected !== undefined);
      const { pid } = recordOf(queueBuilds);
      assert.equal((await recorded(root, expected.program)).pid, pid);
      await root.shell(`herd restart ${queueBuilds}`);
      const { argv } = await root.waitFor("it was run again", async () => {
        const record = await recorded(root, expected.program);
        return record.pid !== pid && record;
      });
      assert.deepEqual(argv.slice(2, 4), ["--system=x86_64-linux", "--system=i686-linux"]);
      assert.deepEqual(argv.toSpliced(3, 1), expected.argv);
    });
  });

  it("postgres is stopped in order: no recovery is due", async () => {
    await root.shell("herd stop postgres");
    await root.waitForText("/var/log/messages", /database system is shut down/);
    const state = await root.ok("/usr/lib/postgresql/15/bin/pg_controldata", "/var/lib/postgresql/data");
    assert.match(state, /^Database cluster state: +shut down$/m);
  });

  it("TERM to PID 1 ends it with code 0, and nothing is left", async () => {
    const init = root.init();
    const namespace = namespaceOf(init) ?? "";
    // What is open stays readable when all else of the root is gone.
    const logs = recordedPrograms.flatMap(({ service, logFile }) =>
      service === agent || logFile === undefined ? [] : [openSync(`/proc/${init}/root${logFile}`, "r")],
    );
    process.kill(init, "SIGTERM");
    assert.deepEqual(await root.waitForEnd(), { code: 0, signal: null });
    assert.deepEqual(processesOf(namespace), []);
    assert.match(root.output, /Exiting\./);
    for (const log of logs) {
      assert.match(readFileSync(log, "utf8"), /got TERM\n$/);
      closeSync(log);
    }
    assert.doesNotMatch(root.output, /SIGKILL|killed/i);
  });
});
