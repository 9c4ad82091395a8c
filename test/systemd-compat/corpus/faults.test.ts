// Units with faults: what we refuse, and which lines we find fault with, against systemd's manager and systemd-analyze.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { problemsOf, unitOf } from "../fixtures.js";
import { makeTree } from "../trees.js";
import { askManager, noManager, verify } from "./manager.js";

/** Sections of services after a command; in each the lines of one fault or several. */
const services: readonly string[] = [
  "",
  "Foo=bar\nX-Foo=bar\nfoo\n=foo",
  "[Foo]\nA=b\n[X-Foo]\nA=b\n[Service]\nNice=1",
  "[Unit\nA=b",
  "Environment=\xff",
  "Nice=foo\nNice=20\nNice=5\nOOMScoreAdjust=1001",
  "ExecStart=bin/x",
  "ExecStart=-bin/x",
  "ExecStart=/bin/",
  "ExecStart=/bin/true 'a",
  "ExecStartPre=/bin/true a\\qb\nExecStartPre=-/bin/true 'a",
  "ExecStartPre=/bin/true %Z",
  "ExecStartPre=-/bin/true %Z",
  "ExecStartPre=+",
  "ExecStartPre=@/bin/true",
  "ExecStartPre=/bin/true ;;",
  "ExecStart=",
  "ExecStart=\nExecStop=/bin/true",
  "ExecStart=\nExecStop=/bin/true\nRemainAfterExit=yes",
  "ExecStart=/bin/true",
  "Type=oneshot\nExecStart=/bin/true",
  "Type=dbus",
  "Type=dbus\nBusName=a.b",
  "Type=foo",
  "Type=oneshot\nRestart=always",
  "Type=oneshot\nRestart=on-failure",
  "Type=oneshot\nRestartForceExitStatus=1",
  "PAMName=x\nKillMode=process",
  "User=a:b",
  "User=%i",
  "User=\nGroup=x y",
  "SupplementaryGroups=a b:c",
  "DynamicUser=maybe",
  "PrivateTmp=maybe",
  "WorkingDirectory=x",
  "WorkingDirectory=-x",
  "WorkingDirectory=~",
  "RootDirectory=x",
  "StandardOutput=file:x\nStandardInput=foo",
  "TTYPath=x\nPIDFile=../x",
  "Environment=A=1 'B\nEnvironment=1A=b\nEnvironment=A=%Z",
  "EnvironmentFile=x\nEnvironmentFile=/a/../b",
  "PassEnvironment=A=b 1 C\nUnsetEnvironment=A=b",
  "ReadWritePaths=a -/b -+/c /d/../e\nBindPaths=/a:/b:foo",
  "RuntimeDirectory=/a b/../c private/d e",
  "LimitNOFILE=10:5\nLimitNOFILE=x\nLimitNICE=41",
  "RestrictNamespaces=foo\nRestrictAddressFamilies=AF_FOO\nSystemCallFilter=@foo\nSystemCallErrorNumber=EFOO",
  "MemoryMax=0\nTasksMax=0\nCPUWeight=0\nIOWeight=10001\nDevicePolicy=foo\nDeviceAllow=foo",
  "SuccessExitStatus=1 FOO 300 SIGKILL\nKillSignal=FOO\nKillMode=foo",
  "TimeoutStartSec=\nTimeoutStopSec=x\nRestartSec=-1\nWatchdogSec=1foo",
  "UMask=888\nRuntimeDirectoryMode=x\nSecureBits=noroot",
  "ProtectSystem=foo\nProtectHome=foo\nProtectProc=foo\nKeyringMode=foo\nNotifyAccess=foo",
  "Slice=foo\nBusName=a\nSyslogFacility=foo\nSyslogLevel=foo\nIOSchedulingClass=foo\nCPUSchedulingPolicy=foo",
  "[Unit]\nConditionPathExists=foo\nConditionPathExists=| /x\nDocumentation=foo man:x(1)\nRequiresMountsFor=a /b",
  "[Unit]\nOnFailureJobMode=foo\nStartLimitBurst=x\nDefaultDependencies=maybe\nSuccessAction=foo",
];

const base = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n";
const names = services.map((_, index) => `fault-${index}.service`);
/** The byte 0xff stands for itself. */
const contentsOf = (lines: string) => Buffer.from(`${base}${lines}\n`, "latin1");

test("we refuse what systemd refuses, and find fault with the same lines", { skip: noManager }, (t) => {
  const units = makeTree(t, {
    "all.target": `[Unit]\n${names.map((name) => `Wants=${name}\n`).join("")}`,
    ...Object.fromEntries(
      ["sysinit", "basic", "shutdown"].map((name) => [`${name}.target`, "[Unit]\nDescription=x\n"]),
    ),
  });
  for (const [index, name] of names.entries())
    writeFileSync(join(units, name), contentsOf(services[index] ?? ""));
  const { dumps } = askManager(units, makeTree(t, {}), "all.target");
  const lines = verify(units, makeTree(t, {}), names);
  for (const [index, name] of names.entries()) {
    const text = services[index] ?? "";
    const unit = unitOf(name, contentsOf(text));
    const about = `${JSON.stringify(text)}: ${problemsOf(unit).join("; ")}`;
    const [theirs = "not known"] = dumps.get(name)?.get("Unit Load State") ?? [];
    assert.equal(
      unit.state === "refused" ? "refused" : "loaded",
      theirs === "loaded" ? "loaded" : "refused",
      about,
    );
    const ours = unit.diagnostics.flatMap(({ severity, line }) =>
      severity === "notice" || line === 0 ? [] : [line],
    );
    // It stops at the first fault that makes it refuse the unit.
    const last = Math.max(...(lines.get(name) ?? [0]));
    const known = [...new Set(ours)]
      .filter((line) => theirs === "loaded" || line <= last)
      .sort((a, b) => a - b);
    assert.deepEqual(known, lines.get(name) ?? [], about);
  }
});

test("a NUL and an included file are refused here alone", () => {
  for (const text of ["Nice=5\0", ".include /etc/x"])
    assert.equal(unitOf("x.service", contentsOf(text)).state, "refused", text);
});
