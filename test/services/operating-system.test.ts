// Whole systems: their fields, their essential services, and their directory, which is the same wherever it is built.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isDefinition } from "../../src/daemon/definition/service.js";
import type { AccountsStep } from "../../src/services/accounts/step.js";
import { modifyServices, updateService } from "../../src/services/composition/modify.js";
import { service, simpleService } from "../../src/services/composition/service-type.js";
import { userAccount } from "../../src/services/essential/account.js";
import { activationServiceType, runStep } from "../../src/services/essential/activation.js";
import { etcServiceType } from "../../src/services/essential/etc.js";
import { host } from "../../src/services/essential/hosts.js";
import {
  shepherdConfiguration,
  shepherdRootServiceType,
} from "../../src/services/essential/shepherd-root.js";
import { plainFile, softwarePackage } from "../../src/services/files/file-like.js";
import { hashOfTree, type Tree } from "../../src/services/files/tree.js";
import {
  isOperatingSystem,
  operatingSystem,
  operatingSystemDefaultEssentialServices,
  operatingSystemServices,
} from "../../src/services/operating-system.js";
import { canonicalName, shepherdService } from "../../src/services/shepherd/service.js";
import {
  operatingSystemShepherdServices,
  systemConfiguration,
} from "../../src/services/system-configuration.js";
import { systemTree } from "../../src/services/system-directory.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { sampleSystem } from "./sample-system.js";

function textOf(tree: Tree, path: string): string {
  const entry = tree.get(path);
  assert.ok(entry?.kind === "file", `${path} among ${[...tree.keys()].join(" ")}`);
  return Buffer.from(entry.contents).toString();
}

