// The essential types, as the specification's table has them: what each extends, how it takes extensions, and what becomes
// of it in the system directory.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ActivationSnippet, BootSnippet } from "../../../src/services/activation/steps.js";
import { foldServices } from "../../../src/services/composition/fold.js";
import { instantiateMissingServices } from "../../../src/services/composition/instantiate.js";
import {
  type AnyServiceType,
  type Service,
  type ServiceType,
  service,
  serviceExtension,
  serviceType,
  simpleService,
} from "../../../src/services/composition/service-type.js";
import { accountServiceType, userAccount, userGroup } from "../../../src/services/essential/account.js";
import { activationServiceType, directoryStep } from "../../../src/services/essential/activation.js";
import { bootServiceType } from "../../../src/services/essential/boot.js";
import { cleanupServiceType } from "../../../src/services/essential/cleanup.js";
import { etcServiceType } from "../../../src/services/essential/etc.js";
import { host, hostsServiceType } from "../../../src/services/essential/hosts.js";
import {
  linuxBuilderConfiguration,
  linuxBuilderServiceType,
  linuxLoadableModuleServiceType,
} from "../../../src/services/essential/linux-builder.js";
import {
  fileLikeToSetuidProgram,
  privilegedProgram,
  privilegedProgramServiceType,
  setuidProgram,
  setuidProgramServiceType,
} from "../../../src/services/essential/privileged-programs.js";
import { profileServiceType } from "../../../src/services/essential/profile.js";
import { provenanceServiceType } from "../../../src/services/essential/provenance.js";
import {
  shepherdConfiguration,
  shepherdRootServiceType,
} from "../../../src/services/essential/shepherd-root.js";
import { extraSpecialFile, specialFilesServiceType } from "../../../src/services/essential/special-files.js";
import { systemServiceType } from "../../../src/services/essential/system.js";
import { userProcessesServiceType } from "../../../src/services/essential/user-processes.js";
import { treeOfEntries } from "../../../src/services/files/entries.js";
import { fileAppend, filePath, plainFile, softwarePackage } from "../../../src/services/files/file-like.js";
import type { Tree, TreeEntry } from "../../../src/services/files/tree.js";
import {
  canonicalName,
  type ShepherdService,
  shepherdService,
} from "../../../src/services/shepherd/service.js";
import { mistake, untyped } from "../../daemon/definition/support.js";

/** What services extend and do not list, and without which no system is. */
function completed(...services: readonly Service[]): readonly Service[] {
  return instantiateMissingServices([...services, service(systemServiceType, [])]);
}

/** What the services come to at one of them. */
function folded<Value>(targetType: ServiceType<Value>, ...services: readonly Service[]): Value {
  return foldServices(completed(...services), { targetType }).value;
}

/** The system directory that the services come to. */
function treeOf(...services: readonly Service[]): Tree {
  return treeOfEntries("system", folded(systemServiceType, ...services));
}

function textOf(tree: Tree, path: string): string {
  const entry = tree.get(path);
  assert.equal(entry?.kind, "file", `${path} among ${[...tree.keys()].join(" ")}`);
  return Buffer.from((entry as TreeEntry & { kind: "file" }).contents).toString();
}

function modeOf(tree: Tree, path: string): number | undefined {
  const entry = tree.get(path);
  return entry?.kind === "file" ? entry.mode : undefined;
}

const snippetsOf = (...services: readonly Service[]): readonly ActivationSnippet[] =>
  folded(activationServiceType, ...services);

const flag = shepherdService({ provision: ["flag"] });

interface Row {
  readonly type: AnyServiceType;
  readonly name: string;
  readonly extends: readonly string[];
  /** Whether other services can extend it. */
  readonly extensible: boolean;
  /** Whether an instance needs no value. */
  readonly hasDefault: boolean;
}

