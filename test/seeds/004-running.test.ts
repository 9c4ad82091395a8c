// Seed 004, "Servicios de Shepherd": its examples, run for real. Some need programs of Debian's and a root of its own.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { type OwnRoot, startInOwnRoot, whyNoOwnRoot } from "../support/own-root.js";
import { project } from "../support/project.js";
import { Seed } from "./seed.js";

/** The examples, as a module that can be loaded by `shepherd system boot`. Debian's programs are at other places. */
const module = `
import {
  accountServiceType, activationServiceType, directoryStep, fileAppend, inetutils, loopbackServiceType,
  makeForkexecConstructor, makeKillDestructor, operatingSystem, plainFile, replService, service, shepherdAction,
  shepherdConfigurationAction, shepherdRootServiceType, shepherdService, simpleService, tor, userAccount, userGroup, write,
} from "shepherd-ts/system";

const repl = shepherdService({
  provision: ["repl"],
  freeForm: () => replService(),
});

const config = plainFile("syslogd.conf", "*.*\\t/var/log/everything\\n");
const syslogd = shepherdService({
  documentation: "Run the syslog daemon (syslogd).",
  provision: ["syslogd"],
  requirement: ["user-processes"],
  start: makeForkexecConstructor(
    [fileAppend(inetutils, "/sbin/syslogd"), "--rcfile", config],
    { pidFile: "/var/run/syslog.pid" },
  ),
  stop: makeKillDestructor(),
});

const diHola = shepherdAction({
  name: "di-hola",
  documentation: "¡Di hola!",
  procedure: (running, ...args) => {
    console.log(\`¡Hola, compa! parámetros: \${write(args)}\`);
    return true;
  },
});
const ejemplo = shepherdService({ provision: ["ejemplo"], actions: [diHola] });

const torrc = plainFile("torrc", "DataDirectory /var/lib/tor\\nDisableNetwork 1\\nSocksPort 0\\n");
const anonymous = shepherdService({
  provision: ["tor"],
  requirement: ["user-processes", "loopback", "syslogd"],
  start: makeForkexecConstructor([fileAppend(tor, "/bin/tor"), "-f", torrc], { user: "tor", group: "tor" }),
  stop: makeKillDestructor(),
  actions: [shepherdConfigurationAction(torrc)],
  documentation: "Run the Tor anonymous network overlay.",
});
`;

const wholeSystem = `${module}
export default operatingSystem({
  services: [
    simpleService("examples", shepherdRootServiceType, [repl, syslogd, ejemplo, anonymous]),
    service(loopbackServiceType),
    simpleService("tor-account", accountServiceType, [
      userGroup({ name: "tor", system: true }),
      userAccount({ name: "tor", group: "tor", system: true, homeDirectory: "/var/empty" }),
    ]),
    simpleService("tor-data", activationServiceType, [
      { name: "tor", steps: [directoryStep("/var/lib/tor", { mode: 0o700, owner: "tor", group: "tor" })] },
    ]),
  ],
});
`;

/** What everybody can boot: nothing is made or written outside of the test's directory. */
const simpleSystem = `${module.replace("operatingSystem,", "operatingSystem, systemConfiguration,")}
const sleep = (more) => makeForkexecConstructor(["/bin/sleep", "1000000"], more);
export default systemConfiguration(
  operatingSystem({
    services: [
      simpleService("ejemplo", shepherdRootServiceType, [
        ejemplo,
        shepherdService({ provision: ["una-vez"], oneShot: true, start: () => console.log("hecho") }),
        shepherdService({ provision: ["a-mano"], autoStart: false, start: sleep() }),
        shepherdService({ provision: ["tenaz", "otro-nombre"], requirement: ["ejemplo"], start: sleep() }),
        shepherdService({ provision: ["mortal"], respawn: false, start: sleep() }),
        shepherdService({
          provision: ["fugaz"],
          respawnLimit: { times: 2, seconds: 60 },
          respawnDelay: 0.01,
          start: makeForkexecConstructor(["/bin/false"]),
        }),
      ]),
    ],
  }),
);
`;

function whyNot(): string | false {
  for (const [file, name] of [
    ["/usr/sbin/syslogd", "inetutils-syslogd"],
    ["/usr/bin/tor", "tor"],
  ] as const)
    if (!existsSync(file)) return `${file} is not installed (package ${name})`;
  return whyNoOwnRoot();
}

