// What submits builds to the coordinator: its process, account and directories against the specification's table.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { service } from "../../../src/services/composition/service-type.js";
import { guixBuildCoordinator } from "../../../src/services/files/packages.js";
import { softwarePackage } from "../../../src/services/files/software-package.js";
import {
  type GuixBuildCoordinatorQueueBuildsConfiguration,
  guixBuildCoordinatorQueueBuildsConfiguration,
  guixBuildCoordinatorQueueBuildsServiceType,
} from "../../../src/services/guix/build-coordinator-queue-builds.js";
import { accountFields, plainSteps, systemOf } from "../parts.js";
import { assertProcess, assertRefused, commandOf, startData, untyped } from "./tables.js";

const name = "guix-build-coordinator-queue-builds";
const program = "/usr/local/bin/guix-build-coordinator-queue-builds-from-guix-data-service";
const processed = "/var/cache/guix-build-coordinator-queue-builds/processed-commits";

const queueBuilds = (given: Partial<GuixBuildCoordinatorQueueBuildsConfiguration> = {}) =>
  systemOf(
    service(guixBuildCoordinatorQueueBuildsServiceType, guixBuildCoordinatorQueueBuildsConfiguration(given)),
  );

it("the defaults are the manual's", () => {
  const { package: library, ...rest } = guixBuildCoordinatorQueueBuildsConfiguration();
  assert.equal(library, guixBuildCoordinator);
  assert.deepEqual(rest, {
    user: "guix-build-coordinator-queue-builds",
    // The port for agents, as in the manual.
    coordinator: "http://localhost:8745",
    systems: false,
    systemsAndTargets: false,
    guixDataService: "https://data.guix.gnu.org",
    processedCommitsFile: processed,
    guixDataServiceBuildServerId: false,
  });
  assert.equal("defaultValue" in guixBuildCoordinatorQueueBuildsServiceType, false);
});

describe("guixBuildCoordinatorQueueBuildsServiceType", () => {
  it("runs the program as the table says", () =>
    assertProcess(queueBuilds().service(name), {
      provision: ["guix-build-coordinator-queue-builds"],
      requirement: ["networking"],
      command: [
        program,
        "--coordinator=http://localhost:8745",
        "--guix-data-service=https://data.guix.gnu.org",
        `--processed-commits-file=${processed}`,
      ],
      user: "guix-build-coordinator-queue-builds",
      environment: ["LC_ALL=en_US.utf8"],
      logFile: "/var/log/guix-build-coordinator/queue-builds.log",
    }));

  it("has its account, which has no group of its own", () =>
    assert.deepEqual(accountFields(queueBuilds().user(name)), {
      group: "nogroup",
      system: true,
      comment: "Guix Build Coordinator queue-builds user",
      homeDirectory: "/var/empty",
      createHomeDirectory: true,
      shell: "/usr/sbin/nologin",
      uid: undefined,
      supplementaryGroups: [],
    }));

  it("has its directories", () =>
    assert.deepEqual(plainSteps(queueBuilds().steps(name)), [
      { step: "directory", path: "/var/log/guix-build-coordinator" },
      { step: "directory", path: "/var/cache/guix-build-coordinator-queue-builds", owner: name },
    ]));

  it("says everything in the order of the table", () =>
    assert.deepEqual(
      commandOf(
        queueBuilds({
          package: softwarePackage({ name: "coordinator", prefix: "/opt/coordinator" }),
          coordinator: "http://localhost:8746",
          systems: ["x86_64-linux", "i686-linux"],
          systemsAndTargets: [
            ["x86_64-linux", "aarch64-linux-gnu"],
            ["x86_64-linux", "arm-linux-gnueabihf"],
          ],
          guixDataService: "https://data.example.org",
          guixDataServiceBuildServerId: 3,
          processedCommitsFile: "/srv/processed",
        }).service(name),
      ),
      [
        "/opt/coordinator/bin/guix-build-coordinator-queue-builds-from-guix-data-service",
        "--coordinator=http://localhost:8746",
        "--system=x86_64-linux",
        "--system=i686-linux",
        "--system-and-target=x86_64-linux=aarch64-linux-gnu",
        "--system-and-target=x86_64-linux=arm-linux-gnueabihf",
        "--guix-data-service=https://data.example.org",
        "--guix-data-service-build-server-id=3",
        "--processed-commits-file=/srv/processed",
      ],
    ));

  it("leaves out what is false", () =>
    assert.deepEqual(
      commandOf(queueBuilds({ guixDataService: false, processedCommitsFile: false }).service(name)),
      [program, "--coordinator=http://localhost:8745"],
    ));

  it("runs as another user", () => {
    const system = queueBuilds({ user: "queue" });
    assert.equal(startData(system.service(name)).options.user, "queue");
    assert.equal(system.user("queue")?.group, "nogroup");
    assert.equal((system.steps(name)[1] as { owner?: string }).owner, "queue");
  });
});

describe("what is wrong with a configuration is said by its field", () => {
  const table: readonly [given: Record<string, unknown>, message: RegExp][] = [
    [{ coordinator: "localhost" }, /field "coordinator": expected a URI/],
    [{ coordinator: false }, /field "coordinator": expected a URI/],
    [{ systems: [5] }, /field "systems"/],
    [
      { systemsAndTargets: [["x86_64-linux"]] },
      /field "systemsAndTargets": expected a list of pairs of words/,
    ],
    [{ systemsAndTargets: { "x86_64-linux": "a" } }, /field "systemsAndTargets"/],
    [{ guixDataService: "data.guix.gnu.org" }, /field "guixDataService": expected a URI/],
    [
      { guixDataServiceBuildServerId: -1 },
      /field "guixDataServiceBuildServerId": expected a number from 0 on/,
    ],
    [{ processedCommitsFile: "processed" }, /field "processedCommitsFile": expected an absolute file name/],
    [{ user: "" }, /field "user"/],
    [{ systemAndTargets: [] }, /unknown field "systemAndTargets"; did you mean "systemsAndTargets"/],
  ];
  for (const [given, message] of table)
    it(JSON.stringify(given), () =>
      assertRefused(() => guixBuildCoordinatorQueueBuildsConfiguration(untyped(given)), message),
    );
});
