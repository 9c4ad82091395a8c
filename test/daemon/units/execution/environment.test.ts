// The variables of a unit's processes, as systemd.exec(5) has them under "Environment Variables in Spawned Processes".

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { StartFailure } from "../../../../src/daemon/constructors/host.js";
import { ada, bench, isRoot, needsRoot, unitData, variablesIn } from "./support.js";

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

test(
  "a system's unit gets nothing of the supervisor's environment but what it asks for",
  needsRoot,
  async (t) => {
    const { command } = bench(t, { environment: ["PATH=/own", "SECRET=leak", "PASSED=yes", "EMPTY="] });
    const plain = variablesIn(await command(unitData("")));
    assert.deepEqual(Object.keys(plain), ["PATH", "INVOCATION_ID"]);
    assert.equal(plain.PATH, defaultPath);
    assert.match(plain.INVOCATION_ID ?? "", /^[0-9a-f]{32}$/);

    const passing = variablesIn(await command(unitData("PassEnvironment=PASSED EMPTY ABSENT")));
    assert.equal(passing.PASSED, "yes");
    assert.equal(passing.EMPTY, "");
    assert.equal("ABSENT" in passing, false);
    assert.equal("SECRET" in passing, false);
  },
);

test("User= brings the user's own variables, whatever rights the command has", needsRoot, async (t) => {
  const { command } = bench(t);
  for (const prefix of ["", "+", "!"]) {
    const { HOME, LOGNAME, USER, SHELL } = variablesIn(
      await command(unitData(`User=ada\nExecStart=${prefix}/bin/true`)),
    );
    assert.deepEqual(
      { HOME, LOGNAME, USER, SHELL },
      { HOME: ada.home, LOGNAME: "ada", USER: "ada", SHELL: ada.shell },
    );
  }
  // Neither the root directory nor a shell that lets nobody in tells anything.
  const system = variablesIn(await command(unitData("User=daemon1")));
  assert.equal(system.USER, "daemon1");
  assert.equal("HOME" in system, false);
  assert.equal("SHELL" in system, false);
  // Root is no exception; without User= there is no user to tell of.
  assert.equal(variablesIn(await command(unitData("User=root"))).HOME, "/root");
  assert.equal("HOME" in variablesIn(await command(unitData("Group=ada"))), false);
});

test("the language is that of the first file there is, else the supervisor's", needsRoot, async (t) => {
  const { command, places } = bench(t, { environment: ["LANG=fr_FR.UTF-8", "LC_TIME=de_DE", "LC_=1"] });
  const inherited = variablesIn(await command(unitData("")));
  assert.equal(inherited.LANG, "fr_FR.UTF-8");
  assert.equal(inherited.LC_TIME, "de_DE");
  assert.equal("LC_" in inherited, false);
  writeFileSync(places.locale[0] ?? "", 'LANG="C.UTF-8"\nOTHER=1\n');
  const { LANG, LC_TIME, OTHER } = variablesIn(await command(unitData("")));
  assert.deepEqual({ LANG, LC_TIME, OTHER }, { LANG: "C.UTF-8", LC_TIME: undefined, OTHER: undefined });
});

test("later sources win: the supervisor's, ExecSearchPath, PassEnvironment, Environment, EnvironmentFile", async (t) => {
  const { command, directory } = bench(t, { environment: ["PASSED=passed", "B=passed"] });
  const file = join(directory, "variables");
  writeFileSync(file, "# no variable\nC=file\nMAINPID=77\n'D=1\n");
  const data = unitData(
    `ExecSearchPath=/a:/b\nPassEnvironment=PASSED B\nEnvironment=B=unit C=unit "D=two words" RUNTIME_DIRECTORY=mine\nEnvironmentFile=${file}\nRuntimeDirectory=x`,
  );
  const found = variablesIn(await command(data, { variables: { MAINPID: "5", B: "own", OTHER: "own" } }));
  assert.equal(found.PATH, "/a:/b");
  assert.equal(found.PASSED, "passed");
  assert.equal(found.B, "unit");
  assert.equal(found.C, "file");
  assert.equal(found.D, "two words");
  assert.equal(found.MAINPID, "77");
  assert.equal(found.OTHER, "own");
  assert.equal(found.RUNTIME_DIRECTORY, "mine");
});

