// The control socket as a GNU herd sees it: raw bytes in, raw bytes out.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { gnuRequest } from "../support/wire.js";

/** The service expression's fields, in the order in which GNU Shepherd 1.0 writes them, and what each looks like. */
const fields: readonly (readonly [string, string])[] = [
  ["provides", String.raw`\(web http\)`],
  ["requires", String.raw`\(db\)`],
  ["respawn\\?", "#f"],
  ["docstring", '"Serve pages\\."'],
  ["enabled\\?", "#t"],
  ["running", String.raw`\(process \(version 0\) \(id \d+\) \(command \("/bin/sleep" "1000000"\)\)\)`],
  ["conflicts", String.raw`\(\)`],
  ["last-respawns", String.raw`\(\)`],
  ["status-changes", String.raw`\(\(running \. \d+\) \(starting \. \d+\)\)`],
  ["startup-failures", String.raw`\(\)`],
  ["status", "running"],
  ["one-shot\\?", "#f"],
  ["transient\\?", "#f"],
  ["respawn-limit", String.raw`\(5 \. 7\)`],
  ["respawn-delay", "0\\.1"],
  ["actions", String.raw`\(greet\)`],
  ["exit-statuses", String.raw`\(\)`],
  ["recent-messages", String.raw`\(\)`],
  ["log-files", String.raw`\(.*?\)`],
  ["pending-replacement\\?", "#f"],
];
const serviceExpression = String.raw`\(service \(version 0\) ${fields
  .map(([name, value]) => String.raw`\(${name} ${value}\)`)
  .join(" ")}.*\)`;

describe("the wire protocol", () => {
  const scope = suiteScope();
  let system: System;
  before(async () => {
    system = await bootSystem(scope, {
      config: configuration([
        `service(["web", "http"], {
           requirement: ["db"],
           documentation: "Serve pages.",
           start: makeForkexecConstructor(["/bin/sleep", "1000000"]),
           stop: makeKillDestructor(),
           actions: [shepherdAction({ name: "greet", documentation: "Greet.", procedure: () => 42 })],
         })`,
        sleeper("db"),
        `service(["fails"], { autoStart: false, start: () => false })`,
        `service(["throws"], { autoStart: false, start: () => { throw new Error("no such luck"); } })`,
        `service(["says"], { autoStart: false, start: ${shell('echo "a \\"quoted\\" line"; exec sleep 1000000')} })`,
      ]),
    });
    await system.untilStatus("web", "running");
  });
  after(() => scope.close());

  /** Asks, and expects the server to close after its one reply. */
  async function reply(request: string): Promise<string> {
    const { text, closed } = await system.rawRequest(request);
    assert.equal(closed, true);
    return text.trimEnd();
  }

  it("status of a service has every field of GNU's expression, in its order", async () => {
    const text = await reply(gnuRequest("status", "web"));
    assert.match(
      text,
      new RegExp(
        String.raw`^\(reply \(version 0\) \(result \(${serviceExpression}\)\) \(error #f\) \(messages \(\)\)\)$`,
      ),
    );
  });

  it("status of a second name gives the same service", async () => {
    assert.match(await reply(gnuRequest("status", "http")), /\(provides \(web http\)\)/);
  });

  it("status of root is the list of all services", async () => {
    const text = await reply(gnuRequest("status", "root"));
    assert.match(text, /^\(reply \(version 0\) \(result \(\(\(service /);
    for (const name of ["root", "web http", "db", "fails"])
      assert.ok(text.includes(`(provides (${name}`), name);
  });

  it("start gives the service itself and the messages", async () => {
    const text = await reply(gnuRequest("start", "says"));
    assert.match(text, /^\(reply \(version 0\) \(result \(service \(version 0\) \(provides \(says\)\)/);
    assert.match(text, /\(messages \(.*"Service says has been started\."\)\)\)$/);
  });

  it("text is escaped as Guile reads it", async () => {
    const said = await system.waitFor("the line arrived", async () => {
      const text = await reply(gnuRequest("status", "says"));
      return text.match(/\(recent-messages \(\(\d+ \. (.*?)\)\)\)/)?.[1];
    });
    assert.equal(said, String.raw`"a \"quoted\" line"`);
  });

  it("a start that fails gives #f without an error", async () => {
    const text = await reply(gnuRequest("start", "fails"));
    assert.match(text, /^\(reply \(version 0\) \(result #f\) \(error #f\) \(messages \(.*\)\)\)$/);
  });

  it("a start that throws is an action-exception", async () => {
    const text = await reply(gnuRequest("start", "throws"));
    assert.match(
      text,
      /\(result #f\) \(error \(error \(version 0\) action-exception start throws \S+ \(.*no such luck.*\)\)\)/,
    );
  });

  it("stop gives the names of what was stopped, the service first", async () => {
    assert.match(await reply(gnuRequest("stop", "db")), /\(result \(db web\)\) \(error #f\)/);
    assert.match(await reply(gnuRequest("stop", "db")), /\(result \(\)\) \(error #f\)/);
    await system.ok("start", "web");
  });

  it("another action gives a list with its value", async () => {
    assert.match(await reply(gnuRequest("greet", "web")), /\(result \(42\)\) \(error #f\)/);
  });

  it("an unknown service and an unknown action are named", async () => {
    assert.match(
      await reply(gnuRequest("status", "nope")),
      /\(result #f\) \(error \(error \(version 0\) service-not-found nope\)\)/,
    );
    assert.match(
      await reply(gnuRequest("frob", "http")),
      /\(result #f\) \(error \(error \(version 0\) action-not-found frob web\)\)/,
    );
  });

  it("a version may have more elements, and a command more fields", async () => {
    const request = gnuRequest("status", "web").replace("(version 0)", "(version 0 7 foo)");
    assert.match(await reply(request), /\(provides \(web http\)\)/);
    assert.match(
      await reply(gnuRequest("status", "web").replace(/\)\n$/, " (more #t))\n")),
      /\(provides \(web http\)\)/,
    );
  });

  it("a second command on one connection is ignored", async () => {
    const text = await reply(gnuRequest("status", "web") + gnuRequest("status", "db"));
    assert.equal(text.match(/\(reply /g)?.length, 1);
  });

  for (const [what, request] of [
    ["another version", gnuRequest("status", "web").replace("(version 0)", "(version 1)")],
    ["a missing field", gnuRequest("status", "web").replace("(arguments ())", "")],
    ["a stray parenthesis", ")\n"],
  ] as const) {
    it(`${what} leads to a close without a reply`, async () => {
      assert.equal(await reply(request), "");
    });
  }
});
