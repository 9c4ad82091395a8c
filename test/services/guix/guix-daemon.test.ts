// guix-daemon's service: its defaults, accounts and activation against the specification's table, and its extensions.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { builtin } from "../../../src/daemon/definition/types.js";
import { service, simpleService } from "../../../src/services/composition/service-type.js";
import { filePath, plainFile } from "../../../src/services/files/file-like.js";
import { guix } from "../../../src/services/files/packages.js";
import { aclScript } from "../../../src/services/guix/guix-acl.js";
import {
  type GuixConfiguration,
  guixConfiguration,
  guixExtension,
  guixServiceType,
} from "../../../src/services/guix/guix-daemon.js";
import { accountFields, plainSteps, systemOf, usualStop } from "../parts.js";
import { assertRefused, untyped } from "./tables.js";

const urls = "https://ci.guix.gnu.org https://bordeaux.guix.gnu.org";

it("the defaults are those of Guix 1.4", () => {
  const { guix: program, authorizedKeys, ...rest } = guixConfiguration();
  assert.equal(program, guix);
  assert.deepEqual(authorizedKeys.map(filePath), [
    "/usr/share/guix/ci.guix.gnu.org.pub",
    "/usr/share/guix/bordeaux.guix.gnu.org.pub",
  ]);
  assert.deepEqual(rest, {
    buildGroup: "guixbuild",
    buildAccounts: 10,
    authorizeKey: true,
    useSubstitutes: true,
    substituteUrls: ["https://ci.guix.gnu.org", "https://bordeaux.guix.gnu.org"],
    generateSubstituteKey: true,
    chrootDirectories: [],
    maxSilentTime: 0,
    timeout: 0,
    logCompression: "gzip",
    discover: false,
    extraOptions: [],
    logFile: "/var/log/guix-daemon.log",
    httpProxy: false,
    tmpdir: false,
    chroot: "default",
    privileged: true,
    channels: false,
    buildMachines: [],
    environment: [],
    socketDirectoryPermissions: 0o755,
    socketDirectoryGroup: false,
    socketDirectoryUser: false,
    socket: "/var/guix/daemon-socket/socket",
  });
});

describe("guixServiceType", () => {
  it("is one service that requires user-processes", () => {
    const one = systemOf(service(guixServiceType)).service("guix-daemon");
    assert.deepEqual(one.provision, ["guix-daemon"]);
    assert.deepEqual(one.requirement, ["user-processes"]);
    assert.deepEqual(one.stop[builtin], usualStop);
    assert.equal(one.respawn, true);
    assert.equal(one.retryable, true);
    assert.deepEqual(
      one.actions.map(({ name }) => name),
      ["set-http-proxy", "discover", "valid-path", "gc", "verify"],
    );
    assert.equal(
      one.actions[0]?.documentation,
      "Change the HTTP(S) proxy used by 'guix-daemon' and restart it.",
    );
  });

  it("has the users that build", () => {
    const system = systemOf(service(guixServiceType, guixConfiguration({ buildAccounts: 11 })));
    const users = [1, 2, 10, 11].map((number) => [
      `guixbuilder${String(number).padStart(2, "0")}`,
      `Guix Build User ${String(number).padStart(2, " ")}`,
    ]);
    for (const [name = "", comment = ""] of users)
      assert.deepEqual(accountFields(system.user(name)), {
        group: "guixbuild",
        system: true,
        comment,
        homeDirectory: "/var/empty",
        createHomeDirectory: true,
        shell: "/usr/sbin/nologin",
        uid: undefined,
        supplementaryGroups: ["guixbuild", "kvm"],
      });
    assert.equal(system.user("guixbuilder12"), undefined);
    const { id, system: isSystem } = system.group("guixbuild") ?? {};
    assert.deepEqual([id, isSystem], [30_000, true]);
    assert.ok(system.packages().includes("guix"));
  });

  it("takes five of them without substitutes, as in the manual", () => {
    const system = systemOf(
      service(guixServiceType, guixConfiguration({ buildAccounts: 5, useSubstitutes: false })),
    );
    assert.ok(system.user("guixbuilder05") !== undefined);
    assert.equal(system.user("guixbuilder06"), undefined);
  });

  it("makes a key, trusts keys, and has its socket's directory", () => {
    const system = systemOf(service(guixServiceType));
    assert.deepEqual(plainSteps(system.steps("guix")), [
      { step: "directory", path: "/var/guix/daemon-socket", mode: 0o755, owner: "root", group: "root" },
    ]);
    assert.deepEqual(plainSteps(system.steps("guix-signing-key")), [
      {
        step: "run",
        command: ["/usr/bin/guix", "archive", "--generate-key"],
        unless: "/etc/guix/signing-key.pub",
        timeout: 600,
      },
    ]);
    assert.deepEqual(plainSteps(system.steps("guix-acl")), [
      {
        step: "run",
        command: [
          filePath(aclScript),
          "/usr/share/guix/ci.guix.gnu.org.pub",
          "/usr/share/guix/bordeaux.guix.gnu.org.pub",
        ],
      },
    ]);
  });

  it("does neither where it is told so, and writes files that are configured", () => {
    const system = systemOf(
      service(
        guixServiceType,
        guixConfiguration({
          authorizeKey: false,
          generateSubstituteKey: false,
          channels: "/srv/channels.scm",
          buildMachines: ['(build-machine (name "a"))', '(build-machine (name "b"))'],
          socketDirectoryPermissions: 0o750,
          socketDirectoryUser: "alice",
          socketDirectoryGroup: "users",
        }),
      ),
    );
    assert.deepEqual(plainSteps(system.steps("guix")), [
      { step: "directory", path: "/var/guix/daemon-socket", mode: 0o750, owner: "alice", group: "users" },
      { step: "file", path: "/etc/guix/channels.scm", source: "/srv/channels.scm", mode: 0o644 },
      {
        step: "file",
        path: "/etc/guix/machines.scm",
        contents: '(list (build-machine (name "a"))\n      (build-machine (name "b")))\n',
        mode: 0o644,
      },
    ]);
    for (const name of ["guix-acl", "guix-signing-key"])
      assert.throws(() => system.steps(name), /no activation/);
  });

  it("is extended by what comes before its own", () => {
    const key = plainFile("key.pub", "(public-key x)");
    const system = systemOf(
      service(guixServiceType, guixConfiguration({ chrootDirectories: ["/own"] })),
      simpleService(
        "one",
        guixServiceType,
        guixExtension({
          authorizedKeys: [key],
          substituteUrls: ["https://a.example.org"],
          chrootDirectories: ["/a"],
          buildMachines: ["(a)"],
        }),
      ),
      simpleService("two", guixServiceType, guixExtension({ substituteUrls: ["https://b.example.org"] })),
    );
    const [, ...files] = plainSteps(system.steps("guix"));
    assert.equal((files[0] as { contents?: string }).contents, "(list (a))\n");
    const [acl] = plainSteps(system.steps("guix-acl")) as readonly { readonly command: readonly string[] }[];
    assert.equal(acl?.command[1], filePath(key));
    const extended = guixServiceType.extend?.(
      guixConfiguration({ chrootDirectories: ["/own"] }),
      guixServiceType.compose?.([
        guixExtension({ substituteUrls: ["https://a.example.org"], chrootDirectories: ["/a"] }),
        guixExtension({ substituteUrls: ["https://b.example.org"] }),
      ]),
    ) as GuixConfiguration;
    assert.deepEqual(extended.substituteUrls, [
      "https://a.example.org",
      "https://b.example.org",
      ...urls.split(" "),
    ]);
    assert.deepEqual(extended.chrootDirectories, ["/a", "/own"]);
  });
});