const table: readonly Row[] = [
  { type: systemServiceType, name: "system", extends: [], extensible: true, hasDefault: false },
  { type: bootServiceType, name: "boot", extends: ["system"], extensible: true, hasDefault: true },
  { type: cleanupServiceType, name: "cleanup", extends: ["boot"], extensible: false, hasDefault: true },
  {
    type: activationServiceType,
    name: "activate",
    extends: ["boot", "system"],
    extensible: true,
    hasDefault: true,
  },
  { type: etcServiceType, name: "etc", extends: ["activate", "system"], extensible: true, hasDefault: true },
  { type: hostsServiceType, name: "etc-hosts", extends: ["etc"], extensible: true, hasDefault: false },
  {
    type: privilegedProgramServiceType,
    name: "privileged-program",
    extends: ["activate"],
    extensible: true,
    hasDefault: true,
  },
  { type: profileServiceType, name: "profile", extends: ["system"], extensible: true, hasDefault: true },
  {
    type: provenanceServiceType,
    name: "provenance",
    extends: ["system"],
    extensible: false,
    hasDefault: true,
  },
  {
    type: linuxBuilderServiceType,
    name: "linux-builder",
    extends: ["system"],
    extensible: true,
    hasDefault: true,
  },
  {
    type: linuxLoadableModuleServiceType,
    name: "linux-loadable-modules",
    extends: ["linux-builder"],
    extensible: true,
    hasDefault: true,
  },
  {
    type: specialFilesServiceType,
    name: "special-files",
    extends: ["activate"],
    extensible: true,
    hasDefault: false,
  },
  {
    type: accountServiceType,
    name: "account",
    extends: ["activate", "shepherd-root", "user-processes", "etc"],
    extensible: true,
    hasDefault: true,
  },
  {
    type: shepherdRootServiceType,
    name: "shepherd-root",
    extends: ["boot", "profile"],
    extensible: true,
    hasDefault: true,
  },
  {
    type: userProcessesServiceType,
    name: "user-processes",
    extends: ["shepherd-root"],
    extensible: true,
    hasDefault: true,
  },
];

describe("essential types", () => {
  for (const row of table)
    it(`${row.name} extends ${row.extends.join(", ") || "nothing"}`, () => {
      assert.equal(row.type.name, row.name);
      assert.deepEqual(
        row.type.extensions.map(({ target }) => target.name),
        row.extends,
      );
      assert.equal(row.type.extend !== undefined, row.extensible);
      assert.equal("defaultValue" in row.type, row.hasDefault);
      assert.ok(row.type.description.endsWith("."));
    });

  it("take lists, own ones first, then those of the last service that is listed", () => {
    const packages = ["a", "b", "c"].map((name) => softwarePackage({ name }));
    const [a, b, c] = packages;
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const value = folded(
      profileServiceType,
      simpleService("first", profileServiceType, [a]),
      service(profileServiceType, [b]),
      simpleService("last", profileServiceType, [c]),
    );
    assert.deepEqual(value, [b, c, a]);
  });

  const contributions: readonly (readonly [type: AnyServiceType, value: unknown, message: string])[] = [
    [
      systemServiceType,
      [["../a", "/b"]],
      "service 'system': expected extensions that are lists of [name, file]",
    ],
    [etcServiceType, [["issue"]], "service 'etc': expected extensions"],
    [etcServiceType, [["issue", "text\n"]], "service 'etc': expected extensions"],
    [activationServiceType, ["mkdir"], "service 'activate': expected {name, steps}"],
    [profileServiceType, ["tor"], "service 'profile': an extension: expected a list of packages"],
    [
      privilegedProgramServiceType,
      ["/bin/ping"],
      "service 'privileged-program': an extension: expected a list of programs",
    ],
    [hostsServiceType, ["localhost"], "service 'etc-hosts': an extension: expected a list of hosts"],
    [
      shepherdRootServiceType,
      [{ provision: ["a"] }],
      "service 'shepherd-root': an extension: expected a list of services",
    ],
    [
      userProcessesServiceType,
      "file-systems",
      "service 'user-processes': an extension: expected a list of names",
    ],
    [
      accountServiceType,
      [{ name: "tor" }],
      "service 'account': expected extensions that are lists of userAccount",
    ],
    [accountServiceType, "tor", "service 'account': expected extensions that are lists of userAccount"],
    [linuxBuilderServiceType, "module", "service 'linux-builder': an extension: expected a function"],
    [linuxLoadableModuleServiceType, ["module"], "service 'linux-loadable-modules': expected a package"],
    [specialFilesServiceType, ["/bin/sh"], "service 'special-files': expected a pair"],
  ];
  for (const [type, value, message] of contributions)
    it(`refuse what no extension of ${type.name} can be: ${JSON.stringify(value)}`, () => {
      const wrong = simpleService("wrong", type as ServiceType<unknown, unknown>, value);
      const own: readonly Service[] =
        "defaultValue" in type || type === systemServiceType
          ? []
          : [service(type as ServiceType<unknown>, [])];
      const got = mistake(() => treeOf(...own, wrong));
      assert.ok(got.includes(message), got);
    });
});

