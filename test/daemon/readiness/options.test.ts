// The options of readiness, health and watchdog: what they take, and what they say of mistakes.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  makeForkexecConstructor,
  makeSystemdConstructor,
} from "../../../src/daemon/definition/constructors.js";
import { endpoint } from "../../../src/daemon/definition/endpoint.js";
import { builtin, type ForkexecOptions } from "../../../src/daemon/definition/types.js";
import { commandSucceeds, notify, portAnswers, probeText } from "../../../src/daemon/readiness/options.js";

const make = (options: ForkexecOptions): unknown => makeForkexecConstructor(["web"], options)[builtin];

test("probes are data, with every default", () => {
  const probe = commandSucceeds(["true"], { attempts: 3 });
  assert.deepEqual(probe, { type: "command", command: ["true"], interval: 0.1, timeout: 5, attempts: 3 });
  const options = { readiness: probe, watchdog: 2, health: { probe: portAnswers(80), failures: 1 } };
  const data = { kind: "forkexec", command: ["web"], options };
  assert.deepEqual(make(options), data);
  assert.deepEqual(JSON.parse(JSON.stringify(make(options))), data);
});

test("ports are named as users write them", () => {
  for (const [address, text] of [
    [80, "127.0.0.1:80"],
    ["10.0.0.1:8080", "10.0.0.1:8080"],
    ["[::1]:80", "[::1]:80"],
    ["/run/web.socket", "/run/web.socket"],
  ] as const)
    assert.equal(probeText(portAnswers(address)), text);
});

test("addresses that no probe can reach are refused", () => {
  for (const address of [
    0,
    65_536,
    1.5,
    "80",
    "localhost:80",
    "[::1%lo]:80",
    "@abstract",
    "relative",
    `/${"x".repeat(107)}`,
    "1.2.3.4:0",
  ])
    assert.throws(() => portAnswers(address), /portAnswers: expected a port, "IPV4:PORT"/, String(address));
});

test("a mistake names the field and what was expected", () => {
  const probe = portAnswers(80);
  const mistakes: readonly (readonly [unknown, RegExp])[] = [
    [{ readiness: "ready" }, /field "readiness": expected "exec", notify\(\), portAnswers/],
    [{ readiness: { type: "notify" } }, /field "readiness": expected/],
    [{ readinessTimeout: -1 }, /field "readinessTimeout": expected a number of seconds from 0\.01/],
    [{ notifyAccess: "exec" }, /field "notifyAccess": expected "main" or "all"/],
    [{ watchdog: 0 }, /field "watchdog": expected/],
    [{ fileDescriptorStoreMax: 129 }, /field "fileDescriptorStoreMax": expected a number from 0 to 128/],
    [{ health: probe }, /field "health": expected \{ probe/],
    [{ health: { probe: notify() } }, /field "health": field "probe": expected a probe made by/],
    [{ health: { probe, failures: 0 } }, /field "health": field "failures": expected/],
    [{ health: { probe, retries: 1 } }, /field "health": unknown field "retries"/],
    [{ health: { probe: portAnswers(80, { attempts: 1 }) } }, /its probe has "attempts"/],
    [{ readiness: notify(), pidFile: "/run/pid" }, /fields "readiness" and "pidFile"/],
  ];
  for (const [options, expected] of mistakes)
    assert.throws(() => make(options as ForkexecOptions), expected, JSON.stringify(options));
  assert.throws(() => commandSucceeds([]), /commandSucceeds: expected a list of strings/);
  assert.throws(() => portAnswers(80, { interval: 0 }), /field "interval"/);
});

test("a program that the first connection starts has no readiness, but can notify", () => {
  const sockets = [endpoint("127.0.0.1:80")];
  assert.throws(
    () => makeSystemdConstructor(["web"], sockets, { readiness: notify() }),
    /needs "lazyStart: false"/,
  );
  makeSystemdConstructor(["web"], sockets, { readiness: notify(), lazyStart: false });
  makeSystemdConstructor(["web"], sockets, { notifyAccess: "all", watchdog: 1, fileDescriptorStoreMax: 1 });
});
