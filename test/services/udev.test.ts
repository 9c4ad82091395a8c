// The service of udev: rules, and when there is nothing for it to do.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { service, simpleService } from "../../src/services/composition/service-type.js";
import { filePath, plainFile } from "../../src/services/files/file-like.js";
import {
  fileToUdevRule,
  udevConfiguration,
  udevRule,
  udevRulesService,
  udevServiceType,
  whyNoDevices,
} from "../../src/services/udev.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { bootSystem } from "../support/harness.js";
import { described, plainSteps, systemOf, usualStop } from "./parts.js";

const rule = (name: string) => udevRule(`${name}.rules`, `# ${name}\n`);
const directory = "/run/udev/rules.d";

describe("udevServiceType", () => {
  it("is a service with a start of its own", () => {
    const { start, files, ...rest } = described(systemOf(service(udevServiceType)).service("udev"));
    assert.deepEqual(rest, {
      provision: ["udev"],
      requirement: ["root-file-system"],
      oneShot: false,
      respawn: true,
      autoStart: true,
      documentation: "Populate the /dev directory, dynamically.",
      stop: usualStop,
      actions: [],
    });
    assert.equal(start, undefined);
    assert.deepEqual(files, []);
  });

  it("has its own rules first, then those of extensions, and no others", () => {
    const system = systemOf(
      simpleService("later", udevServiceType, [rule("70-c")]),
      udevRulesService("scope", [rule("60-b"), fileToUdevRule("61-b.rules", "/usr/share/b.rules")], {
        groups: ["scope"],
      }),
      service(udevServiceType, udevConfiguration({ rules: [rule("90-a")] })),
    );
    const file = (name: string) => filePath(plainFile(`${name}.rules`, `# ${name}\n`));
    assert.deepEqual(plainSteps(system.steps("udev")), [
      { step: "directory", path: directory, mode: 0o755 },
      { step: "file", path: `${directory}/90-a.rules`, source: file("90-a") },
      { step: "file", path: `${directory}/60-b.rules`, source: file("60-b") },
      { step: "file", path: `${directory}/61-b.rules`, source: "/usr/share/b.rules" },
      { step: "file", path: `${directory}/70-c.rules`, source: file("70-c") },
      {
        step: "run",
        command: [
          ...["/usr/bin/find", directory, "-mindepth", "1"],
          ...["90-a", "60-b", "61-b", "70-c"].flatMap((name) => ["!", "-name", `${name}.rules`]),
          "-delete",
        ],
      },
    ]);
    assert.equal(system.group("scope")?.system, true);
    assert.ok(system.packages().includes("udev"));
  });
});

describe("devices are", () => {
  const mount = (point: string, options: string, type: string) =>
    `22 28 0:5 / ${point} ${options} shared:2 - ${type} none rw\n`;
  const root = mount("/", "rw", "ext4");
  const tables: readonly (readonly [string, string, string | undefined])[] = [
    [
      "udev's on a machine",
      root + mount("/dev", "rw,nosuid", "devtmpfs") + mount("/sys", "rw,nosuid", "sysfs"),
      undefined,
    ],
    [
      "given to a container",
      root + mount("/dev", "rw", "tmpfs") + mount("/sys", "ro", "sysfs"),
      "/dev is not the kernel's own",
    ],
    ["given where nothing is mounted", root, "/dev is not the kernel's own"],
    [
      "given where the kernel's are only to be read",
      root + mount("/dev", "ro", "devtmpfs") + mount("/sys", "rw", "sysfs"),
      "/dev cannot be written to",
    ],
    [
      "given where the kernel must not be told anything",
      root + mount("/dev", "rw", "devtmpfs") + mount("/sys", "ro,nosuid", "sysfs"),
      "/sys cannot be written to",
    ],
    ["given where there is no /sys", root + mount("/dev", "rw", "devtmpfs"), "/sys is not there"],
    [
      "given where another /dev lies above",
      root + mount("/dev", "rw", "devtmpfs") + mount("/sys", "rw", "sysfs") + mount("/dev", "rw", "tmpfs"),
      "/dev is not the kernel's own",
    ],
  ];
  for (const [what, table, why] of tables) it(what, () => assert.equal(whyNoDevices(table), why));
});

/** Programs that say what they are told, in the order in which that happens. */
const fakePrograms = {
  "lib/systemd/systemd-udevd": '#!/bin/sh\necho "udevd $*" >>{directory}/calls\nexec sleep 3600\n',
  "bin/udevadm": '#!/bin/sh\necho "udevadm $*" >>{directory}/calls\n',
};

it("udev is started, answers, and is told of every device, on a machine", async (t) => {
  const why = whyNoDevices(readFileSync("/proc/self/mountinfo", "utf8"));
  if (why !== undefined) return t.skip(`${why}: a machine of its own is needed`);
  const system = await bootSystem(t, {
    config: `
      import { chmodSync } from "node:fs";
      import * as s from "shepherd-ts/system";
      for (const name of ["bin/udevadm", "lib/systemd/systemd-udevd"]) chmodSync(\`{directory}/\${name}\`, 0o755);
      const udev = s.softwarePackage({ name: "udev", prefix: "{directory}", programs: [] });
      const system = s.operatingSystem({ services: [s.service(s.udevServiceType, s.udevConfiguration({ udev }))] });
      export default s.systemConfiguration(system);`,
    files: fakePrograms,
  });
  const pid = await system.untilProcess("udev");
  assert.deepEqual(system.read("calls").split("\n"), [
    "udevd ",
    "udevadm control --ping",
    "udevadm trigger --type=subsystems --action=add",
    "udevadm trigger --type=devices --action=add",
    "udevadm settle --timeout=60",
    "",
  ]);
  await system.ok("stop", "udev");
  assert.equal(system.isAlive(pid), false);
});

describe("udev's configuration refuses", () => {
  const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      "a name without an end",
      () => udevRule("90-usb", ""),
      /udevRule: the name: expected a name such as "90-usb.rules"/,
    ],
    ["a name that leads elsewhere", () => udevRule("../90-usb.rules", ""), /the name: expected/],
    [
      "a file that is none",
      () => fileToUdevRule("90-usb.rules", "usb.rules"),
      /udevRule: field "file": expected an absolute file name/,
    ],
    [
      "rules that are none",
      () => udevConfiguration(untyped({ rules: ["90-usb.rules"] })),
      /udevConfiguration: field "rules": expected a list of rules made by udevRule/,
    ],
    [
      "an extension that is none",
      () => systemOf(simpleService("x", udevServiceType, untyped([1]))).names(),
      /service 'udev': an extension: expected a list of rules/,
    ],
    [
      "rules of a service that are none",
      () => udevRulesService("x", untyped("rule")),
      /udevRulesService: the rules: expected/,
    ],
  ];
  for (const [what, body, message] of mistakes) it(what, () => assert.match(mistake(body), message));
});
