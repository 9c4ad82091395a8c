// The agent of the build coordinator: its process, account and directories against the specification's table, the four ways
// of authentication, and what nothing shows of them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { service } from "../../../src/services/composition/service-type.js";
import { guixBuildCoordinator } from "../../../src/services/files/packages.js";
import { softwarePackage } from "../../../src/services/files/software-package.js";
import {
  type AgentAuthentication,
  guixBuildCoordinatorAgentDynamicAuth,
  guixBuildCoordinatorAgentDynamicAuthWithFile,
  guixBuildCoordinatorAgentPasswordAuth,
  guixBuildCoordinatorAgentPasswordFileAuth,
} from "../../../src/services/guix/agent-authentication.js";
import {
  type GuixBuildCoordinatorAgentConfiguration,
  guixBuildCoordinatorAgentConfiguration,
  guixBuildCoordinatorAgentServiceType,
} from "../../../src/services/guix/build-coordinator-agent.js";
import { Secret, secret } from "../../../src/services/secret.js";
import { accountFields, described, plainSteps, systemOf } from "../parts.js";
import { assertProcess, assertRefused, commandOf, startData, untyped } from "./tables.js";

const name = "guix-build-coordinator-agent";
const uuid = "11111111-2222-3333-4444-555555555555";
const hidden = "hunter2";
const byFile = guixBuildCoordinatorAgentPasswordFileAuth({ uuid, passwordFile: "/etc/agent-password" });
const byPassword = guixBuildCoordinatorAgentPasswordAuth({ uuid, password: hidden });
const byToken = guixBuildCoordinatorAgentDynamicAuth({ agentName: "milano", token: hidden });
const byTokenFile = guixBuildCoordinatorAgentDynamicAuthWithFile({
  agentName: "milano",
  tokenFile: "/etc/token",
});

const agent = (given: Partial<GuixBuildCoordinatorAgentConfiguration> = {}) =>
  systemOf(
    service(
      guixBuildCoordinatorAgentServiceType,
      guixBuildCoordinatorAgentConfiguration({ authentication: byFile, ...given }),
    ),
  );

it("the defaults are the manual's, and authentication must be given", () => {
  const {
    package: program,
    authentication,
    ...rest
  } = guixBuildCoordinatorAgentConfiguration({
    authentication: byFile,
  });
  assert.deepEqual([program, authentication], [guixBuildCoordinator, byFile]);
  assert.deepEqual(rest, {
    user: "guix-build-coordinator-agent",
    coordinator: "http://localhost:8745",
    systems: false,
    maxParallelBuilds: 1,
    derivationSubstituteUrls: false,
    nonDerivationSubstituteUrls: false,
    maxAllocatedBuilds: false,
    max1minLoadAverage: false,
    maxParallelUploads: false,
    extraOptions: [],
  });
  assert.equal("defaultValue" in guixBuildCoordinatorAgentServiceType, false);
});