describe("operatingSystem", () => {
  const mistakes: readonly (readonly [given: unknown, message: string])[] = [
    [{ servces: [] }, 'operatingSystem: unknown field "servces"; did you mean "services"?'],
    [{ services: "all" }, 'field "services": expected a list of services'],
    [
      { services: [etcServiceType] },
      'field "services": expected a list of services made by service(…) or simpleService(…), got the service type "etc"',
    ],
    [{ essentialServices: 1 }, 'field "essentialServices": expected a list of services, or a function'],
    [{ hostName: "two words" }, 'field "hostName": expected the name of a host'],
    [{ timezone: "../../etc/shadow" }, 'field "timezone": expected a time zone'],
    [{ users: [{ name: "a" }] }, 'field "users": expected a list of users made by userAccount(…)'],
    [{ groups: ["a"] }, 'field "groups": expected a list of groups made by userGroup(…)'],
    [{ packages: ["tor"] }, 'field "packages": expected a list of packages'],
    [{ hosts: ["a"] }, 'field "hosts": expected a list of hosts'],
    [{ issue: 5 }, 'field "issue": expected a string'],
    [{ skeletons: [["/etc", "/a"]] }, 'field "skeletons": expected a list of pairs'],
    [{ privilegedPrograms: ["/bin/ping"] }, 'field "privilegedPrograms": expected a list of programs'],
    [{ exitWith: "" }, 'field "exitWith": expected a name'],
    [{ shutdownTimeout: 0 }, 'field "shutdownTimeout": expected a positive number of seconds'],
    ["system", "operatingSystem: expected an object with options"],
  ];
  for (const [given, message] of mistakes)
    it(`refuses ${JSON.stringify(given)?.slice(0, 60)}`, () => {
      const got = mistake(() => operatingSystem(untyped(given)));
      assert.ok(got.includes(message), got);
    });

  it("is known by its marker to who has another copy of us, also when copied", () => {
    const system = operatingSystem({ services: [] });
    assert.equal(isOperatingSystem(system), true);
    assert.equal(Reflect.get(system, Symbol.for("shepherd-ts.operating-system")), true);
    const copy = operatingSystem({ ...system, hostName: "other" });
    assert.equal(isOperatingSystem(copy), true);
    assert.equal(copy.services, system.services);
    assert.equal(isOperatingSystem({ ...system }), false);
    assert.match(
      mistake(() => systemTree(untyped({}))),
      /^systemTree: expected a system made by operatingSystem/,
    );
    assert.match(
      mistake(() => systemConfiguration(untyped({}))),
      /^systemConfiguration: expected a system/,
    );
    assert.match(
      mistake(() => operatingSystemServices(untyped([]))),
      /^operatingSystemServices: expected a system/,
    );
  });

  it("has Guix's essential services in Guix's order", () => {
    const names = operatingSystemDefaultEssentialServices(operatingSystem({ services: [] })).map(
      ({ kind }) => kind.name,
    );
    assert.deepEqual(names, [
      "system",
      "linux-builder",
      "boot",
      "cleanup",
      "activate",
      "shepherd-root",
      "privileged-program",
      "account",
      "etc",
      "etc-hosts",
      "host-name",
      "user-processes",
      "root-file-system",
      "profile",
      "file-systems",
    ]);
  });

  it("makes accounts before what services of the user do at activation", () => {
    const mine = simpleService("mine", activationServiceType, [
      { name: "mine", steps: [runStep(["/bin/true"])] },
    ]);
    const { snippets } = JSON.parse(
      textOf(systemTree(operatingSystem({ services: [mine] })), "activation.json"),
    ) as {
      snippets: readonly { name: string }[];
    };
    assert.deepEqual(
      snippets.map(({ name }) => name),
      ["current-system", "etc", "account", "privileged-programs", "mine"],
    );
  });

  it("has essential services that are changed: the seed's other Shepherd", () => {
    const mine = softwarePackage({ name: "my-shepherd", prefix: "/opt/shepherd", programs: ["shepherd"] });
    const system = operatingSystem({
      services: [],
      essentialServices: (self) =>
        modifyServices(operatingSystemDefaultEssentialServices(self), [
          updateService(shepherdRootServiceType, (config) =>
            shepherdConfiguration({ ...config, shepherd: mine }),
          ),
        ]),
    });
    assert.match(textOf(systemTree(system), "boot.json"), /"program": "\/opt\/shepherd\/bin\/shepherd"/);
    const wrong = operatingSystem({ services: [], essentialServices: untyped(() => ["no service"]) });
    assert.match(
      mistake(() => operatingSystemServices(wrong)),
      /must contain a list of services/,
    );
  });

  it("has root, and whatever else is declared of users", () => {
    const otherRoot = userAccount({
      name: "root",
      uid: 0,
      group: "root",
      shell: "/bin/zsh",
      homeDirectory: "/root",
    });
    const alice = userAccount({ name: "alice", group: "users" });
    const shellsOf = (...users: readonly ReturnType<typeof userAccount>[]): readonly string[] => {
      const text = textOf(systemTree(operatingSystem({ services: [], users })), "activation.json");
      const { snippets } = JSON.parse(text) as {
        snippets: readonly { steps: readonly Partial<AccountsStep>[] }[];
      };
      const all = snippets.flatMap(({ steps }) => steps.flatMap((step) => step.users ?? []));
      return all.map(({ name, shell }) => `${name} ${String(shell)}`);
    };
    assert.deepEqual(shellsOf(alice), ["root /bin/bash", "alice /bin/bash"]);
    assert.deepEqual(shellsOf(alice, otherRoot), ["alice /bin/bash", "root /bin/zsh"]);
  });

  it("writes into /etc what it is told, and nothing else", () => {
    const plain = systemTree(operatingSystem({ services: [] }));
    assert.deepEqual(
      [...plain.keys()].filter((path) => path.startsWith("etc/")),
      ["etc/shells"],
    );
    const tree = systemTree(
      operatingSystem({
        services: [],
        hostName: "builder",
        timezone: "Europe/Berlin",
        issue: "Welcome!\n",
        hosts: [host("192.0.2.1", "farm")],
      }),
    );
    assert.equal(textOf(tree, "etc/issue"), "Welcome!\n");
    assert.equal(textOf(tree, "etc/hostname"), "builder\n");
    assert.equal(textOf(tree, "etc/timezone"), "Europe/Berlin\n");
    assert.deepEqual(tree.get("etc/localtime"), {
      kind: "symlink",
      target: "/usr/share/zoneinfo/Europe/Berlin",
    });
    assert.equal(
      textOf(tree, "etc/hosts"),
      "127.0.0.1\tlocalhost\tbuilder\n::1\tlocalhost\tbuilder\n192.0.2.1\tfarm\n",
    );
  });
});

describe("systemConfiguration", () => {
  it("has the services that the supervisor is extended with, as definitions", () => {
    const flag = shepherdService({ provision: ["flag"], requirement: ["user-processes"] });
    const system = operatingSystem({
      services: [simpleService("flag", shepherdRootServiceType, [flag])],
      exitWith: "flag",
      shutdownTimeout: 7,
    });
    const { services, exitWith, shutdownTimeout } = systemConfiguration(system);
    assert.ok(services.every(isDefinition));
    assert.deepEqual(services.map(({ provision }) => provision[0]).sort(), [
      "file-systems",
      "flag",
      "host-name",
      "root-file-system",
      "user-homes",
      "user-processes",
    ]);
    assert.equal(exitWith, "flag");
    assert.equal(shutdownTimeout, 7);
  });

  it("refuses a requirement that nobody provides, also when the system is built", () => {
    const lonely = shepherdService({ provision: ["lonely"], requirement: ["syslogd"] });
    const system = operatingSystem({
      services: [simpleService("lonely", shepherdRootServiceType, [lonely])],
    });
    for (const use of [systemConfiguration, systemTree, operatingSystemShepherdServices])
      assert.match(
        mistake(() => use(system)),
        /service 'lonely' requires 'syslogd', which is not provided by any service/,
      );
  });

  it("comes with usual services unless told otherwise", () => {
    const names = operatingSystemShepherdServices(operatingSystem()).map(canonicalName);
    for (const name of ["loopback", "networking", "user-processes"])
      assert.ok(names.includes(name), names.join(" "));
  });
});

