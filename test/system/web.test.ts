// The service `web` over real HTTP: who may ask what, orders, events, logs, metrics and health, and the daemon's death.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Change, LogLines, OrderReply, ServiceView } from "../../src/web/views.js";
import { bootSystem, type Scope, type System, suiteScope } from "../support/harness.js";
import { Events, fetchFrom, RawClient, type Reply, type Site } from "../web/http.js";

const config = `
import {
  command, defineConfig, interval, makeForkexecConstructor, makeKillDestructor, makeTimerConstructor, service, webService,
} from "shepherd-ts";
const sleeper = { start: makeForkexecConstructor(["/bin/sleep", "1000"]), stop: makeKillDestructor() };
export default defineConfig({
  services: [
    webService({ listen: "{directory}/run/web", maxClients: 8, hosts: ["status.example.org"] }),
    service(["db"], sleeper),
    service(["app", "application"], {
      ...sleeper,
      documentation: "An application.",
      requirement: ["db"],
      start: makeForkexecConstructor(
        ["/bin/sh", "-c", "echo hello '<b>&'; exec sleep 1000"],
        { logFile: "{directory}/app.log" },
      ),
    }),
    service(["broken"], { start: makeForkexecConstructor(["/nonexistent/program"]), autoStart: false }),
    service(["once"], { oneShot: true, start: () => true }),
    service(["hourly"], { start: makeTimerConstructor(interval({ hours: 1 }), command(["/bin/true"])) }),
  ],
});
`;

interface WebSystem {
  readonly system: System;
  readonly site: Site;
}

async function bootWeb(scope: Scope, text = config): Promise<WebSystem> {
  const system = await bootSystem(scope, {
    config: text,
  });
  await system.untilStatus("web", "running");
  const socketPath = system.path("run/web");
  // The first connection starts the program, which makes the token.
  const { status } = await fetchFrom({ socketPath, token: "none" }, "/");
  assert.equal(status, 401);
  return { system, site: { socketPath, token: system.read("run/web-token").trim() } };
}

