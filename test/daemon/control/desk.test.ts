// Requests that outlive a daemon: what the keeper's notes say of them at each instant, and what the next daemon does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Desk } from "../../../src/daemon/control/desk.js";
import type { Effect, RootAction } from "../../../src/daemon/control/dispatch.js";
import { Journal } from "../../../src/daemon/control/journal.js";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import type { Command, Reply } from "../../../src/protocol/messages.js";
import { decodeServerMessage } from "../../../src/protocol/messages.js";
import { sym } from "../../../src/protocol/sexp.js";
import { readSexp } from "../../../src/protocol/sexp-reader.js";
import { writeSexp } from "../../../src/protocol/sexp-writer.js";
import { FakeKeeper } from "../../support/fake-keeper.js";
import { definition, forkexec, kill, settle, testSystem } from "../../support/system.js";
import { waitFor } from "../../support/wait.js";

type Run = RootAction["run"];

/** A daemon with an action of root for each effect, which all do `run`. */
function daemonOver(keeper: FakeKeeper, run: Run, definitions: readonly ServiceDefinition[] = []) {
  const actions = (["none", "repeatable", "once"] as const satisfies readonly Effect[]).map(
    (effect): RootAction => ({ name: effect, effect, documentation: "", arity: [0, 9], run }),
  );
  const { system, lines } = testSystem([definition("root"), ...definitions], keeper);
  const journal = new Journal(system.outbox, keeper.inventory.notes, (message) => lines.push(message));
  const desk = new Desk(
    {
      registry: system.registry,
      supervisor: system.supervisor,
      logs: { recent: async () => [], files: () => [], trouble: () => undefined },
      root: system.registry.get("root"),
      rootActions: new Map(actions.map((action) => [action.name, action])),
      outcome: (id) => journal.outcome(id),
      processTrees: async () => [],
      stopRoot: async () => undefined,
      log: (line) => lines.push(line),
    },
    journal,
    system.outbox,
    Promise.resolve(),
  );
  return { desk, journal, system, lines };
}

function command(action: string, id?: string, service = "root"): Command {
  return {
    action: sym(action),
    service: sym(service),
    arguments: [],
    directory: "/",
    stream: true,
    ...(id === undefined ? {} : { id }),
  };
}

function decode(text: string): Reply {
  const message = decodeServerMessage(readSexp(text));
  assert.equal(message.kind, "reply");
  return message.reply;
}

function requestNotes({ notes }: FakeKeeper): string[] {
  return [...notes.keys()].filter((key) => key.startsWith("request/"));
}

const unheard = (): void => undefined;

test("a request that changes something is noted before its effect, with its reply before the client has that", async () => {
  const keeper = new FakeKeeper();
  const { desk, journal, system } = daemonOver(keeper, async (_args, request) => {
    request.say("busy");
    await system.outbox.post({ op: "put-note", key: "effect", value: Buffer.from("") });
    assert.equal(journal.outcome("a"), "resumable");
    return 7;
  });
  const text = await desk.serve(command("once", "a"), unheard);
  assert.equal(text, "(reply (version 0) (result (7)) (error #f) (messages ()))");
  const order = keeper.requests
    .filter(({ op }) => op === "put-note")
    .map((request) => (request.op === "put-note" ? request.key : ""));
  assert.deepEqual(order, ["request/a", "effect", "request/a"]);
  const next = daemonOver(new FakeKeeper({}, keeper), () => assert.fail("it is carried out again"));
  assert.equal(next.journal.outcome("a"), "done");
  // What was streamed may not have reached the client.
  assert.deepEqual(decode(await next.desk.serve(command("once", "a"), unheard)), {
    result: [7],
    messages: ["busy"],
  });
  next.desk.served(command("once", "a"));
  await settle();
  assert.deepEqual(requestNotes(keeper), []);
  assert.equal(next.journal.outcome("a"), "unknown");
});

test("a request without a name, and one that only asks, leaves no note", async () => {
  const keeper = new FakeKeeper();
  const { desk } = daemonOver(keeper, async () => 1);
  for (const [action, id] of [["once"], ["none", "a"], ["nothing", "b"]] as const)
    await desk.serve(command(action, id), unheard);
  assert.equal(
    keeper.requests.some((request) => request.op === "put-note" && request.key.startsWith("request/")),
    false,
  );
});

test("what was begun by a daemon that died is repeated only where that does no harm", async () => {
  const keeper = new FakeKeeper();
  const first = daemonOver(keeper, () => new Promise(unheard));
  for (const action of ["once", "repeatable", "none"])
    first.desk.serve(command(action, action), unheard).catch((error: unknown) => assert.fail(String(error)));
  await settle();
  const { desk, journal } = daemonOver(new FakeKeeper({}, keeper), async () => 1);
  assert.deepEqual(
    ["once", "repeatable", "none", "other"].map((id) => journal.outcome(id)),
    ["begun", "resumable", "unknown", "unknown"],
  );
  const { error } = decode(await desk.serve(command("once", "once"), unheard));
  assert.ok(error?.kind === "action-exception");
  assert.match(
    writeSexp(error.arguments),
    /was begun, may have been carried out in part, and is not repeated/,
  );
  assert.deepEqual(decode(await desk.serve(command("repeatable", "repeatable"), unheard)).result, [1]);
});

