// The build coordinator: its process, accounts and directories against the specification's table, and its Guile program.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { service } from "../../../src/services/composition/service-type.js";
import { filePath } from "../../../src/services/files/file-like.js";
import { guile, guixBuildCoordinator } from "../../../src/services/files/packages.js";
import { softwarePackage } from "../../../src/services/files/software-package.js";
import {
  type GuixBuildCoordinatorConfiguration,
  guixBuildCoordinatorConfiguration,
  guixBuildCoordinatorServiceType,
} from "../../../src/services/guix/build-coordinator.js";
import { startScript } from "../../../src/services/guix/build-coordinator-script.js";
import { accountFields, plainSteps, systemOf, temporaryDirectory, textOf } from "../parts.js";
import { assertProcess, assertRefused, startData, untyped } from "./tables.js";

const name = "guix-build-coordinator";

describe("the defaults are the manual's", () => {
  const { package: library, guile: interpreter, ...rest } = guixBuildCoordinatorConfiguration();
  it("packages", () => assert.deepEqual([library, interpreter], [guixBuildCoordinator, guile]));
  it("everything else", () =>
    assert.deepEqual(rest, {
      user: "guix-build-coordinator",
      group: "guix-build-coordinator",
      databaseUriString: "sqlite:///var/lib/guix-build-coordinator/guix_build_coordinator.db",
      agentCommunicationUri: "http://0.0.0.0:8745",
      clientCommunicationUri: "http://127.0.0.1:8746",
      allocationStrategy: "basic-build-allocation-strategy",
      hooks: [],
      parallelHooks: [],
      listenRepl: false,
      extraEnvironmentVariables: [],
      extraBuildCoordinatorArguments: [],
      command: false,
    }));
});

describe("guixBuildCoordinatorServiceType", () => {
  const system = systemOf(service(guixBuildCoordinatorServiceType));

  it("runs the program as the table says", () => {
    assertProcess(system.service(name), {
      provision: ["guix-build-coordinator"],
      requirement: ["networking"],
      command: [filePath(startScript(guixBuildCoordinatorConfiguration()))],
      user: "guix-build-coordinator",
      group: "guix-build-coordinator",
      environment: ["LC_ALL=en_US.utf8", "PATH=/run/current-system/profile/bin"],
      directory: "/var/lib/guix-build-coordinator",
      pidFile: "/var/run/guix-build-coordinator/pid",
      pidFileTimeout: 60,
      logFile: "/var/log/guix-build-coordinator/coordinator.log",
    });
    assert.equal(system.service(name).documentation, "Guix Build Coordinator");
  });

  it("has its account", () => {
    assert.deepEqual(accountFields(system.user(name)), {
      group: name,
      system: true,
      comment: "Guix Build Coordinator user",
      homeDirectory: "/var/lib/guix-build-coordinator",
      createHomeDirectory: true,
      shell: "/usr/sbin/nologin",
      uid: undefined,
      supplementaryGroups: [],
    });
    assert.equal(system.group(name)?.system, true);
  });

  it("has its directories", () =>
    assert.deepEqual(plainSteps(system.steps(name)), [
      { step: "directory", path: "/var/lib/guix-build-coordinator", mode: 0o755, owner: name },
      { step: "directory", path: "/var/log/guix-build-coordinator" },
      { step: "directory", path: "/var/run/guix-build-coordinator", owner: name },
    ]));

  it("runs as another user, in another environment, and another program", () => {
    const other = systemOf(
      service(
        guixBuildCoordinatorServiceType,
        guixBuildCoordinatorConfiguration({
          user: "coordinator",
          group: "builds",
          command: ["/bin/record", "--all"],
          extraEnvironmentVariables: ["PATH=/usr/bin"],
        }),
      ),
    );
    const { command, options } = startData(other.service(name));
    assert.deepEqual(command, ["/bin/record", "--all"]);
    assert.deepEqual(
      [options.user, options.group, options.extraEnvironmentVariables],
      ["coordinator", "builds", ["PATH=/usr/bin"]],
    );
    assert.equal(other.user("coordinator")?.group, "builds");
    assert.equal(other.group("builds")?.name, "builds");
    assert.deepEqual(
      plainSteps(other.steps(name)).map((step) => (step as { owner?: string }).owner),
      ["coordinator", undefined, "coordinator"],
    );
  });
});

