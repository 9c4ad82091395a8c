// Standard input, output and error, as systemd.exec(5) has them under "Logging and Standard Input/Output".

import assert from "node:assert/strict";
import { constants, readFileSync } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { SpawnSpec } from "../../../../src/daemon/keeper/types.js";
import type { CommandRequest } from "../../../../src/daemon/units/execution/types.js";
import { type Bench, bench, unitData } from "./support.js";

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_APPEND, O_TRUNC, O_NOCTTY } = constants;

type Request = Partial<CommandRequest>;

interface Shown {
  /** What each stream is: the keeper's name, and for what is opened the path and the flags. */
  readonly streams: Readonly<Record<number, string>>;
  readonly terminal?: SpawnSpec["terminal"];
}

/** What a unit's process has, its files by their paths. */
async function streams(of: Bench, lines: string, request: Request = {}): Promise<Shown> {
  const { spec, step } = await of.command(unitData(lines), request);
  const opened = new Map(
    step.before.map((one) => {
      assert.ok(one.op === "open");
      assert.equal(one.flags & O_NOCTTY, O_NOCTTY, "no file becomes a terminal by being opened");
      return [one.name, `${one.path} ${flagNames(one.flags)}`] as const;
    }),
  );
  assert.deepEqual(
    step.after.map((one) => (one.op === "close" ? one.name : one.op)),
    [...opened.keys()],
    "what is opened is closed",
  );
  const sources = (spec.descriptors ?? []).map(({ target, source }) => {
    assert.ok("name" in source, "everything is opened by the keeper, as root");
    return [target, opened.get(source.name) ?? source.name] as const;
  });
  return {
    streams: Object.fromEntries(sources),
    ...(spec.terminal === undefined ? {} : { terminal: spec.terminal }),
  };
}

function flagNames(flags: number): string {
  const access = flags & (O_WRONLY | O_RDWR);
  const names = [
    access === O_RDWR ? "rw" : access === O_WRONLY ? "w" : access === O_RDONLY ? "r" : "?",
    ...((flags & O_CREAT) === 0 ? [] : ["create"]),
    ...((flags & O_APPEND) === 0 ? [] : ["append"]),
    ...((flags & O_TRUNC) === 0 ? [] : ["truncate"]),
  ];
  return names.join("+");
}

const log = "output/x";

test("output goes to the service's log, and there is no input, where nothing is said", async (t) => {
  const b = bench(t);
  assert.deepEqual(await streams(b, ""), { streams: { 1: log, 2: log } });
  for (const kind of ["journal", "journal+console", "syslog"])
    assert.deepEqual(await streams(b, `StandardOutput=${kind}`), { streams: { 1: log, 2: log } });
});

test("standard error goes where standard output does, until it says otherwise", async (t) => {
  const b = bench(t);
  assert.deepEqual((await streams(b, "StandardOutput=null")).streams, {});
  assert.deepEqual((await streams(b, "StandardOutput=null\nStandardError=journal")).streams, { 2: log });
  assert.deepEqual((await streams(b, "StandardError=null")).streams, { 1: log });
  assert.deepEqual((await streams(b, "StandardOutput=append:/var/log/x")).streams, {
    1: "/var/log/x w+create+append",
    2: "/var/log/x w+create+append",
  });
});

test("files are created with the unit's mask, and opened once for both outputs", async (t) => {
  const b = bench(t);
  const { step, spec } = await b.command(
    unitData("StandardOutput=truncate:/o\nStandardError=truncate:/o\nUMask=0027"),
  );
  assert.deepEqual(step.before, [
    {
      op: "open",
      name: "stream/x#0.1/1",
      path: "/o",
      flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY,
      mode: 0o640,
    },
  ]);
  assert.deepEqual(
    spec.descriptors?.map(({ target, source }) => [target, "name" in source ? source.name : ""]),
    [
      [1, "stream/x#0.1/1"],
      [2, "stream/x#0.1/1"],
    ],
  );
  assert.deepEqual((await streams(b, "StandardOutput=file:/o\nStandardError=append:/o")).streams, {
    1: "/o w+create",
    2: "/o w+create+append",
  });
});

