// Units' programs, executed by a real keeper: what they are told, and what the kernel says of them.

import assert from "node:assert/strict";
import { constants, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { describeErrno } from "../../../../src/daemon/keeper/errno.js";
import { skip } from "../../../native/keeper/bed.js";
import { realBench } from "./real-host.js";
import { ada, unitData } from "./support.js";

const sh = (script: string): string => `ExecStart=/bin/sh -c '${script}'`;
/** A dollar that systemd leaves to the shell. */
const shell = (name: string): string => `$\${${name}}`;

test("a program runs as its user, with the unit's mask, limits, priority and directory", {
  skip,
}, async (t) => {
  const b = await realBench(t);
  const { output } = await b.run(
    `User=ada\nSupplementaryGroups=printers\nUMask=0027\nLimitNOFILE=77:88\nNice=3\nOOMScoreAdjust=500
WorkingDirectory=${b.places.runtime}/r\nRuntimeDirectory=r\nIOSchedulingClass=idle
${sh(`id -u; id -g; id -G; umask; ulimit -n; ulimit -Hn; nice; cat /proc/self/oom_score_adj; pwd; touch made; grep -e SigIgn -e NoNewPrivs /proc/self/status`)}`,
  );
  const expected = [
    ...[ada.uid, ada.gid, `${ada.gid} 4800 4802`, "0027", 77, 88, 3, 500, `${b.places.runtime}/r`],
    ...["NoNewPrivs:\t0", "SigIgn:\t0000000000001000"],
  ];
  assert.deepEqual(output.trimEnd().split("\n").sort(), expected.map(String).sort());
  const made = statSync(`${b.places.runtime}/r/made`);
  assert.deepEqual([made.uid, made.mode & 0o777], [ada.uid, 0o640]);
});

test("the environment is exactly what it is to be", { skip }, async (t) => {
  const b = await realBench(t);
  const { output } = await b.run("User=ada\nEnvironment=A=1\nExecStart=/usr/bin/env");
  const names = output
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(0, line.indexOf("=")));
  assert.deepEqual(names.sort(), [
    "A",
    "HOME",
    "INVOCATION_ID",
    "LOGNAME",
    "PATH",
    "SHELL",
    "SHEPHERD_MARK",
    "SYSTEMD_EXEC_PID",
    "USER",
  ]);
});

test("rights by prefix: as root, in nobody's name", { skip }, async (t) => {
  const b = await realBench(t);
  for (const prefix of ["+", "!"]) {
    const { output } = await b.run(`User=ada\nExecStart=${prefix}/usr/bin/id -u`);
    assert.equal(output, "0\n");
  }
});

test("output files are root's to open, written from their beginning, added to, or emptied", {
  skip,
}, async (t) => {
  const b = await realBench(t);
  const logs = join(b.directory, "only-root");
  mkdirSync(logs, { mode: 0o700 });
  const file = join(logs, "log");
  writeFileSync(join(b.directory, "output"), "");
  const write = async (kind: string, text: string): Promise<string> => {
    const { end } = await b.run(
      `User=ada\nStandardOutput=${kind}:${file}\n${sh(`echo ${text}; echo error >&2`)}`,
    );
    assert.equal(end.failure, undefined);
    return readFileSync(file, "utf8");
  };
  assert.equal(await write("append", "first"), "first\nerror\n");
  assert.equal(statSync(file).uid, 0);
  assert.equal(await write("append", "more"), "first\nerror\nmore\nerror\n");
  assert.equal(await write("file", "FIRST"), "FIRST\nerror\nmore\nerror\n");
  assert.equal(await write("truncate", "new"), "new\nerror\n");
});

test("input comes from data and files", { skip }, async (t) => {
  const b = await realBench(t);
  const cat = "User=ada\nExecStart=/bin/cat";
  assert.equal((await b.run(`StandardInputText=one\nStandardInputText=two\n${cat}`)).output, "one\ntwo\n");
  const file = join(b.directory, "input");
  writeFileSync(file, "of root's", { mode: 0o600 });
  assert.equal((await b.run(`StandardInput=file:${file}\n${cat}`)).output, "of root's");
  assert.equal((await b.run(cat)).output, "");
});

test("what cannot be is told with its object", { skip }, async (t) => {
  const b = await realBench(t);
  const failure = async (lines: string): Promise<string> => {
    const { end } = await b.run(lines);
    const { stage = "", text = "", errno = 0 } = end.failure ?? {};
    return `${stage} ${text}: ${describeErrno(errno)}`;
  };
  assert.match(
    await failure("WorkingDirectory=/absent\nExecStart=/bin/true"),
    /^chdir \/absent: .*ENOENT|no such/i,
  );
  assert.match(await failure("ExecStart=/absent"), /^exec \/absent: /);
  assert.match(await failure("ExecStart=absent-program"), /^exec \/usr\/local\/sbin\/absent-program: /);
  assert.match(await failure("StandardOutput=append:/absent/log\nExecStart=/bin/true"), /\/absent\/log/);
});