describe("the Guile program", () => {
  const program = (given: Parameters<typeof guixBuildCoordinatorConfiguration>[0] = {}): string =>
    textOf(startScript(guixBuildCoordinatorConfiguration(given)));

  it("can be executed, and takes the modules of the package", () => {
    assert.equal(startScript(guixBuildCoordinatorConfiguration()).mode, 0o555);
    assert.match(program(), /^#!\/usr\/bin\/guile --no-auto-compile\n!#\n/);
    assert.match(program(), /"\/usr\/local\/share\/guile\/site\/3\.0"/);
    const elsewhere = { ...guixBuildCoordinator, prefix: "/opt/coordinator" };
    const { programs, version: _, ...rest } = elsewhere;
    assert.match(
      program({
        package: softwarePackage({ ...rest, programs }),
        guile: softwarePackage({ name: "guile", prefix: "/opt/guile" }),
      }),
      /^#!\/opt\/guile\/bin\/guile [\s\S]*"\/opt\/coordinator\/share\/guile\/site\/3\.0"/,
    );
  });

  const changes: readonly [Partial<GuixBuildCoordinatorConfiguration>, RegExp][] = [
    [{ databaseUriString: "sqlite:///srv/c.db" }, /#:database-uri-string "sqlite:\/\/\/srv\/c\.db"/],
    [
      { agentCommunicationUri: "http://192.0.2.1:8745" },
      /#:agent-communication-uri\s+\(string->uri "http:\/\/192\.0\.2\.1:8745"\)/,
    ],
    [
      { clientCommunicationUri: "http://[::1]:8746" },
      /#:client-communication-uri\s+\(string->uri "http:\/\/\[::1\]:8746"\)/,
    ],
    [{ allocationStrategy: "(lambda (datastore) #f)" }, /#:allocation-strategy \(lambda \(datastore\) #f\)/],
    [
      { hooks: [["build-success", "(lambda args #t)"]] },
      /\(list \(cons 'build-success \(lambda args #t\)\)\)/,
    ],
    [{ parallelHooks: [["build-success", 2]] }, /#:parallel-hooks \(list \(cons 'build-success 2\)\)/],
    [{ listenRepl: true }, /#:listen-repl #t/],
    [{ listenRepl: 37146 }, /#:listen-repl 37146/],
    [{ listenRepl: "/run/repl" }, /#:listen-repl "\/run\/repl"/],
    [
      { extraBuildCoordinatorArguments: ["#:timestamp-log-output? #f"] },
      /\n {3}#:timestamp-log-output\? #f\)/,
    ],
  ];
  for (const [given, pattern] of changes)
    it(`says what ${Object.keys(given)[0]} does: ${pattern.source.slice(0, 40)}`, () => {
      assert.match(program(given), pattern);
      assert.doesNotMatch(program(), pattern);
    });

  it("runs under Guile, and gives the coordinator what was configured", async (t) => {
    const found = spawnSync("/usr/bin/guile", ["-c", "(display (effective-version))"], { encoding: "utf8" });
    if (found.status !== 0 || found.stdout !== "3.0") {
      t.skip("Guile 3.0 is not there as /usr/bin/guile");
      return;
    }
    const prefix = await temporaryDirectory(t);
    for (const [module, text] of Object.entries(coordinatorModules)) {
      const file = join(prefix, "share/guile/site/3.0/guix-build-coordinator", `${module}.scm`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    const text = program({
      package: softwarePackage({ name: "fake", prefix }),
      allocationStrategy: "basic-build-allocation-strategy ; the usual one",
      databaseUriString: 'sqlite:///srv/a"b\\c.db'.replace('"', "%22").replace("\\", "%5c"),
      hooks: [
        ["build-success", '(lambda () "mine")'],
        ["mine-alone", "(lambda () #t) ; a comment"],
      ],
      parallelHooks: [["build-success", 2]],
      listenRepl: "/run/repl",
    });
    const file = join(prefix, "start");
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    const { stdout, stderr, status } = spawnSync(file, [], { encoding: "utf8", env: { LC_ALL: "C.UTF-8" } });
    assert.equal(status, 0, stderr);
    assert.equal(
      stdout,
      [
        "starting the guix-build-coordinator:",
        `  ${file}`,
        '(database "sqlite:///srv/a%22b%5cc.db")',
        "(hooks (build-success mine-alone build-failure))",
        "(own mine)",
        "(strategy basic)",
        "(update #t)",
        '(pid-file "/var/run/guix-build-coordinator/pid")',
        '(uris "http://0.0.0.0:8745" "http://127.0.0.1:8746")',
        "(parallel ((build-success . 2)))",
        '(repl "/run/repl")',
        "",
      ].join("\n"),
    );
  });
});

/** Modules of the names of the coordinator's, which print what they are given. */
const coordinatorModules = {
  hooks: `(define-module (guix-build-coordinator hooks) #:export (%default-hooks))
(define %default-hooks (list (cons 'build-success (lambda () "theirs")) (cons 'build-failure (lambda () #t))))`,
  datastore: "(define-module (guix-build-coordinator datastore))",
  "build-allocator": `(define-module (guix-build-coordinator build-allocator) #:export (basic-build-allocation-strategy))
(define basic-build-allocation-strategy 'basic)`,
  coordinator: `(define-module (guix-build-coordinator coordinator)
  #:use-module (web uri)
  #:export (make-build-coordinator run-coordinator-service))
(define (say what . values) (write (cons what values)) (newline))
(define* (make-build-coordinator #:key database-uri-string hooks allocation-strategy)
  (say 'database database-uri-string)
  (say 'hooks (map car hooks))
  (say 'own (string->symbol ((cdr (assq 'build-success hooks)))))
  (say 'strategy allocation-strategy)
  'coordinator)
(define* (run-coordinator-service coordinator #:key update-datastore? pid-file agent-communication-uri
                                  client-communication-uri parallel-hooks listen-repl)
  (say 'update update-datastore?)
  (say 'pid-file pid-file)
  (say 'uris (uri->string agent-communication-uri) (uri->string client-communication-uri))
  (say 'parallel parallel-hooks)
  (say 'repl listen-repl))`,
} as const;

describe("what is wrong with a configuration is said by its field", () => {
  const table: readonly [given: Record<string, unknown>, message: RegExp][] = [
    [
      { agentCommunicationUri: "http://0.0.0.0:99999" },
      /field "agentCommunicationUri": expected a URI .*1 to 65535/,
    ],
    [{ agentCommunicationUri: "http://0.0.0.0:0" }, /field "agentCommunicationUri": expected a URI/],
    [
      { agentCommunicationUri: "ftp://0.0.0.0" },
      /field "agentCommunicationUri": expected a URI of scheme http/,
    ],
    [{ agentCommunicationUri: "0.0.0.0:8745" }, /field "agentCommunicationUri"/],
    [
      { clientCommunicationUri: "http://localhost:8746/path" },
      /field "clientCommunicationUri": .*nothing behind it/,
    ],
    [{ clientCommunicationUri: "http://a b:1" }, /field "clientCommunicationUri"/],
    [
      { clientCommunicationUri: "http://u:hunter2@localhost:1" },
      /field "clientCommunicationUri".*got "http:\/\/\*\*\*@/,
    ],
    [
      { clientCommunicationUri: "u:hunter2/hunter2@localhost:1" },
      /field "clientCommunicationUri".*got "\*\*\*@local/,
    ],
    [{ databaseUriString: "/var/lib/db" }, /field "databaseUriString": expected a URI such as "sqlite:/],
    [{ databaseUriString: "sqlite://relative.db" }, /field "databaseUriString"/],
    [{ databaseUriString: "pg://u:hunter2@host/db" }, /field "databaseUriString".*without a password/],
    [
      { allocationStrategy: "(unbalanced" },
      /field "allocationStrategy": expected a string with Scheme source/,
    ],
    [{ allocationStrategy: "#~basic-build-allocation-strategy" }, /field "allocationStrategy"/],
    [{ allocationStrategy: "a b" }, /field "allocationStrategy"/],
    [{ allocationStrategy: "a) (exit 1" }, /field "allocationStrategy"/],
    [{ hooks: [["build success", "#t"]] }, /field "hooks": expected a list of \[name, code\]/],
    [{ hooks: [["build-success", ")"]] }, /field "hooks"/],
    [{ hooks: { "build-success": "#t" } }, /field "hooks"/],
    [{ parallelHooks: [["a", 0]] }, /field "parallelHooks"/],
    [{ listenRepl: "relative" }, /field "listenRepl"/],
    [{ user: "a:b" }, /field "user": expected a name/],
    [{ group: 5 }, /field "group": expected a name/],
    [{ package: "guix" }, /field "package": expected a package/],
    [{ guile: undefined, gile: guile }, /unknown field "gile"; did you mean "guile"/],
    [{ extraEnvironmentVariables: ["PATH"] }, /field "extraEnvironmentVariables"/],
    [{ command: [] }, /field "command"/],
  ];
  for (const [given, message] of table)
    it(JSON.stringify(given).slice(0, 60), () =>
      assertRefused(() => guixBuildCoordinatorConfiguration(untyped(given)), message, ["hunter2"]),
    );

  it("a value that is none", () =>
    assertRefused(
      () => systemOf(service(guixBuildCoordinatorServiceType, untyped({ user: "x" }))).names(),
      /service 'guix-build-coordinator': the value: expected a record made by guixBuildCoordinatorConfiguration/,
    ));
});
