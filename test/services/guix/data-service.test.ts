// The data service: its processes, accounts, directories, profile and getmail against the specification's table.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { builtin } from "../../../src/daemon/definition/types.js";
import { service } from "../../../src/services/composition/service-type.js";
import type { FileLike, PlainFile } from "../../../src/services/files/file-like.js";
import { guile, guixDataService } from "../../../src/services/files/packages.js";
import { softwarePackage } from "../../../src/services/files/software-package.js";
import {
  type GuixDataServiceConfiguration,
  guixDataServiceConfiguration,
  guixDataServiceType,
} from "../../../src/services/guix/data-service.js";
import { getmailRetrieverConfiguration } from "../../../src/services/guix/getmail.js";
import { shepherdServiceFiles } from "../../../src/services/shepherd/service.js";
import { accountFields, plainSteps, systemOf, textOf } from "../parts.js";
import { assertProcess, assertRefused, commandOf, startData, untyped } from "./tables.js";

const name = "guix-data-service";
const retriever = getmailRetrieverConfiguration({ server: "imap.example.org", username: "commits" });

const dataService = (given: Partial<GuixDataServiceConfiguration> = {}) =>
  systemOf(service(guixDataServiceType, guixDataServiceConfiguration(given)));

it("the defaults are the manual's", () => {
  const { package: library, guile: interpreter, ...rest } = guixDataServiceConfiguration();
  assert.deepEqual([library, interpreter], [guixDataService, guile]);
  assert.deepEqual(rest, {
    user: "guix-data-service",
    group: "guix-data-service",
    port: 8765,
    host: "127.0.0.1",
    getmailIdleMailboxes: false,
    commitsGetmailRetrieverConfiguration: false,
    extraOptions: [],
    extraProcessJobsOptions: [],
    gitRepositories: false,
    buildServers: false,
    setupCommand: false,
  });
});

describe("guixDataServiceType", () => {
  it("runs the web server as the table says", () => {
    const web = dataService().service(name);
    assertProcess(web, {
      provision: ["guix-data-service"],
      requirement: ["postgres", "networking"],
      command: [
        "/usr/local/bin/guix-data-service",
        "--pid-file=/var/run/guix-data-service/pid",
        "--port=8765",
        "--host=127.0.0.1",
        "--update-database",
      ],
      user: "guix-data-service",
      group: "guix-data-service",
      environment: ["LC_ALL=en_US.UTF-8"],
      directory: "/var/lib/guix-data-service",
      pidFile: "/var/run/guix-data-service/pid",
      pidFileTimeout: 60,
      logFile: "/var/log/guix-data-service/web.log",
    });
    assert.equal(web.documentation, "Guix Data Service web server");
  });

  it("runs what processes jobs as the table says", () =>
    assertProcess(dataService().service("guix-data-service-process-jobs"), {
      provision: ["guix-data-service-process-jobs"],
      requirement: ["postgres", "networking", "guix-data-service"],
      command: ["/usr/local/bin/guix-data-service-process-jobs"],
      user: "guix-data-service",
      group: "guix-data-service",
      environment: [
        "HOME=/var/lib/guix-data-service",
        "GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt",
        "LC_ALL=en_US.UTF-8",
      ],
      directory: "/var/lib/guix-data-service",
      logFile: "/var/log/guix-data-service/process-jobs.log",
    }));

  it("has its account", () => {
    const system = dataService();
    assert.deepEqual(accountFields(system.user(name)), {
      group: name,
      system: true,
      comment: "Guix Data Service user",
      homeDirectory: "/var/lib/guix-data-service",
      createHomeDirectory: true,
      shell: "/usr/sbin/nologin",
      uid: undefined,
      supplementaryGroups: [],
    });
    assert.equal(system.group(name)?.system, true);
  });

  it("has its directories", () =>
    assert.deepEqual(plainSteps(dataService().steps(name)), [
      { step: "directory", path: "/var/lib/guix-data-service", mode: 0o755, owner: name },
      { step: "directory", path: "/var/log/guix-data-service" },
      { step: "directory", path: "/var/run/guix-data-service", owner: name },
    ]));

  it("is in the profile", () => assert.ok(dataService().packages().includes("guix-data-service")));

  it("says what its fields say", () => {
    const system = dataService({
      package: softwarePackage({ name: "data", prefix: "/opt/data" }),
      port: 80,
      host: "::1",
      extraOptions: ["--secret-key-base=x", "--show-error-details"],
      extraProcessJobsOptions: ["--max-processes=2"],
    });
    assert.deepEqual(commandOf(system.service(name)), [
      "/opt/data/bin/guix-data-service",
      "--pid-file=/var/run/guix-data-service/pid",
      "--port=80",
      "--host=::1",
      "--update-database",
      "--secret-key-base=x",
      "--show-error-details",
    ]);
    assert.deepEqual(commandOf(system.service(`${name}-process-jobs`)), [
      "/opt/data/bin/guix-data-service-process-jobs",
      "--max-processes=2",
    ]);
  });

  it("runs as another user, whose the directories are then", () => {
    const system = dataService({ user: "data", group: "datas" });
    for (const one of [name, `${name}-process-jobs`]) {
      const { user, group } = startData(system.service(one)).options;
      assert.deepEqual([user, group], ["data", "datas"]);
    }
    assert.equal(system.user("data")?.group, "datas");
    assert.deepEqual(
      plainSteps(system.steps(name)).map((step) => (step as { owner?: string }).owner),
      ["data", undefined, "data"],
    );
  });
});

