// The definition of the service `web`: what it refuses, and what it is started with.

import assert from "node:assert/strict";
import { it } from "node:test";
import { setRuntime } from "../../src/daemon/definition/runtime.js";
import { builtin } from "../../src/daemon/definition/types.js";
import { type WebOptions, webService } from "../../src/services/builtin/web.js";
import { idleRuntime, mistake, untyped } from "../daemon/definition/support.js";

setRuntime({
  ...idleRuntime,
  files: () => ({ controlSocket: "/run/shepherd/socket", node: "/usr/bin/node", programs: "/lib/shepherd" }),
});

const token = "some-token-of-a-configuration";

it("is a socket of loopback's, whose program gets what it needs, and no secret in its command", () => {
  const { start, provision, respawn, documentation } = webService({ token });
  const data = start[builtin];
  assert.deepEqual(provision, ["web"]);
  assert.ok(respawn);
  assert.ok(data?.kind === "systemd" && data.lazyStart);
  assert.deepEqual(data.command, [
    "/usr/bin/node",
    "/lib/shepherd/web.cjs",
    "/run/shepherd/socket",
    "/run/shepherd/web-token",
    "own",
    "64",
  ]);
  assert.deepEqual(
    data.endpoints.map(({ address }) => address),
    [{ family: "ipv4", host: "127.0.0.1", port: 7680 }],
  );
  assert.doesNotMatch(documentation, new RegExp(token));
});

it("takes several addresses, names and files", () => {
  const data = webService({
    provision: ["pages"],
    listen: ["/run/pages", "[::1]:80"],
    tokenFile: "/etc/token",
    hosts: ["status.example.org"],
    maxClients: 4,
  }).start[builtin];
  assert.ok(data?.kind === "systemd");
  assert.deepEqual(data.command.slice(3), ["/etc/token", "given", "4", "status.example.org"]);
  assert.equal(data.endpoints[0]?.socketPermissions, 0o600);
  assert.deepEqual(data.options.secretFiles, ["/etc/token"]);
});

it("refuses what cannot be, and shows no token", () => {
  const wrong: readonly (readonly [WebOptions, RegExp])[] = [
    [{ listen: "0.0.0.0:80" }, /listen.*loopback/],
    [{ listen: "[::]:80" }, /listen.*loopback/],
    [{ listen: "@abstract" }, /listen.*loopback/],
    [{ listen: [] }, /listen/],
    [{ listen: "nonsense" }, /expected/],
    [{ token: "short" }, /token/],
    [{ token, tokenFile: "/etc/token" }, /leave out one/],
    [{ tokenFile: "relative" }, /tokenFile/],
    [{ hosts: ["a:80"] }, /hosts/],
    [{ hosts: ["-x"] }, /hosts/],
    [{ maxClients: 3 }, /maxClients/],
    [untyped({ lisen: "/x" }), /lisen.*listen/],
  ];
  for (const [options, pattern] of wrong)
    assert.match(
      mistake(() => webService(options)),
      pattern,
    );
  assert.doesNotMatch(
    mistake(() => webService({ token: "secret but spaced" })),
    /secret but/,
  );
});
