// `shepherd system convert`: what it prints, that it compiles and loads, and that it means what the unit means.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { builtin } from "../../../src/daemon/definition/types.js";
import { checkGraph } from "../../../src/daemon/registry/graph.js";
import { unitOf } from "../../../src/daemon/units/of-definition.js";
import { ConversionError, convertUnits } from "../../../systemd-compat/convert.js";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { makeTree, type Tree } from "../trees.js";
import { modulesIn } from "./modules.js";

const lib = "lib/systemd/system";

async function converted(context: TestContext, units: Readonly<Record<string, string>>, ...names: string[]) {
  const tree: Tree = Object.fromEntries(
    Object.entries(units).map(([name, text]) => [`${lib}/${name}`, text]),
  );
  return await convertUnits({ units: names, root: makeTree(context, tree), directory: "/" });
}

const simple = `[Unit]
Description=A web server
After=network.target db.service
Requires=db.service
StartLimitBurst=3
RequiresMountsFor=/srv

[Service]
ExecStart=/usr/bin/web --name 'a "b"' --port 80
ExecReload=/bin/kill -HUP $MAINPID
Type=notify
User=web
SupplementaryGroups=adm 33
WorkingDirectory=/srv/web
UMask=027
Environment=MODE=production "A_B=1"
LimitNOFILE=4096:8192
LimitCORE=infinity
Restart=on-failure
RestartSec=3
KillSignal=SIGQUIT
TimeoutStopSec=20
MemoryMax=1G
SyslogLevel=info

[Install]
WantedBy=multi-user.target
`;

const database = "[Service]\nType=forking\nPIDFile=/run/db.pid\nExecStart=/usr/bin/db --daemon\n";

test("a simple unit becomes what a person would have written", async (t) => {
  const text = await converted(t, { "web.service": simple, "db.service": database }, "web", "db");
  assert.equal(
    text,
    `// web.service, converted from /lib/systemd/system/web.service
// db.service, converted from /lib/systemd/system/db.service

import {
  defineConfig,
  makeForkexecConstructor,
  makeKillDestructor,
  notify,
  type RunningValue,
  service,
  shepherdAction,
} from "shepherd-ts";

/** Sends a signal to the process of a service, where it runs. */
function signal(running: RunningValue | false, name: NodeJS.Signals): boolean {
  if (typeof running !== "object" || running === null || !("pid" in running)) return false;
  return process.kill(Number(running.pid), name);
}

export default defineConfig({
  services: [
    // Not applied: RequiresMountsFor=/srv: mounts are not waited for: what is to be mounted is mounted before
    // services start.
    // Not applied: SyslogLevel=info: there is no journal: lines go to the service's log as they are.
    service(["web"], {
      documentation: "A web server",
      requirement: ["db"],
      after: ["db"],
      start: makeForkexecConstructor(["/usr/bin/web", "--name", 'a "b"', "--port", "80"], {
        user: "web",
        supplementaryGroups: ["adm", 33],
        directory: "/srv/web",
        fileCreationMask: 0o027,
        extraEnvironmentVariables: { MODE: "production", A_B: "1" },
        resourceLimits: { nofile: { soft: 4096, hard: 8192 }, core: "unlimited" },
        readiness: notify(),
      }),
      stop: makeKillDestructor("SIGQUIT", { gracePeriod: 20 }),
      actions: [
        shepherdAction({
          name: "reload",
          documentation: "Have the service read its configuration again.",
          procedure: (running) => signal(running, "SIGHUP"),
        }),
      ],
      // Restart=on-failure: here it is respawned however its process has ended.
      respawn: true,
      respawnDelay: 3,
      respawnLimit: { times: 3, seconds: 10 },
      cgroup: { memoryMax: 1073741824 },
    }),
    service(["db"], {
      documentation: "db.service",
      start: makeForkexecConstructor(["/usr/bin/db", "--daemon"], {
        pidFile: "/run/db.pid",
        pidFileTimeout: 90,
      }),
      stop: makeKillDestructor({ gracePeriod: 90 }),
    }),
  ],
});
`,
  );
  const modules = modulesIn(t);
  modules.add("web", text);
  assert.equal(modules.check(), "");
  const services = await modules.load("web");
  checkGraph(services);
  const [web] = services;
  const data = web?.start[builtin];
  assert.ok(data?.kind === "forkexec");
  assert.deepEqual(data.command, ["/usr/bin/web", "--name", 'a "b"', "--port", "80"]);
  assert.equal(data.options.user, "web");
});

const confined = `[Unit]
Description=A bus name
Wants=extra.service
ConditionPathExists=!/etc/off
[Service]
Type=dbus
BusName=org.example
ExecStartPre=-/bin/a
ExecStartPre=
ExecStartPre=/bin/b    --twice
ExecStart=/usr/bin/x $OPTIONS
EnvironmentFile=-/etc/default/x
PrivateTmp=yes
ProtectSystem=true
LimitNOFILE=65536
DeviceAllow=/dev/null
DeviceAllow=/dev/zero
Nonsense=1
Nice=5
Nice=7
`;

