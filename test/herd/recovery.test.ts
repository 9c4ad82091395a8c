// The client whose connection ends before the reply: what it asks, what it sends again, and what it tells.
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { type Command, encodeMessage, type RequestOutcome } from "../../src/protocol/messages.js";
import { symbolName } from "../../src/protocol/sexp.js";
import { type FakeDaemon, fakeDaemon, reply } from "./fake-daemon.js";

const goesOn = "herd: the supervisor was restarted; it goes on with the request\n";
const premature = "herd: error: premature end-of-file while talking to shepherd\n";

/** What a daemon does with a command; "" is to die. */
type Serve = (socket: Socket, command: Command) => void;

const die: Serve = (socket) => socket.destroy();
const say =
  (...texts: string[]): Serve =>
  (socket) => {
    for (const text of texts) socket.write(text);
    socket.end();
  };

interface Lives {
  /** What becomes of the command each time that it comes. */
  readonly commands: readonly Serve[];
  /** What is answered each time that somebody asks for the outcome. */
  readonly outcomes: readonly (RequestOutcome | Serve)[];
}

/** A daemon that dies again and again. */
async function mortal(context: TestContext, { commands, outcomes }: Lives): Promise<FakeDaemon> {
  const next = { command: 0, outcome: 0 };
  const fake = await fakeDaemon((socket, command) => {
    if (symbolName(command.action) === "request-outcome") {
      assert.deepEqual(command.arguments, [fake.commands[0]?.id]);
      const outcome = outcomes[next.outcome++] ?? die;
      (typeof outcome === "string" ? say(reply(`(${outcome})`)) : outcome)(socket, command);
    } else {
      assert.equal(command.id, fake.commands[0]?.id);
      (commands[next.command++] ?? die)(socket, command);
    }
  });
  context.after(() => fake.close());
  return fake;
}

test("a request that was not begun is sent again, and nothing is said of it", async (context) => {
  const fake = await mortal(context, { commands: [die, say(reply("(#t)"))], outcomes: ["unknown"] });
  assert.deepEqual(await fake.herd("eval", "root", "1"), { status: 0, stdout: "#t\n", stderr: "" });
});

test("what was begun is taken up, and no line is shown twice", async (context) => {
  const one = encodeMessage("one");
  const two = encodeMessage("two");
  const fake = await mortal(context, {
    commands: [say(one, one), say(one, two), say(two, one, one, reply("(#t)", '"one" "three"'))],
    outcomes: ["resumable", die, "resumable"],
  });
  assert.deepEqual(await fake.herd("start", "web"), {
    status: 0,
    stdout: "one\none\ntwo\none\nthree\n",
    stderr: goesOn + goesOn,
  });
});

test("a reply that was ready is shown as if it had come", async (context) => {
  const fake = await mortal(context, {
    commands: [say(encodeMessage("one")), say(reply("(#t)", '"one" "two"'))],
    outcomes: ["done"],
  });
  assert.deepEqual(await fake.herd("act", "web"), { status: 0, stdout: "one\ntwo\n", stderr: "" });
});

test("what must not be repeated is not", async (context) => {
  const text =
    "the supervisor was restarted while it carried out the request: it was begun, may have been carried out in part, and is not repeated";
  const fake = await mortal(context, { commands: [die, say(reply("(#t)"))], outcomes: ["begun", "begun"] });
  const { status, stdout, stderr } = await fake.herd("eval", "root", "1", "--json");
  assert.deepEqual([status, stderr], [1, `herd: error: ${text}\n`]);
  assert.deepEqual(JSON.parse(stdout), { error: { kind: "interrupted", message: text } });
  assert.equal(fake.commands.length, 2);
});

test("a request that each daemon dies of is given up", async (context) => {
  const fake = await mortal(context, { commands: [], outcomes: Array(20).fill("resumable") });
  const { status, stderr } = await fake.herd("load", "root", "x");
  assert.equal(status, 1);
  assert.equal(
    stderr,
    `${goesOn.repeat(3)}herd: error: the supervisor was restarted while it carried out the request, again and again; it is not sent once more\n`,
  );
});

test("a request that no daemon will begin ends as ever", async (context) => {
  const fake = await mortal(context, { commands: [], outcomes: Array(20).fill("unknown") });
  assert.deepEqual(await fake.herd("start", "web"), { status: 1, stdout: "", stderr: premature });
});

test("a daemon that knows of no outcomes: the end is an error as ever", async (context) => {
  const unknownAction = say(reply("#f", "", "(error (version 0) action-not-found request-outcome root)"));
  for (const outcome of [unknownAction, say(reply("(perhaps)")), die]) {
    const fake = await mortal(context, { commands: [die], outcomes: Array(20).fill(outcome) });
    assert.deepEqual(await fake.herd("start", "web"), { status: 1, stdout: "", stderr: premature });
  }
});

test("the end of the daemon is success once nobody listens", async (context) => {
  const fake = await mortal(context, {
    commands: [die, (socket) => void fake.close().then(() => socket.destroy())],
    outcomes: ["resumable"],
  });
  assert.deepEqual(await fake.herd("stop", "root"), { status: 0, stdout: "", stderr: goesOn });
});

test("a shutdown ends the daemon if it is for now, and not if it is for later", async (context) => {
  for (const [time, status] of [
    ["now", 0],
    ["+5", 1],
  ] as const) {
    const fake = await mortal(context, {
      commands: [(socket) => void fake.close().then(() => socket.destroy())],
      outcomes: [],
    });
    assert.equal((await fake.herd("shutdown", "root", "reboot", time)).status, status, time);
  }
});

test("where it listens no more, and was not told to end, that is said", async (context) => {
  const fake = await mortal(context, {
    commands: [(socket) => void fake.close().then(() => socket.destroy())],
    outcomes: [],
  });
  const { status, stderr } = await fake.herd("start", "web");
  assert.equal(status, 1);
  assert.match(stderr, /^herd: error: premature end-of-file [^;]*; now: \/.*: No such file or directory\n$/);
});
