// Endpoints: their addresses and options, checked; and the constructors that listen at them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  makeForkexecConstructor,
  makeInetdConstructor,
  makeInetdDestructor,
  makeKillDestructor,
  makeSystemdConstructor,
  makeSystemdDestructor,
} from "../../../src/daemon/definition/constructors.js";
import { addressText, endpoint } from "../../../src/daemon/definition/endpoint.js";
import { service } from "../../../src/daemon/definition/service.js";
import { builtin, type EndpointOptions } from "../../../src/daemon/definition/types.js";
import { isFrozenThroughout, mistake, untyped } from "./support.js";

describe("endpoint", () => {
  it("has the manual's defaults", () => {
    assert.deepEqual(endpoint("/run/web"), {
      address: { family: "unix", path: "/run/web" },
      name: "unknown",
      style: "stream",
      backlog: 128,
      socketPermissions: 0o666,
      socketDirectoryPermissions: 0o755,
      bindAttempts: 5,
    });
  });

  it("keeps every option, frozen", () => {
    const options: Required<EndpointOptions> = {
      name: "web-80",
      style: "seqpacket",
      backlog: 1,
      socketOwner: "www-data",
      socketGroup: 33,
      socketPermissions: 0o600,
      socketDirectoryPermissions: 0o700,
      bindAttempts: 1,
    };
    const made = endpoint("@web", options);
    assert.deepEqual(made, { ...options, address: { family: "unix", path: "@web" } });
    assert.ok(isFrozenThroughout(made));
  });

  for (const [given, text, address] of [
    ["127.0.0.1:80", "127.0.0.1:80", { family: "ipv4", host: "127.0.0.1", port: 80 }],
    ["[::1]:80", "[::1]:80", { family: "ipv6", host: "::1", port: 80 }],
    ["[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1", { family: "ipv6", host: "::ffff:10.0.0.1", port: 1 }],
    [65535, "0.0.0.0:65535", { family: "ipv4", host: "0.0.0.0", port: 65535 }],
    [{ host: "10.0.0.1", port: 1 }, "10.0.0.1:1", { family: "ipv4", host: "10.0.0.1", port: 1 }],
    [{ host: "::", port: 22 }, "[::]:22", { family: "ipv6", host: "::", port: 22 }],
    [`/${"a".repeat(106)}`, `/${"a".repeat(106)}`, { family: "unix", path: `/${"a".repeat(106)}` }],
    ["/run/a:1", "/run/a:1", { family: "unix", path: "/run/a:1" }],
  ] as const) {
    it(`takes ${JSON.stringify(given).slice(0, 40)}`, () => {
      const made = endpoint(given);
      assert.deepEqual(made.address, address);
      assert.equal(addressText(made.address), text);
    });
  }

  for (const wrong of [
    "",
    "run/web",
    "@",
    "/run/web/",
    "/run/..",
    `/${"a".repeat(107)}`,
    "/run/\0",
    "localhost:80",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:080000",
    "127.1:80",
    "::1:80",
    "[127.0.0.1]:80",
    "[::1]:80 ",
    "[fe80::1%eth0]:80",
    0,
    65536,
    1.5,
    null,
    { host: "::1" },
    { port: 80 },
    { host: "::1", port: "80" },
    { host: "example.org", port: 80 },
    { host: "::1", port: 80, extra: 1 },
  ]) {
    it(`refuses ${JSON.stringify(wrong).slice(0, 40)}`, () => {
      assert.match(
        mistake(() => endpoint(untyped(wrong))),
        /^endpoint: expected an absolute file name .*; got /s,
      );
    });
  }

  for (const [options, expected] of [
    [{ name: "a:b" }, /field "name": expected a name .*, got "a:b"$/],
    [{ name: "" }, /field "name"/],
    [{ style: "raw" }, /field "style": expected "stream", "datagram" or "seqpacket", got "raw"$/],
    [{ backlog: 0 }, /field "backlog"/],
    [{ bindAttempts: 0 }, /field "bindAttempts"/],
    [{ socketOwner: "" }, /field "socketOwner"/],
    [{ socketPermissions: 0o1000 }, /field "socketPermissions"/],
    [{ bindAttemps: 2 }, /unknown field "bindAttemps".*bindAttempts/],
  ] as const) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      assert.match(
        mistake(() => endpoint("/run/web", untyped(options))),
        expected,
      );
    });
  }

  it("refuses for the Internet what only Unix sockets have", () => {
    assert.match(
      mistake(() => endpoint(80, { socketOwner: "root" })),
      /field "socketOwner": only sockets in the file/,
    );
    assert.match(
      mistake(() => endpoint(80, { style: "seqpacket" })),
      /"seqpacket" exists for Unix sockets only$/,
    );
    assert.equal(endpoint(80, { style: "datagram" }).style, "datagram");
  });
});

const [web, other] = [endpoint("/run/web"), endpoint(80)];

