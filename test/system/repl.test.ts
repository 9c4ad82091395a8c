// The service `repl`: clients on its socket, as with `nc -U`, and what becomes of them when the daemon dies.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { bootSystem, type Scope, type System, suiteScope } from "../support/harness.js";

/** Seconds until a daemon that does not answer is killed. */
const silence = 1;

const config = `
import { defineConfig, replService } from "shepherd-ts";
export default defineConfig({ services: [replService({ maxClients: 3 })] });
`;

/** A client, and all that it was told. */
class Terminal {
  readonly #system: System;
  readonly #socket: Socket;
  #text = "";
  #read = 0;
  closed = false;

  constructor(scope: Scope, system: System) {
    this.#system = system;
    this.#socket = createConnection({ path: system.path("run/repl") });
    this.#socket.setEncoding("utf8").on("data", (text) => {
      this.#text += text;
    });
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.closed = true;
    });
    scope.after(() => {
      this.#socket.destroy();
    });
  }

  /** What comes before the next prompt. */
  async answer(prompt = "> "): Promise<string> {
    return await this.#system.waitFor(`prompt '${prompt}'`, () => {
      const unread = this.#text.slice(this.#read);
      if (!unread.endsWith(prompt)) return undefined;
      this.#read = this.#text.length;
      // Never empty, which would look like no answer.
      return `${unread.slice(0, -prompt.length)}|`;
    });
  }

  type(text: string): void {
    this.#socket.write(text);
  }

  async ask(input: string, prompt = "> "): Promise<string> {
    this.type(`${input}\n`);
    return (await this.answer(prompt)).replace(/\n?\|$/, "");
  }

  end(): void {
    this.#socket.end();
  }
}

describe("the REPL", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await bootSystem(scope, { config });
    await system.untilStatus("repl", "running");
  });
  after(() => scope.close());

  it("is a socket of the supervisor's user alone", () => {
    assert.equal(statSync(system.path("run/repl")).mode & 0o777, 0o600);
  });

  it("evaluates in the supervisor; variables last, and belong to their client", async () => {
    const one = new Terminal(scope, system);
    assert.match(await one.answer(), /^shepherd-ts \d/);
    assert.equal(await one.ask("const x = 40; let y = 2; function sum() { return x + y }"), "undefined");
    assert.equal(await one.ask("sum()"), "42");
    assert.equal(await one.ask("_ + 1"), "43");
    assert.equal(await one.ask("{ a: 1 }"), "{ a: 1 }");
    assert.equal(await one.ask("console.log('said'); 'value'"), "said\n'value'");
    assert.equal(await one.ask("lookupService('repl').status"), "'running'");
    assert.equal(await one.ask("const late = await Promise.resolve(7);"), "undefined");
    assert.equal(await one.ask("late + (await Promise.resolve(1))"), "8");
    assert.equal(await one.ask("(await import('node:path')).basename('/a/b')"), "'b'");
    assert.match(await one.ask("null.field"), /^repl:1\n[\s\S]*TypeError: Cannot read [\s\S]*at repl:1:\d+$/);
    assert.match(await one.ask("throw 5"), /5$/);
    assert.match(await one.ask("a b"), /SyntaxError/);
    assert.equal(await one.ask(""), "");

    const other = new Terminal(scope, system);
    await other.answer();
    assert.match(await other.ask("x"), /ReferenceError: x is not defined/);
    const status = await system.ok("status");
    assert.match(status, /\+ repl-client-1\n \+ repl-client-2\n/);
    one.end();
    await system.waitFor("its service is gone", async () => !/repl-client-1/.test(await system.ok("status")));
    other.end();
    await system.waitFor("the other is gone", async () => !/repl-client/.test(await system.ok("status")));
  });

  it("reads on where an input goes on", async () => {
    const terminal = new Terminal(scope, system);
    await terminal.answer();
    assert.equal(await terminal.ask("[1,", "... "), "");
    assert.equal(await terminal.ask("2]"), "[ 1, 2 ]");
    assert.equal(await terminal.ask("async function f() {", "... "), "");
    assert.equal(await terminal.ask("return 5", "... "), "");
    assert.equal(await terminal.ask("}"), "undefined");
    assert.equal(await terminal.ask("await f(", "... "), "");
    assert.equal(await terminal.ask(")"), "5");
    assert.match(await terminal.ask("f(1 2"), /SyntaxError/);
    // An empty line gives up.
    assert.equal(await terminal.ask("f(", "... "), "");
    assert.match(await terminal.ask(""), /SyntaxError/);
    terminal.type("1 + 1\n2 + 2\n'third'\n");
    let answers = "";
    while (!answers.includes("third")) answers += await terminal.answer();
    assert.match(answers.replaceAll("|", "> "), /^2\n> 4\n> 'third'\n> $/);
    terminal.end();
  });

  it("keeps a client when the daemon dies, and tells it what is gone", async () => {
    const terminal = new Terminal(scope, system);
    await terminal.answer();
    assert.equal(await terminal.ask("const kept = 1"), "undefined");
    await system.killDaemon();
    assert.match(
      await terminal.ask("kept"),
      /^The supervisor was restarted: what this session had defined is gone\.\n[\s\S]*kept is not defined/,
    );
    terminal.type("process.kill(process.pid, 'SIGKILL'); await new Promise(() => undefined)\n");
    assert.match(
      await terminal.answer(),
      /^The supervisor was restarted while it evaluated this, which is not repeated\.\n/,
    );
    assert.match(await terminal.ask("6 * 7"), /gone\.\n42$/);
    assert.equal(terminal.closed, false);
    terminal.end();
  });

  it("answers nobody who is no client of it", async () => {
    const { status, stderr } = await system.herd("repl-eval", "root", "999999", "1");
    assert.equal(status, 1);
    assert.match(stderr, /process 999999 is no client of the REPL/);
    assert.doesNotMatch(await system.ok("doc", "root", "list-actions"), /repl-eval/);
  });
});

it("an endless loop ends with the daemon, and is named", async (t) => {
  const system = await bootSystem(t, { config, keeperOptions: [`--silence=${silence}`] });
  await system.untilStatus("repl", "running");
  const terminal = new Terminal(t, system);
  await terminal.answer();
  const note = `(await import("node:fs")).writeFileSync(${JSON.stringify(system.path("loops"))}, "\\n")`;
  terminal.type(`const endless = ${note}; for (;;) {}\n`);
  await system.waitForFile("loops");
  // Somebody must be waiting for an answer: that is what makes a daemon silent.
  const waiting = system.herd("status");
  await system.waitForLog(/did not answer and was killed: REPL session repl-client-\d+: const endless/);
  assert.equal((await waiting).status, 0);
  assert.match(await terminal.answer(), /while it evaluated this, which is not repeated\.\n/);
  terminal.end();
});
