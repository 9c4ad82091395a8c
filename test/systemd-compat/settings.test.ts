// Settings of services: the values of all kinds of directives, and what is done where one is none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf, serviceOf } from "./fixtures.js";

/** What lines of [Service] make of some settings. */
const values: readonly (readonly [lines: string, settings: Readonly<Record<string, unknown>>])[] = [
  [
    "Type=notify\nRestart=on-failure\nKillMode=mixed",
    { Type: "notify", Restart: "on-failure", KillMode: "mixed" },
  ],
  [
    "RestartSec=1min\nTimeoutStartSec=0\nTimeoutStopSec=infinity",
    { RestartSec: 60, TimeoutStartSec: Infinity, TimeoutStopSec: Infinity },
  ],
  [
    "TimeoutStartSec=9\nTimeoutSec=5\nTimeoutStopSec=7",
    { TimeoutStartSec: 5, TimeoutStopSec: 7, TimeoutSec: undefined },
  ],
  ["WatchdogSec=0\nRuntimeMaxSec=5 minutes", { WatchdogSec: 0, RuntimeMaxSec: 300 }],
  ["PIDFile=x.pid", { PIDFile: "/run/x.pid" }],
  ["PIDFile=/var/run/x.pid", { PIDFile: "/run/x.pid" }],
  [
    "User=www-data\nGroup=33\nSupplementaryGroups=a b\nSupplementaryGroups=c",
    { User: "www-data", Group: "33", SupplementaryGroups: ["a", "b", "c"] },
  ],
  ["User=x\nUser=", { User: undefined }],
  ["UMask=0027\nNice=-5\nOOMScoreAdjust=-900", { UMask: 0o27, Nice: -5, OOMScoreAdjust: -900 }],
  ["WorkingDirectory=-/var//x/", { WorkingDirectory: { path: "/var/x", optional: true } }],
  ["WorkingDirectory=~", { WorkingDirectory: { path: "~", optional: false } }],
  [
    "Environment=A=1 'B=2 3' \"C=$A\\x20\"\nEnvironment=A=4",
    {
      Environment: new Map([
        ["A", "4"],
        ["B", "2 3"],
        ["C", "$A "],
      ]),
    },
  ],
  ["Environment=A=1\nEnvironment=\nEnvironment=B=%p", { Environment: new Map([["B", "x"]]) }],
  [
    "EnvironmentFile=-/etc/default/%p\nEnvironmentFile=/a*",
    {
      EnvironmentFile: [
        { path: "/etc/default/x", optional: true },
        { path: "/a*", optional: false },
      ],
    },
  ],
  [
    "PassEnvironment=A B\nUnsetEnvironment=C D=e",
    { PassEnvironment: ["A", "B"], UnsetEnvironment: ["C", "D=e"] },
  ],
  [
    "StandardInput=socket\nStandardOutput=append:/var/log/x\nStandardError=fd:y",
    {
      StandardInput: { kind: "socket" },
      StandardOutput: { kind: "append", path: "/var/log/x" },
      StandardError: { kind: "fd", name: "y" },
    },
  ],
  [
    "StandardOutput=syslog+console\nStandardError=kmsg",
    { StandardOutput: { kind: "journal", console: true }, StandardError: { kind: "kmsg", console: false } },
  ],
  [
    "RuntimeDirectory=a lock/b\nRuntimeDirectoryMode=2755\nRuntimeDirectoryPreserve=restart",
    {
      RuntimeDirectory: [{ path: "a" }, { path: "lock/b" }],
      RuntimeDirectoryMode: 0o2755,
      RuntimeDirectoryPreserve: "restart",
    },
  ],
  ["StateDirectory=a:b/c", { StateDirectory: [{ path: "a", link: "b/c" }] }],
  [
    "LimitNOFILE=1024:infinity\nLimitCORE=0\nLimitMEMLOCK=64M",
    {
      LimitNOFILE: { soft: 1024, hard: Infinity },
      LimitCORE: { soft: 0, hard: 0 },
      LimitMEMLOCK: { soft: 2 ** 26, hard: 2 ** 26 },
    },
  ],
  [
    "SuccessExitStatus=143 SIGKILL DATAERR\nSuccessExitStatus=7",
    { SuccessExitStatus: { codes: [143, 65, 7], signals: [9] } },
  ],
  ["KillSignal=SIGQUIT\nRestartKillSignal=12", { KillSignal: 3, RestartKillSignal: 12 }],
  [
    "CapabilityBoundingSet=CAP_CHOWN CAP_KILL\nCapabilityBoundingSet=~CAP_KILL",
    { CapabilityBoundingSet: ["CAP_CHOWN"] },
  ],
  ["CapabilityBoundingSet=", { CapabilityBoundingSet: [] }],
  [
    "AmbientCapabilities=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_CHOWN",
    { AmbientCapabilities: ["CAP_CHOWN", "CAP_NET_BIND_SERVICE"] },
  ],
  [
    "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged reboot:EPERM\nSystemCallErrorNumber=EPERM",
    {
      SystemCallFilter: {
        mode: "allow",
        steps: [
          { name: "@system-service", change: "add" },
          { name: "@privileged", change: "remove" },
        ],
      },
      SystemCallErrorNumber: "EPERM",
    },
  ],
  [
    "SystemCallFilter=~@mount:EPERM\nSystemCallFilter=mount",
    {
      SystemCallFilter: {
        mode: "deny",
        steps: [
          { name: "@mount", change: "add", error: "EPERM" },
          { name: "mount", change: "remove" },
        ],
      },
    },
  ],
  [
    "RestrictAddressFamilies=AF_UNIX AF_INET\nRestrictAddressFamilies=~AF_INET",
    { RestrictAddressFamilies: { mode: "allow", families: ["AF_UNIX"] } },
  ],
  ["RestrictAddressFamilies=none", { RestrictAddressFamilies: { mode: "allow", families: [] } }],
  ["RestrictNamespaces=yes", { RestrictNamespaces: [] }],
  ["RestrictNamespaces=~user mnt", { RestrictNamespaces: ["cgroup", "ipc", "net", "pid", "uts"] }],
  ["RestrictNamespaces=mnt user\nRestrictNamespaces=~user", { RestrictNamespaces: ["mnt"] }],
  [
    "ProtectSystem=strict\nProtectHome=on\nPrivateTmp=True\nNoNewPrivileges=1",
    { ProtectSystem: "strict", ProtectHome: "yes", PrivateTmp: true, NoNewPrivileges: true },
  ],
  [
    "ReadWriteDirectories=-/var/lib/x +/y\nReadWritePaths=-+/z",
    {
      ReadWritePaths: [
        { path: "/var/lib/x", optional: true, inRoot: false },
        { path: "/y", optional: false, inRoot: true },
        { path: "/z", optional: true, inRoot: true },
      ],
    },
  ],
  [
    "BindPaths=/a:/b -/c /d:/e:norbind",
    {
      BindPaths: [
        { source: "/a", destination: "/b", optional: false, recursive: true },
        { source: "/c", destination: "/c", optional: true, recursive: true },
        { source: "/d", destination: "/e", optional: false, recursive: false },
      ],
    },
  ],
  [
    String.raw`StandardInput=data
StandardInputText=a\tb %p
StandardInputData=YmMK`,
    { StandardInput: { kind: "data" }, InputData: Buffer.from("a\tb x\nbc\n") },
  ],
  [
    "SyslogFacility=3\nSyslogLevel=4\nExecSearchPath=/a:/b",
    { SyslogFacility: "daemon", SyslogLevel: "warning", ExecSearchPath: ["/a", "/b"] },
  ],
  [
    "TemporaryFileSystem=/var:ro /tmp",
    {
      TemporaryFileSystem: [
        { path: "/var", options: "ro" },
        { path: "/tmp", options: "" },
      ],
    },
  ],
  [
    "MemoryMax=50%\nMemoryHigh=infinity\nMemoryLow=1G\nTasksMax=99%\nCPUQuota=250%",
    {
      MemoryMax: { share: 0.5 },
      MemoryHigh: Infinity,
      MemoryLow: 2 ** 30,
      TasksMax: { share: 0.99 },
      CPUQuota: 2.5,
    },
  ],
  ["MemoryLimit=2G", { MemoryMax: 2 ** 31 }],
  [
    "DeviceAllow=/dev/null rw\nDeviceAllow=char-pts",
    {
      DeviceAllow: [
        { device: "/dev/null", access: "rw" },
        { device: "char-pts", access: "rwm" },
      ],
    },
  ],
  [
    "LoadCredential=a:/b\nLoadCredential=c\nSetCredential=d:e f",
    {
      LoadCredential: [
        { name: "a", source: "/b" },
        { name: "c", source: "c" },
      ],
      SetCredential: [{ name: "d", text: "e f" }],
    },
  ],
  [
    "Slice=a-b.slice\nDelegate=cpu memory",
    { Slice: "a-b.slice", Delegate: { enabled: true, controllers: ["cpu", "memory"] } },
  ],
  [
    "CPUAffinity=0-2 5\nCPUAffinity=7\nIOSchedulingClass=idle\nCPUSchedulingPolicy=rr",
    { CPUAffinity: [0, 1, 2, 5, 7], IOSchedulingClass: "idle", CPUSchedulingPolicy: "rr" },
  ],
];

