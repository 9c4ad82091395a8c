// What the keeper holds besides processes: pipes, sockets, datagrams, slots; handed on, watched, received.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  closeSync,
  existsSync,
  constants as files,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { run } from "../../support/run.js";
import { waitFor } from "../../support/wait.js";
import { skip, withBed } from "./bed.js";

const {
  EAGAIN,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EBUSY,
  EEXIST,
  EINVAL,
  ELOOP,
  ENAMETOOLONG,
  ENODEV,
  ENOENT,
  ENOTSOCK,
  EPERM,
} = constants.errno;

/** Everything that a server says until it closes. */
async function answerOf(target: string | number): Promise<string> {
  const client = typeof target === "string" ? connect(target) : connect(target, "127.0.0.1");
  let text = "";
  client.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(client, "close");
  return text;
}

/** Node has no Unix datagrams: a line of Python sends one, with descriptors if asked. */
async function sendDatagram(path: string, data: string, descriptors = 0): Promise<void> {
  const script = [
    "import socket, sys, os",
    "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "s.connect(sys.argv[1])",
    "fds = [os.memfd_create('sent') for _ in range(int(sys.argv[3]))]",
    "for fd in fds: os.write(fd, b'inside')",
    "socket.send_fds(s, [sys.argv[2].encode()], fds)",
  ].join("\n");
  const { status, stderr } = await run("/usr/bin/env", [
    "python3",
    "-c",
    script,
    path,
    data,
    `${descriptors}`,
  ]);
  assert.equal(status, 0, stderr);
}

