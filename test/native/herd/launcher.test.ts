// herd's launcher against daemons that tests play: what it asks, what it shows, and when it leaves all to the client.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { decodeLostRequest, encodeLauncherHello, LauncherMessage } from "../../../src/protocol/launcher.js";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { clientOf, hello, Place } from "./support.js";

function message(write: (message: LauncherMessage) => void): Buffer {
  const one = new LauncherMessage();
  write(one);
  return one.encode() ?? Buffer.alloc(0);
}

const fine = message((one) => {
  one.output("fine\n");
  one.status(0);
});
const fineOutcome = { status: 0, stdout: "fine\n", stderr: "" };

test("the request has the command line, the directory, and what matters of the environment", async (t) => {
  const place = new Place(t);
  await place.daemon(t, (socket) => socket.end(fine));
  const surroundings = { LC_ALL: "C.UTF-8", NO_COLOR: "", LANG: "a=b", SECRET: "x" };
  const args = ["act", "-n", "7", "web", "--json", `--socket=${place.socket}`, "a b", "", "ü"];
  assert.deepEqual(await place.run(args, surroundings), fineOutcome);
  assert.deepEqual(await place.herd("status"), fineOutcome);
  const [first, second] = place.requests;
  assert.match(first?.id ?? "", /^[0-9a-f]{32}$/);
  assert.notEqual(first?.id, second?.id);
  assert.deepEqual(first, {
    id: first?.id,
    operands: ["act", "web", "a b", "", "ü"],
    json: true,
    logHistory: 7,
    directory: place.directory,
    environment: { LC_ALL: "C.UTF-8", NO_COLOR: "", LANG: "a=b" },
    isTerminal: { output: false, errors: false },
  });
  assert.deepEqual(second?.operands, ["status"]);
  assert.equal(second?.json, false);
  assert.equal("logHistory" in second, false);
});

test("the socket's place follows the client's rules", async (t) => {
  const place = new Place(t);
  await place.daemon(t, (socket) => socket.end(fine));
  const { socket } = place;
  assert.deepEqual(await place.run(["status"], { SHEPHERD_SOCKET: socket }), fineOutcome);
  for (const args of [["-ssocket"], ["-s", "./socket"], ["--socket", socket], ["-s", "x", "-s", socket]])
    assert.deepEqual(await place.run([...args, "status"]), fineOutcome, args.join(" "));
  assert.deepEqual(await place.run(["status"], { SHEPHERD_SOCKET: "" }), clientOf("status"));
  const long = `/${"x".repeat(120)}`;
  assert.deepEqual(await place.run(["-s", long, "status"]), clientOf("-s", long, "status"));
});

test("what is not for the launcher is the client's, with the same arguments", async (t) => {
  const place = new Place(t);
  await place.daemon(t, (socket) => socket.end(fine));
  const lines: readonly (readonly string[])[] = [
    [],
    ["--help"],
    ["--version"],
    ["-h"],
    ["start"],
    ["doc"],
    ["detailed-status"],
    ["graph"],
    ["log"],
    ["log", "web"],
    ["verify", "x.service"],
    ["attach", "web"],
    ["upgrade", "keeper"],
    ["stop", "root", "x"],
    ["restart", "shepherd"],
    ["eval", "root", "1"],
    ["status", "--js"],
    ["status", "--json=1"],
    ["status", "-n", "x"],
    ["status", "-n"],
    ["status", "-n", "1234567890"],
    ["status", "web", "-f"],
    ["status", "--", "web"],
    ["status", "-"],
    ["status", "-s"],
    ["status", "--json", "-s"],
    ["schedule", "timer", "at", "1:00", "--", "x"],
    ["act", "web", "x".repeat(70_000), "x".repeat(70_000)],
    ["act", "web", ...Array.from({ length: 600 }, () => "x")],
  ];
  for (const line of lines) {
    const { status, stdout, stderr } = await place.herd(...line);
    assert.deepEqual({ status, stdout, stderr }, clientOf("-s", place.socket, ...line));
  }
  assert.equal(place.connections, 0);
  for (const line of [
    ["status", "root"],
    ["doc", "shepherd"],
    ["stop", "root"],
    ["start", "x"],
    ["reload", "x", "y"],
  ])
    assert.deepEqual(await place.herd(...line), fineOutcome, line.join(" "));
});

