// The connection to the keeper against a scripted peer that speaks raw frames over a socket.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openKeeper } from "../../../src/daemon/keeper/client.js";
import { frameLimit } from "../../../src/daemon/keeper/frame.js";
import type { Keeper, KeeperEvent } from "../../../src/daemon/keeper/types.js";
import { parseFrames, type RawFrame, type RawItem, rawFrame } from "./raw.js";

const keeperRecord: RawItem = {
  type: 64,
  fields: [
    [10, 1n],
    [12, 1n],
    [48, 1n],
    [64, 0n],
    [67, "test"],
    [68, 0n],
    [69, ""],
    [70, 0n],
  ],
};
const note = (key: string): RawItem => ({
  type: 67,
  fields: [
    [45, key],
    [46, "value"],
  ],
});
const timerFired = (number: bigint, id = "t"): RawItem => ({
  type: 133,
  fields: [
    [50, number],
    [48, 1n],
    [10, id],
  ],
});
const done = (type: number): RawItem => ({ type, fields: [[1, 0n]] });

/** The keeper's end of the control channel. */
class Peer {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #frames: RawFrame[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      const { frames, rest } = parseFrames(Buffer.concat([this.#bytes, chunk]));
      this.#frames.push(...frames);
      this.#bytes = rest;
      socket.emit("frame");
    });
    socket.on("error", () => undefined);
  }

  async next(): Promise<RawFrame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      await once(this.socket, "frame");
    }
  }

  /** Answers hello; `more` leaves in the same write. */
  async greet(more: readonly Buffer[] = []): Promise<void> {
    const hello = await this.next();
    assert.deepEqual(
      hello.items.map(({ type }) => type),
      [1],
    );
    this.socket.write(
      Buffer.concat([
        rawFrame(4, 0, [keeperRecord, note("a")]),
        rawFrame(4, 0, [note("b")]),
        rawFrame(2, hello.tag, [
          {
            type: 1,
            fields: [
              [1, 0n],
              [10, 1n],
            ],
          },
        ]),
        ...more,
      ]),
    );
  }
}