describe("descriptors", { skip, concurrency: 2 }, () => {
  it("a pipe keeps what was written, whoever has gone, and belongs to its user", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ok({ op: "pipe", name: "log/one", uid: 65534, gid: 65534 });
      const out = [{ target: 1, source: { name: "log/one" } }];
      await agent.run("writer", ["sh", "-c", "echo kept; stat -Lc %u:%g /proc/self/fd/1"], {
        descriptors: out,
      });
      await agent.event("child-ended");
      await bed.killAgent(agent);
      const next = await bed.agent();
      assert.ok(next.inventory.descriptors.some(({ name, kind }) => name === "log/one" && kind === "pipe"));
      const file = join(bed.directory, "out");
      await next.run("reader", ["sh", "-c", `head -n 2 > ${file}; echo again >&0`], {
        descriptors: [{ target: 0, source: { name: "log/one" } }],
      });
      await next.event("child-ended", ({ id }) => id === "reader");
      assert.equal(readFileSync(file, "utf8"), "kept\n65534:65534\n");
    }));

  it("a watched one is told readable once, and again after the acknowledgement", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ok({ op: "pipe", name: "p" });
      await agent.ok({ op: "watch", name: "p", on: true });
      const write = (id: string) =>
        agent.run(id, ["sh", "-c", "echo x"], { descriptors: [{ target: 1, source: { name: "p" } }] });
      await write("a");
      const readable = await agent.event("readable");
      await write("b");
      await agent.event("child-ended", ({ id }) => id === "b");
      assert.equal(agent.events.filter(({ type }) => type === "readable").length, 1);
      await agent.acknowledge(readable);
      const again = await agent.event("readable", ({ event }) => event !== readable.event);
      await agent.ok({ op: "watch", name: "p", on: false });
      await agent.refused({ op: "acknowledge", event: again.event }, ENOENT, /no such event/);
    }));

  it("names are taken once, the keeper's own never", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ok({ op: "memory-file", name: "m", size: 4096 });
      await agent.refused({ op: "pipe", name: "m" }, EEXIST, /taken/);
      await agent.refused({ op: "pipe", name: "log/daemon" }, EPERM, /keeper's/);
      await agent.refused({ op: "pipe", name: "slot/1" }, EPERM, /keeper's/);
      await agent.refused({ op: "close", name: "log/daemon" }, EPERM, /keeper's/);
      await agent.ok({ op: "close", name: "m" });
      await agent.refused({ op: "close", name: "m" }, ENOENT, /descriptor m/);
    }));

  it("opening a FIFO without a peer does not hold the keeper up", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const fifo = join(bed.directory, "fifo");
      assert.equal((await run("mkfifo", [fifo])).status, 0);
      await agent.ok({ op: "open", name: "fifo", path: fifo, flags: 0 });
      const [write] = await agent.send([{ op: "open", name: "w", path: "/no/such", flags: 1 }]);
      assert.equal(write?.errno, ENOENT);
      assert.equal(write?.text, "open /no/such");
    }));

  it("a Unix listener replaces a stale socket file, but neither a living one nor a file", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const path = join(bed.directory, "deep/er/socket");
      const listen = { op: "listen", name: "l", family: "unix", address: path, type: "stream" } as const;
      await agent.refused(listen, ENOENT, /bind/);
      await agent.ok({ ...listen, directoryMode: 0o700, mode: 0o640, uid: 65534 });
      const { mode, uid } = statSync(path);
      assert.deepEqual([mode & 0o7777, uid, statSync(join(path, "..")).mode & 0o777], [0o640, 65534, 0o700]);
      await agent.refused({ ...listen, name: "l2" }, EADDRINUSE, /bind/);
      await agent.ok({ op: "close", name: "l" });
      assert.ok(existsSync(path));
      await agent.ok({ ...listen, name: "l2" });
      await agent.ok({ op: "close", name: "l2", unlink: true });
      assert.equal(existsSync(path), false);
      writeFileSync(path, "precious");
      await agent.refused(listen, EADDRINUSE, /bind/);
      assert.equal(readFileSync(path, "utf8"), "precious");
      await agent.refused({ ...listen, address: `/${"x".repeat(120)}` }, ENAMETOOLONG, /bind/);
      await agent.ok({ ...listen, address: `@${bed.directory}` });
    }));

  it("a FIFO is made with its directories, mode and owner, and found again", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const path = join(bed.directory, "deep/er/fifo");
      const flags = files.O_RDWR;
      const open = { op: "open", name: "f", path, flags, mode: 0o620, fifo: true, uid: 65534 } as const;
      await agent.refused(open, ENOENT, /make FIFO/);
      await agent.ok({ ...open, directoryMode: 0o711 });
      const status = statSync(path);
      assert.ok(status.isFIFO());
      assert.deepEqual([status.mode & 0o7777, status.uid], [0o620, 65534]);
      assert.equal(statSync(join(path, "..")).mode & 0o777, 0o711);
      await agent.ok({ op: "watch", name: "f", on: true });
      const writer = openSync(path, files.O_WRONLY | files.O_NONBLOCK);
      writeSync(writer, "x");
      closeSync(writer);
      assert.equal((await agent.event("readable")).name, "f");
      await agent.ok({ op: "close", name: "f" });
      assert.ok(existsSync(path));
      await agent.ok({ ...open, name: "f2", mode: 0o600 });
      assert.equal(statSync(path).mode & 0o7777, 0o600);
      await agent.ok({ op: "close", name: "f2", unlink: true });
      assert.equal(existsSync(path), false);
    }));

  it("what is no FIFO, or another user's, is not opened as one", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const path = join(bed.directory, "fifo");
      const open = { op: "open", name: "f", path, flags: files.O_RDWR, fifo: true } as const;
      writeFileSync(path, "precious");
      await agent.refused(open, EEXIST, /it is none/);
      assert.equal(readFileSync(path, "utf8"), "precious");
      rmSync(path);
      assert.equal((await run("mkfifo", [`${path}.other`])).status, 0);
      symlinkSync(`${path}.other`, path);
      await agent.refused(open, ELOOP, /open/);
      rmSync(path);
      chownSync(`${path}.other`, 65534, 65534);
      await agent.refused({ ...open, path: `${path}.other` }, EEXIST, /belongs to user 65534/);
      await agent.ok({ ...open, path: `${path}.other`, uid: 65534 });
    }));

  it("a socket has the options that were set on it", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const listen = {
        op: "listen",
        name: "l",
        family: "ipv4",
        address: "127.0.0.1",
        port: 0,
        type: "stream",
      } as const;
      await agent.ok(listen);
      const [tcp, socket, keepAlive, congestion] = [6, 1, 9, 13];
      await agent.ok({ op: "set-option", name: "l", level: socket, option: keepAlive, amount: 1 });
      await agent.ok({
        op: "set-option",
        name: "l",
        level: tcp,
        option: congestion,
        value: Buffer.from("reno"),
      });
      await agent.refused(
        { op: "set-option", name: "l", level: tcp, option: congestion, value: Buffer.from("none such") },
        ENOENT,
        /option 13 of level 6 of l/,
      );
      await agent.refused({ op: "set-option", name: "l", level: 1, option: 9 }, EINVAL, /either/);
      await agent.refused({ op: "set-option", name: "no", level: 1, option: 9, amount: 1 }, ENOENT, /no/);
    }));

  it("an address that nobody has can be listened at, and one interface only", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const listen = { op: "listen", family: "ipv4", address: "192.0.2.1", port: 0, type: "stream" } as const;
      await agent.refused({ ...listen, name: "a" }, EADDRNOTAVAIL, /192.0.2.1/);
      await agent.ok({ ...listen, name: "a", freeBind: true });
      const six = { ...listen, family: "ipv6", address: "2001:db8::1" } as const;
      await agent.ok({ ...six, name: "b", freeBind: true });
      await agent.ok({ ...listen, name: "c", address: "127.0.0.1", interface: "lo" });
      await agent.refused(
        { ...listen, name: "d", address: "127.0.0.1", interface: "no-such" },
        ENODEV,
        /make a socket/,
      );
      await agent.ok({ ...six, name: "e", address: "::1%lo" });
      await agent.refused({ ...six, name: "f", address: "::1%" }, EINVAL, /no address/);
      await agent.refused({ ...six, name: "g", address: "::1%nosuch0" }, EINVAL, /no address/);
    }));

  it("TCP and UDP listeners report the port they got", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const listen = { op: "listen", family: "ipv4", address: "127.0.0.1", port: 0 } as const;
      const { port = 0 } = await agent.ok({ ...listen, name: "t", type: "stream" });
      assert.ok(port > 0);
      await agent.refused({ ...listen, name: "t2", type: "stream", port }, EADDRINUSE, /127.0.0.1 port/);
      await agent.ok({ ...listen, name: "u", type: "datagram" });
      await agent.ok({
        ...listen,
        name: "six",
        type: "stream",
        family: "ipv6",
        address: "::1",
        v6Only: true,
      });
      await agent.refused(
        { ...listen, name: "bad", type: "stream", address: "localhost" },
        EINVAL,
        /no address/,
      );
    }));

  it("accept, spawn and close are one step, and tell who connected", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const listen = {
        op: "listen",
        name: "l",
        family: "ipv4",
        address: "127.0.0.1",
        port: 0,
        type: "stream",
      } as const;
      const { port = 0 } = await agent.ok(listen);
      await agent.refused({ op: "accept", name: "l", connection: "c" }, EAGAIN, /accept at l/);
      await agent.refused({ op: "accept", name: "l", connection: "slot/c" }, EPERM, /keeper's/);
      await agent.ok({ op: "watch", name: "l", on: true });
      const answer = answerOf(port);
      await agent.event("readable");
      const [accepted, spawned, closed] = await agent.send(
        [
          { op: "accept", name: "l", connection: "c" },
          {
            op: "spawn",
            id: "server",
            spec: {
              arguments: ["/bin/sh", "-c", "echo $TCPREMOTEPORT"],
              descriptors: [{ target: 1, source: { name: "c" } }],
              socketEnvironment: "c",
            },
          },
          { op: "close", name: "c" },
        ],
        true,
      );
      assert.deepEqual([accepted?.errno, spawned?.errno, closed?.errno], [0, 0, 0]);
      assert.deepEqual([accepted?.local, accepted?.remote, accepted?.port], ["127.0.0.1", "127.0.0.1", port]);
      assert.equal(await answer, `${accepted?.remotePort}\n`);
    }));

  it("accept tells the credentials of a Unix peer", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const path = join(bed.directory, "s");
      await agent.ok({ op: "listen", name: "l", family: "unix", address: path, type: "stream" });
      const client = connect(path);
      await once(client, "connect");
      const accepted = await agent.ok({ op: "accept", name: "l", connection: "c" });
      assert.deepEqual([accepted.uid, accepted.gid, accepted.local], [0, 0, path]);
      client.destroy();
    }));

  it("pass hands descriptors and a message through a socket pair", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      await agent.ok({ op: "socket-pair", name: "orders", peer: "orders/peer", type: "seqpacket" });
      await agent.refused({ op: "socket-pair", name: "x", peer: "orders", type: "stream" }, EEXIST, /taken/);
      await agent.ok({ op: "pipe", name: "x" }); // the half that was made is gone
      const file = join(bed.directory, "got");
      const script = [
        "import socket, os, sys",
        "s = socket.socket(fileno=0)",
        "data, fds, _, _ = socket.recv_fds(s, 100, 10)",
        "os.write(fds[1], data + b' ' + str(len(fds)).encode())",
      ].join("\n");
      await agent.ok({ op: "open", name: "file", path: file, flags: 0o101, mode: 0o600 });
      await agent.run("receiver", ["python3", "-c", script], {
        descriptors: [{ target: 0, source: { name: "orders/peer" } }],
      });
      const pass = {
        op: "pass",
        through: "orders",
        names: ["x", "file"],
        data: Buffer.from("stream 1"),
      } as const;
      await agent.ok(pass);
      await agent.event("child-ended");
      assert.equal(readFileSync(file, "utf8"), "stream 1 2");
      await agent.refused({ ...pass, through: "x" }, ENOTSOCK, /through x/);
      await agent.refused({ ...pass, names: ["none"] }, ENOENT, /descriptor none/);
      const full = { ...pass, names: [], data: Buffer.alloc(60_000, "x") };
      for (let i = 0; ; i++) {
        const [result] = await agent.send([full]);
        if (result?.errno === EAGAIN) break;
        assert.ok(i < 100 && result?.errno === 0, "its buffer fills");
      }
    }));

  it("datagrams stay in the kernel until they are acknowledged, with who sent them and what came along", () =>
    withBed({}, async (bed) => {
      const first = await bed.agent();
      const path = join(bed.directory, "notify");
      await first.ok({ op: "notify-socket", name: "notify/one", path, mode: 0o666 });
      await sendDatagram(path, "READY=1");
      await sendDatagram(path, "FDSTORE=1", 2);
      const ready = await first.event("datagram");
      assert.equal(Buffer.from(ready.data).toString(), "READY=1");
      assert.deepEqual([ready.uid, ready.gid, ready.descriptors, ready.truncated], [0, 0, 0, false]);
      await bed.killAgent(first);
      const second = await bed.agent();
      const again = await second.event("datagram");
      assert.deepEqual(again, ready);
      await second.acknowledge(again);
      const stored = await second.event("datagram");
      assert.deepEqual([Buffer.from(stored.data).toString(), stored.descriptors], ["FDSTORE=1", 2]);
      await second.ok({ op: "pipe", name: "store.1" });
      await second.refused({ op: "acknowledge", event: stored.event, store: "store" }, EEXIST, /store\.1/);
      await second.refused(
        { op: "acknowledge", event: stored.event, store: "slot/store" },
        EPERM,
        /slot\/store.*keeper's/,
      );
      await second.ok({ op: "close", name: "store.1" });
      await second.acknowledge(stored, "store");
      const file = join(bed.directory, "out");
      await second.run("reader", ["sh", "-c", `cat /proc/self/fd/0 > ${file}`], {
        descriptors: [{ target: 0, source: { name: "store.1" } }],
      });
      await second.event("child-ended");
      assert.equal(readFileSync(file, "utf8"), "inside");
    }));

  it("a flood of datagrams with descriptors leaks none of them", () =>
    withBed({}, async (bed) => {
      const agent = await bed.agent();
      const path = join(bed.directory, "notify");
      await agent.ok({ op: "notify-socket", name: "n", path });
      const held = async (): Promise<number> =>
        (await run("ls", [`/proc/${await bed.pid}/fd`])).stdout.trim().split("\n").length;
      const before = await held();
      for (let i = 0; i < 5; i++) {
        await sendDatagram(path, `${i}`, 20);
        await agent.acknowledge(await agent.event("datagram"));
      }
      assert.equal(await held(), before);
    }));

  it("a client that connects to a slot while no daemon lives is answered by the next one", () =>
    withBed({}, async (bed) => {
      const first = await bed.agent();
      const path = join(bed.directory, "control");
      const slot = first.inventory.keeper.slots[0];
      assert.deepEqual(slot, { number: 0, descriptor: 4, family: "unix" });
      const listen = {
        op: "listen",
        name: "control",
        family: "unix",
        address: path,
        type: "stream",
        slot: 0,
      } as const;
      await first.refused({ ...listen, slot: 4 }, EBUSY, /slot 4/);
      await first.ok(listen);
      await first.refused({ ...listen, name: "c2", address: `${path}2` }, EBUSY, /slot 0/);
      await first.ask({ kind: "serve", descriptor: 4 });
      assert.equal(await answerOf(path), "0");
      process.kill(await bed.pid, 0);
      first.command({ kind: "last-words", bytes: Buffer.alloc(0) });
      await first.gone();
      const answer = answerOf(path);
      const second = await bed.agent();
      const record = second.inventory.descriptors.find(({ name }) => name === "control");
      assert.deepEqual(record, {
        name: "control",
        kind: "listener",
        path,
        watched: false,
        daemonDescriptor: 4,
      });
      await second.ask({ kind: "serve", descriptor: 4 });
      assert.equal(await answer, "1");
    }));

  it("a slot that was closed is free for the next daemon, one whose bind failed at once", () =>
    withBed({}, async (bed) => {
      const first = await bed.agent();
      const busy = createServer().listen(0, "127.0.0.1");
      await once(busy, "listening");
      const address = busy.address();
      assert.ok(typeof address === "object" && address !== null);
      const listen = {
        op: "listen",
        name: "w",
        family: "ipv4",
        address: "127.0.0.1",
        type: "stream",
        slot: 4,
      } as const;
      await first.refused({ ...listen, port: address.port }, EADDRINUSE, /127/);
      busy.close();
      const { port = 0 } = await first.ok({ ...listen, port: 0 });
      await first.ask({ kind: "serve", descriptor: 8 });
      assert.equal(await answerOf(port), "0");
      await first.ok({ op: "close", name: "w" });
      await first.refused({ ...listen, port: 0 }, EBUSY, /slot 4/);
      await bed.killAgent(first);
      const second = await bed.agent();
      await second.ok({ ...listen, port });
      await second.ask({ kind: "serve", descriptor: 8 });
      assert.equal(await answerOf(port), "1");
    }));

  it("a listener with the daemon flag is inherited by the next daemon", () =>
    withBed({}, async (bed) => {
      const first = await bed.agent();
      const { port = 0 } = await first.ok({
        op: "listen",
        name: "w",
        family: "ipv4",
        address: "127.0.0.1",
        port: 0,
        type: "stream",
        daemon: true,
      });
      await bed.killAgent(first);
      const second = await bed.agent();
      const record = second.inventory.descriptors.find(({ name }) => name === "w");
      assert.equal(record?.daemonDescriptor, 12);
      await second.ask({ kind: "serve", descriptor: 12 });
      assert.equal(await answerOf(port), "1");
    }));

  it("tell manager speaks to the NOTIFY_SOCKET above, and fails where there is none", async () => {
    await withBed({}, async (bed) => {
      const agent = await bed.agent();
      assert.equal(agent.inventory.keeper.manager, false);
      await agent.refused({ op: "tell-manager", data: "READY=1" }, ENOENT, /there is none/);
    });
    const directory = join(process.cwd(), "build", `manager-${process.pid}`);
    mkdirSync(directory, { recursive: true });
    const path = join(directory, "s");
    const listener = spawn("/usr/bin/env", [
      "python3",
      "-c",
      "import socket,sys\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind(sys.argv[1])\nprint(s.recv(99).decode())",
      path,
    ]);
    let heard = "";
    listener.stdout.setEncoding("utf8").on("data", (text: string) => {
      heard += text;
    });
    await waitFor("the manager listens", () => existsSync(path));
    await withBed({ environment: { NOTIFY_SOCKET: path } }, async (bed) => {
      const agent = await bed.agent();
      assert.equal(agent.inventory.keeper.manager, true);
      await agent.ok({ op: "tell-manager", data: "READY=1" });
      await waitFor("the manager hears it", () => heard === "READY=1\n");
    });
  });
});