for (const [lines, settings] of values)
  test(lines.replaceAll("\n", "; "), () => {
    const unit = serviceOf(lines);
    assert.notEqual(unit.state, "refused", problemsOf(unit).join("\n"));
    const actual: Readonly<Record<string, unknown>> = { ...unit.service };
    for (const [name, value] of Object.entries(settings)) assert.deepEqual(actual[name], value, name);
  });

/** Lines that are passed over, and what is said. */
const ignored: readonly (readonly [line: string, said: RegExp])[] = [
  ["Foo=bar", /unknown name "Foo" in \[Service\], the assignment is ignored$/],
  [
    "RestartSek=5",
    /unknown name "RestartSek" in \[Service\]; did you mean "RestartSec"\?, the assignment is ignored$/,
  ],
  ["SysVStartPriority=5", /SysVStartPriority= no longer exists, the assignment is ignored$/],
  ["Type=foo", /Type=: expected one of simple, .*, got "foo", the assignment is ignored$/],
  ["RemainAfterExit=", /expected yes or no, got ""/],
  ["TimeoutStopSec=soon", /expected a time span such as "5min 20s", got "soon"/],
  ["UMask=888", /expected a file mode/],
  ["Nice=20", /expected an integer from -20 to 19, got "20"/],
  ["LimitNOFILE=10:5", /with the first not above the other, got "10:5"/],
  ["EnvironmentFile=foo", /expected an absolute path, got "foo"/],
  ["ReadWritePaths=/a foo /b/../c", /expected an absolute path, got "foo", it is left out$/],
  ["RuntimeDirectory=/a private/b c", /expected a relative path, got "\/a", it is left out$/],
  ["SuccessExitStatus=1 FOO 300", /expected an exit status or a signal, got "FOO", it is left out$/],
  [
    "CapabilityBoundingSet=CAP_FOO",
    /expected a capability such as CAP_NET_ADMIN, got "CAP_FOO", it is left out$/,
  ],
  ["SystemCallFilter=@foo", /unknown group of system calls, "@foo", it is left out$/],
  [
    "RestrictAddressFamilies=AF_FOO",
    /expected an address family such as AF_INET, got "AF_FOO", it is left out$/,
  ],
  ["Environment=A=1 'B", /a quote that is not closed in "'B", the rest of the line is ignored$/],
  ["Environment=1A=2", /expected an assignment of a variable, got "1A=2", it is left out$/],
  ["Environment=A=%Z", /unknown specifier %Z, it is left out$/],
  ["MemoryMax=0", /expected a size such as "512M"/],
  ["StandardOutput=file:x", /expected an absolute path, got "x"/],
  ["WorkingDirectory=-x", /expected an absolute path, got "x", the assignment is ignored$/],
  ["BusName=a b", /expected a name on the bus such as org\.example\.Service, got "a b"/],
];