describe("guixBuildCoordinatorAgentServiceType", () => {
  it("runs the program as the table says", () => {
    assertProcess(agent().service(name), {
      provision: ["guix-build-coordinator-agent"],
      requirement: ["networking"],
      command: [
        "/usr/local/bin/guix-build-coordinator-agent",
        "--coordinator=http://localhost:8745",
        `--uuid=${uuid}`,
        "--password-file=/etc/agent-password",
        "--max-parallel-builds=1",
      ],
      user: "guix-build-coordinator-agent",
      environment: ["XDG_CACHE_HOME=/var/cache/guix-build-coordinator-agent", "LC_ALL=en_US.utf8"],
      logFile: "/var/log/guix-build-coordinator/agent.log",
      secretFiles: ["/etc/agent-password"],
    });
  });

  it("has its account, which has no group of its own", () => {
    const system = agent();
    assert.deepEqual(accountFields(system.user(name)), {
      group: "nogroup",
      system: true,
      comment: "Guix Build Coordinator agent user",
      homeDirectory: "/var/empty",
      createHomeDirectory: true,
      shell: "/usr/sbin/nologin",
      uid: undefined,
      supplementaryGroups: [],
    });
    assert.equal(system.group(name), undefined);
  });

  it("has its directories", () =>
    assert.deepEqual(plainSteps(agent().steps(name)), [
      { step: "directory", path: "/var/log/guix-build-coordinator" },
      { step: "directory", path: "/var/cache/guix-build-coordinator-agent", owner: name },
    ]));

  it("says everything in the order of the table", () =>
    assert.deepEqual(
      commandOf(
        agent({
          package: softwarePackage({ name: "coordinator", prefix: "/opt/coordinator" }),
          coordinator: "https://coordinator.example.org",
          systems: ["x86_64-linux", "i686-linux"],
          maxParallelBuilds: 4,
          maxParallelUploads: 2,
          maxAllocatedBuilds: 8,
          max1minLoadAverage: 3.5,
          derivationSubstituteUrls: ["https://a.example.org", "https://b.example.org"],
          nonDerivationSubstituteUrls: ["https://c.example.org"],
          extraOptions: ["--metrics-file=/tmp/m"],
        }).service(name),
      ),
      [
        "/opt/coordinator/bin/guix-build-coordinator-agent",
        "--coordinator=https://coordinator.example.org",
        `--uuid=${uuid}`,
        "--password-file=/etc/agent-password",
        "--max-parallel-builds=4",
        "--max-parallel-uploads=2",
        "--max-allocated-builds=8",
        "--max-1min-load-average=3.5",
        "--derivation-substitute-urls=https://a.example.org https://b.example.org",
        "--non-derivation-substitute-urls=https://c.example.org",
        "--metrics-file=/tmp/m",
        "--system=x86_64-linux",
        "--system=i686-linux",
      ],
    ));

  const single: readonly [Partial<GuixBuildCoordinatorAgentConfiguration>, readonly string[]][] = [
    [{ coordinator: "http://192.0.2.1:8745" }, ["--coordinator=http://192.0.2.1:8745"]],
    [{ systems: ["aarch64-linux"] }, ["--system=aarch64-linux"]],
    [{ maxParallelBuilds: 9 }, ["--max-parallel-builds=9"]],
    [{ maxParallelUploads: 1 }, ["--max-parallel-uploads=1"]],
    [{ maxAllocatedBuilds: 5 }, ["--max-allocated-builds=5"]],
    [{ max1minLoadAverage: 2 }, ["--max-1min-load-average=2"]],
    [
      { derivationSubstituteUrls: ["https://a.example.org"] },
      ["--derivation-substitute-urls=https://a.example.org"],
    ],
    [
      { nonDerivationSubstituteUrls: ["https://a.example.org"] },
      ["--non-derivation-substitute-urls=https://a.example.org"],
    ],
    [{ extraOptions: ["-x"] }, ["-x"]],
  ];
  for (const [given, words] of single)
    it(`${Object.keys(given)[0]} adds ${words.join(" ")}`, () => {
      const usual = commandOf(agent().service(name));
      const added = commandOf(agent(given).service(name)).filter((word) => !usual.includes(word));
      assert.deepEqual(added, words);
    });

  it("maxParallelBuilds can be left to the program", () =>
    assert.ok(
      !commandOf(agent({ maxParallelBuilds: false }).service(name)).some((word) => word.startsWith("--max-")),
    ));

  it("runs as another user", () => {
    const system = agent({ user: "builder" });
    assert.equal(startData(system.service(name)).options.user, "builder");
    assert.equal(system.user("builder")?.group, "nogroup");
    assert.equal((system.steps(name)[1] as { owner?: string }).owner, "builder");
  });
});

describe("authentication", () => {
  const table: readonly [
    authentication: AgentAuthentication,
    words: readonly string[],
    secrets: readonly string[] | undefined,
    files: readonly string[] | undefined,
  ][] = [
    [byPassword, [`--uuid=${uuid}`, `--password=${hidden}`], [hidden], undefined],
    [byFile, [`--uuid=${uuid}`, "--password-file=/etc/agent-password"], undefined, ["/etc/agent-password"]],
    [byToken, ["--name=milano", `--dynamic-auth-token=${hidden}`], [hidden], undefined],
    [byTokenFile, ["--name=milano", "--dynamic-auth-token-file=/etc/token"], undefined, ["/etc/token"]],
  ];
  for (const [authentication, words, secrets, files] of table)
    it(`${words[1]?.split("=")[0]}: its words, its secrets, its files`, () => {
      const { command, options } = startData(agent({ authentication }).service(name));
      assert.deepEqual(command.slice(2, 4), words);
      assert.deepEqual(options.secrets, secrets);
      assert.deepEqual(options.secretFiles, files);
    });

  it("a record can be made from another one", () => {
    const other = guixBuildCoordinatorAgentPasswordAuth({ ...byPassword, uuid: "other" });
    assert.deepEqual(startData(agent({ authentication: other }).service(name)).command.slice(2, 4), [
      "--uuid=other",
      `--password=${hidden}`,
    ]);
  });

  it("a secret shows itself to nobody", () => {
    const one = secret(hidden);
    assert.ok(one instanceof Secret);
    assert.equal(one.reveal(), hidden);
    const configuration = guixBuildCoordinatorAgentConfiguration({ authentication: byPassword });
    const all = service(guixBuildCoordinatorAgentServiceType, configuration);
    for (const value of [one, byPassword, byToken, configuration, all])
      for (const text of [
        JSON.stringify(value),
        inspect(value, { depth: 9, showHidden: true }),
        `${String(value)}`,
      ])
        assert.ok(!text.includes(hidden), text);
    assert.ok(!inspect(one, { customInspect: false, showHidden: true }).includes(hidden));
  });

  it("no secret is in the JSON of a service as it is shown", () => {
    const { start, ...shown } = described(agent({ authentication: byPassword }).service(name));
    assert.ok(!JSON.stringify(shown).includes(hidden));
    // What the supervisor runs has it, and says what must not be shown.
    assert.ok(JSON.stringify(start).includes(hidden));
  });
});