describe("seed 004: running", () => {
  const seed = new Seed("004");

  describe("in a booted system", () => {
    const scope = suiteScope();
    let system: System;
    before(async () => {
      system = await bootSystem(scope, { config: simpleSystem });
      await system.untilStatus("ejemplo", "running");
    });
    after(() => scope.close());

    seed.says("# herd di-hola ejemplo\n¡Hola, compa! parámetros: ()", "letter by letter", async () =>
      assert.equal(await system.ok("di-hola", "ejemplo"), "¡Hola, compa! parámetros: ()\n"),
    );
    seed.says(
      '# herd di-hola ejemplo a b c\n¡Hola, compa! parámetros: ("a" "b" "c")',
      "letter by letter",
      async () =>
        assert.equal(
          await system.ok("di-hola", "ejemplo", "a", "b", "c"),
          '¡Hola, compa! parámetros: ("a" "b" "c")\n',
        ),
    );
    seed.says("herd acción servicio [parámetros…]", "actions of a service are commands of herd", async () => {
      assert.match(await system.ok("doc", "ejemplo", "list-actions"), /\bdi-hola\b/);
      assert.notEqual((await system.herd("di-adios", "ejemplo")).status, 0);
    });
    seed.says("herd doc servicio action acción", "the action's documentation", async () =>
      assert.equal(await system.ok("doc", "ejemplo", "action", "di-hola"), "di-hola: ¡Di hola!\n"),
    );
    seed.says("herd doc nombre-del-servicio", "[No documentation.], where there is none", async () =>
      assert.match(await system.ok("doc", "ejemplo"), /^\[No documentation\.\]\n/),
    );
    seed.says(
      "Esto son nombres que pueden proporcionarse a herd start, herd status y órdenes similares",
      "each of them",
      async () => {
        await system.untilStatus("tenaz", "running");
        assert.equal((await system.service("otro-nombre")).pid, (await system.service("tenaz")).pid);
        await system.ok("stop", "otro-nombre");
        await system.untilStatus("tenaz", "stopped");
        await system.ok("start", "otro-nombre");
        await system.untilStatus("tenaz", "running");
      },
    );
    seed.says(
      "Lista de símbolos que indican los servicios Shepherd de los que este depende.",
      "what depends on a service is stopped before it, and starts it",
      async () => {
        await system.ok("stop", "ejemplo");
        await system.untilStatus("tenaz", "stopped");
        await system.ok("start", "tenaz");
        await system.untilStatus("ejemplo", "running");
      },
    );
    seed.says(
      "Los servicios “one-shot” finalizan inmediatamente después de que su acción start se complete.",
      "it has run, and is stopped",
      async () => {
        await system.waitForLog(/Service una-vez started\./);
        await system.untilStatus("una-vez", "stopped");
        assert.match(system.log(), /\bhecho\b/);
      },
    );
    seed.says(
      "Indica si se debe reiniciar el servicio cuando se para, por ejemplo cuando el proceso subyacente muere.",
      "killed: the one runs again, the other stays stopped",
      async () => {
        const [stubborn, mortal] = [await system.untilProcess("tenaz"), await system.untilProcess("mortal")];
        system.kill(stubborn, "SIGKILL");
        system.kill(mortal, "SIGKILL");
        await system.untilProcess("tenaz", stubborn);
        await system.untilStatus("mortal", "stopped");
      },
    );
    seed.says(
      "Set a limit on how many times and how frequently a service may be restarted by Shepherd before it is disabled.",
      "2 times, and it is disabled",
      async () => {
        await system.waitForLog(/Service fugaz (?:has been )?disabled/);
        const { enabled } = await system.until("fugaz", "is stopped", ({ status }) => status === "stopped");
        assert.equal(enabled, false);
        assert.equal(system.log().match(/Respawning fugaz/g)?.length, 2);
      },
    );
    seed.says(
      "Si es #f el servicio debe iniciarse manualmente con herd start.",
      "stopped until then",
      async () => {
        await system.untilStatus("ejemplo", "running");
        assert.equal((await system.service("a-mano")).status, "stopped");
        await system.ok("start", "a-mano");
        await system.untilStatus("a-mano", "running");
      },
    );
  });

  describe("in a root of its own", { skip: whyNot() }, () => {
    const scope = suiteScope();
    let root: OwnRoot;
    before(async () => {
      root = await startInOwnRoot(scope, {
        command: [join(project.bin, "shepherd"), "system", "boot", "/etc/seed.ts"],
        files: { "/etc/seed.ts": { text: wholeSystem } },
      });
      await root.waitFor("all services have been tried", () =>
        /Successfully started \d+ services in the background/.test(root.output),
      );
    });
    after(() => scope.close());

    seed.says(
      "in this case, it is stopped by making the kill system call on its PID",
      "syslogd runs with its file, logs, is what its pid file says, and is ended",
      async () => {
        const pid = Number(await root.ok("cat", "/var/run/syslog.pid"));
        const process = root.processes().find(({ inner }) => inner === pid);
        assert.deepEqual(process?.command.slice(0, 2), ["/usr/sbin/syslogd", "--rcfile"]);
        assert.match(process?.command[2] ?? "", /^\/var\/lib\/shepherd\/files\/[0-9a-f]{32}-syslogd\.conf$/);
        assert.match(await root.shell("herd status syslogd"), new RegExp(`\\b${pid}\\b`));
        await root.ok("logger", "-t", "prueba", "una línea");
        await root.waitForText("/var/log/everything", /prueba: una línea\n/);
        await root.shell("herd stop syslogd");
        assert.ok(!root.processes().some(({ inner }) => inner === pid));
        await root.shell("herd start tor");
      },
    );
    seed.says("cat $(herd configuration tor)", "the file that was declared, which tor reads", async () => {
      const text = await root.shell("cat $(herd configuration tor)");
      assert.equal(text, "DataDirectory /var/lib/tor\nDisableNetwork 1\nSocksPort 0\n");
      const name = (await root.shell("herd configuration tor")).trimEnd();
      const process = root.processes().find(({ command }) => command[0] === "/usr/bin/tor");
      assert.deepEqual(process?.command, ["/usr/bin/tor", "-f", name]);
    });
    seed.says(
      "all the free-form G-expression does is call that procedure",
      "the REPL evaluates",
      async () => {
        const program = `
          const socket = require("node:net").createConnection("/run/shepherd/repl");
          socket.setEncoding("utf8").on("data", (text) => {
            if (/\\b42\\n/.test(text)) process.exit(0);
          });
          socket.write("6 * 7\\n");
          setTimeout(() => process.exit(1), 20_000);
        `;
        await root.shell("herd status repl | grep -q running");
        await root.ok(process.execPath, "-e", program);
      },
    );
  });

  seed.hasNoOther("command", 6, [/^# herd .*$/gm, /^herd .*$/gm, /^cat .*$/gm]);
});
