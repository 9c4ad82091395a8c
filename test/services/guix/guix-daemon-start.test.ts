// How guix-daemon is started: its command and environment against the specification's table, what is in force, and when it
// counts as started.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { afterEach, describe, it } from "node:test";
import { setRuntime } from "../../../src/daemon/definition/runtime.js";
import type { BuiltinStart, ForkexecData, ProcessReference } from "../../../src/daemon/definition/types.js";
import { processStat } from "../../../src/daemon/survivors.js";
import { filePath } from "../../../src/services/files/file-like.js";
import { softwarePackage } from "../../../src/services/files/software-package.js";
import { type GuixConfiguration, guixConfiguration } from "../../../src/services/guix/guix-daemon.js";
import {
  guixDaemonCommand,
  guixDaemonEnvironment,
  type Settings,
  settingsOf,
  startGuixDaemon,
} from "../../../src/services/guix/guix-daemon-start.js";
import { idleRuntime } from "../../daemon/definition/support.js";

const usual: Settings = { proxy: undefined, discover: false };
const command = (given: Partial<GuixConfiguration> = {}, settings = usual): readonly string[] =>
  guixDaemonCommand(guixConfiguration(given), settings).map((word) => filePath(word));
const environment = (given: Partial<GuixConfiguration> = {}, settings = usual): readonly string[] =>
  guixDaemonEnvironment(guixConfiguration(given), settings);

const urls = "https://ci.guix.gnu.org https://bordeaux.guix.gnu.org";

describe("the command", () => {
  it("is the table's", () =>
    assert.deepEqual(command(), [
      "/usr/bin/guix-daemon",
      "--build-users-group",
      "guixbuild",
      "--max-silent-time",
      "0",
      "--timeout",
      "0",
      "--log-compression",
      "gzip",
      "--discover=no",
      "--substitute-urls",
      urls,
    ]));

  it("says everything in the order of the table", () =>
    assert.deepEqual(
      command(
        {
          guix: softwarePackage({ name: "guix", prefix: "/opt/guix" }),
          buildGroup: "builders",
          maxSilentTime: 3600,
          timeout: 86_400,
          logCompression: "none",
          useSubstitutes: false,
          chroot: false,
          substituteUrls: ["https://a.example.org"],
          extraOptions: ["--cores=2"],
          chrootDirectories: ["/bin", "/lib"],
        },
        { proxy: undefined, discover: true },
      ),
      [
        "/opt/guix/bin/guix-daemon",
        "--build-users-group",
        "builders",
        "--max-silent-time",
        "3600",
        "--timeout",
        "86400",
        "--log-compression",
        "none",
        "--no-substitutes",
        "--disable-chroot",
        "--discover=yes",
        "--substitute-urls",
        "https://a.example.org",
        "--cores=2",
        "--chroot-directory",
        "/bin",
        "--chroot-directory",
        "/lib",
      ],
    ));

  it("leaves isolation to the daemon unless it is told not to isolate", () =>
    assert.deepEqual(command({ chroot: true }), command()));
});

describe("the environment", () => {
  it("is the table's", () => assert.deepEqual(environment(), ["LC_ALL=en_US.utf8", "PATH=/usr/bin"]));
  it("has a proxy and a directory for builds", () =>
    assert.deepEqual(
      environment(
        { tmpdir: "/srv/tmp", environment: ["A=1"] },
        { proxy: "http://proxy:3128", discover: false },
      ),
      [
        "TMPDIR=/srv/tmp",
        "LC_ALL=en_US.utf8",
        "PATH=/usr/bin",
        "http_proxy=http://proxy:3128",
        "https_proxy=http://proxy:3128",
        "A=1",
      ],
    ));
});

describe("what is in force", () => {
  const plain = guixConfiguration();
  const own = guixConfiguration({ httpProxy: "http://own:1", discover: true });
  const table: readonly [
    what: string,
    configuration: GuixConfiguration,
    overrides: Parameters<typeof settingsOf>[1],
    environment: Record<string, string>,
    settings: Settings,
  ][] = [
    ["nothing", plain, {}, {}, usual],
    ["the configuration", own, {}, {}, { proxy: "http://own:1", discover: true }],
    [
      "the supervisor's environment",
      own,
      {},
      { http_proxy: "http://env:1" },
      { proxy: "http://env:1", discover: true },
    ],
    ["discover of that environment", plain, {}, { discover: "on" }, { proxy: undefined, discover: true }],
    [
      "an action",
      own,
      { proxy: "http://action:1", discover: false },
      { http_proxy: "http://env:1", discover: "on" },
      { proxy: "http://action:1", discover: false },
    ],
    [
      "the action that clears",
      own,
      { proxy: false },
      { http_proxy: "http://env:1" },
      { proxy: "http://own:1", discover: true },
    ],
    [
      "the action that clears, where there is nothing else",
      plain,
      { proxy: false },
      { http_proxy: "http://env:1" },
      usual,
    ],
  ];
  for (const [what, configuration, overrides, variables, settings] of table)
    it(what, () => assert.deepEqual(settingsOf(configuration, overrides, variables), settings));
});

describe("its start", () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  /** A daemon that runs what it is asked to as a process that sleeps. */
  async function sleeping(): Promise<{ readonly value: ProcessReference; readonly asked: BuiltinStart[] }> {
    const child = spawn("sleep", ["1000"], { stdio: "ignore" });
    children.push(child);
    const pid = child.pid ?? 0;
    const start = (await processStat(pid))?.start ?? 0;
    const value: ProcessReference = { type: "process", id: "guix-daemon#0.1", pid, start, command: [] };
    const asked: BuiltinStart[] = [];
    setRuntime({
      ...idleRuntime,
      runStart: async (data) => {
        asked.push(data);
        return value;
      },
    });
    return { value, asked };
  }

  it("is over when the daemon answers", async () => {
    const { value, asked } = await sleeping();
    let attempts = 0;
    const configuration = guixConfiguration({ socket: "/run/test.socket" });
    const started = await startGuixDaemon(configuration, usual, {
      reach: async (socket) => {
        assert.equal(socket, "/run/test.socket");
        attempts += 1;
        if (attempts < 3) throw new Error("not yet");
      },
    });
    assert.equal(started, value);
    assert.equal(attempts, 3);
    assert.deepEqual(asked, [
      {
        kind: "forkexec",
        command: command(),
        options: { environmentVariables: environment(), logFile: "/var/log/guix-daemon.log" },
      },
    ]);
  });

  it("fails where the process ends before", async () => {
    await sleeping();
    children[0]?.kill("SIGKILL");
    await assert.rejects(
      startGuixDaemon(guixConfiguration(), usual, { reach: () => Promise.reject(new Error("refused")) }),
      /^Error: guix-daemon has ended without answering at \/var\/guix\/daemon-socket\/socket$/,
    );
  });

  it("joins the namespaces of a process that is named", async () => {
    const { asked } = await sleeping();
    await startGuixDaemon(guixConfiguration(), usual, { reach: () => Promise.resolve() }, "42");
    assert.deepEqual((asked[0] as ForkexecData).command.slice(0, 7), [
      "nsenter",
      "--target=42",
      "--mount",
      "--ipc",
      "--uts",
      "--net",
      "--",
    ]);
    await assert.rejects(
      startGuixDaemon(guixConfiguration(), usual, { reach: () => Promise.resolve() }, "x; reboot"),
      /expected the number of a process/,
    );
  });
});