describe("what is wrong with a configuration is said by its field, without secrets", () => {
  const configurations: readonly [given: Record<string, unknown>, message: RegExp][] = [
    [{}, /guixBuildCoordinatorAgentConfiguration: field "authentication" missing/],
    [{ authentication: undefined }, /field "authentication" missing/],
    [
      { authentication: { uuid, password: hidden } },
      /field "authentication": expected a record made by .*PasswordAuth.*got an object that was made in another way/,
    ],
    [{ authentication: hidden }, /field "authentication": expected a record made by/],
    [{ authentication: [hidden] }, /field "authentication": expected a record made by/],
    [
      { authentication: byFile, coordinator: "localhost:8745" },
      /field "coordinator": expected a URI of scheme http/,
    ],
    [
      { authentication: byFile, coordinator: `http://u:${hidden}@localhost` },
      /field "coordinator".*no password/,
    ],
    [{ authentication: byFile, coordinator: "http://localhost:70000" }, /field "coordinator".*1 to 65535/],
    [{ authentication: byFile, systems: "x86_64-linux" }, /field "systems": expected a list of words/],
    [{ authentication: byFile, systems: ["x86_64 linux"] }, /field "systems"/],
    [
      { authentication: byFile, maxParallelBuilds: 0 },
      /field "maxParallelBuilds": expected a number from 1 on/,
    ],
    [{ authentication: byFile, maxParallelBuilds: "4" }, /field "maxParallelBuilds"/],
    [
      { authentication: byFile, max1minLoadAverage: -1 },
      /field "max1minLoadAverage": expected a number above 0/,
    ],
    [{ authentication: byFile, derivationSubstituteUrls: ["nope"] }, /field "derivationSubstituteUrls"/],
    [
      { authentication: byFile, nonDerivationSubstituteUrls: [`https://u:${hidden}@a.example.org`] },
      /field "nonDerivationSubstituteUrls".*without passwords, or false, got \[ "https:\/\/\*\*\*@a/,
    ],
    [{ authentication: byFile, maxParallelBuild: 4 }, /unknown field "maxParallelBuild"; did you mean/],
    [{ authentication: byFile, extraOptions: "-x" }, /field "extraOptions": expected a list of strings/],
  ];
  for (const [given, message] of configurations)
    it(`${JSON.stringify(given).slice(0, 70)}`, () =>
      assertRefused(() => guixBuildCoordinatorAgentConfiguration(untyped(given)), message, [hidden]));

  const records: readonly [body: () => unknown, message: RegExp][] = [
    [
      () => guixBuildCoordinatorAgentPasswordAuth(untyped({ uuid })),
      /PasswordAuth: field "password" missing/,
    ],
    [() => guixBuildCoordinatorAgentPasswordAuth(untyped({ password: hidden })), /field "uuid" missing/],
    [() => guixBuildCoordinatorAgentPasswordAuth(untyped({})), /fields "uuid", "password" missing/],
    [
      () => guixBuildCoordinatorAgentPasswordAuth({ uuid, password: `${hidden}\nx` }),
      /field "password": expected a secret: .*got something else, which is not shown/,
    ],
    [
      () => guixBuildCoordinatorAgentPasswordAuth({ uuid, password: "" }),
      /field "password": expected a secret/,
    ],
    [() => guixBuildCoordinatorAgentPasswordAuth(untyped({ uuid, password: 5 })), /field "password"/],
    [
      () => guixBuildCoordinatorAgentPasswordAuth(untyped({ uuid, passwrd: hidden })),
      /unknown field "passwrd"; did you mean "password"/,
    ],
    [() => guixBuildCoordinatorAgentPasswordAuth(untyped([uuid, hidden])), /expected an object with options/],
    [() => guixBuildCoordinatorAgentPasswordAuth({ uuid: "a b", password: hidden }), /field "uuid"/],
    [
      () => guixBuildCoordinatorAgentPasswordFileAuth({ uuid, passwordFile: "password" }),
      /field "passwordFile": expected an absolute file name/,
    ],
    [() => guixBuildCoordinatorAgentDynamicAuth(untyped({ agentName: "a" })), /field "token" missing/],
    [() => guixBuildCoordinatorAgentDynamicAuth({ agentName: "", token: hidden }), /field "agentName"/],
    [
      () => guixBuildCoordinatorAgentDynamicAuthWithFile(untyped({ agentName: "a", tokenFile: 5 })),
      /field "tokenFile": expected an absolute file name, got 5/,
    ],
  ];
  for (const [body, message] of records) it(String(message), () => assertRefused(body, message, [hidden]));

  it("a value that is none", () =>
    assertRefused(
      () => systemOf(service(guixBuildCoordinatorAgentServiceType, untyped({ password: hidden }))).names(),
      /service 'guix-build-coordinator-agent': the value: expected a record made by/,
      [hidden],
    ));
});