test("a client that asks again while the request is under way shares its reply", async () => {
  let runs = 0;
  let finish: (value: number) => void = unheard;
  const { desk } = daemonOver(new FakeKeeper(), () => {
    runs += 1;
    return new Promise<number>((resolve) => {
      finish = resolve;
    });
  });
  const replies = [desk.serve(command("once", "a"), unheard), desk.serve(command("once", "a"), unheard)];
  await settle();
  finish(runs);
  for (const text of await Promise.all(replies)) assert.deepEqual(decode(text).result, [1]);
});

test("a reply that is too long to be kept is told to be lost; its lines alone are left out", async () => {
  const keeper = new FakeKeeper();
  const { desk } = daemonOver(keeper, async (_args, request) => {
    for (let line = 0; line < 1000; line += 1) request.say("0123456789");
    return 1;
  });
  const long = daemonOver(keeper, async () => "x".repeat(10_000));
  await desk.serve(command("once", "lines"), unheard);
  assert.equal(decode(await long.desk.serve(command("once", "result"), unheard)).error, undefined);
  const next = daemonOver(new FakeKeeper({}, keeper), async () => 2);
  assert.deepEqual(decode(await next.desk.serve(command("once", "lines"), unheard)), {
    result: [1],
    messages: [],
  });
  const { error } = decode(await next.desk.serve(command("once", "result"), unheard));
  assert.match(writeSexp(error?.kind === "action-exception" ? error.arguments : []), /the reply is lost/);
});

test("clients that never come back are forgotten, the oldest first; a note of another format is as good as begun", async () => {
  const keeper = new FakeKeeper();
  const put = (key: string, text: string) => keeper.send([{ op: "put-note", key, value: Buffer.from(text) }]);
  await put("request/future", '{"version":2}');
  await put("request/garbage", "{");
  const { desk, journal, lines } = daemonOver(new FakeKeeper({}, keeper), async () => 1);
  assert.deepEqual([journal.outcome("future"), journal.outcome("garbage")], ["begun", "begun"]);
  assert.equal(lines.length, 2);
  for (let index = 0; index < 300; index += 1) await desk.serve(command("once", `r${index}`), unheard);
  await settle();
  assert.equal(requestNotes(keeper).length, 256);
  assert.deepEqual([journal.outcome("r43"), journal.outcome("r44")], ["unknown", "done"]);
});

test("a restart that was begun is carried out where it had not come to its stop, and only there", async () => {
  const web = definition("web", { start: forkexec("/bin/web"), stop: kill() });
  for (const [begun, isStopped] of [
    [Date.now() / 1000 + 60, true],
    [1, false],
  ] as const) {
    const keeper = new FakeKeeper();
    const first = daemonOver(keeper, async () => 1, [web]);
    await first.system.supervisor.start("web", [], first.system.background());
    await first.system.outbox.settled();
    const note = Buffer.from(JSON.stringify({ version: 3, body: { begun, repeatable: true } }));
    await keeper.send([{ op: "put-note", key: "request/a", value: note }]);
    const { desk, system } = daemonOver(new FakeKeeper({}, keeper), async () => 1, [web]);
    desk.serve(command("restart", "a", "web"), unheard).catch((error: unknown) => assert.fail(String(error)));
    // By when it is looked at, it may have been started again.
    const wasStopped = () =>
      system.registry.get("web").state.statusChanges.some(({ status }) => status === "stopping");
    if (isStopped) await waitFor("web is stopped", wasStopped);
    // What must not happen can only be given its chance.
    await settle();
    assert.equal(wasStopped(), isStopped);
  }
});

test("a start that has come to its end since it was begun is not made again", async () => {
  for (const options of [
    { oneShot: true },
    { oneShot: false },
    { oneShot: false, requirement: ["bad"] },
    { oneShot: true, requirement: ["bad"] },
  ] as const) {
    let runs = 0;
    const definitions = [
      definition("bad", {
        start: () => {
          runs += 1;
          throw new Error("it is bad");
        },
      }),
      definition("job", {
        ...options,
        start: () => {
          runs += 1;
          return true;
        },
      }),
    ];
    const keeper = new FakeKeeper();
    const { system } = daemonOver(keeper, async () => 1, definitions);
    const begun = Date.now() / 1000;
    const ok = await system.supervisor.start("job", [], system.background());
    // It may have ended meanwhile.
    if (ok && !options.oneShot) await system.supervisor.stop("job", [], system.background());
    await system.outbox.settled();
    const note = Buffer.from(JSON.stringify({ version: 3, body: { begun, repeatable: true } }));
    await keeper.send([{ op: "put-note", key: "request/a", value: note }]);
    const next = daemonOver(new FakeKeeper({}, keeper), async () => 1, definitions);
    const lines: string[] = [];
    const { result } = decode(
      await next.desk.serve(command("start", "a", "job"), (line) => lines.push(line)),
    );
    assert.equal(result !== false, ok);
    assert.deepEqual(
      lines,
      ok
        ? ["Service job has been started."]
        : ["Failed to start bad: it is bad", "Service job could not be started."],
    );
    assert.equal(runs, 1);
  }
});

test("a stop of a service that is gone by now has done what it was asked to", async () => {
  const keeper = new FakeKeeper();
  const begun = JSON.stringify({ version: 3, body: { begun: 1, repeatable: true } });
  await keeper.send([{ op: "put-note", key: "request/a", value: Buffer.from(begun) }]);
  const { desk } = daemonOver(new FakeKeeper({}, keeper), async () => 1);
  assert.equal(decode(await desk.serve(command("stop", "a", "gone"), unheard)).error, undefined);
  assert.equal(
    decode(await desk.serve(command("stop", "b", "gone"), unheard)).error?.kind,
    "service-not-found",
  );
});
