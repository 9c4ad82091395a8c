// Socket units over a fake keeper: what is listened to, what starts the service, and that no death of the daemon changes it.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, it } from "node:test";
import { carrying } from "../../../src/daemon/definition/as-data.js";
import type { Constructor, ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { openSocketsOf } from "../../../src/daemon/units/sockets-of-service.js";
import type { FakeKeeper } from "../../support/fake-keeper.js";
import { client, fakeKeeper, settle, type TestSystem, testSystem } from "../../support/system.js";
import { waitFor } from "../../support/wait.js";
import { dataOf, next, placesIn, started, stop, triggered, unitDefinition } from "./triggering.js";

const listeners = ({ descriptors }: FakeKeeper): readonly string[] =>
  [...descriptors.keys()].filter((name) => name.startsWith("socket/"));
const watched = ({ descriptors }: FakeKeeper): readonly boolean[] =>
  [...descriptors].filter(([name]) => name.startsWith("socket/")).map(([, { watched: on }]) => on);
const status = ({ system }: TestSystem, name: string) => system.registry.get(name).state.status;

const webSocket = (lines = "", name = "web.socket"): ServiceDefinition =>
  unitDefinition(dataOf(name, `[Socket]\nListenStream=/run/web\n${lines}\n`));

/** A service whose starts are counted. */
function counted(): { readonly web: ServiceDefinition; readonly starts: () => number } {
  let count = 0;
  const start = (): true => {
    count += 1;
    return true;
  };
  return { web: triggered("web.service", { start }), starts: () => count };
}

describe("the sockets of a unit", () => {
  it("are made as its settings have them", async () => {
    const text = [
      "ListenStream=/run/a",
      "ListenStream=@b",
      "ListenStream=80",
      "ListenDatagram=127.0.0.1:53",
      "ListenSequentialPacket=/run/s",
      "ListenFIFO=/run/fifo",
      "ListenSpecial=/dev/null",
      "BindIPv6Only=both",
      "FreeBind=yes",
      "ReusePort=yes",
      "SocketMode=0600",
      "DirectoryMode=0700",
      "SocketUser=me",
      "NoDelay=yes",
      "PassCredentials=yes",
      "ReceiveBuffer=64K",
      "Backlog=7",
    ].join("\n");
    const socket = unitDefinition(dataOf("web.socket", `[Socket]\n${text}\n`));
    const resolveIdentity = async () => ({ uid: 7, gid: 8 });
    const { keeper } = await started([socket, counted().web], "web.socket", { resolveIdentity });
    const made = keeper.requests.filter(({ op }) => op === "listen" || op === "open");
    const [a, b, any, dns, packets, fifo, special] = made.map((request) =>
      "name" in request ? request.name : "",
    );
    const file = { mode: 0o600, directoryMode: 0o700, uid: 7, gid: 8 };
    const inet = { freeBind: true, reusePort: true, backlog: 7 };
    const { O_RDWR, O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = (await import("node:fs")).constants;
    const { family: anyFamily, address: anyAddress, v6Only } = made[2] as unknown as Record<string, unknown>;
    assert.deepEqual(
      [anyFamily, anyAddress, v6Only],
      anyFamily === "ipv6" ? ["ipv6", "::", false] : ["ipv4", "0.0.0.0", undefined],
    );
    assert.deepEqual(made, [
      { op: "listen", name: a, family: "unix", address: "/run/a", type: "stream", backlog: 7, ...file },
      { op: "listen", name: b, family: "unix", address: "@b", type: "stream", backlog: 7, ...file },
      { ...made[2], op: "listen", name: any, port: 80, type: "stream", ...inet },
      { op: "listen", name: dns, family: "ipv4", address: "127.0.0.1", port: 53, type: "datagram", ...inet },
      {
        op: "listen",
        name: packets,
        family: "unix",
        address: "/run/s",
        type: "seqpacket",
        backlog: 7,
        ...file,
      },
      {
        op: "open",
        name: fifo,
        path: "/run/fifo",
        flags: O_RDWR | O_NOFOLLOW | O_NONBLOCK,
        fifo: true,
        ...file,
      },
      { op: "open", name: special, path: "/dev/null", flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK },
    ]);
    const options = keeper.requests.filter(({ op }) => op === "set-option") as unknown as {
      name: string;
      level: number;
      option: number;
      amount: number;
    }[];
    const of = (name: string | undefined) =>
      options.filter((one) => one.name === name).map(({ level, option, amount }) => [level, option, amount]);
    const buffers = [
      [1, 8, 65_536],
      [1, 33, 65_536],
    ];
    assert.deepEqual(of(a), [...buffers, [1, 16, 1]]);
    assert.deepEqual(of(any), [...buffers, [6, 1, 1]]);
    assert.deepEqual(of(dns), buffers);
    assert.deepEqual(of(fifo), []);
    assert.deepEqual(watched(keeper), Array(7).fill(true));
  });

  it("are used without an option that the kernel refuses, which is told", async () => {
    const keeper = fakeKeeper();
    keeper.refuse((request) => request.op === "set-option" && request.option === 36, constants.errno.EPERM);
    const test = testSystem([webSocket("Mark=3\nPriority=2"), counted().web], keeper);
    const lines: string[] = [];
    const request = client();
    request.say = (line) => void lines.push(line);
    assert.equal(await test.system.supervisor.start("web.socket", [], request), true);
    assert.ok(
      lines.some((line) => line.startsWith("Mark of /run/web: Operation not permitted")),
      lines.join("\n"),
    );
  });

  it("fail the start where there is no such kind here, and leave nothing open", async () => {
    const socket = unitDefinition(
      dataOf("web.socket", "[Socket]\nListenStream=/run/a\nListenNetlink=route 1\n"),
    );
    const test = testSystem([socket, counted().web]);
    assert.equal(await test.system.supervisor.start("web.socket", [], client()), false);
    assert.match(
      test.system.registry.get("web.socket").state.failure ?? "",
      /route 1: .*netlink.* not supported/,
    );
    await settle();
    assert.deepEqual(listeners(test.keeper), []);
  });

  it("stay in the file system when they are closed, unless the unit says otherwise", async () => {
    for (const [lines, unlink] of [
      ["", false],
      ["RemoveOnStop=yes", true],
    ] as const) {
      const test = await started([webSocket(lines), counted().web], "web.socket");
      await stop(test, "web.socket");
      assert.deepEqual(
        test.keeper.requests
          .filter((one) => one.op === "close" && one.name.startsWith("socket/"))
          .map((one) => "unlink" in one && one.unlink),
        [unlink],
      );
    }
  });

  it("are what the service's processes get, while they are open", async () => {
    const test = await started(
      [webSocket("ListenStream=/run/other\nFileDescriptorName=front"), counted().web],
      "web.socket",
    );
    const [first = "", second = ""] = listeners(test.keeper);
    const { host } = test.system;
    assert.deepEqual(openSocketsOf(host, ["web.socket", "none.socket", "web.service"]), [
      { name: first, as: "front" },
      { name: second, as: "front" },
    ]);
    await stop(test, "web.socket");
    assert.deepEqual(openSocketsOf(host, ["web.socket"]), []);
  });
});

describe("a socket unit that runs", () => {
  it("starts its service at the first connection, and watches again when that is down", async () => {
    const { web, starts } = counted();
    const test = await started([webSocket(), web], "web.socket");
    const [socket = ""] = listeners(test.keeper);
    assert.deepEqual([starts(), watched(test.keeper)], [0, [true]]);
    test.keeper.connect(socket);
    await waitFor("the service runs", () => status(test, "web") === "running");
    test.keeper.connect(socket);
    await settle();
    assert.deepEqual([starts(), watched(test.keeper), test.keeper.unacknowledged.length], [1, [false], 0]);
    await stop(test, "web");
    // Two connections still wait, since nothing has taken them.
    await waitFor("the service runs again", () => starts() === 2 && status(test, "web") === "running");
    assert.deepEqual(listeners(test.keeper), [socket]);
  });

  it("leaves a service alone that somebody else has started, and its sockets are not watched meanwhile", async () => {
    const { web } = counted();
    const test = await started([webSocket(), web], "web.socket");
    await test.system.supervisor.start("web", [], client());
    await settle();
    assert.deepEqual(watched(test.keeper), [false]);
    await stop(test, "web");
    assert.deepEqual(watched(test.keeper), [true]);
  });

  it("does not start beside a service that runs without its sockets, nor without a service", async () => {
    const { web } = counted();
    const test = testSystem([webSocket(), web, webSocket("", "lonely.socket")]);
    await test.system.supervisor.start("web", [], client());
    assert.equal(await test.system.supervisor.start("web.socket", [], client()), false);
    assert.match(test.system.registry.get("web.socket").state.failure ?? "", /service web runs already/);
    assert.equal(await test.system.supervisor.start("lonely.socket", [], client()), false);
    assert.match(test.system.registry.get("lonely.socket").state.failure ?? "", /there is no service lonely/);
  });

  it("fails when its service ends at once again and again, with the connection still waiting", async () => {
    let starts = 0;
    const start = (): false => {
      starts += 1;
      return false;
    };
    const test = await started(
      [webSocket("TriggerLimitBurst=3\nTriggerLimitIntervalSec=1h"), triggered("web.service", { start })],
      "web.socket",
    );
    test.keeper.connect(listeners(test.keeper)[0] ?? "");
    await waitFor("the socket unit fails", () => status(test, "web.socket") === "stopped");
    await settle();
    assert.equal(starts, 3);
    assert.deepEqual(listeners(test.keeper), []);
    assert.ok(
      test.lines.some(
        (line) =>
          line.includes("has started service web too often") ||
          line.includes("have started service web too often"),
      ),
      test.lines.join("\n"),
    );
  });

  it("goes on in the next daemon as the service is: nothing is bound twice, and no start is lost", async () => {
    const { web, starts } = counted();
    const definitions = [webSocket(), { ...web, retryable: true }];
    const one = await started(definitions, "web.socket");
    const [socket = ""] = listeners(one.keeper);
    const two = await next(one, definitions);
    assert.deepEqual(watched(two.keeper), [true]);
    two.keeper.connect(socket);
    await waitFor("the service runs", () => status(two, "web") === "running");
    const three = await next(two, definitions);
    assert.deepEqual([watched(three.keeper), status(three, "web.socket")], [[false], "running"]);
    await stop(three, "web");
    await waitFor("it is started again", () => status(three, "web") === "running");
    assert.equal(starts(), 2);
    assert.equal(three.keeper.requests.filter(({ op }) => op === "listen").length, 0);
  });

  it("comes to the same end whichever frame was the daemon's last", async () => {
    const { web } = counted();
    const definitions = [webSocket(), { ...web, retryable: true }];
    const whole = await started(definitions, "web.socket");
    const before = whole.keeper.instants.length;
    whole.keeper.connect(listeners(whole.keeper)[0] ?? "");
    await waitFor("the service runs", () => status(whole, "web") === "running");
    await settle();
    const { instants } = whole.keeper;
    assert.ok(instants.length > before + 2, instants.join("\n"));
    for (let index = before - 1; index < instants.length; index += 1) {
      const after = testSystem(definitions, whole.keeper.at(index));
      // One that had not come to be is found waiting; its listener has it still.
      if (index < before) after.keeper.connect(listeners(after.keeper)[0] ?? "");
      await waitFor(`it runs after "${instants[index]}"`, () => status(after, "web") === "running");
    }
  });
});

describe("a socket unit with Accept=yes", () => {
  const template = "[Service]\nExecStart=-/bin/cat\nStandardInput=socket\nEnvironment=UNIT=%n\n";
  const echo = (lines = ""): ServiceDefinition =>
    unitDefinition(
      dataOf("echo.socket", `[Socket]\nListenStream=127.0.0.1:7\nAccept=yes\n${lines}\n`, template),
    );
  const peer = { local: "127.0.0.1", port: 7, remote: "127.0.0.9", remotePort: 4711 };
  const connections = ({ system }: TestSystem): readonly string[] =>
    system.registry.controllers.map(({ name }) => name).filter((name) => name.startsWith("echo@"));

  it("gives each connection a service of its own, named as systemd names it, with the connection's ends", async (context) => {
    const test = await started([echo()], "echo.socket", placesIn(context));
    const [socket = ""] = listeners(test.keeper);
    test.keeper.connect(socket, peer);
    await waitFor("the connection has a service", () => connections(test).length === 1);
    assert.deepEqual(connections(test), ["echo@1-127.0.0.1:7-127.0.0.9:4711"]);
    const accept = test.keeper.frames.find((frame) => frame.some(({ op }) => op === "accept")) ?? [];
    assert.deepEqual(
      accept.map(({ op }) => op),
      ["put-note", "accept", "acknowledge"],
    );
    const { definition } = test.system.registry.get("echo@1-127.0.0.1:7-127.0.0.9:4711.service");
    const noted = JSON.stringify(definition);
    assert.equal(noted.includes("ConnectionInstance"), false);
    const data = test.system.host.states.of(connections(test)[0] ?? "")?.definition;
    assert.equal(data?.transient, true);
    test.keeper.connect(socket, { ...peer, remotePort: 4712 });
    await waitFor(
      "the second one too",
      () => connections(test).length === 2 && test.keeper.children.length === 2,
    );
  });

  it("starts what these services need, and closes a connection whose service cannot have that", async (context) => {
    const { start: _start, ...rest } = echo();
    const made = dataOf("echo.socket", "[Socket]\nListenStream=127.0.0.1:7\nAccept=yes\n", template);
    assert.ok(made.kind === "unit-socket");
    const needs = { requires: ["store.service"], wants: ["log.service"] };
    let works = false;
    const store = triggered("store.service", { start: () => works });
    const socketUnit = { ...rest, start: carrying({ ...made, needs }) as Constructor };
    const test = await started(
      [socketUnit, store, triggered("log.service")],
      "echo.socket",
      placesIn(context),
    );
    const [socket = ""] = listeners(test.keeper);
    const closed = (): boolean =>
      test.keeper.requests.some(
        ({ op, ...more }) => op === "close" && JSON.stringify(more).includes("echo.socket/1"),
      );
    test.keeper.connect(socket, peer);
    await waitFor("it is closed", closed);
    assert.deepEqual(connections(test), []);
    assert.equal(status(test, "log"), "running");
    works = true;
    test.keeper.connect(socket, { ...peer, remotePort: 4712 });
    await waitFor("the second one is served", () => connections(test).length === 1);
    assert.equal(status(test, "store"), "running");
    await waitFor("it runs", () => status(test, connections(test)[0] ?? "") === "running");
    await stop(test, "store");
    await waitFor("it stops with what it requires", () => connections(test).length === 0);
  });

  it("closes what is more than it may serve, or from one address", async (context) => {
    const endless = unitDefinition(
      dataOf(
        "echo.socket",
        "[Socket]\nListenStream=127.0.0.1:7\nAccept=yes\nMaxConnections=2\nMaxConnectionsPerSource=1\n",
        template,
      ),
    );
    const test = await started([endless], "echo.socket", placesIn(context));
    const [socket = ""] = listeners(test.keeper);
    const closed = (): number =>
      test.lines.filter((line) => line.startsWith("Socket 'echo.socket' closes a connection")).length;
    for (const remote of ["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3"]) {
      test.keeper.connect(socket, { ...peer, remote });
      await settle();
    }
    await waitFor("two are closed", () => closed() === 2 && test.keeper.children.length === 2);
    assert.ok(
      test.lines.some((line) => line.includes("there are 1 from 10.0.0.1 already")),
      test.lines.join("\n"),
    );
    assert.ok(test.lines.some((line) => line.includes("there are 2 already")));
    await settle();
  });

  it("serves each connection once whichever frame was the daemon's last", async (context) => {
    const definitions = [echo()];
    const places = placesIn(context);
    const whole = await started(definitions, "echo.socket", places);
    const before = whole.keeper.instants.length;
    whole.keeper.connect(listeners(whole.keeper)[0] ?? "", peer);
    await waitFor("its process runs", () => whole.keeper.children.length === 1);
    await settle();
    const { instants } = whole.keeper;
    assert.ok(
      instants.slice(before).some((text) => text.includes("accept")),
      instants.join("\n"),
    );
    for (let index = before; index < instants.length; index += 1) {
      const after = testSystem(
        definitions,
        whole.keeper.at(index),
        (system) => system.registerNoted("which is lost"),
        places,
      );
      await waitFor(`it is served after "${instants[index]}"`, () => after.keeper.children.length === 1);
      await settle();
      assert.equal(after.keeper.children.length, 1);
      const left = [...after.keeper.descriptors.keys()].filter((name) => name.startsWith("connection/"));
      assert.deepEqual(left, [], `connections after "${instants[index]}"`);
    }
  });

  it("hands the connection to the process, and keeps none of it", async (context) => {
    const test = await started([echo()], "echo.socket", placesIn(context));
    test.keeper.connect(listeners(test.keeper)[0] ?? "", peer);
    await waitFor("its process runs", () => test.keeper.children.length === 1);
    const [child] = test.keeper.children;
    const connection = { name: "connection/echo.socket/1" };
    assert.deepEqual(
      child?.spec?.descriptors?.filter(({ target }) => target < 2),
      [0, 1].map((target) => ({ target, source: connection })),
    );
    const environment = child?.spec?.environment ?? [];
    assert.ok(environment.includes("REMOTE_ADDR=127.0.0.9") && environment.includes("REMOTE_PORT=4711"));
    assert.ok(environment.includes("UNIT=echo@1-127.0.0.1:7-127.0.0.9:4711.service"), environment.join("\n"));
    await settle();
    assert.equal(test.keeper.descriptors.has(connection.name), false);
    test.keeper.end(child?.id ?? "", { code: 0 });
    await waitFor("its service is gone", () => connections(test).length === 0);
  });

  it("tries again later where it cannot accept", async (context) => {
    const keeper = fakeKeeper();
    const test = await started([echo()], "echo.socket", placesIn(context), keeper);
    keeper.refuse("accept", constants.errno.EMFILE);
    keeper.connect(listeners(keeper)[0] ?? "", peer);
    await waitFor("it is served after all", () => keeper.children.length === 1);
    assert.match(connections(test)[0] ?? "", /^echo@2-/);
    assert.ok(
      test.lines.some((line) => /error: socket echo\.socket: .*Too many open files/.test(line)),
      test.lines.join("\n"),
    );
  });
});