describe("the system directory", () => {
  it("holds what it takes to activate, boot and describe the system", () => {
    const tree = systemTree(sampleSystem(), {
      module: { code: "export default 1;\n", map: '{"version":3,"sources":[],"mappings":"AAAA"}' },
      source: "export default 1;\n",
    });
    for (const path of [
      "activate",
      "activation.json",
      "boot",
      "boot.json",
      "configuration.ts",
      "etc/motd",
      "parameters",
      "profile/bin/shepherd",
      "provenance",
      "shepherd/configuration.mjs",
      "shepherd/configuration.mjs.map",
      "shepherd/services.json",
    ])
      assert.ok(tree.has(path), path);
    const modes = (...paths: readonly string[]) =>
      paths.map((path) => {
        const entry = tree.get(path);
        return entry?.kind === "file" ? entry.mode : undefined;
      });
    assert.deepEqual(
      new Set(
        modes(
          "activation.json",
          "boot.json",
          "configuration.ts",
          "shepherd/configuration.mjs",
          "shepherd/configuration.mjs.map",
        ),
      ),
      new Set([0o600]),
    );
    assert.deepEqual(modes("boot", "activate"), [0o555, 0o555]);
  });

  it("has the graph of services, and nothing that they run", () => {
    const text = textOf(systemTree(sampleSystem()), "shepherd/services.json");
    assert.doesNotMatch(text, /password|hunter2/);
    const { version, services } = JSON.parse(text) as {
      version: number;
      services: readonly {
        name: string;
        provision: readonly string[];
        requirement: readonly string[];
        autoStart: boolean;
      }[];
    };
    assert.equal(version, 1);
    const sample = services.find(({ name }) => name === "sample");
    assert.deepEqual(sample, {
      name: "sample",
      provision: ["sample", "example"],
      requirement: ["user-processes"],
      oneShot: false,
      respawn: true,
      autoStart: false,
      documentation: "A sample.",
      actions: ["configuration"],
    });
  });

  it("has no absolute name of where it was built, nor a time", () => {
    const tree = systemTree(sampleSystem());
    for (const [path, entry] of tree) {
      const text = entry.kind === "file" ? Buffer.from(entry.contents).toString() : "";
      assert.ok(!text.includes(process.cwd()), path);
    }
  });

  it("is the same twice, and in another process with another environment", async () => {
    const hash = hashOfTree(systemTree(sampleSystem()));
    assert.equal(hashOfTree(systemTree(sampleSystem())), hash);
    const program = fileURLToPath(new URL("print-hash.js", import.meta.url));
    const run = async (environment: Record<string, string>, umask: string): Promise<string> => {
      const command = `umask ${umask}; exec "$0" "$1"`;
      const { stdout } = await promisify(execFile)("sh", ["-c", command, process.execPath, program], {
        cwd: "/",
        env: environment,
      });
      return stdout.trim();
    };
    const hashes = await Promise.all([
      run({ PATH: process.env.PATH ?? "", LC_ALL: "C", TZ: "Asia/Tokyo" }, "077"),
      run({ PATH: process.env.PATH ?? "", LC_ALL: "tr_TR.UTF-8", TZ: "America/Lima", HOME: "/none" }, "000"),
    ]);
    assert.deepEqual(hashes, [hash, hash]);
  });

  it("is another one for whatever is different", () => {
    const base = operatingSystem({ services: [] });
    const trees = [
      systemTree(base),
      systemTree(operatingSystem({ ...base, hostName: "other" })),
      systemTree(operatingSystem({ ...base, packages: [softwarePackage({ name: "a" })] })),
      systemTree(
        operatingSystem({
          ...base,
          services: [simpleService("a", etcServiceType, [["a", plainFile("a", "")]])],
        }),
      ),
      systemTree(base, { source: "" }),
      systemTree(base, { module: { code: "", map: '{"mappings":""}' } }),
    ];
    assert.equal(new Set(trees.map(hashOfTree)).size, trees.length);
  });

  it("has one thing by each name", () => {
    const services = [simpleService("boot", etcServiceType, [["a", plainFile("a", "")]])];
    const system = operatingSystem({
      services: [...services, service(etcServiceType, [])],
    });
    assert.match(
      mistake(() => systemTree(system)),
      /more than one target service of type 'etc'/,
    );
  });
});
