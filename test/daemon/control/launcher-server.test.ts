// The socket of herd's launcher, from the daemon's side: what it takes, what it refuses, and what it keeps.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { LauncherServer } from "../../../src/daemon/control/launcher-server.js";
import type { ControlHandler } from "../../../src/daemon/control/server.js";
import { runInDaemon } from "../../../src/herd/in-daemon.js";
import { encodeFields, FieldReader } from "../../../src/protocol/fields.js";
import { encodeLauncherHello, requestLimit } from "../../../src/protocol/launcher.js";
import { type Command, encodeReply } from "../../../src/protocol/messages.js";
import { writeSexp } from "../../../src/protocol/sexp-writer.js";
import { waitFor } from "../../support/wait.js";

type Load = ConstructorParameters<typeof LauncherServer>[2];

interface Daemon {
  readonly path: string;
  readonly log: string[];
  readonly commands: Command[];
  readonly served: Command[];
  readonly server: LauncherServer;
}

const fine = encodeReply({ result: [true], messages: ["done"] });

async function daemon(
  context: TestContext,
  serve: ControlHandler["serve"] = async () => fine,
  load: Load = async () => ({ runInDaemon }),
): Promise<Daemon> {
  const directory = mkdtempSync(join(tmpdir(), "launcher-"));
  const path = join(directory, "socket");
  const log: string[] = [];
  const commands: Command[] = [];
  const served: Command[] = [];
  const handler: ControlHandler = {
    serve: (command, tell) => {
      commands.push(command);
      return serve(command, tell);
    },
    served: (command) => void served.push(command),
    log: (line) => void log.push(line),
  };
  const server = new LauncherServer(handler, () => "TZ=UTC", load);
  const end = new AbortController();
  await server.listen({ path, signal: end.signal });
  context.after(() => {
    end.abort();
    rmSync(directory, { recursive: true, force: true });
  });
  return { path, log, commands, served, server };
}

const words = (fields: Readonly<Record<number, string | number>>, operands: readonly string[]): Buffer => {
  const body = encodeFields([
    ...operands.map((word) => [1, Buffer.from(word)] as const),
    ...Object.entries(fields).map(
      ([tag, value]) => [Number(tag), typeof value === "number" ? value : Buffer.from(value)] as const,
    ),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
};
const request = (...operands: readonly string[]) => words({ 2: "/tmp", 4: 0, 7: "an-id" }, operands);

interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly status?: number;
}

/** All that came after the hello, as the launcher takes it. */
function decode(bytes: Buffer): Answer {
  const hello = encodeLauncherHello("TZ=UTC");
  assert.deepEqual(bytes.subarray(0, hello.length), hello);
  const answer = { stdout: "", stderr: "" } as { stdout: string; stderr: string; status?: number };
  for (let rest = bytes.subarray(hello.length); rest.length > 0; ) {
    const end = 4 + rest.readUInt32LE(0);
    const reader = new FieldReader(rest.subarray(4, end));
    for (const part of [...reader.list(1), ...reader.list(5)]) answer.stdout += String(part);
    for (const part of reader.list(2)) answer.stderr += String(part);
    reader.list(3);
    const status = reader.optionalInteger(4);
    if (status !== undefined) answer.status = status;
    reader.end();
    rest = rest.subarray(end);
  }
  return answer;
}

function exchange(path: string, ...pieces: readonly Buffer[]): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(path, () => {
      for (const piece of pieces) socket.write(piece);
    });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Buffer.concat(chunks)));
  });
}

test("a request is carried out as the client's would be, and told to have been served", async (t) => {
  const { path, commands, served, log } = await daemon(t, async (_, tell) => {
    tell?.("first");
    return fine;
  });
  const bytes = request("act", "web", "a b");
  const answer = decode(await exchange(path, bytes.subarray(0, 3), bytes.subarray(3, 9), bytes.subarray(9)));
  assert.deepEqual(answer, { stdout: "first\ndone\n", stderr: "", status: 0 });
  const [command] = commands;
  assert.equal(
    writeSexp([command?.action ?? "", command?.service ?? "", command?.arguments ?? []]),
    '(act web ("a b"))',
  );
  assert.deepEqual([command?.directory, command?.stream, command?.id], ["/tmp", true, "an-id"]);
  assert.deepEqual([served, log], [commands, []]);
});

test("mistakes and errors are told as by the client", async (t) => {
  const error = { kind: "service-not-found", service: "x" } as const;
  const { path } = await daemon(t, async () => encodeReply({ result: false, error, messages: [] }));
  assert.deepEqual(decode(await exchange(path, request("start"))), {
    stdout: "",
    stderr: "Usage: herd ACTION [SERVICE [OPTIONS...]]\n",
    status: 1,
  });
  assert.deepEqual(decode(await exchange(path, request("act", "x"))), {
    stdout: "",
    stderr: "herd: error: service 'x' could not be found\n",
    status: 1,
  });
});