test("where no daemon says hello, the client is run at once", async (t) => {
  const place = new Place(t);
  const asked = ["-s", place.socket, "status"];
  assert.deepEqual(await place.herd("status"), clientOf(...asked));
  // GNU's shepherd, or ours when its second socket was refused.
  await place.listen(t, () => assert.fail("the control socket is not for the launcher"), "");
  assert.deepEqual(await place.herd("status"), clientOf(...asked));
  const otherVersion = Buffer.from(hello);
  otherVersion.writeUInt32LE(2, 8);
  const greetings: readonly (Buffer | string)[] = [
    "",
    "SHEP",
    "(reply (version 0) (result ()) (error #f) (messages ()))",
    "x".repeat(100_000),
    hello.subarray(0, -1),
    otherVersion,
    encodeLauncherHello("TZ=Asia/Tokyo"),
    encodeLauncherHello("localtime none"),
  ];
  for (const greeting of greetings) {
    let heard = 0;
    const server = await place.listen(t, (socket) => {
      socket.on("data", (chunk: Buffer) => {
        heard += chunk.length;
      });
      socket.end(greeting);
    });
    const what = JSON.stringify(String(greeting).slice(0, 60));
    assert.deepEqual(await place.herd("status"), clientOf(...asked), what);
    await new Promise((resolve) => server.close(resolve));
    assert.equal(heard, 0, what);
    assert.equal(existsSync(join(place.directory, "lost")), false, what);
  }
  // A file that is left behind.
  rmSync(`${place.socket}.herd`, { force: true });
  mkdirSync(`${place.socket}.herd`);
  assert.deepEqual(await place.herd("status"), clientOf(...asked));
});

test("a daemon that is silent is given half a second, once", async (t) => {
  const place = new Place(t);
  const sockets: Socket[] = [];
  await place.listen(t, (socket) => sockets.push(socket.resume()));
  const begun = performance.now();
  assert.deepEqual(await place.herd("status"), clientOf("-s", place.socket, "status"));
  assert.ok(performance.now() - begun >= 495);
  assert.equal(place.connections, 1);
  assert.equal(sockets[0]?.bytesRead, 0);
});

test("hello and answer may come in any pieces", async (t) => {
  const place = new Place(t);
  const dribble = async (socket: Socket, bytes: Buffer): Promise<void> => {
    for (const byte of bytes) {
      socket.write(Buffer.of(byte));
      await delay(1);
    }
  };
  const answer = Buffer.concat([message((one) => one.output("one\n")), fine]);
  await place.listen(t, (socket) => {
    socket.setNoDelay(true);
    dribble(socket, hello).catch(() => undefined);
    socket.once("data", () => void dribble(socket, answer));
  });
  assert.deepEqual(await place.herd("status"), { ...fineOutcome, stdout: "one\nfine\n" });
});