test("a file that is read and written is open once", async (t) => {
  const b = bench(t);
  assert.deepEqual((await streams(b, "StandardInput=file:/i")).streams, { 0: "/i r", 1: log, 2: log });
  assert.deepEqual((await streams(b, "StandardInput=file:/io\nStandardOutput=file:/io")).streams, {
    0: "/io rw+create",
    1: "/io rw+create",
    2: "/io rw+create",
  });
});

test("the connection, or the one socket, is input and output of who asks for that", async (t) => {
  const b = bench(t);
  const connection = { connection: "connection/x" };
  assert.deepEqual((await streams(b, "StandardInput=socket", connection)).streams, {
    0: "connection/x",
    1: "connection/x",
    2: "connection/x",
  });
  assert.deepEqual((await streams(b, "StandardInput=socket\nStandardError=journal", connection)).streams, {
    0: "connection/x",
    1: "connection/x",
    2: log,
  });
  const listen = [{ name: "socket/x/1", as: "x.socket" }];
  assert.deepEqual((await streams(b, "StandardInput=socket", { listen })).streams, {
    0: "socket/x/1",
    1: "socket/x/1",
    2: "socket/x/1",
  });
  assert.deepEqual((await streams(b, "StandardOutput=socket", connection)).streams, {
    1: "connection/x",
    2: "connection/x",
  });
  // Without one there is nothing.
  assert.deepEqual((await streams(b, "StandardInput=socket", { phase: "stop" })).streams, {});
});

test("fd:NAME is the socket of that name", async (t) => {
  const b = bench(t);
  const listen = [
    { name: "socket/x/1", as: "one" },
    { name: "socket/x/2", as: "two" },
  ];
  assert.deepEqual((await streams(b, "StandardInput=fd:two", { listen })).streams, {
    0: "socket/x/2",
    1: "socket/x/2",
    2: "socket/x/2",
  });
  await assert.rejects(
    streams(b, "StandardOutput=fd:three", { listen }),
    /x\.service: StandardOutput=fd:three: none of the unit's sockets has the name "three"/,
  );
  assert.deepEqual((await streams(b, "StandardOutput=fd:three", { phase: "stop" })).streams, {});
});

test("the terminal is the controlling one of what the unit is, and of what prepares it", async (t) => {
  const b = bench(t);
  const lines = "StandardInput=tty\nTTYPath=/dev/tty9";
  const own = "/dev/tty9 rw";
  for (const phase of ["condition", "start-pre", "start", "stop-post"] as const)
    assert.deepEqual(await streams(b, lines, { phase }), {
      streams: { 0: own, 1: own, 2: own },
      terminal: { path: "/dev/tty9" },
    });
  for (const phase of ["start-post", "reload", "stop"] as const)
    assert.deepEqual(await streams(b, lines, { phase }), {
      streams: { 1: "/dev/tty9 w", 2: "/dev/tty9 w" },
    });
  assert.deepEqual((await streams(b, "StandardOutput=tty")).streams, {
    1: "/dev/console w",
    2: "/dev/console w",
  });
});

test("data is a file of the supervisor's own", async (t) => {
  const b = bench(t);
  const { streams: found } = await streams(b, "StandardInputText=a line\nStandardInputData=AAEC");
  const file = join(b.places.own, "x.unit", "input");
  assert.deepEqual(found, { 0: `${file} r`, 1: log, 2: log });
  assert.deepEqual(readFileSync(file), Buffer.from("a line\n\x00\x01\x02"));
});

test("the kernel's log is written to where it can be", async (t) => {
  const isWritable = await access("/dev/kmsg", constants.W_OK).then(
    () => true,
    () => false,
  );
  const expected = isWritable ? "/dev/kmsg w" : log;
  const { streams: found } = await streams(bench(t), "StandardOutput=kmsg");
  assert.deepEqual(found, { 1: expected, 2: expected });
});