test("UnsetEnvironment= takes names away, and assignments only with that value", async (t) => {
  const { command } = bench(t);
  const { A, B, C, NOTIFY_SOCKET } = variablesIn(
    await command(unitData("Environment=A=1 B=2 C=3\nUnsetEnvironment=A B=2 C=4 NOTIFY_SOCKET"), {
      attendantEnvironment: ["NOTIFY_SOCKET=@x"],
    }),
  );
  assert.deepEqual(
    { A, B, C, NOTIFY_SOCKET },
    { A: undefined, B: undefined, C: "3", NOTIFY_SOCKET: undefined },
  );
});

test("what a command before has written into a file of variables is there", async (t) => {
  const { command, directory, prepare } = bench(t);
  const file = join(directory, "later");
  const data = unitData(`EnvironmentFile=-${file}\nExecStart=/bin/echo $WORDS \${WORDS} $ABSENT`);
  await prepare(data);
  assert.deepEqual((await command(data)).argv, ["/bin/echo", ""]);
  writeFileSync(file, 'WORDS="a  b"\n');
  assert.deepEqual((await command(data)).argv, ["/bin/echo", "a", "b", "a  b"]);
});

test("files of variables: wildcards, absent ones, unreadable lines", async (t) => {
  const { command, directory, said } = bench(t);
  const folder = join(directory, "conf.d");
  mkdirSync(folder);
  writeFileSync(join(folder, "20.env"), "A=20\nB=20\n");
  writeFileSync(join(folder, "10.env"), "A=10\nC=10\n1X=bad\nNO\n");
  writeFileSync(join(folder, ".hidden.env"), "A=hidden\n");
  const data = unitData(`EnvironmentFile=${folder}/*.env\nEnvironmentFile=-${folder}/absent*`);
  const { A, B, C } = variablesIn(await command(data));
  assert.deepEqual({ A, B, C }, { A: "20", B: "20", C: "10" });
  assert.deepEqual(said, [`${folder}/10.env:3: expected the name of a variable, got "1X"; it is left out`]);

  for (const [lines, expected] of [
    [`EnvironmentFile=${folder}/absent`, new RegExp(`EnvironmentFile=: ${folder}/absent: ENOENT`)],
    [`EnvironmentFile=${folder}/absent*`, /EnvironmentFile=: .*absent\*: there is no such file/],
    [`EnvironmentFile=${folder}`, /EnvironmentFile=: .*: EISDIR/],
  ] as const)
    await assert.rejects(command(unitData(lines)), (error: unknown) => {
      assert.ok(error instanceof StartFailure);
      assert.match(error.message, expected);
      assert.match(error.message, /^\/etc\/systemd\/system\/x\.service: /);
      return true;
    });
  // What is optional may be anything.
  writeFileSync(join(folder, "nul"), "A=\0\n");
  await command(unitData(`EnvironmentFile=-${folder}\nEnvironmentFile=-${folder}/nul`));
  assert.match(said.at(-1) ?? "", /nul: it has a NUL byte; none of it is used/);
});

test("a file of variables that has no end is read no further than a bound", async (t) => {
  const { command } = bench(t);
  await assert.rejects(command(unitData("EnvironmentFile=/dev/zero")), /more than 1048576 bytes/);
});

test("more than a program can be told is refused, and harms no other unit", async (t) => {
  const { command, directory } = bench(t);
  const file = join(directory, "large");
  writeFileSync(file, `A=${"x".repeat(300_000)}\n`);
  await assert.rejects(
    command(unitData(`EnvironmentFile=${file}`)),
    /x\.service: \/bin\/true: its arguments and variables have \d+ bytes; at most 262144 can be given/,
  );
});

test(
  "TERM is there for units that have to do with a terminal, PIDFILE for those with a file",
  needsRoot,
  async (t) => {
    const { command } = bench(t, { environment: ["TERM=xterm"] });
    assert.equal("TERM" in variablesIn(await command(unitData(""))), false);
    const term = async (lines: string) => variablesIn(await command(unitData(lines))).TERM;
    assert.equal(await term("StandardInput=tty"), "xterm");
    assert.equal(await term("StandardOutput=tty\nTTYPath=/dev/tty7"), "linux");
    assert.equal(await term("StandardInput=tty\nTTYPath=/dev/ttyS0"), "vt220");
    assert.equal(variablesIn(await command(unitData("PIDFile=x.pid"))).PIDFILE, "/run/x.pid");
  },
);

test("a user's supervisor passes on what it has", {
  skip: isRoot ? "it needs to be no root" : false,
}, async (t) => {
  const { command } = bench(t, { environment: ["PATH=/own", "ANY=1"] });
  const { PATH, ANY } = variablesIn(await command(unitData("")));
  assert.deepEqual({ PATH, ANY }, { PATH: "/own", ANY: "1" });
});