test("output, errors and status are the daemon's, and lines are shown as they come", async (t) => {
  const place = new Place(t);
  let finish = (): void => assert.fail("it was not asked");
  await place.daemon(t, (socket) => {
    socket.write(message((one) => one.output("first\n")));
    finish = () =>
      void socket.end(
        message((one) => {
          one.errors("bad\n");
          one.output("x".repeat(3_000_000));
          one.status(1);
        }),
      );
  });
  const child = spawn(join(project.native("none"), "herd"), ["-s", place.socket, "start", "web"], {
    env: place.environment,
  });
  let seen = "";
  let errors = "";
  child.stderr.on("data", (text) => {
    errors += String(text);
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  await new Promise<void>((resolve) =>
    child.stdout.on("data", (text) => {
      seen += String(text);
      if (seen.startsWith("first\n")) resolve();
    }),
  );
  assert.equal(seen, "first\n");
  finish();
  assert.equal(await ended, 1);
  assert.deepEqual([seen.length, errors], [3_000_006, "bad\n"]);
});

test("a daemon that is lost: the client goes on with that request, and knows what was shown", async (t) => {
  const streamed = message((one) => {
    one.shown("one");
    one.output("one\n");
    one.shown("not written");
    one.errors("");
    one.shown("two");
    one.output("2\n");
  });
  const part = Buffer.concat([streamed, fine.subarray(0, -1)]);
  const unknown = Buffer.concat([streamed, Buffer.from([8, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0])]);
  const tooLong = Buffer.concat([streamed, Buffer.from([255, 255, 255, 255])]);
  for (const answer of [Buffer.alloc(0), streamed, part, unknown, tooLong]) {
    const place = new Place(t);
    await place.daemon(t, (socket) => void socket.write(answer, () => socket.destroy()));
    const { status, stdout, stderr } = await place.herd("start", "web");
    const shown = answer.length === 0 ? "" : "one\n2\n";
    const client = clientOf("-s", place.socket, "start", "web");
    assert.deepEqual({ status, stdout, stderr }, { ...client, stdout: shown + client.stdout });
    assert.deepEqual(
      decodeLostRequest(Buffer.from(readFileSync(join(place.directory, "lost"), "utf8"), "hex")),
      {
        id: place.requests[0]?.id,
        shown: answer.length === 0 ? [] : ["one", "not written", "two"],
      },
    );
    // It is never sent twice.
    assert.equal(place.requests.length, 1);
  }
});

test("output that nobody reads is dropped, and what cannot be written is told, as by the client", async (t) => {
  const place = new Place(t);
  await place.daemon(t, (socket) => socket.end(fine));
  const outcomes = {
    '"$@" >&-': { status: 0, stdout: "", stderr: "" },
    '"$@" <&- >&- 2>&-': { status: 0, stdout: "", stderr: "" },
    '{ until [ -e gone ]; do sleep 0.01; done; "$@"; echo $? >&2; } | { exec <&-; : > gone; }': {
      status: 0,
      stdout: "",
      stderr: "0\n",
    },
    '"$@" >/dev/full': {
      status: 1,
      stdout: "",
      stderr: "herd: error: cannot write to standard output: No space left on device\n",
    },
  };
  for (const [script, expected] of Object.entries(outcomes))
    assert.deepEqual(await place.shell(script, "status"), expected, script);
});

test("without Node it says so, as a shell would by its status", async (t) => {
  const place = new Place(t);
  assert.deepEqual(await place.run(["--help"], { SHEPHERD_NODE: "/nowhere/node" }), {
    status: 127,
    stdout: "",
    stderr: "herd: error: cannot run /nowhere/node: No such file or directory\n",
  });
});

test("bin/herd runs the launcher through symbolic links, and the client where there is none", async (t) => {
  const place = new Place(t);
  await place.daemon(t, (socket) => socket.end(fine));
  const link = join(place.directory, "herd");
  symlinkSync(join(project.bin, "herd"), join(place.directory, "real"));
  symlinkSync("real", link);
  const options = { env: place.environment, cwd: place.directory };
  assert.deepEqual(await run(link, ["-s", place.socket, "status"], options), fineOutcome);
  for (const name of ["bin", "dist"]) mkdirSync(join(place.directory, name));
  const copy = join(place.directory, "bin", "herd");
  assert.equal((await run("cp", [join(project.bin, "herd"), copy])).status, 0);
  assert.deepEqual(await run(copy, ["status"], options), clientOf("status"));
});