describe("the service web", () => {
  const scope = suiteScope();
  let system: System;
  let site: Site;
  before(async () => {
    ({ system, site } = await bootWeb(scope));
    await system.untilProcess("app");
    await system.untilStatus("hourly", "running");
  });
  after(() => scope.close());

  const get = (path: string, options?: Parameters<typeof fetchFrom>[2]): Promise<Reply> =>
    fetchFrom(site, path, options);

  it("makes a token for its user alone", () => {
    assert.equal(statSync(system.path("run/web-token")).mode & 0o777, 0o600);
    assert.equal(statSync(system.path("run/web")).mode & 0o777, 0o600);
    assert.match(site.token, /^[\w-]{43}$/);
  });

  it("tells nothing without it, but for the health", async () => {
    for (const path of [
      "/",
      "/page.js",
      "/events",
      "/metrics",
      "/services/app",
      "/services/app/log",
      "/nothing",
    ])
      for (const authorization of [
        "",
        "Bearer ",
        `Bearer ${site.token}x`,
        "Basic Og==",
        `bearer${site.token}`,
        `Digest ${site.token}`,
      ]) {
        const { status, text } = await get(path, { headers: { authorization } });
        assert.equal(status, 401, `${path} with ${authorization}`);
        assert.doesNotMatch(text, /app|hourly/);
      }
    assert.equal((await get("/healthz", { headers: { authorization: "" } })).status, 200);
    const basic = Buffer.from(`anybody:${site.token}`).toString("base64");
    assert.equal((await get("/", { headers: { authorization: `Basic ${basic}` } })).status, 200);
  });

  it("answers under its own names only", async () => {
    for (const host of ["localhost", "LOCALHOST:7680", "127.0.0.1", "[::1]:1", "status.example.org"])
      assert.equal((await get("/healthz", { headers: { host } })).status, 200, host);
    for (const host of [
      "evil.example.org",
      "localhost.evil.example.org",
      "localhost@evil",
      "127.0.0.1.evil.org",
    ])
      for (const path of ["/healthz", "/"])
        assert.equal((await get(path, { headers: { host } })).status, 421, host);
  });

  it("lets a browser do nothing but what the page needs", async () => {
    const { headers } = await get("/");
    assert.match(String(headers["content-security-policy"]), /default-src 'none'; script-src 'self'/);
    assert.equal(headers["access-control-allow-origin"], undefined);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["cache-control"], "no-store");
    const preflight = await get("/services/app/stop", {
      method: "OPTIONS",
      headers: { origin: "http://evil.example.org", "access-control-request-method": "POST" },
    });
    assert.equal(preflight.status, 405);
  });

  it("takes orders from the page and from programs, and from no other page", async () => {
    const basic = `Basic ${Buffer.from(`:${site.token}`).toString("base64")}`;
    const [, key = ""] = /name="shepherd-key" content="([\w-]+)"/.exec((await get("/")).text) ?? [];
    const refused: readonly Record<string, string>[] = [
      { authorization: basic },
      { authorization: basic, "x-shepherd-token": "wrong" },
      { authorization: basic, "x-shepherd-token": key, origin: "http://evil.example.org" },
      { authorization: basic, "x-shepherd-token": key, "sec-fetch-site": "cross-site" },
      { origin: "null" },
    ];
    const before = (await system.service("db")).pid;
    for (const headers of refused)
      assert.equal((await get("/services/db/stop", { method: "POST", headers })).status, 403);
    assert.equal((await get("/services/db/stop")).status, 405);
    assert.equal((await system.service("db")).pid, before);

    const given = await get("/services/application/restart", {
      method: "POST",
      headers: { authorization: basic, "x-shepherd-token": key, origin: "http://localhost" },
    });
    assert.equal(given.status, 200);
    const { ok, messages } = JSON.parse(given.text) as OrderReply;
    assert.ok(ok);
    assert.match(messages.join("\n"), /Service app/);
    const failed = JSON.parse((await get("/services/broken/start", { method: "POST" })).text) as OrderReply;
    assert.equal(failed.ok, false);
    assert.match(failed.messages.join("\n"), /broken/);
  });

  it("refuses names that are none", async () => {
    for (const path of [
      "/services/nobody",
      "/services/root",
      "/services/..%2fapp",
      "/services/../app",
      "/services/%00",
      "/services/%zz",
    ])
      assert.ok([400, 404].includes((await get(path)).status), path);
    for (const name of ["nobody", "..%2f..%2fetc", "a%20b", "%28%29", "%22"])
      assert.ok([400, 404].includes((await get(`/services/${name}/start`, { method: "POST" })).status), name);
    assert.equal((await get("/services/root/stop", { method: "POST" })).status, 403);
    assert.equal((await get("/services/shepherd/stop", { method: "POST" })).status, 403);
  });

  it("refuses what is too much", async (t) => {
    assert.equal((await get("/", { headers: { long: "x".repeat(10_000) } })).status, 431);
    const client = new RawClient(t, site.socketPath);
    client.send("nonsense\r\n\r\n");
    await system.waitFor("nonsense is answered", () => client.isClosed);
    assert.match(client.text, /^HTTP\/1\.1 400 /);
    const body = await get("/services/db/stop", { method: "POST", headers: { "content-length": "5" } }).catch(
      () => undefined,
    );
    assert.ok(body === undefined || body.status === 413);
    // Whoever says nothing keeps a place for a while only, and never all of them for ever.
    const slow = Array.from({ length: 20 }, () => new RawClient(t, site.socketPath));
    for (const one of slow) one.send("GET / HTTP/1.1\r\nHost: local");
    await system.waitFor("all of them are closed", () => slow.every(({ isClosed }) => isClosed));
    const timedOut = slow.filter((one) => one.text.startsWith("HTTP/1.1 408 "));
    assert.ok(timedOut.length > 0);
    assert.ok(slow.filter((one) => one.text === "").length >= 12);
    assert.ok(timedOut.length <= 8);
    assert.equal((await get("/healthz")).status, 200);
  });

  it("bounds the pages that are open", async (t) => {
    const open = Array.from({ length: 4 }, () => new Events<Change>(t, site, "/events"));
    await system.waitFor("all of them are told", () => open.every(({ events }) => events.length > 0));
    assert.equal((await get("/events")).status, 503);
    for (const one of open) one.close();
    await system.waitFor("there is room again", async () => {
      const again = new Events<Change>(t, site, "/events");
      await system.waitFor("it is answered", () => again.status !== 0 || again.isClosed);
      const { status } = again;
      again.close();
      return status === 200;
    });
  });

  it("tells everything first, then what changes", async (t) => {
    const stream = new Events<Change>(t, site, "/events");
    const first = await system.waitFor("the first event", () => stream.events[0]);
    assert.ok(first.whole);
    assert.ok(first.supervisor.answers);
    const views = new Map(first.services.map((view) => [view.name, view]));
    assert.deepEqual([...views.keys()].sort(), ["app", "broken", "db", "hourly", "once", "web"]);
    assert.equal(views.get("app")?.state, "running");
    assert.deepEqual(views.get("app")?.requires, ["db"]);
    assert.ok((views.get("app")?.memory ?? 0) >= 0);
    assert.equal(views.get("once")?.state, "done");
    assert.equal(views.get("broken")?.state, "failed");
    assert.match(views.get("broken")?.why ?? "", /Failed to start: .*nonexistent/);
    assert.equal(views.get("hourly")?.kind, "timer");
    assert.ok((views.get("hourly")?.alarms?.[0] ?? 0) > Date.now() / 1000);
    assert.deepEqual(first.graph?.edges, [{ from: "app", to: "db" }]);

    await system.ok("stop", "db");
    const changed = (name: string, holds: (view: ServiceView) => boolean): Promise<unknown> =>
      system.waitFor(`the stream tells of ${name}`, () =>
        stream.events
          .slice(1)
          .some(({ services }) => services.some((view) => view.name === name && holds(view))),
      );
    await changed("db", ({ state }) => state === "stopped");
    await changed("app", ({ state }) => state === "stopped");
    await system.ok("start", "app");
    await changed("app", ({ state }) => state === "running");
    assert.ok(stream.events.slice(1).every(({ whole, graph }) => !whole && graph === undefined));
  });

  it("goes on when the daemon is killed, and says so", async (t) => {
    const stream = new Events<Change>(t, site, "/events");
    const first = await system.waitFor("the first event", () => stream.events[0]);
    const pid = first.supervisor.pid;
    assert.ok(pid !== undefined);
    await system.killDaemon();
    await system.waitFor("the stream tells of another daemon", () =>
      stream.events.some(({ supervisor }) => supervisor.pid !== undefined && supervisor.pid !== pid),
    );
    assert.equal(stream.isClosed, false);
    // An order that is given to a daemon which dies is carried out by the next one.
    const before = await system.untilProcess("app");
    const order = get("/services/app/restart", { method: "POST" });
    await system.killDaemon();
    assert.equal((JSON.parse((await order).text) as OrderReply).ok, true);
    await system.untilProcess("app", before);
  });

  it("shows the lines of a log as they are written", async (t) => {
    const stream = new Events<LogLines>(t, site, "/services/app/log");
    const lines = (): readonly string[] =>
      stream.events.flatMap(({ lines: some = [] }) => some.map(({ text }) => text));
    await system.waitFor("the old lines", () => lines().includes("hello <b>&"));
    const count = lines().length;
    await system.ok("restart", "app");
    await system.waitFor("a new line", () => lines().length > count);
    await system.killDaemon();
    await system.ok("restart", "app");
    await system.waitFor("a line after the daemon's death", () => lines().length > count + 1);
    assert.equal((await get("/services/nobody/log")).status, 404);
  });

  it("gives metrics", async () => {
    const { status, headers, text } = await get("/metrics");
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert.match(text, /^# TYPE shepherd_up gauge$/m);
    assert.match(text, /^shepherd_up 1$/m);
    assert.match(text, /^shepherd_service_state\{service="app",state="running"\} 1$/m);
    assert.match(text, /^shepherd_service_state\{service="broken",state="failed"\} 1$/m);
    assert.match(text, /^shepherd_timer_next_timestamp_seconds\{service="hourly"\} \d+$/m);
    assert.match(text, /^shepherd_service_memory_bytes\{service="db"\} \d+$/m);
    assert.doesNotMatch(text, /memory_bytes\{service="root"/);
    assert.match(text, /# EOF\n$/);
  });

  it("is ready when all that is to run does", async () => {
    const ready = (): Promise<Reply> => get("/readyz", { headers: { authorization: "" } });
    await system.waitFor("it is ready", async () => (await ready()).status === 200);
    await system.ok("stop", "app");
    const reply = await system.waitFor("it is not ready", async () => {
      const one = await ready();
      return one.status === 503 ? one : undefined;
    });
    assert.equal(reply.text, "app\n");
    await system.ok("start", "app");
  });
});
