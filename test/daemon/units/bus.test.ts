// Waiting for a name on a bus: a real dbus-daemon where there is one, and whatever else may answer at its socket.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { busPaths, untilBusName } from "../../../src/daemon/units/bus.js";
import { waitFor } from "../../support/wait.js";

function directory(context: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "shepherd-bus-"));
  context.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** The first of these programs that is there. */
function found(...names: readonly string[]): string | undefined {
  return names.flatMap((name) => [`/usr/bin/${name}`, `/bin/${name}`]).find((file) => existsSync(file));
}

function running(context: TestContext, program: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: "ignore" });
  context.after(() => child.kill("SIGKILL"));
  return child;
}

const daemon = found("dbus-daemon");
const sender = found("dbus-send");
const never = new AbortController().signal;

test("addresses of a bus", () => {
  assert.deepEqual(busPaths("unix:path=/run/a%20b,guid=1;tcp:host=x;unix:abstract=/tmp/c"), [
    "/run/a b",
    "\0/tmp/c",
  ]);
});

test("a name is waited for on a real bus", {
  skip: daemon === undefined ? "there is no dbus-daemon" : false,
}, async (context) => {
  const socket = join(directory(context), "bus");
  running(context, daemon ?? "", "--session", "--nofork", "--nopidfile", `--address=unix:path=${socket}`);
  await waitFor(
    "the bus is there",
    () => existsSync(socket),
    () => "",
  );
  const environment = [`DBUS_SYSTEM_BUS_ADDRESS=unix:path=${socket}`];
  assert.equal(await untilBusName("org.freedesktop.DBus", environment, never), "owned");
  if (sender === undefined) return;
  let outcome: string | undefined;
  const owned = untilBusName("org.example.Later", environment, never).then((one) => {
    outcome = one;
  });
  // By then the first question was answered: nobody has it.
  assert.equal(await untilBusName("org.freedesktop.DBus", environment, never), "owned");
  assert.equal(outcome, undefined);
  execFileSync(sender, [
    `--bus=unix:path=${socket}`,
    "--dest=org.freedesktop.DBus",
    "--print-reply",
    "/",
    "org.freedesktop.DBus.RequestName",
    "string:org.example.Later",
    "uint32:0",
  ]);
  await owned;
  assert.equal(outcome, "owned");
});

test("where nobody listens there is no bus", async (context) => {
  const environment = [`DBUS_SYSTEM_BUS_ADDRESS=unix:path=${directory(context)}/none`];
  assert.equal(await untilBusName("org.example.Nobody", environment, never), "no bus");
});

for (const [what, answer] of [
  ["refuses", "REJECTED EXTERNAL\r\n"],
  ["answers nonsense", Buffer.concat([Buffer.from("OK 1\r\n"), Buffer.alloc(1000, 0xff)])],
  [
    "claims a huge message",
    Buffer.concat([
      Buffer.from("OK 1\r\n"),
      Buffer.from("l\x02\x00\x01\xff\xff\xff\x7f\x01\x00\x00\x00\x00\x00\x00\x00", "latin1"),
    ]),
  ],
] as const)
  test(`a bus that ${what} is asked again, and given up with the start`, async (context) => {
    const path = join(directory(context), "bus");
    let connections = 0;
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      connections += 1;
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.write(answer);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    context.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const over = new AbortController();
    const waiting = untilBusName(
      "org.example.Nobody",
      [`DBUS_SYSTEM_BUS_ADDRESS=unix:path=${path}`],
      over.signal,
    );
    await waitFor(
      "it is asked again",
      () => connections >= 2,
      () => "",
    );
    over.abort(new Error("given up"));
    await assert.rejects(waiting, /abort|given up/);
  });
