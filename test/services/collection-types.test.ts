// Shepherd's own services as types; the message bus; and the lists of usual services.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { baseServices, desktopServices } from "../../src/services/base.js";
import {
  launchingConfiguration,
  logRotationConfiguration,
  logRotationServiceType,
  monitoringConfiguration,
  monitoringServiceType,
  replConfiguration,
  replServiceType,
  systemLogConfiguration,
  systemLogServiceType,
  timerServiceType,
  transientServiceType,
} from "../../src/services/collection-types.js";
import { service } from "../../src/services/composition/service-type.js";
import { dbusRootServiceType } from "../../src/services/dbus.js";
import { operatingSystem } from "../../src/services/operating-system.js";
import { toDefinition } from "../../src/services/shepherd/to-definition.js";
import { operatingSystemShepherdServices } from "../../src/services/system-configuration.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { accountFields, described, plainSteps, systemOf, usualStop } from "./parts.js";

describe("Shepherd's own services", () => {
  const tables = [
    [service(systemLogServiceType), ["system-log", "syslogd"], ["user-processes"], []],
    [service(timerServiceType), ["timer"], ["user-processes"], ["schedule"]],
    [service(transientServiceType), ["transient"], ["user-processes"], ["spawn"]],
    [service(logRotationServiceType), ["log-rotation"], ["user-processes"], ["trigger", "files"]],
    [service(monitoringServiceType), ["monitoring"], [], ["period", "log"]],
  ] as const;
  for (const [one, provision, requirement, actions] of tables)
    it(`are services of a system: ${provision[0]}`, () => {
      const definition = toDefinition(systemOf(one).service(provision[0]));
      assert.deepEqual(definition.provision, provision);
      assert.deepEqual(definition.requirement, requirement);
      assert.deepEqual(
        definition.actions.map(({ name }) => name),
        actions,
      );
      assert.notEqual(definition.documentation, "[No documentation.]");
    });

  it("take options and requirements", () => {
    const log = toDefinition(
      systemOf(
        service(
          systemLogServiceType,
          systemLogConfiguration({ requirement: ["file-systems"], provision: ["syslogd"] }),
        ),
      ).service("syslogd"),
    );
    assert.deepEqual([log.provision, log.requirement], [["syslogd"], ["file-systems"]]);
    const timer = service(timerServiceType, launchingConfiguration({ requirement: ["networking"] }));
    assert.deepEqual(toDefinition(systemOf(timer).service("timer")).requirement, ["networking"]);
    const rotation = service(logRotationServiceType, logRotationConfiguration({ provision: ["rotate"] }));
    assert.deepEqual(toDefinition(systemOf(rotation).service("rotate")).provision, ["rotate"]);
  });

  it("are made in the supervisor where they need one", () => {
    const repl = systemOf(service(replServiceType)).service("repl");
    assert.deepEqual(repl.provision, ["repl"]);
    assert.equal(typeof repl.freeForm, "function");
  });

  const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      "a relative socket",
      () => replConfiguration({ path: "repl" }),
      /replConfiguration: field "path": expected an absolute/,
    ],
    [
      "too many clients",
      () => replConfiguration({ maxClients: 101 }),
      /replConfiguration: field "maxClients": expected a number from 1 to 100/,
    ],
    ["logs that are too small", () => logRotationConfiguration({ maxSize: 1 }), /field "maxSize"/],
    ["no rules", () => systemLogConfiguration({ rules: [] }), /field "rules"/],
    ["no period", () => monitoringConfiguration({ period: 0 }), /field "period"/],
    [
      "an unknown field",
      () => launchingConfiguration(untyped({ requirements: [] })),
      /launchingConfiguration: unknown field "requirements"; did you mean "requirement"\?/,
    ],
  ];
  for (const [what, body, message] of mistakes)
    it(`refuse ${what}`, () => assert.match(mistake(body), message));
});

describe("dbusRootServiceType", () => {
  it("runs the system bus as the user messagebus", () => {
    const system = systemOf(service(dbusRootServiceType));
    assert.deepEqual(described(system.service("dbus-system")), {
      provision: ["dbus-system"],
      requirement: ["user-processes", "syslogd"],
      oneShot: false,
      respawn: true,
      autoStart: true,
      documentation: "Run the D-Bus system daemon.",
      start: {
        kind: "forkexec",
        command: ["/usr/bin/dbus-daemon", "--nofork", "--nopidfile", "--system", "--syslog-only"],
        options: {
          readiness: {
            type: "port",
            interval: 0.1,
            timeout: 5,
            address: { path: "/run/dbus/system_bus_socket" },
          },
        },
      },
      stop: usualStop,
      actions: [],
      files: [],
    });
    assert.deepEqual(accountFields(system.user("messagebus")), {
      group: "messagebus",
      system: true,
      comment: "D-Bus system bus user",
      homeDirectory: "/var/run/dbus",
      createHomeDirectory: false,
      shell: "/usr/sbin/nologin",
      uid: undefined,
      supplementaryGroups: [],
    });
    const steps = plainSteps(system.steps("dbus")) as readonly { readonly command?: readonly string[] }[];
    const script = steps[2]?.command?.[1];
    assert.deepEqual(steps, [
      { step: "directory", path: "/var/run/dbus", mode: 0o755, owner: "messagebus", group: "messagebus" },
      { step: "directory", path: "/var/lib/dbus", mode: 0o755 },
      { step: "run", command: ["/bin/sh", script, "/etc/machine-id", "/usr/bin/dbus-uuidgen"] },
      { step: "symlink", path: "/var/lib/dbus/machine-id", target: "/etc/machine-id" },
    ]);
  });
});

describe("usual services", () => {
  const names = (services: readonly ReturnType<typeof service>[]) =>
    operatingSystemShepherdServices(operatingSystem({ services })).flatMap(({ provision }) => provision);

  it("make a system in which everything that is required is there", () => {
    const provided = names(baseServices);
    for (const name of [
      "loopback",
      "networking",
      "system-log",
      "syslogd",
      "log-rotation",
      "timer",
      "transient",
      "user-processes",
    ])
      assert.ok(provided.includes(name), name);
  });

  it("of a desktop are those, and the message bus", () => {
    assert.deepEqual(desktopServices.slice(1), baseServices);
    assert.ok(names(desktopServices).includes("dbus-system"));
  });
});