/** Two connected Unix sockets, gone when the test is over. */
async function socketPair(context: TestContext): Promise<readonly [Socket, Peer]> {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-client-"));
  const server = createServer();
  server.listen(join(directory, "socket"));
  await once(server, "listening");
  const near = connect(join(directory, "socket"));
  const [far] = (await once(server, "connection")) as [Socket];
  context.after(() => {
    near.destroy();
    far.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return [near, new Peer(far)];
}

async function connected(
  context: TestContext,
  more: readonly Buffer[] = [],
): Promise<readonly [Keeper, Peer, Socket]> {
  const [near, peer] = await socketPair(context);
  const [keeper] = await Promise.all([openKeeper(near), peer.greet(more)]);
  return [keeper, peer, near];
}

test("hello resolves with the whole inventory", async (context) => {
  const [keeper] = await connected(context);
  assert.equal(keeper.inventory.keeper.release, "test");
  assert.deepEqual([...keeper.inventory.notes.keys()], ["a", "b"]);
});

test("results are matched by tag, in whatever order they come", async (context) => {
  const [keeper, peer] = await connected(context);
  const first = keeper.send([{ op: "pipe", name: "1" }]);
  const second = keeper.send([{ op: "close", name: "2" }, { op: "hibernate" }], { stopOnError: true });
  const frames = [await peer.next(), await peer.next()];
  assert.deepEqual(
    frames.map(({ flags, items }) => [flags, items.map(({ type }) => type)]),
    [
      [0, [6]],
      [1, [12, 25]],
    ],
  );
  peer.socket.write(
    rawFrame(2, frames[1]?.tag ?? 0, [
      done(12),
      {
        type: 25,
        fields: [
          [1, 16n],
          [2, "hibernate"],
        ],
      },
    ]),
  );
  assert.deepEqual(await second, [
    { errno: 0, text: "" },
    { errno: 16, text: "hibernate" },
  ]);
  peer.socket.write(rawFrame(2, frames[0]?.tag ?? 0, [done(6)]));
  assert.deepEqual(await first, [{ errno: 0, text: "" }]);
});

test("an empty list of requests is answered without a frame", async (context) => {
  const [keeper, peer] = await connected(context);
  assert.deepEqual(await keeper.send([]), []);
  void keeper.send([{ op: "hibernate" }]).catch(() => undefined);
  assert.deepEqual(
    (await peer.next()).items.map(({ type }) => type),
    [25],
  );
});

test("events that came before there was a receiver are delivered first, in order", async (context) => {
  const [keeper, peer] = await connected(context, [
    rawFrame(3, 0, [timerFired(1n), timerFired(2n)]),
    rawFrame(3, 0, [timerFired(3n)]),
  ]);
  const answered = keeper.send([{ op: "hibernate" }]);
  peer.socket.write(rawFrame(2, (await peer.next()).tag, [done(25)]));
  await answered;
  const seen: bigint[] = [];
  const fifth = new Promise<void>((resolve) => {
    keeper.onEvent(({ event }) => {
      seen.push(event);
      if (event === 5n) resolve();
    });
  });
  assert.deepEqual(seen, [1n, 2n, 3n]);
  peer.socket.write(Buffer.concat([rawFrame(3, 0, [timerFired(4n)]), rawFrame(3, 0, [timerFired(5n)])]));
  await fifth;
  assert.deepEqual(seen, [1n, 2n, 3n, 4n, 5n]);
});

test("whoever awaits a result sees it before the events that followed it in the same read", async (context) => {
  const [keeper, peer] = await connected(context);
  const order: string[] = [];
  const lastEvent = new Promise<KeeperEvent>((resolve) => {
    keeper.onEvent((event) => {
      order.push(`event ${event.event}`);
      if (event.event === 2n) resolve(event);
    });
  });
  const exchange = async (name: string) => {
    const results = await keeper.send([{ op: "pipe", name }]);
    await Promise.resolve(results);
    order.push(`result ${name}`);
  };
  const exchanges = [exchange("a"), exchange("b")];
  const [a, b] = [await peer.next(), await peer.next()];
  peer.socket.write(
    Buffer.concat([
      rawFrame(2, a.tag, [done(6)]),
      rawFrame(3, 0, [timerFired(1n)]),
      rawFrame(2, b.tag, [done(6)]),
      rawFrame(3, 0, [timerFired(2n)]),
    ]),
  );
  await Promise.all([...exchanges, lastEvent]);
  assert.deepEqual(order, ["result a", "event 1", "result b", "event 2"]);
});

test("a frame that is too large is refused before anything is sent", async (context) => {
  const [keeper, peer] = await connected(context);
  await assert.rejects(
    keeper.send([
      { op: "pipe", name: "never" },
      { op: "put-note", key: "k", value: new Uint8Array(frameLimit) },
    ]),
    { message: "encode request put-note: value: the frame is longer than 1048576 bytes" },
  );
  void keeper.send([{ op: "delete-note", key: "next" }]).catch(() => undefined);
  assert.deepEqual(
    (await peer.next()).items.map(({ type }) => type),
    [17],
  );
});

test("a frame of the largest size arrives whole", async (context) => {
  const [keeper, peer] = await connected(context);
  void keeper
    .send([{ op: "put-note", key: "k", value: new Uint8Array(frameLimit - 33) }])
    .catch(() => undefined);
  assert.equal((await peer.next()).items[0]?.fields[1]?.[1].length, frameLimit - 33);
});

test("end of file rejects what waits and is told once", async (context) => {
  const [keeper, peer] = await connected(context);
  const reasons: string[] = [];
  const lost = new Promise<Error>((resolve) => {
    keeper.onLost((reason) => {
      reasons.push(reason.message);
      resolve(reason);
    });
  });
  const waiting = keeper.send([{ op: "hibernate" }]);
  await peer.next();
  peer.socket.end();
  await assert.rejects(waiting, { message: "lost the keeper: end of file" });
  await lost;
  await assert.rejects(keeper.send([{ op: "hibernate" }]), { message: "lost the keeper: end of file" });
  assert.deepEqual(reasons, ["lost the keeper: end of file"]);
  const again = await new Promise<Error>((resolve) => keeper.onLost(resolve));
  assert.equal(again.message, "lost the keeper: end of file");
});

/** What the daemon says when the keeper sends this after hello. */
async function reasonFor(context: TestContext, bytes: (tag: number) => Buffer): Promise<string> {
  const [keeper, peer] = await connected(context);
  const lost = new Promise<Error>((resolve) => keeper.onLost(resolve));
  const waiting = keeper.send([{ op: "pipe", name: "p" }]);
  peer.socket.write(bytes((await peer.next()).tag));
  await assert.rejects(waiting, /^Error: lost the keeper/);
  return (await lost).message;
}

test("garbage and answers nobody asked for lose the keeper, with the reason", async (context) => {
  assert.equal(
    await reasonFor(context, () => Buffer.from([1, 0, 0, 0])),
    "lost the keeper: frame of length 1",
  );
  assert.equal(
    await reasonFor(context, (tag) => rawFrame(2, tag + 1, [done(6)])),
    "lost the keeper: results for the unknown tag 2",
  );
  for (const items of [[], [done(7)], [done(6), done(6)]])
    assert.equal(
      await reasonFor(context, (tag) => rawFrame(2, tag, items)),
      "lost the keeper: results that do not answer the requests of tag 1",
    );
  assert.equal(
    await reasonFor(context, () => rawFrame(4, 0, [keeperRecord])),
    "lost the keeper: inventory after the answer to hello",
  );
  assert.equal(
    await reasonFor(context, () => rawFrame(3, 0, [timerFired(1n), done(250)])),
    "lost the keeper: event of unknown type 250",
  );
});

test("nothing is delivered after the keeper was lost", async (context) => {
  const [keeper, peer] = await connected(context);
  const seen: bigint[] = [];
  keeper.onEvent(({ event }) => seen.push(event));
  const lost = new Promise<Error>((resolve) => keeper.onLost(resolve));
  peer.socket.write(
    Buffer.concat([rawFrame(3, 0, [timerFired(1n)]), rawFrame(4, 0, []), rawFrame(3, 0, [timerFired(2n)])]),
  );
  await lost;
  assert.deepEqual(seen, [1n]);
});

test("a hello that fails rejects the connection", async (context) => {
  const answers: readonly (readonly [(tag: number) => Buffer, string])[] = [
    [
      (tag) =>
        rawFrame(2, tag, [
          {
            type: 1,
            fields: [
              [1, 71n],
              [2, "hello version 1"],
            ],
          },
        ]),
      "lost the keeper: hello: hello version 1: Protocol error",
    ],
    [
      (tag) =>
        rawFrame(2, tag, [
          {
            type: 1,
            fields: [
              [1, 0n],
              [10, 1n],
            ],
          },
        ]),
      "lost the keeper: inventory with 0 records of the keeper",
    ],
    [() => rawFrame(3, 0, [timerFired(1n)]), "lost the keeper: events before the answer to hello"],
    [() => Buffer.from("garbage!"), "lost the keeper: frame of length 1651663207"],
  ];
  for (const [answer, message] of answers) {
    const [near, peer] = await socketPair(context);
    const opening = openKeeper(near);
    peer.socket.write(answer((await peer.next()).tag));
    await assert.rejects(opening, { message });
  }
  const [near, peer] = await socketPair(context);
  const opening = openKeeper(near);
  peer.socket.end();
  await assert.rejects(opening, { message: "lost the keeper: end of file" });
});

test("a keeper that does not read is given up before the backlog exhausts the memory", async (context) => {
  const [keeper, peer] = await connected(context);
  peer.socket.pause();
  const value = new Uint8Array(frameLimit - 64);
  const outcomes: Promise<string>[] = [];
  for (let count = 0; count < 80; count += 1)
    outcomes.push(
      keeper.send([{ op: "put-note", key: "k", value }]).then(
        () => "answered",
        (error: unknown) => String(error),
      ),
    );
  assert.match(await Promise.race(outcomes), /^Error: send to the keeper: it has left [0-9]+ bytes unread$/);
});