for (const [line, said] of ignored)
  test(`${line} is said and passed over`, () => {
    const unit = serviceOf(line);
    assert.equal(unit.state, "loaded");
    assert.match(problemsOf(unit)[0] ?? "", said);
    assert.match(problemsOf(unit)[0] ?? "", /^x\.service:2: /);
  });

test("what is left of a list counts", () => {
  assert.deepEqual(
    serviceOf("ReadOnlyPaths=/a foo /b").service.ReadOnlyPaths?.map(({ path }) => path),
    ["/a", "/b"],
  );
  assert.deepEqual(serviceOf("Environment=A=1 B 'C").service.Environment, new Map([["A", "1"]]));
});

/** Lines with which the unit would not be what it says. */
const refused: readonly (readonly [lines: string, said: RegExp])[] = [
  ["User=a:b", /:2: User=: expected the name or number of an account, got "a:b", the unit is refused$/],
  ["User=%i", /expected the name or number of an account, got ""/],
  ["SupplementaryGroups=a b:c", /got "b:c", the unit is refused$/],
  ["DynamicUser=maybe", /DynamicUser=: expected yes or no, got "maybe", the unit is refused$/],
  ["WorkingDirectory=x", /expected an absolute path, got "x", the unit is refused$/],
  ["RootDirectory=x", /expected an absolute path, got "x", the unit is refused$/],
  ["ExecStart=bin/x", /ExecStart=: .*, the unit is refused$/],
  ["ExecStart=", /^x\.service: neither ExecStart= nor ExecStop=, the unit is refused$/],
  ["ExecStart=\nExecStop=/bin/x", /no ExecStart=, which only RemainAfterExit=yes does without/],
  ["ExecStart=/a\nExecStart=/b", /2 commands in ExecStart=, of which Type=simple has one/],
  ["Type=dbus", /no BusName=, which Type=dbus needs/],
  ["Type=oneshot\nRestart=always", /Restart=always, with which Type=oneshot would never end/],
  ["PAMName=x\nKillMode=process", /KillMode=process, which would leave processes/],
];

for (const [lines, said] of refused)
  test(`${lines.replaceAll("\n", "; ")} makes the unit refused`, () => {
    const unit = serviceOf(lines);
    assert.equal(unit.state, "refused");
    assert.match(problemsOf(unit)[0] ?? "", said);
  });