describe("the boot service", () => {
  const booting = (name: string): Service =>
    service(
      serviceType<undefined>({
        name,
        extensions: [serviceExtension(bootServiceType, () => [{ name, steps: [] } satisfies BootSnippet])],
        defaultValue: undefined,
        description: "For tests.",
      }),
    );

  it("does things in the order of the list: the user's first, the supervisor last", () => {
    const tree = treeOf(
      booting("user-1"),
      booting("user-2"),
      service(cleanupServiceType),
      service(activationServiceType),
      service(shepherdRootServiceType),
    );
    const { snippets } = JSON.parse(textOf(tree, "boot.json")) as { snippets: readonly BootSnippet[] };
    assert.deepEqual(
      snippets.map(({ name }) => name),
      ["user-1", "user-2", "cleanup", "activation", "shepherd"],
    );
    assert.deepEqual(
      snippets.flatMap(({ steps }) => steps.map(({ step }) => step)),
      ["cleanup", "activate", "supervise"],
    );
    assert.equal(modeOf(tree, "boot"), 0o555);
    assert.match(textOf(tree, "boot"), /^#!\/bin\/sh\n/);
  });
});

describe("the activation service", () => {
  it("is carried out last service first, after what every system needs", () => {
    const make = (name: string): Service =>
      simpleService(name, activationServiceType, [{ name, steps: [directoryStep(`/${name}`)] }]);
    const tree = treeOf(make("user-1"), make("user-2"), service(activationServiceType), make("essential"));
    const { snippets } = JSON.parse(textOf(tree, "activation.json")) as {
      snippets: readonly ActivationSnippet[];
    };
    assert.deepEqual(
      snippets.map(({ name }) => name),
      ["current-system", "essential", "user-2", "user-1"],
    );
    // It can hold secrets.
    assert.equal(modeOf(tree, "activation.json"), 0o600);
  });
});

describe("the etc service", () => {
  it("puts files and directories into etc/", () => {
    const issue = plainFile("issue", "Welcome!\n");
    const tree = treeOf(
      simpleService("issue", etcServiceType, [
        ["issue", issue],
        ["ssh/sshd_config", issue],
      ]),
    );
    assert.equal(textOf(tree, "etc/issue"), "Welcome!\n");
    assert.equal(textOf(tree, "etc/ssh/sshd_config"), "Welcome!\n");
  });

  it("has no two files by one name", () => {
    const one = simpleService("one", etcServiceType, [["issue", plainFile("issue", "1")]]);
    const two = simpleService("two", etcServiceType, [["issue", plainFile("issue", "2")]]);
    assert.equal(
      mistake(() => treeOf(one, two)),
      "service 'etc': duplicate 'issue' entry for /etc",
    );
  });
});

describe("the hosts service", () => {
  it("has a line for each host, with tabs", () => {
    const tree = treeOf(
      service(hostsServiceType, [host("127.0.0.1", "localhost", ["here", "me"])]),
      simpleService("build", hostsServiceType, [host("2001:db8::1", "build.example.org")]),
    );
    assert.equal(
      textOf(tree, "etc/hosts"),
      "127.0.0.1\tlocalhost\there\tme\n2001:db8::1\tbuild.example.org\n",
    );
  });

  it("leaves the file alone where there is no host", () => {
    assert.equal(treeOf(service(hostsServiceType, [])).has("etc/hosts"), false);
  });

  it("refuses what is no address and no name", () => {
    assert.match(
      mistake(() => host("localhost", "127.0.0.1")),
      /host: field "address": expected an IPv4 or IPv6/,
    );
    assert.match(
      mistake(() => host("::1", "two words")),
      /field "canonicalName": expected the name of a host/,
    );
    assert.match(
      mistake(() => host("::1", "a", ["b\nc"])),
      /field "aliases": expected a list of names of hosts/,
    );
  });
});

describe("the account service", () => {
  const tor = [
    userGroup({ name: "tor", system: true }),
    userAccount({
      name: "tor",
      group: "tor",
      system: true,
      homeDirectory: "/var/empty",
      shell: "/bin/false",
    }),
  ];

  it("makes accounts at activation, homes by a service, and lists the shells", () => {
    const services = [
      simpleService("tor", accountServiceType, tor),
      service(accountServiceType, [userGroup({ name: "g" })]),
    ];
    const [snippet] = snippetsOf(...services).filter(({ name }) => name === "account");
    assert.deepEqual(snippet?.steps, [
      {
        step: "accounts",
        groups: [
          { name: "g", password: undefined, id: undefined, system: false },
          { name: "tor", password: undefined, id: undefined, system: true },
        ],
        users: [
          {
            name: "tor",
            password: undefined,
            uid: undefined,
            group: "tor",
            supplementaryGroups: [],
            comment: "",
            homeDirectory: "/var/empty",
            createHomeDirectory: true,
            shell: "/bin/false",
            system: true,
          },
        ],
      },
    ]);
    assert.equal(
      textOf(treeOf(...services), "etc/shells"),
      "/bin/sh\n/run/current-system/profile/bin/sh\n/run/current-system/profile/bin/bash\n/bin/false\n",
    );
    const { services: managed } = folded(shepherdRootServiceType, ...services);
    const homes = managed.find((one) => canonicalName(one) === "user-homes");
    assert.equal(homes?.oneShot, true);
    assert.deepEqual(homes?.requirement, ["file-systems"]);
    const processes = managed.find((one) => canonicalName(one) === "user-processes");
    assert.deepEqual(processes?.requirement, ["user-homes"]);
  });

  it("has skeletons in etc/skel where there are any", () => {
    const tree = treeOf(simpleService("skel", accountServiceType, [[".config/x", plainFile("x", "y")]]));
    assert.equal(textOf(tree, "etc/skel/.config/x"), "y");
    assert.equal(
      [...treeOf(service(accountServiceType)).keys()].some((path) => path.startsWith("etc/skel")),
      false,
    );
  });

  it("refuses groups that nobody declares", () => {
    const eve = userAccount({ name: "eve", group: "nobodies" });
    assert.equal(
      mistake(() => treeOf(simpleService("eve", accountServiceType, [eve]))),
      "primary group 'nobodies' of user 'eve' is undeclared",
    );
  });
});

describe("privileged programs", () => {
  it("are data for activation", () => {
    const ping = fileAppend(softwarePackage({ name: "iputils" }), "/bin/ping");
    const programs = [
      privilegedProgram({ program: ping, capabilities: "cap_net_raw+ep" }),
      setuidProgram({ program: "/usr/bin/sudo" }),
      fileLikeToSetuidProgram("/usr/bin/su"),
      setuidProgram({ program: "/usr/bin/wall", setuid: false, setgid: true, group: "tty" }),
    ];
    const tree = treeOf(simpleService("programs", setuidProgramServiceType, programs));
    const { snippets } = JSON.parse(textOf(tree, "activation.json")) as {
      snippets: readonly { name: string; steps: readonly { programs: unknown }[] }[];
    };
    const none = { setuid: false, setgid: false, user: 0, group: 0 };
    assert.deepEqual(snippets.find(({ name }) => name === "privileged-programs")?.steps[0]?.programs, [
      { ...none, program: "/usr/bin/ping", capabilities: "cap_net_raw+ep" },
      { ...none, program: "/usr/bin/sudo", setuid: true },
      { ...none, program: "/usr/bin/su", setuid: true },
      { ...none, program: "/usr/bin/wall", setgid: true, group: "tty" },
    ]);
  });

  it("have one name each", () => {
    const programs = [fileLikeToSetuidProgram("/bin/su"), fileLikeToSetuidProgram("/opt/su")];
    assert.equal(
      mistake(() => treeOf(simpleService("programs", privilegedProgramServiceType, programs))),
      `service 'privileged-program': two programs are called "su"`,
    );
  });

  const mistakes: readonly (readonly [given: unknown, message: string])[] = [
    [{}, 'privilegedProgram: field "program" missing'],
    [{ program: "ping" }, 'field "program": expected an absolute file name'],
    [{ program: "/bin/ping", setuid: 1 }, 'field "setuid": expected true or false'],
    [{ program: "/bin/ping", capabilities: "; rm" }, 'field "capabilities": expected capabilities'],
    [{ program: "/bin/ping", user: -1 }, 'field "user": expected a name or a number'],
    [{ program: "/bin/ping", suid: true }, 'unknown field "suid"'],
  ];
  for (const [given, message] of mistakes)
    it(`refuse ${JSON.stringify(given)}`, () => {
      const got = mistake(() => privilegedProgram(untyped(given)));
      assert.ok(got.includes(message), got);
    });
});

describe("the profile", () => {
  it("links to programs, each package once", () => {
    const nginx = softwarePackage({ name: "nginx", programs: ["sbin/nginx"] });
    const psql = softwarePackage({
      name: "postgresql",
      prefix: "/usr/lib/postgresql/15",
      programs: ["psql"],
    });
    const tree = treeOf(service(profileServiceType, [nginx, psql, nginx]));
    assert.deepEqual(tree.get("profile/sbin/nginx"), { kind: "symlink", target: "/usr/sbin/nginx" });
    assert.deepEqual(tree.get("profile/bin/psql"), {
      kind: "symlink",
      target: "/usr/lib/postgresql/15/bin/psql",
    });
  });

  it("has no two programs by one name", () => {
    const one = softwarePackage({ name: "one", programs: ["tool"] });
    const two = softwarePackage({ name: "two", prefix: "/opt", programs: ["tool"] });
    assert.equal(
      mistake(() => treeOf(service(profileServiceType, [one, two]))),
      `service 'profile': packages "one" and "two" both have the program "tool"`,
    );
    assert.ok(
      treeOf(service(profileServiceType, [one, softwarePackage({ ...one })])).has("profile/bin/tool"),
    );
  });
});

describe("provenance", () => {
  it("keeps the configuration, and says what built it", () => {
    const tree = treeOf(
      service(provenanceServiceType, plainFile("c", "export default 1;\n", { mode: 0o600 })),
    );
    assert.equal(textOf(tree, "configuration.ts"), "export default 1;\n");
    assert.match(
      textOf(tree, "provenance"),
      /^\(provenance \(version 0\) \(channels \(channel \(name shepherd-ts\) \(version "[\d.]+"\)\)\) \(configuration-file "configuration\.ts"\)\)\n$/,
    );
    const without = treeOf(service(provenanceServiceType));
    assert.match(textOf(without, "provenance"), /\(configuration-file #f\)/);
    assert.equal(without.has("configuration.ts"), false);
  });
});

describe("the kernel", () => {
  const kernel = softwarePackage({ name: "linux", prefix: "/boot" });
  const wireguard = softwarePackage({ name: "wireguard", prefix: "/usr/lib/modules/wireguard" });

  it("is none in a container, but has modules where services name them", () => {
    assert.equal(
      [...treeOf(service(linuxBuilderServiceType)).keys()].some((path) => path.startsWith("kernel")),
      false,
    );
    const tree = treeOf(
      service(linuxBuilderServiceType, linuxBuilderConfiguration({ kernel })),
      simpleService("installing-module", linuxLoadableModuleServiceType, [wireguard, [kernel, "modules"]]),
    );
    assert.deepEqual(tree.get("kernel/linux"), { kind: "symlink", target: "/boot" });
    assert.deepEqual(tree.get("kernel/wireguard"), { kind: "symlink", target: "/usr/lib/modules/wireguard" });
  });

  it("applies the extension that is listed last first of all", () => {
    const change = (name: string): Service =>
      simpleService(name, linuxBuilderServiceType, (config) => ({
        ...config,
        modules: [...config.modules, softwarePackage({ name })],
      }));
    const { modules } = folded(linuxBuilderServiceType, change("first"), change("last"));
    // Contributions come as last, first; the last in that list is innermost.
    assert.deepEqual(
      modules.map(({ name }) => name),
      ["first", "last"],
    );
  });
});

describe("special files", () => {
  it("are links", () => {
    const bash = softwarePackage({ name: "bash" });
    const steps = snippetsOf(
      service(specialFilesServiceType, [["/lib/bash", fileAppend(bash, "/bin/bash")]]),
      extraSpecialFile("/lib/env", "/usr/bin/env"),
    ).flatMap((one) => one.steps);
    assert.deepEqual(
      steps.map((step) => step.step === "symlink" && [step.path, filePath(step.target)]),
      [
        ["/lib/bash", "/usr/bin/bash"],
        ["/lib/env", "/usr/bin/env"],
      ],
    );
    assert.equal(extraSpecialFile("/lib/env", "/usr/bin/env").kind.name, "special-file-/lib/env");
  });

  it("do not lead to themselves", () => {
    assert.equal(
      mistake(() => snippetsOf(service(specialFilesServiceType, [["/usr/bin/env", "/usr/bin/env"]])).length),
      `service 'special-files': "/usr/bin/env" would be a link to itself`,
    );
  });
});

describe("the supervisor", () => {
  const managed = (...services: readonly Service[]): readonly ShepherdService[] =>
    folded(shepherdRootServiceType, ...services).services;

  it("manages its own services first, then those of extensions", () => {
    const other = shepherdService({ provision: ["other"] });
    const list = managed(
      simpleService("other", shepherdRootServiceType, [other]),
      service(shepherdRootServiceType, shepherdConfiguration({ services: [flag] })),
    );
    assert.deepEqual(list, [flag, other]);
  });

  it("is another program where the configuration says so, and brings the files of its services", () => {
    const mine = softwarePackage({ name: "shepherd", prefix: "/opt/shepherd", programs: ["shepherd"] });
    const config = plainFile("config", "x");
    const withFiles = shepherdService({ provision: ["a"], files: [config] });
    const tree = treeOf(
      service(shepherdRootServiceType, shepherdConfiguration({ shepherd: mine, services: [withFiles] })),
    );
    const { snippets } = JSON.parse(textOf(tree, "boot.json")) as { snippets: readonly { steps: unknown }[] };
    assert.deepEqual(snippets.at(-1)?.steps, [
      { step: "supervise", program: "/opt/shepherd/bin/shepherd", files: [] },
    ]);
    assert.equal(textOf(tree, filePath(config).replace("/var/lib/shepherd/", "")), "x");
    assert.deepEqual(tree.get("profile/bin/shepherd"), {
      kind: "symlink",
      target: "/opt/shepherd/bin/shepherd",
    });
  });

  it("refuses fields that are wrong", () => {
    assert.match(
      mistake(() => shepherdConfiguration(untyped({ shepard: 1 }))),
      /unknown field "shepard"; did you mean "shepherd"/,
    );
    assert.match(
      mistake(() => shepherdConfiguration(untyped({ shepherd: "/bin" }))),
      /field "shepherd": expected a package/,
    );
    assert.match(
      mistake(() => shepherdConfiguration(untyped({ services: [{}] }))),
      /field "services": expected a list of services/,
    );
  });
});

describe("user-processes", () => {
  it("requires what extensions name, each once, and ends nothing when it stops", () => {
    const list = folded(
      shepherdRootServiceType,
      simpleService("a", userProcessesServiceType, ["file-systems", "udev"]),
      simpleService("b", userProcessesServiceType, ["udev"]),
    ).services;
    const [one] = list;
    assert.ok(one !== undefined);
    assert.deepEqual(one.provision, ["user-processes"]);
    assert.deepEqual(one.requirement, ["udev", "file-systems"]);
    assert.equal(one.respawn, false);
    assert.equal(one.stop(true), false);
  });
});
