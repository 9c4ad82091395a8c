// The public functions that speak to the daemon, and what they do while a module is loaded.

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import {
  lookupService,
  registerServices,
  service,
  startInTheBackground,
  startService,
  stopService,
  write,
} from "../../../src/daemon/api.js";
import { collectDuring, setRuntime } from "../../../src/daemon/definition/runtime.js";
import { idleRuntime, mistake, untyped } from "./support.js";

const web = service(["web"]);
const db = service(["db"]);

let calls: unknown[] = [];
beforeEach(() => {
  calls = [];
  setRuntime({
    ...idleRuntime,
    registerServices: (definitions) => calls.push("register", ...definitions),
    startInTheBackground: (names) => calls.push("background", ...names),
    startService: async (name, args) => {
      calls.push("start", name, ...args);
      return true;
    },
    stopService: async (name, args) => {
      calls.push("stop", name, ...args);
      return [name];
    },
    lookupService: (name) =>
      name === "web" ? { name, status: "running", enabled: true, value: true } : undefined,
  });
});

/** Resolves when `resolve` is called. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

describe("in the running daemon", () => {
  it("all calls go to it", async () => {
    registerServices([web, db]);
    startInTheBackground(["web"]);
    assert.equal(await startService("web", "a", "b"), true);
    assert.deepEqual(await stopService("web", "c"), ["web"]);
    assert.deepEqual(calls, [
      "register",
      web,
      db,
      "background",
      "web",
      "start",
      "web",
      "a",
      "b",
      "stop",
      "web",
      "c",
    ]);
    assert.deepEqual(lookupService("web"), { name: "web", status: "running", enabled: true, value: true });
    assert.equal(lookupService("nobody"), undefined);
  });

  it("what is no service, name or argument is refused", async () => {
    assert.match(
      mistake(() => registerServices(untyped([web, { ...db }]))),
      /^registerServices: expected a list of services made by .*, got \{ provision: \[ 'db' \], .* as item 2$/,
    );
    assert.match(
      mistake(() => startInTheBackground(untyped("web"))),
      /^startInTheBackground: expected a list of names, each of .*, got "web"$/,
    );
    assert.equal(
      mistake(() => lookupService(untyped(5))),
      "lookupService: expected a string, got 5",
    );
    await assert.rejects(startService(untyped(undefined)), /startService: expected a string, got undefined$/);
    await assert.rejects(
      stopService("web", untyped(5)),
      /stopService: expected arguments that are strings, got \[ 5 \]$/,
    );
    assert.deepEqual(calls, []);
  });
});

describe("while a module is loaded", () => {
  it("what it registers is collected, through its awaits, and does not reach the daemon", async () => {
    const { services, toStart, result } = await collectDuring(async () => {
      registerServices([web]);
      await Promise.resolve();
      registerServices([db]);
      startInTheBackground(["web", "db"]);
      return "module";
    });
    assert.deepEqual(
      { services, toStart, result },
      { services: [web, db], toStart: ["web", "db"], result: "module" },
    );
    assert.deepEqual(calls, []);
  });

  it("other loads, and what else the daemon does, are not mixed in", async () => {
    const { passed, open } = gate();
    const first = collectDuring(async () => {
      await passed;
      registerServices([web]);
    });
    const second = collectDuring(async () => {
      registerServices([db]);
      await passed;
    });
    registerServices([web]);
    open();
    assert.deepEqual((await first).services, [web]);
    assert.deepEqual((await second).services, [db]);
    assert.deepEqual(calls, ["register", web]);
  });

  it("services cannot be started and awaited: they are not in force yet", async () => {
    await collectDuring(async () => {
      await assert.rejects(
        startService("web"),
        /startService: the module's services are not in force yet; use startInTheBackground$/,
      );
      await assert.rejects(stopService("web"), /stopService: the module's services are not in force yet$/);
    });
    assert.deepEqual(calls, []);
  });

  it("what a module left behind speaks to the daemon once the module is loaded", async () => {
    const { passed, open } = gate();
    const { result, services } = await collectDuring(async () => ({
      later: passed.then(() => registerServices([web])),
    }));
    open();
    await result.later;
    assert.deepEqual(services, []);
    assert.deepEqual(calls, ["register", web]);
  });

  it("what a module that failed left behind does nothing", async () => {
    const { passed, open } = gate();
    let later: Promise<void> = Promise.resolve();
    await assert.rejects(
      collectDuring(async () => {
        later = passed.then(() => registerServices([web]));
        throw new Error("no such luck");
      }),
      /^Error: no such luck$/,
    );
    open();
    await assert.rejects(later, /^Error: the module that this belongs to could not be loaded$/);
    assert.deepEqual(calls, []);
  });
});

describe("write", () => {
  const written: readonly (readonly [unknown, string])[] = [
    [["a", "b", "c"], '("a" "b" "c")'],
    [[], "()"],
    ["¡hola!", '"¡hola!"'],
    ['say "\\"\n', '"say \\"\\\\\\"\\n"'],
    [[1, -2.5, true, false, ["x"]], '(1 -2.5 #t #f ("x"))'],
    [null, "()"],
    [undefined, '"#<unspecified>"'],
    [{ a: 1 }, '"{ a: 1 }"'],
  ];
  for (const [value, text] of written) {
    it(text, () => assert.equal(write(value), text));
  }
});