describe("what is wrong with a configuration is said by its field", () => {
  const table: readonly [given: Record<string, unknown>, message: RegExp][] = [
    [{ buildAccounts: 0 }, /field "buildAccounts": expected a number from 1 to 1000/],
    [{ buildGroup: "a:b" }, /field "buildGroup"/],
    [{ substituteUrls: ["ci.guix.gnu.org"] }, /field "substituteUrls": expected a list of URIs/],
    [{ substituteUrls: ["https://a b"] }, /field "substituteUrls"/],
    [{ substituteUrls: "https://a" }, /field "substituteUrls"/],
    [{ logCompression: "xz" }, /field "logCompression": expected one of "gzip", "bzip2", "none"/],
    [{ maxSilentTime: -1 }, /field "maxSilentTime"/],
    [{ timeout: 1.5 }, /field "timeout"/],
    [{ httpProxy: "proxy:3128" }, /field "httpProxy"/],
    [{ httpProxy: "ftp://u:hunter2@proxy" }, /field "httpProxy".*got "ftp:\/\/\*\*\*@proxy"/],
    [{ tmpdir: "tmp" }, /field "tmpdir"/],
    [{ privileged: false }, /field "privileged": expected true/],
    [{ chroot: "yes" }, /field "chroot"/],
    [{ authorizedKeys: ["key.pub"] }, /field "authorizedKeys"/],
    [{ buildMachines: ["(a"] }, /field "buildMachines"/],
    [{ socketDirectoryPermissions: 0o1777 }, /field "socketDirectoryPermissions"/],
    [{ socket: `/${"x".repeat(120)}` }, /field "socket": expected an absolute file name of up to 107 bytes/],
    [{ useSubstitute: false }, /unknown field "useSubstitute"; did you mean "useSubstitutes"/],
    [{ logFile: "log" }, /field "logFile"/],
  ];
  for (const [given, message] of table)
    it(JSON.stringify(given).slice(0, 60), () =>
      assertRefused(() => guixConfiguration(untyped(given)), message, ["hunter2"]),
    );

  it("an extension that is none", () =>
    assertRefused(
      () => systemOf(simpleService("x", guixServiceType, untyped({ substituteUrls: [] }))).names(),
      /service 'guix': an extension: expected a record made by guixExtension/,
    ));
});