describe("getmail", () => {
  it("does not run where nothing is said of it", () => {
    const system = dataService();
    assert.deepEqual(
      system.names().filter((one) => one.startsWith("getmail")),
      [],
    );
  });

  it("hands commits to the data service as its user", () => {
    const system = dataService({
      commitsGetmailRetrieverConfiguration: retriever,
      getmailIdleMailboxes: ["INBOX"],
    });
    assertProcess(system.service("getmail-guix-data-service"), {
      provision: ["getmail-guix-data-service"],
      requirement: ["networking"],
      command: [
        "/usr/bin/getmail",
        "--getmaildir=/var/lib/getmail/guix-data-service",
        "--idle=INBOX",
        "--rcfile=/var/lib/shepherd/getmail/guix-data-service.rc",
      ],
      user: "guix-data-service",
      group: "guix-data-service",
      environment: [],
      logFile: "/var/log/getmail-guix-data-service",
      secretFiles: ["/var/lib/shepherd/getmail/guix-data-service.rc"],
    });
    const [, , file] = system.steps("getmail") as readonly { readonly contents?: string }[];
    const lines = (file?.contents ?? "").split("\n");
    for (const line of [
      "server = imap.example.org",
      "type = MDA_external",
      "path = /usr/local/bin/guix-data-service-process-branch-updated-email",
      "read_all = false",
      "delivered_to = false",
      "received = false",
    ])
      assert.ok(lines.includes(line), line);
    assert.equal(accountFields(system.user(name)).comment, "Guix Data Service user");
  });

  it("waits in no mailbox where none is named", () =>
    assert.ok(
      !commandOf(
        dataService({ commitsGetmailRetrieverConfiguration: retriever }).service("getmail-guix-data-service"),
      ).some((word) => word.startsWith("--idle")),
    ));
});

describe("what writes repositories and build servers into the database", () => {
  const repositories = ['((id . 1) (label . "guix") (url . "https://git.example.org/guix"))'];
  const setup = "guix-data-service-setup-database";

  it("is not there without them", () => assert.ok(!dataService().names().includes(setup)));

  it("is a one-shot that runs a Guile program", () => {
    const one = dataService({ gitRepositories: repositories, buildServers: ["((id . 2))"] }).service(setup);
    const [script] = shepherdServiceFiles(one) as readonly FileLike[];
    const data = one.start[builtin];
    assert.equal(one.oneShot, true);
    assert.deepEqual(one.requirement, ["user-processes", "postgres"]);
    assert.equal(data?.kind, "system");
    assert.match(
      (data as { command: string }).command,
      /^exec \/var\/lib\/shepherd\/files\/\w+-data-service-setup-database$/,
    );
    assert.deepEqual((data as { options: unknown }).options, {
      user: name,
      group: name,
      directory: "/var/lib/guix-data-service",
      environmentVariables: ["LC_ALL=en_US.utf8"],
      logFile: "/var/log/guix-data-service/setup-database.log",
    });
    const text = textOf(script);
    assert.equal((script as PlainFile).mode, 0o555);
    assert.match(text, /^#!\/usr\/bin\/guile --no-auto-compile\n/);
    assert.match(text, /\(run-sqitch\)\n\(specify-git-repositories\n {2}'\(\(\(id \. 1\) /);
    assert.match(text, /\(specify-build-servers\n {2}'\(\(\(id \. 2\)\)\)\)\n$/);
  });

  it("can be another program", () => {
    const one = dataService({ buildServers: [], setupCommand: ["/bin/record", "a b"] }).service(setup);
    assert.equal((one.start[builtin] as { command: string }).command, "exec /bin/record 'a b'");
  });
});

describe("what is wrong with a configuration is said by its field", () => {
  const table: readonly [given: Record<string, unknown>, message: RegExp][] = [
    [{ port: 0 }, /field "port": expected a port from 1 to 65535/],
    [{ port: 65536 }, /field "port"/],
    [{ port: "8765" }, /field "port"/],
    [{ host: "a b" }, /field "host"/],
    [{ user: "a b" }, /field "user"/],
    [
      { getmailIdleMailboxes: ["INBOX"] },
      /field "getmailIdleMailboxes" needs field "commitsGetmailRetrieverConfiguration"/,
    ],
    [
      { commitsGetmailRetrieverConfiguration: { server: "a", password: "hunter2" } },
      /field "commitsGetmailRetrieverConfiguration": expected a record made by getmailRetrieverConfiguration/,
    ],
    [{ extraOptions: [5] }, /field "extraOptions"/],
    [{ extraProcessJobsOptions: "x" }, /field "extraProcessJobsOptions"/],
    [{ gitRepositories: ["("] }, /field "gitRepositories"/],
    [{ idle: [] }, /unknown field "idle"/],
  ];
  for (const [given, message] of table)
    it(JSON.stringify(given), () =>
      assertRefused(() => guixDataServiceConfiguration(untyped(given)), message, ["hunter2"]),
    );
});