it("the manual's destructors of what listens end a process, if there is one, as any other stop does", () => {
  assert.deepEqual(makeInetdDestructor()[builtin], makeKillDestructor()[builtin]);
  assert.deepEqual(makeSystemdDestructor()[builtin], makeKillDestructor()[builtin]);
  const gentle = { signal: "SIGINT", gracePeriod: 20 };
  assert.deepEqual(makeSystemdDestructor(gentle)[builtin], makeKillDestructor(gentle)[builtin]);
  assert.match(
    mistake(() => makeSystemdDestructor(untyped({ signal: 99 }))),
    /field "signal"/,
  );
});

describe("makeSystemdConstructor", () => {
  it("is data, frozen, and lazy unless told otherwise", () => {
    const data = makeSystemdConstructor(["web", "-x"], [web, other], { user: "www-data" })[builtin];
    assert.deepEqual(data, {
      kind: "systemd",
      command: ["web", "-x"],
      endpoints: [web, other],
      lazyStart: true,
      options: { user: "www-data" },
    });
    assert.ok(isFrozenThroughout(data));
    const eager = makeSystemdConstructor(["web"], [web], { lazyStart: false })[builtin];
    assert.ok(eager?.kind === "systemd" && !eager.lazyStart);
  });

  it("cannot be called in a start function", () => {
    assert.throws(
      () => makeSystemdConstructor(["web"], [web])(),
      /^Error: makeSystemdConstructor: this is a service's whole/,
    );
  });

  it("refuses what is wrong", () => {
    const make = makeSystemdConstructor;
    assert.match(
      mistake(() => make([], [web])),
      /expected a list of strings, the program first/,
    );
    assert.match(
      mistake(() => make(["web"], [])),
      /expected a list of endpoints made by endpoint\(…\)/,
    );
    assert.match(
      mistake(() => make(["web"], untyped(["/run/web"]))),
      /expected a list of endpoints made by endpoint/,
    );
    assert.match(
      mistake(() => make(["web"], untyped([{ ...web }]))),
      /expected a list of endpoints made by endpoint/,
    );
    assert.match(
      mistake(() => make(["web"], [web], untyped({ pidFile: "/run/pid" }))),
      /unknown field "pidFile"/,
    );
    assert.match(
      mistake(() => make(["web"], [web], untyped({ lazyStart: 1 }))),
      /field "lazyStart": expected true or false/,
    );
  });

  it("refuses one address twice, and takes two of which only the port is the same", () => {
    const twice = mistake(() =>
      makeSystemdConstructor(["web"], [other, endpoint("0.0.0.0:80", { name: "b" })]),
    );
    assert.equal(twice, "makeSystemdConstructor: endpoint 0.0.0.0:80 is given twice");
    const file = [web, endpoint("/run/web", { style: "datagram" })];
    assert.match(
      mistake(() => makeSystemdConstructor(["web"], file)),
      /endpoint \/run\/web is given twice$/,
    );
    makeSystemdConstructor(["dns"], [endpoint(53), endpoint(53, { style: "datagram" }), endpoint("[::]:53")]);
  });
});

describe("makeInetdConstructor", () => {
  it("has the manual's defaults", () => {
    assert.deepEqual(makeInetdConstructor(["/usr/sbin/sshd", "-i"], [web])[builtin], {
      kind: "inetd",
      command: ["/usr/sbin/sshd", "-i"],
      endpoints: [web],
      stem: "sshd",
      requirements: [],
      maxConnections: 100,
      options: {},
    });
  });

  it("refuses what is wrong", () => {
    const make = makeInetdConstructor;
    const datagram = endpoint(53, { style: "datagram" });
    assert.match(
      mistake(() => make(["x"], [datagram])),
      /endpoint 0\.0\.0\.0:53: a datagram socket has no connections/,
    );
    assert.match(
      mistake(() => make(["x"], [web], { maxConnections: 0 })),
      /field "maxConnections": expected a number from 1/,
    );
    assert.match(
      mistake(() => make(["x"], [web], { requirements: ["a b"] })),
      /field "requirements"/,
    );
    assert.match(
      mistake(() => make(["x"], [web], untyped({ logFile: "/var/log/x" }))),
      /unknown field "logFile"/,
    );
    assert.match(
      mistake(() => make(["/bin/a b"], [web])),
      /field "serviceNameStem": expected a name .*, got "a b"$/,
    );
    assert.match(
      mistake(() => make(["x"], [web], { serviceNameStem: "s".repeat(181) })),
      /at most 180/,
    );
  });

  it("is no stop", () => {
    const stop = untyped(makeInetdConstructor(["x"], [web]));
    assert.match(
      mistake(() => service(["x"], { stop })),
      /field "stop": expected a destructor or a function/,
    );
    assert.match(
      mistake(() => service(["x"], { stop: untyped(makeForkexecConstructor(["x"])) })),
      /field "stop"/,
    );
  });
});