test("credentials are the user's to read, and nobody else's", { skip }, async (t) => {
  const b = await realBench(t);
  const secret = join(b.directory, "secret");
  writeFileSync(secret, "hidden", { mode: 0o600 });
  const { output } = await b.run(
    `User=ada\nLoadCredential=key:${secret}\nExecStart=/bin/cat $\{CREDENTIALS_DIRECTORY}/key`,
  );
  assert.equal(output, "hidden");
});

test("a dynamic user writes into its state, and finds it again", { skip }, async (t) => {
  const b = await realBench(t, "/run");
  const data = (script: string) =>
    unitData(
      `DynamicUser=yes\nStateDirectory=s\nRuntimeDirectory=r\nStandardOutput=truncate:${b.directory}/output\n${sh(script)}`,
    );
  const write = data(
    `id -u; echo kept >$STATE_DIRECTORY/file; echo x >$RUNTIME_DIRECTORY/file; stat -c %%u $STATE_DIRECTORY/file`,
  );
  const first = await b.runData(write);
  assert.equal(first.end.status, 0, `${b.said.join("\n")}\n${first.output}`);
  const [uid, owner] = first.output.trimEnd().split("\n");
  assert.equal(owner, uid);
  assert.ok(Number(uid) >= 61_184 && Number(uid) <= 65_519);
  await b.tidy(write);
  assert.deepEqual(readdirSync(b.places.runtime), []);
  const second = await b.runData(data(`cat $STATE_DIRECTORY/file; id -u`));
  assert.equal(second.output, `kept\n${uid}\n`);
});

test("the unit's own /tmp is a directory of its own, where the kernel lets us", { skip }, async (t) => {
  const b = await realBench(t, "/run");
  const data = unitData(
    `PrivateTmp=yes\nUser=ada\nStandardOutput=truncate:${b.directory}/output
${sh(`echo 1 >/tmp/a; echo 2 >/var/tmp/b; ls /tmp /var/tmp`)}`,
  );
  const { notApplied } = await b.prepare(data);
  const { end, output } = await b.runData(data);
  assert.equal(end.status, 0, b.said.join("\n"));
  const missing = b.said.filter((line) => line.includes("PrivateTmp"));
  if (notApplied.length > 0 || missing.length > 0) {
    t.skip(`the kernel does not let us: ${missing.join("; ")}`);
    return;
  }
  assert.equal(output, "/tmp:\na\n\n/var/tmp:\nb\n");
  const [name = ""] = readdirSync(b.places.temporary);
  assert.deepEqual(readdirSync(join(b.places.temporary, name, "tmp")), ["a"]);
  const [other = ""] = readdirSync(b.places.persistentTemporary);
  assert.deepEqual(readdirSync(join(b.places.persistentTemporary, other, "tmp")), ["b"]);
});

test("sockets are there from descriptor 3 on, blocking or as they are", { skip }, async (t) => {
  const b = await realBench(t);
  const listen = [{ name: "socket/x/1", as: "web" }];
  const path = join(b.directory, "socket");
  await b.host.outbox.post({
    op: "listen",
    name: "socket/x/1",
    family: "unix",
    address: path,
    type: "stream",
  });
  const script =
    "echo $LISTEN_FDS $LISTEN_FDNAMES; test $LISTEN_PID = $$$$ && grep flags /proc/$$$$/fdinfo/3";
  const show = async (lines: string): Promise<readonly [string, boolean]> => {
    const { end, output } = await b.run(`${lines}\n${sh(script)}`, { listen });
    assert.equal(end.status, 0, output);
    const [names = "", flags = ""] = output.split("\n");
    const number = Number.parseInt(/\d+/.exec(flags)?.[0] ?? "", 8);
    return [names, (number & constants.O_NONBLOCK) !== 0];
  };
  assert.deepEqual(await show("NonBlocking=yes"), ["1 web", true]);
  assert.deepEqual(await show(""), ["1 web", false]);
});

test("variables are the shell's where the unit says so", { skip }, async (t) => {
  const b = await realBench(t);
  const { output } = await b.run(`Environment=A=unit\n${sh(`A=shell; echo ${shell("A")} \${A} $A`)}`);
  assert.equal(output, "shell unit shell\n");
});
