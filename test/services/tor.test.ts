// The service of Tor: what it runs, as whom, with which files; its torrc, word for word; and tor's own opinion of it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { service } from "../../src/services/composition/service-type.js";
import { filePath, localFile, plainFile } from "../../src/services/files/file-like.js";
import { softwarePackage } from "../../src/services/files/software-package.js";
import {
  hiddenService,
  type TorConfiguration,
  torConfiguration,
  torHiddenService,
  torServiceType,
  torTransportPlugin,
} from "../../src/services/tor.js";
import { torrc, torrcText } from "../../src/services/torrc.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { run } from "../support/run.js";
import { accountFields, described, plainSteps, systemOf, temporaryDirectory, usualStop } from "./parts.js";

const web = hiddenService({ name: "web", mapping: [[80, "127.0.0.1:8080"]] });
const own = { owner: "tor", group: "tor" } as const;

describe("torServiceType", () => {
  it("runs tor as Guix's does", () => {
    const file = filePath(torrc(torConfiguration()));
    assert.deepEqual(described(systemOf(service(torServiceType)).service("tor")), {
      provision: ["tor"],
      requirement: ["user-processes", "loopback", "syslogd"],
      oneShot: false,
      respawn: true,
      autoStart: true,
      documentation: "Run the Tor anonymous network overlay.",
      start: {
        kind: "forkexec",
        command: ["/usr/bin/tor", "-f", file],
        options: { user: "tor", group: "tor" },
      },
      stop: usualStop,
      actions: ["configuration"],
      files: [file],
    });
  });

  it("has the account and the directories that Guix gives it", () => {
    const system = systemOf(service(torServiceType, torConfiguration({ hiddenServices: [web] })));
    assert.deepEqual(accountFields(system.user("tor")), {
      group: "tor",
      system: true,
      comment: "Tor daemon user",
      homeDirectory: "/var/empty",
      createHomeDirectory: true,
      shell: "/usr/sbin/nologin",
      uid: undefined,
      supplementaryGroups: [],
    });
    assert.equal(system.group("tor")?.system, true);
    assert.deepEqual(plainSteps(system.steps("tor")), [
      { step: "directory", path: "/var/run/tor", mode: 0o750, ...own },
      { step: "directory", path: "/var/lib", mode: 0o755 },
      { step: "directory", path: "/var/lib/tor", mode: 0o700, ...own },
      { step: "directory", path: "/var/lib/tor/hidden-services/web", mode: 0o700, ...own },
    ]);
    assert.ok(system.packages().includes("tor"));
  });

  it("is extended by torHiddenService, behind what it has itself", () => {
    const system = systemOf(
      torHiddenService("later", [[22, "127.0.0.1:22"]]),
      torHiddenService("sooner", [
        [80, "[::1]:8080"],
        [443, "unix:/run/web"],
      ]),
      service(torServiceType, torConfiguration({ hiddenServices: [web] })),
    );
    const { start } = described(system.service("tor"));
    const expected = torConfiguration({
      hiddenServices: [
        web,
        hiddenService({
          name: "sooner",
          mapping: [
            [80, "[::1]:8080"],
            [443, "unix:/run/web"],
          ],
        }),
        hiddenService({ name: "later", mapping: [[22, "127.0.0.1:22"]] }),
      ],
    });
    assert.deepEqual(start?.kind === "forkexec" && start.command.at(-1), filePath(torrc(expected)));
  });

  it("is there for whoever adds a hidden service to a system without it", () => {
    assert.ok(
      systemOf(torHiddenService("alone", [[80, "8080"]]))
        .names()
        .includes("tor"),
    );
  });

  it("needs no system log where it logs to a file, and waits where it is told to", () => {
    const { requirement, start, autoStart } = described(
      systemOf(
        service(torServiceType, torConfiguration({ logDestination: "stderr", autoStart: false })),
      ).service("tor"),
    );
    assert.deepEqual(requirement, ["user-processes", "loopback"]);
    assert.equal(start?.kind === "forkexec" && start.options.logFile, "/var/log/tor.log");
    assert.equal(autoStart, false);
  });

  it("has files that are not its own put in place", () => {
    const included = plainFile("more", new Uint8Array([10]));
    const { files } = described(
      systemOf(service(torServiceType, torConfiguration({ configFile: included }))).service("tor"),
    );
    assert.ok(files.includes(filePath(included)));
  });
});

const begin = "### These lines were generated from your system configuration:\nDataDirectory /var/lib/tor\n";
const end = "### End of automatically generated lines.\n\n";
const plugin = torTransportPlugin({ program: "/usr/bin/obfs4proxy" });

