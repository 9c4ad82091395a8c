import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { addressHolder, inetSockets, unixSockets } from "../../src/daemon/address-holder.js";
import { endpoint } from "../../src/daemon/definition/endpoint.js";

const own = { pid: process.pid, program: readFileSync("/proc/self/comm", "utf8").trim() };

describe("the holder of an address", () => {
  for (const [bound, asked] of [
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "127.0.0.1"],
    ["127.0.0.1", "0.0.0.0"],
    ["::1", "[::1]"],
    ["::", "[::1]"],
    ["::", "127.0.0.1"],
  ] as const)
    it(`of ${bound} is in the way of ${asked}`, async (t) => {
      const server = createServer().listen(0, bound);
      t.after(() => server.close());
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      assert.deepEqual(await addressHolder(endpoint(`${asked}:${port}`)), own);
    });

  it("is found for a socket in the file system, whatever its name", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "shepherd-holder-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "with  two spaces");
    const server = createServer().listen(path);
    t.after(() => server.close());
    await once(server, "listening");
    assert.deepEqual(await addressHolder(endpoint(path)), own);
  });

  it("is nobody where nobody is, and another address is not in the way", async (t) => {
    const server = createServer().listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    assert.equal(await addressHolder(endpoint(`127.0.0.2:${port}`)), undefined);
    assert.equal(await addressHolder(endpoint(`127.0.0.1:${port}`, { style: "datagram" })), undefined);
    assert.equal(await addressHolder(endpoint("/nowhere/at/all")), undefined);
  });
});

it("lines of the kernel's tables that cannot be read are nobody's", () => {
  const address = { family: "ipv4", host: "127.0.0.1", port: 80 } as const;
  assert.deepEqual(inetSockets(["", "nonsense", "0: 1:2"], address, "tcp"), new Set());
  assert.deepEqual(unixSockets(["", "1: 2"], "/x"), new Set());
});
