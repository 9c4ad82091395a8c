// What the name of a daemon's end means, and which names are none.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { defaultUri, type Endpoint, resolveEndpoint, withoutPassword } from "../../src/store/endpoint.js";
import { StoreConnectionError } from "../../src/store/errors.js";

const unix = (file: string): Endpoint => ({ kind: "unix", file });
const tcp = (host: string, port: number): Endpoint => ({ kind: "tcp", host, port });
const ssh = (host: string, user?: string, port?: number): Endpoint => ({ kind: "ssh", host, user, port });

test("endpoints", () => {
  const table: readonly (readonly [string, Endpoint])[] = [
    ["/var/guix/daemon-socket/socket", unix("/var/guix/daemon-socket/socket")],
    ["relative/socket", unix("relative/socket")],
    ["./a:b", unix("./a:b")],
    ["/a:b", unix("/a:b")],
    ["file:///x", unix("/x")],
    ["file:/x", unix("/x")],
    ["unix:///x/y", unix("/x/y")],
    ["unix:/x", unix("/x")],
    ["FILE://somewhere/x", unix("/x")],
    ["file:///a%20b", unix("/a b")],
    ["file:///100%", unix("/100%")],
    [`file:///${"x".repeat(106)}`, unix(`/${"x".repeat(106)}`)],
    ["guix://master.guix.example.org", tcp("master.guix.example.org", 44146)],
    ["guix://master.guix.example.org:1234", tcp("master.guix.example.org", 1234)],
    ["guix://10.0.0.1:/", tcp("10.0.0.1", 44146)],
    ["guix://[::1]:1", tcp("::1", 1)],
    ["guix://[fe80::1%eth0]", tcp("fe80::1%eth0", 44146)],
    ["guix://user@host:65535", tcp("host", 65535)],
    ["ssh://host", ssh("host")],
    ["ssh://charlie@guix.example.org:22", ssh("guix.example.org", "charlie", 22)],
    ["ssh://a%40b@[::1]:2222/", ssh("::1", "a@b", 2222)],
  ];
  for (const [uri, endpoint] of table) assert.deepEqual(resolveEndpoint(uri), endpoint, uri);
});

test("names that are none", () => {
  const table: readonly (readonly [string, string, RegExp])[] = [
    ["http://host/", "ENOTSUP", /the scheme "http" is not supported: file, unix, guix and ssh are/],
    ["host:1234", "ENOTSUP", /"host"/],
    ["c:/x", "ENOTSUP", /"c"/],
    ["", "EINVAL", /no file/],
    ["file:", "EINVAL", /no file/],
    ["unix://host", "EINVAL", /no file/],
    ["/a\0b", "EINVAL", /NUL/],
    [`/${"x".repeat(107)}`, "ENAMETOOLONG", /up to 107 bytes, and this one 108/],
    [`/${"é".repeat(54)}`, "ENAMETOOLONG", /this one 109/],
    ["guix:host", "EINVAL", /expected \/\/HOST/],
    ["guix://", "EINVAL", /names no host/],
    ["guix://:1234", "EINVAL", /names no host/],
    ["guix://host:0", "EINVAL", /its port "0" is none: expected 1 to 65535/],
    ["guix://host:65536", "EINVAL", /"65536"/],
    ["guix://host:-1", "EINVAL", /"-1"/],
    ["guix://host:http", "EINVAL", /"http"/],
    ["guix://host/path", "EINVAL", /more after the host/],
    ["guix://host:1?x", "EINVAL", /more after/],
    ["guix://a:b:c", "EINVAL", /port "b:c"/],
    ["guix://a b", "EINVAL", /expected \/\/HOST/],
    ["ssh://-oProxyCommand=x", "EINVAL", /is no name/],
    ["ssh://-l@host", "EINVAL", /is no name/],
    ["ssh://a%0ab@host", "EINVAL", /is no name/],
    ["ssh://user:secret@host", "EINVAL", /a password has no place/],
  ];
  for (const [uri, code, message] of table)
    assert.throws(
      () => resolveEndpoint(uri),
      (error: Error) => {
        assert.ok(error instanceof StoreConnectionError, uri);
        assert.equal(error.code, code, uri);
        assert.equal(error.errno, (constants.errno as Readonly<Record<string, number>>)[code]);
        assert.equal(error.file, withoutPassword(uri));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
});

test("where to connect to by default", () => {
  assert.equal(defaultUri({}), "/var/guix/daemon-socket/socket");
  assert.equal(defaultUri({ GUIX_DAEMON_SOCKET: "guix://host" }), "guix://host");
});
