import assert from "node:assert/strict";
import { it } from "node:test";
import { socketsWireValue } from "../../../src/daemon/control/sockets.js";
import { endpoint } from "../../../src/daemon/definition/endpoint.js";
import type { EndpointOptions } from "../../../src/daemon/definition/types.js";

function wire(address: string, options?: EndpointOptions) {
  const endpoints = [endpoint(address, options)];
  const [one] = socketsWireValue({ type: "systemd-service", endpoints, command: ["web"] }).endpoints;
  assert.ok(one);
  return one;
}

for (const [address, bits] of [
  ["127.0.0.1:1", 0x7f000001n],
  ["255.255.255.255:1", 0xffffffffn],
  ["[::]:1", 0n],
  ["[::1]:1", 1n],
  ["[1::]:1", 1n << 112n],
  ["[fe80::1:2]:1", (0xfe80n << 112n) | 0x10002n],
  ["[1:2:3:4:5:6:7:8]:1", 0x00010002000300040005000600070008n],
  ["[1:2:3:4:5:6:7::]:1", 0x00010002000300040005000600070000n],
  ["[::ffff:10.0.0.1]:1", 0xffff0a000001n],
] as const) {
  it(`${address} is one number`, () => {
    const { address: found } = wire(address);
    assert.ok(found.family !== "unix");
    assert.deepEqual([found.address, found.port], [bits, 1]);
  });
}

it("a Unix socket is its path, with its owner, permissions of its directory, and the kernel's number of its style", () => {
  const options = { socketOwner: 5, socketGroup: 6, style: "seqpacket", name: "x", backlog: 7 } as const;
  assert.deepEqual(wire("/run/web", options), {
    name: "x",
    address: { family: "unix", path: "/run/web" },
    style: 5,
    backlog: 7,
    owner: 5,
    group: 6,
    permissions: 0o755,
    bindAttempts: 5,
  });
});