const torrcs: readonly (readonly [string, TorConfiguration, string])[] = [
  ["of the defaults", torConfiguration(), `${begin}Log notice syslog\n${end}`],
  [
    "with a Unix socket for clients",
    torConfiguration({ socksSocketType: "unix" }),
    `${begin}Log notice syslog\nSocksPort unix:/var/run/tor/socks-sock\nUnixSocksGroupWritable 1\n${end}`,
  ],
  [
    "with a control socket",
    torConfiguration({ controlSocket: true }),
    `${begin}Log notice syslog\nControlSocket unix:/var/run/tor/control-sock GroupWritable RelaxDirModeCheck\n` +
      `ControlSocketsGroupWritable 1\n${end}`,
  ],
  [
    "with hidden services",
    torConfiguration({
      hiddenServices: [
        web,
        hiddenService({
          name: "more",
          mapping: [
            [22, "127.0.0.1:22"],
            [443, "unix:/run/web"],
          ],
        }),
      ],
    }),
    `${begin}Log notice syslog\nHiddenServiceDir /var/lib/tor/hidden-services/web\n` +
      "HiddenServicePort 80 127.0.0.1:8080\nHiddenServiceDir /var/lib/tor/hidden-services/more\n" +
      `HiddenServicePort 22 127.0.0.1:22\nHiddenServicePort 443 unix:/run/web\n${end}`,
  ],
  [
    "with transport plugins",
    torConfiguration({
      transportPlugins: [
        plugin,
        torTransportPlugin({ role: "server", protocol: "snowflake", program: "/usr/bin/snowflake" }),
      ],
    }),
    `${begin}Log notice syslog\nClientTransportPlugin obfs4 exec /usr/bin/obfs4proxy\n` +
      `ServerTransportPlugin snowflake exec /usr/bin/snowflake\n${end}`,
  ],
  [
    "with the user's own text",
    torConfiguration({ configFile: plainFile("own", "HardwareAccel 1\n# without an end of its line") }),
    `${begin}Log notice syslog\n${end}HardwareAccel 1\n# without an end of its line`,
  ],
  [
    "with the user's own file",
    torConfiguration({ configFile: "/etc/tor/torrc", logDestination: "stderr" }),
    `${begin}Log notice stderr\n${end}%include "/etc/tor/torrc"\n`,
  ],
  [
    "with all of it, in this order",
    torConfiguration({
      socksSocketType: "unix",
      controlSocket: true,
      hiddenServices: [web],
      transportPlugins: [plugin],
      configFile: plainFile("own", "HardwareAccel 1\n"),
    }),
    `${begin}Log notice syslog\nSocksPort unix:/var/run/tor/socks-sock\nUnixSocksGroupWritable 1\n` +
      "ControlSocket unix:/var/run/tor/control-sock GroupWritable RelaxDirModeCheck\nControlSocketsGroupWritable 1\n" +
      "HiddenServiceDir /var/lib/tor/hidden-services/web\nHiddenServicePort 80 127.0.0.1:8080\n" +
      `ClientTransportPlugin obfs4 exec /usr/bin/obfs4proxy\n${end}HardwareAccel 1\n`,
  ],
];

describe("torrc", () => {
  for (const [what, configuration, text] of torrcs)
    it(`is as expected ${what}`, () => assert.equal(torrcText(configuration), text));

  it("includes a local file by the name that its contents give it", async (t) => {
    const directory = await temporaryDirectory(t);
    await writeFile(join(directory, "own"), "HardwareAccel 1\n");
    const file = localFile(join(directory, "own"));
    assert.ok(torrcText(torConfiguration({ configFile: file })).endsWith(`%include "${filePath(file)}"\n`));
  });

  it("is what tor takes", async (t) => {
    if (!existsSync("/usr/bin/tor")) return t.skip("/usr/bin/tor is not installed (package tor)");
    const directory = await temporaryDirectory(t);
    for (const [what, configuration] of torrcs) {
      // Verifying looks at directories: those of the test, in which tor may do what it likes.
      await mkdir(join(directory, "lib/hidden-services"), { recursive: true, mode: 0o700 });
      const file = join(directory, "torrc");
      await writeFile(join(directory, "included"), "HardwareAccel 1\n");
      const text = torrcText(configuration)
        .replaceAll("/var/lib/tor", join(directory, "lib"))
        .replaceAll("/var/run/tor", join(directory, "run"))
        .replaceAll("/etc/tor/torrc", join(directory, "included"))
        .replaceAll("exec /usr/bin/", "exec /bin/");
      await mkdir(join(directory, "run"), { recursive: true, mode: 0o700 });
      await writeFile(file, text);
      const { status, stdout } = await run("/usr/bin/tor", ["--verify-config", "-f", file]);
      assert.equal(status, 0, `${what}:\n${stdout}`);
      assert.match(stdout, /Configuration was valid/, what);
    }
  });
});