test("what needs more is a unit in TypeScript, without what was taken back, and with what it wants", async (t) => {
  const text = await converted(
    t,
    { "x.service": confined, "extra.service": database, "dbus.socket": "[Socket]\nListenStream=/run/x\n" },
    "x",
  );
  const filter = "it takes a program in the kernel that filters by cgroup, which is not loaded";
  assert.equal(
    text,
    `// x.service, converted from /lib/systemd/system/x.service

import { defineConfig } from "shepherd-ts";
import { systemdUnits, unitService } from "shepherd-ts/systemd";

const others = await systemdUnits(["dbus.socket", "extra"]);

export default defineConfig({
  services: [
    // Not applied: Nonsense=1: there is no such directive.
    unitService("x", {
      description: "A bus name",
      requires: "dbus.socket",
      wants: "extra.service",
      after: "dbus.socket",
      conditionPathExists: "!/etc/off",
      type: "dbus",
      busName: "org.example",
      execStartPre: "/bin/b --twice",
      execStart: "/usr/bin/x $OPTIONS",
      environmentFile: "-/etc/default/x",
      privateTmp: true,
      protectSystem: true,
      limitNOFILE: 65536,
      // Not applied: ${filter}.
      deviceAllow: ["/dev/null", "/dev/zero"],
      nice: 7,
    }),
    ...others,
  ],
});
`,
  );
  const modules = modulesIn(t);
  modules.add("x", text);
  assert.equal(modules.check(), "");
  const [x] = await modules.load("x");
  const data = x === undefined ? undefined : unitOf(x);
  assert.ok(data?.kind === "unit" && data.unit === "x.service");
});

test("a socket that starts a converted service cannot be beside it; timers stay units", async (t) => {
  const units = {
    "web.service": "[Unit]\nRequires=web.socket\n[Service]\nExecStart=/bin/web\n",
    "web.socket": "[Socket]\nListenStream=80\n",
    "job.timer": "[Timer]\nOnBootSec=5\nOnTimezoneChange=yes\n",
    "job.service": "[Service]\nType=oneshot\nExecStart=/bin/job\n",
  };
  const web = await converted(t, units, "web");
  assert.match(web, /\/\/ web\.socket would bring the unit itself along, and is left out/);
  assert.doesNotMatch(web, /systemdUnits\(/);
  assert.equal(
    await converted(t, units, "job.timer"),
    `// job.timer, converted from /lib/systemd/system/job.timer

import { defineConfig } from "shepherd-ts";
import { systemdUnits } from "shepherd-ts/systemd";

// job.timer: Not applied: OnTimezoneChange=yes: it is not noticed that the time zone was changed.
const others = await systemdUnits(["job.timer"]);

export default defineConfig({ services: others });
`,
  );
});

test("what is wrong is told, and nothing is printed", async (t) => {
  const units = { "t@.service": database, "bad.service": "[Service]\n" };
  await assert.rejects(converted(t, units, "gone"), new ConversionError("Unit gone.service not found."));
  await assert.rejects(converted(t, units, "t@"), /is a template: name an instance/);
  await assert.rejects(converted(t, units, "bad"), /bad\.service: neither ExecStart= nor ExecStop=/);
  await assert.rejects(converted(t, units, "/x.service"), /with --root expected the name of a unit/);
  await assert.rejects(converted(t, units, ""), /is no name of a unit/);
  assert.match(await converted(t, units, "t@x"), /service\(\["t@x"\]/);
});

test("texts of units do not become code", async (t) => {
  const text = await converted(
    t,
    {
      "x.service": `[Unit]\nDescription=*/ "; process.exit(); // \u2028 \${x}\nBogus=\u2028process.exit()\n${database}ExecStop=/bin/a '"x\\\\' "y'"\n`,
    },
    "x",
  );
  const modules = modulesIn(t);
  modules.add("x", text);
  assert.equal(modules.check(), "");
  assert.equal((await modules.load("x")).length, 1);
});

test("the command prints a module, and reads a file by its path", async (t) => {
  const directory = makeTree(t, { "web.service": database });
  const system = (...args: string[]) =>
    run(join(project.bin, "shepherd"), ["system", "convert", ...args], {
      env: { PATH: process.env.PATH, SHEPHERD_NODE: process.execPath },
      cwd: directory,
    });
  const { status, stdout, stderr } = await system("./web.service");
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /service\(\["web"\], \{/);
  const missing = await system("--root", directory, "gone");
  assert.deepEqual(missing, {
    status: 1,
    stdout: "",
    stderr: "shepherd: error: Unit gone.service not found.\n",
  });
});
