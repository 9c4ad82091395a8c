// The server of the service `web` over a daemon that answers what the test says: silence, nonsense, absence, and how often it
// is asked.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { type Command, encodeReply } from "../../src/protocol/messages.js";
import { encodeService } from "../../src/protocol/service-status.js";
import { symbolName } from "../../src/protocol/sexp.js";
import { Feed } from "../../src/web/feed.js";
import { webServers } from "../../src/web/server.js";
import { Supervisor } from "../../src/web/supervisor.js";
import type { Change } from "../../src/web/views.js";
import { type Answer, fakeDaemon } from "../herd/fake-daemon.js";
import { waitFor } from "../support/wait.js";
import { Events, fetchFrom, type Site } from "./http.js";
import { statusOf } from "./statuses.js";

const token = "the-token-of-this-test";
const status = encodeReply({
  result: [[encodeService(statusOf("one", { status: "running" }))]],
  messages: [],
});

/** Tells of one service, whatever it is asked. */
const wellBehaved = (socket: Socket, command: Command): void => {
  socket.end(
    symbolName(command.action) === "status" ? status : encodeReply({ result: [true], messages: [] }),
  );
};

interface Bed {
  readonly site: Site;
  readonly asked: () => readonly (string | undefined)[];
}

async function serve(t: TestContext, answer: Answer): Promise<Bed> {
  const daemon = await fakeDaemon(answer);
  const directory = mkdtempSync(join(tmpdir(), "shepherd-web-"));
  const socketPath = join(directory, "web");
  const [server] = webServers(
    {
      supervisor: new Supervisor(daemon.path),
      gate: { token, hosts: new Set(["localhost"]) },
      assets: { script: "", style: "" },
      maxClients: 10,
      failed: (error) => assert.fail(String(error)),
    },
    1,
  );
  assert.ok(server !== undefined);
  server.listen(socketPath);
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await daemon.close();
    rmSync(directory, { recursive: true });
  });
  return {
    site: { socketPath, token },
    asked: () => daemon.commands.map(({ action }) => symbolName(action)),
  };
}

it("asks once for all who ask at a time", async (t) => {
  const { site, asked } = await serve(t, wellBehaved);
  const replies = await Promise.all(Array.from({ length: 5 }, () => fetchFrom(site, "/metrics")));
  assert.deepEqual(
    replies.map((one) => one.status),
    [200, 200, 200, 200, 200],
  );
  await Promise.all(Array.from({ length: 5 }, () => fetchFrom(site, "/healthz")));
  assert.deepEqual(asked(), ["status", "request-outcome"]);
});

it("asks while somebody listens, and not after that", async (t) => {
  const daemon = await fakeDaemon(wellBehaved);
  t.after(() => daemon.close());
  const feed = new Feed(new Supervisor(daemon.path), (error) => assert.fail(String(error)));
  assert.equal(feed.isAsking, false);
  const told: Change[] = [];
  const unsubscribe = feed.subscribe((change) => told.push(change));
  const other = feed.subscribe((change) => told.push(change));
  await waitFor(
    "both are told, and it was asked again",
    () => told.length === 2 && daemon.commands.length >= 2,
  );
  assert.ok(told.every(({ whole }) => whole));
  unsubscribe();
  assert.ok(feed.isAsking);
  const count = daemon.commands.length;
  await waitFor("it is asked for the other one", () => daemon.commands.length > count);
  other();
  await waitFor("nobody asks any more", () => !feed.isAsking);
  // Who comes then is told everything, as things are then.
  feed.subscribe((change) => told.push(change))();
  await waitFor("that one has gone, too", () => !feed.isAsking);
});

it("tells that there is no answer, and goes on when there is one", async (t) => {
  let isDown = true;
  const { site } = await serve(t, (socket, command) =>
    isDown ? socket.destroy() : wellBehaved(socket, command),
  );
  for (const path of ["/healthz", "/readyz", "/services/one"])
    assert.equal((await fetchFrom(site, path)).status, 503);
  assert.match((await fetchFrom(site, "/metrics")).text, /^shepherd_up 0$/m);
  const stream = new Events<Change>(t, site, "/events");
  const first = await waitFor("the silence is told", () => stream.events[0]);
  assert.equal(first.supervisor.answers, false);
  isDown = false;
  await waitFor("the answer is told", () => stream.events.some(({ supervisor }) => supervisor.answers));
  await waitFor("it is healthy", async () => (await fetchFrom(site, "/healthz")).status === 200);
});

it("takes no nonsense for an answer", async (t) => {
  for (const nonsense of [
    "(reply",
    "(reply (version 0) (result 5) (error #f) (messages ()))",
    "hello",
    ")",
  ]) {
    const { site } = await serve(t, nonsense);
    for (const path of ["/readyz", "/services/one", "/services/one/log"])
      assert.equal((await fetchFrom(site, path)).status, 503, `${path} ${nonsense}`);
    const order = await fetchFrom(site, "/services/one/stop", { method: "POST" });
    assert.equal(order.status, 503);
  }
});

it("waits for a silent daemon for a while only", async (t) => {
  const { site } = await serve(t, () => undefined);
  const { status: code, text } = await fetchFrom(site, "/healthz");
  assert.equal(code, 503);
  assert.match(text, /does not answer/);
});