test("a reply of megabytes is not read in one turn", async (t) => {
  const { path } = await daemon(t, async () =>
    encodeReply({ result: ["x".repeat(1_000_000)], messages: [] }),
  );
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 0);
  const bytes = await exchange(path, words({ 2: "/", 4: 0, 5: 1, 7: "an-id" }, ["act", "web"]));
  clearInterval(timer);
  const answer = decode(bytes);
  assert.equal((JSON.parse(answer.stdout) as { result: string[] }).result[0]?.length, 1_000_000);
  assert.ok(turns > 0);
});

test("what is no request is refused, and said in the log", async (t) => {
  const { path, commands, log } = await daemon(t);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(requestLimit + 1);
  const wrong = [
    length,
    words({}, []),
    words({ 2: "/", 4: 0 }, ["status"]),
    words({ 2: "/", 4: 0, 7: "no/id" }, ["status"]),
    words({ 2: "/", 4: 0, 7: "id", 3: "=x" }, ["status"]),
    words({ 2: "/", 4: 0, 7: "id", 99: "x" }, ["status"]),
    Buffer.from([4, 0, 0, 0, 1, 0, 0, 0]),
  ];
  for (const bytes of wrong)
    assert.deepEqual(
      await exchange(path, bytes),
      encodeLauncherHello("TZ=UTC"),
      bytes.toString("hex").slice(0, 40),
    );
  assert.equal(commands.length, 0);
  assert.equal(log.length, wrong.length);
});

test("where the code cannot be loaded there is no hello; it is tried again", async (t) => {
  let attempts = 0;
  const { path, log } = await daemon(
    t,
    async () => fine,
    async () => {
      attempts += 1;
      if (attempts === 1) throw new Error("no such bundle");
      return { runInDaemon };
    },
  );
  assert.equal((await exchange(path)).length, 0);
  assert.deepEqual(log, ["launcher socket: no such bundle"]);
  assert.equal(decode(await exchange(path, request("act", "web"))).status, 0);
});

test("a request that could not be served ends without an answer: the client finds out", async (t) => {
  const { path, served, log } = await daemon(t, async () => {
    throw new Error("no keeper");
  });
  assert.deepEqual(decode(await exchange(path, request("act", "web"))), { stdout: "", stderr: "" });
  assert.deepEqual([served, log], [[], ["launcher socket: no keeper"]]);
});

test("a mistake in the client's code is told, and is no end of anything", async (t) => {
  const run: typeof runInDaemon = async () => {
    throw new Error("mistake");
  };
  const { path } = await daemon(
    t,
    async () => fine,
    async () => ({ runInDaemon: run }),
  );
  const { stdout, stderr, status } = decode(await exchange(path, request("act", "web")));
  assert.deepEqual([stdout, status], ["", 1]);
  assert.match(stderr, /^herd: error: Error: mistake\n {4}at /);
});

test("as many are served at a time, and as many may be silent; the others hear no hello", async (t) => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { path, commands, server } = await daemon(t, async () => {
    await held;
    return fine;
  });
  const busy = Array.from({ length: 128 }, () => exchange(path, request("act", "web")));
  await waitFor("all are being served", () => commands.length === 128);
  assert.equal((await exchange(path)).length, 0);
  let drained = false;
  const draining = server.drained(20_000).then(() => {
    drained = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(drained, false);
  release();
  for (const bytes of await Promise.all(busy)) assert.equal(decode(bytes).status, 0);
  await draining;

  const sockets: Socket[] = [];
  const greeted = (): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(path);
      socket.on("error", () => undefined);
      socket.once("data", () => resolve(socket));
      sockets.push(socket);
    });
  const [first] = await Promise.all([greeted()]);
  for (let count = 0; count < 128; count += 1) await greeted();
  await waitFor("the first has lost its place", () => first?.destroyed);
  assert.equal(decode(await exchange(path, request("act", "web"))).status, 0);
  for (const socket of sockets) socket.destroy();
});

test("a client that reads nothing of much loses its connection", async (t) => {
  let isOver = false;
  const { path, served } = await daemon(t, async (_, tell) => {
    for (let count = 0; count < 4000; count += 1) {
      tell?.("x".repeat(10_000));
      if (count % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    isOver = true;
    return fine;
  });
  const socket = connect(path, () => socket.write(request("act", "web")));
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.pause();
  await waitFor("all was said", () => isOver);
  let length = 0;
  socket.on("data", (chunk: Buffer) => {
    length += chunk.length;
  });
  socket.resume();
  await closed;
  assert.ok(length < 20_000_000, `${length} bytes`);
  assert.deepEqual(served, []);
});