const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    "a port of 0",
    () => hiddenService({ name: "web", mapping: [[0, "127.0.0.1:80"]] }),
    /hiddenService: field "mapping": expected .*\[port, target\]/,
  ],
  [
    "a port beyond all",
    () => hiddenService({ name: "web", mapping: [[65_536, "127.0.0.1:80"]] }),
    /field "mapping"/,
  ],
  [
    "a target without a port",
    () => hiddenService({ name: "web", mapping: [[80, "127.0.0.1"]] }),
    /field "mapping"/,
  ],
  [
    "a target with an impossible port",
    () => hiddenService({ name: "web", mapping: [[80, "127.0.0.1:65536"]] }),
    /field "mapping"/,
  ],
  [
    "a relative socket",
    () => hiddenService({ name: "web", mapping: [[80, "unix:run/web"]] }),
    /field "mapping"/,
  ],
  [
    "a target with another line",
    () => hiddenService({ name: "web", mapping: [[80, "127.0.0.1:80\nSocksPort 1"]] }),
    /field "mapping"/,
  ],
  ["no mapping", () => hiddenService(untyped({ name: "web" })), /hiddenService: field "mapping" missing/],
  ["an empty mapping", () => hiddenService({ name: "web", mapping: [] }), /a list of at least one/],
  [
    "a name that leads elsewhere",
    () => hiddenService({ name: "../web", mapping: [[80, "80"]] }),
    /field "name": expected a name without spaces, slashes/,
  ],
  [
    "a name with another line",
    () => hiddenService({ name: "web\nSocksPort 1", mapping: [[80, "80"]] }),
    /field "name"/,
  ],
  [
    "two hidden services of one name",
    () => torConfiguration({ hiddenServices: [web, web] }),
    /torConfiguration: field "hiddenServices": there are two of the name "web"/,
  ],
  [
    "what only looks like a hidden service",
    () => torConfiguration({ hiddenServices: [{ ...web }] }),
    /field "hiddenServices": expected a list of records made by hiddenService/,
  ],
  [
    "an unknown field",
    () => torConfiguration(untyped({ controlSockets: true })),
    /torConfiguration: unknown field "controlSockets"; did you mean "controlSocket"\?/,
  ],
  [
    "an unknown kind of socket",
    () => torConfiguration(untyped({ socksSocketType: "udp" })),
    /field "socksSocketType": expected one of "tcp", "unix", got "udp"/,
  ],
  [
    "a relative file",
    () => torConfiguration({ configFile: "torrc" }),
    /field "configFile": expected an absolute file name/,
  ],
  [
    "a file whose name tor would expand",
    () => torConfiguration({ configFile: "/etc/tor/*" }),
    /field "configFile": expected a file whose name has no spaces/,
  ],
  [
    "a program with a space",
    () => torTransportPlugin({ program: "/opt/my plugin" }),
    /torTransportPlugin: field "program"/,
  ],
  [
    "a protocol with a space",
    () => torTransportPlugin({ protocol: "obfs 4", program: "/bin/p" }),
    /field "protocol"/,
  ],
  [
    "a package that is none",
    () => torConfiguration(untyped({ tor: { prefix: "/usr" } })),
    /field "tor": expected a package made by softwarePackage/,
  ],
];

describe("Tor's configuration refuses", () => {
  for (const [what, body, message] of mistakes) it(what, () => assert.match(mistake(body), message));

  it("hidden services of one name that come from different places", () => {
    const twice = [
      torHiddenService("web", [[80, "80"]]),
      service(torServiceType, torConfiguration({ hiddenServices: [web] })),
    ];
    assert.match(
      mistake(() => systemOf(...twice).names()),
      /there are two of the name "web"/,
    );
  });
});

it("tor may be another package's", () => {
  const other = softwarePackage({ name: "tor", prefix: "/opt/tor" });
  const { start } = described(
    systemOf(service(torServiceType, torConfiguration({ tor: other }))).service("tor"),
  );
  assert.equal(start?.kind === "forkexec" && start.command[0], "/opt/tor/bin/tor");
});
