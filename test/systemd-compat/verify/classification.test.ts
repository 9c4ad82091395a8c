// What is said of directives against what the code does with them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cgroupShortfalls, notDone } from "../../../src/daemon/units/execution/cgroup.js";
import { shortfallsOf } from "../../../src/daemon/units/execution/shortfall.js";
import { type SectionName, sectionTables } from "../../../systemd-compat/directives.js";
import { classifyUnit, matters, notAppliedOf } from "../../../systemd-compat/verify/classification.js";
import { shortcomingOf, shortcomingWith } from "../../../systemd-compat/verify/shortcomings.js";
import { serviceOf, unitOf } from "../fixtures.js";

const sources = join(import.meta.dirname, "../../../../");

/** All code that could do something with a setting: neither what reads it nor what tells of it. */
function runtimeCode(): string {
  const files = (directory: string): string[] =>
    readdirSync(join(sources, directory), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => `${directory}/${file}`);
  const reader =
    /^systemd-compat\/(?:directives|values|parser|verify|convert)(?:\/|\.ts)|^systemd-compat\/(?:settings|unit|unit-checks)\.ts/;
  return [...files("src/daemon"), ...files("systemd-compat")]
    .filter((file) => !reader.test(file))
    .map((file) => readFileSync(join(sources, file), "utf8"))
    .map((text) => text.replace(/\/\*.*?\*\//gs, "").replace(/^\s*\/\/.*$|\s\/\/ .*$/gm, ""))
    .join("\n");
}

/** Directives that the code names by parts, with what does so. */
const byParts: readonly (readonly [names: RegExp, code: string])[] = [
  [/^Limit[A-Z]+$/, "settings[`Limit$"],
  [/^(?:Runtime|State|Cache|Logs|Configuration)Directory(?:Mode)?$/, "Directory`]"],
];

/** Directives that ask for what is so anyway, with the reason. */
const byNature: Readonly<Record<string, string>> = {
  ExitType: "the usual one of its two values is how it is in any case",
  AccuracySec: "a timer elapses when it is due, which is within whatever it allows",
};

test("what counts as applied is named by code that is not the reader's", () => {
  const code = runtimeCode();
  const isNamed = (name: string): boolean => {
    const parts = byParts.find(([names]) => names.test(name));
    return parts === undefined ? new RegExp(`\\b${name}\\b`).test(code) : code.includes(parts[1]);
  };
  const missing: string[] = [];
  for (const [section, rows] of Object.entries(sectionTables))
    for (const [name, { into, sets }] of Object.entries(rows) as [
      string,
      { into?: string; sets?: string[] },
    ][]) {
      const shortcoming = shortcomingOf(section as SectionName, name);
      const isApplied = shortcoming === undefined || shortcoming.only !== undefined;
      if (!isApplied || Object.hasOwn(byNature, name)) continue;
      if (!(sets ?? [into ?? name]).every(isNamed)) missing.push(`${section}.${name}`);
    }
  assert.deepEqual(missing, []);
});

/** What becomes of these lines of [Service], by directive. */
function treatmentsOf(lines: string): readonly (readonly [name: string, treatment: string, why?: string])[] {
  return classifyUnit(serviceOf(lines)).flatMap(({ assignment: { name }, treatment, why }) => {
    if (name === "ExecStart") return [];
    return [why === undefined ? [name, treatment] : [name, treatment, why]];
  });
}

test("a value may ask for what is so anyway, and only some may be too much", () => {
  const names = (lines: string) => treatmentsOf(lines).map(([name, treatment]) => `${name} ${treatment}`);
  assert.deepEqual(
    names("RemoveIPC=no\nRemoveIPC=1\nRemoveIPC=0\nKeyringMode=inherit\nKeyringMode=private"),
    [
      "RemoveIPC applied",
      "RemoveIPC ignored",
      "RemoveIPC applied",
      "KeyringMode applied",
      "KeyringMode ignored",
    ],
  );
  assert.deepEqual(names("ExitType=main\nExitType=cgroup\nNotifyAccess=all\nNotifyAccess=exec"), [
    "ExitType applied",
    "ExitType ignored",
    "NotifyAccess applied",
    "NotifyAccess partly",
  ]);
  assert.deepEqual(names("AppArmorProfile=-x\nAppArmorProfile=x\nDeviceAllow=/dev/null\nDeviceAllow="), [
    "AppArmorProfile applied",
    "AppArmorProfile ignored",
    "DeviceAllow ignored",
    "DeviceAllow applied",
  ]);
  assert.deepEqual(names("Nonsense=1\nNice=99\nCPUWeight=idle\nCPUWeight=5"), [
    "Nonsense unknown",
    "Nice ignored",
    "CPUWeight partly",
    "CPUWeight applied",
  ]);
});

test("an assignment of which a part is no value is applied in part", () => {
  assert.deepEqual(
    treatmentsOf('Environment=A=1 "B-C=2"').map(([, treatment, why]) => [treatment, why !== undefined]),
    [["partly", true]],
  );
});

test("what depends on the kernel or on cgroups says so, and what is left to the machine", () => {
  const depends = (name: string, text: string) =>
    classifyUnit(unitOf(name, text)).map(({ assignment, treatment, depends: on }) => [
      assignment.name,
      treatment,
      on,
    ]);
  assert.deepEqual(depends("x.service", "[Service]\nExecStart=/x\nPrivateTmp=yes\nMemoryMax=1G\nUser=x\n"), [
    ["ExecStart", "applied", undefined],
    ["PrivateTmp", "applied", "kernel"],
    ["MemoryMax", "applied", "cgroups"],
    ["User", "applied", undefined],
  ]);
  assert.deepEqual(depends("x.socket", "[Socket]\nListenStream=vsock:1:2\nListenStream=80\nMemoryMax=1G\n"), [
    ["ListenStream", "ignored", undefined],
    ["ListenStream", "applied", undefined],
    ["MemoryMax", "ignored", undefined],
  ]);
  assert.deepEqual(depends("x.mount", "[Unit]\nAfter=a.service\n[Mount]\nWhat=/dev/x\nWhere=/x\n"), [
    ["After", "applied", undefined],
    ["What", "ignored", undefined],
    ["Where", "partly", undefined],
  ]);
});

test("what matters is function and safety", () => {
  const classified = classifyUnit(
    serviceOf("PAMName=x\nIPAddressDeny=any\nSyslogFacility=daemon\nNice=99\nNonsense=1\nUser=x"),
  );
  assert.deepEqual(
    classified.filter(matters).map(({ assignment }) => assignment.name),
    ["PAMName", "IPAddressDeny", "Nonsense"],
  );
});

test("what does not matter is no reason to refuse a unit", () => {
  const told = notAppliedOf(serviceOf("PAMName=x\nSyslogFacility=daemon"));
  assert.deepEqual(
    told.map(({ directive, harmless }) => [directive, harmless]),
    [
      ["PAMName", undefined],
      ["SyslogFacility", true],
    ],
  );
});

test("each directive is told once for each reason, with its place", () => {
  const unit = serviceOf("DeviceAllow=/dev/null\nDeviceAllow=/dev/zero\nDelegate=yes");
  assert.deepEqual(
    notAppliedOf(unit).map(({ directive, extent, file, line }) => [directive, extent, file, line]),
    [
      ["DeviceAllow", "not", "x.service", 2],
      ["Delegate", "partly", "x.service", 4],
    ],
  );
});

test("what the start finds missing in any case is known before", () => {
  const everything = serviceOf(
    [
      ...notDone.map((name) => `${name}=${someValue(name)}`),
      "CPUWeight=idle",
      "TTYReset=yes\nTTYVHangup=yes\nTTYVTDisallocate=yes",
      "StandardInput=tty\nStandardOutput=journal+console\nStandardError=kmsg+console",
    ].join("\n"),
  );
  const found = [...cgroupShortfalls(everything.service), ...shortfallsOf(everything.service)];
  const known = notAppliedOf(everything);
  assert.ok(found.length >= notDone.length + 7, String(found.length));
  for (const { directive, extent } of found)
    assert.ok(
      known.some((one) => one.directive === directive && one.extent === extent),
      `${directive} ${extent}`,
    );
});

function someValue(name: string): string {
  if (/Device|BandwidthMax|IOPSMax|BlockIO(?:Read|Write)/.test(name)) return "/dev/sda 5";
  if (/PeriodSec/.test(name)) return "5ms";
  return name === "DisableControllers" ? "cpu" : "500";
}

test("a shortcoming that is about some values only is none of the others", () => {
  assert.equal(shortcomingWith("Service", "StandardOutput", "journal"), undefined);
  assert.equal(shortcomingWith("Service", "StandardOutput", "journal+console")?.extent, "partly");
  assert.equal(shortcomingWith("Unit", "JobTimeoutSec", "infinity"), undefined);
  assert.equal(shortcomingWith("Unit", "FailureAction", "reboot")?.extent, "not");
});
