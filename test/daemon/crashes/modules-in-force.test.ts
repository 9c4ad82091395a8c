// Which modules are in force, and for which services: the next daemon, in rescue mode or not, finds what was, and nothing
// that is gone comes back.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  childrenOf,
  daemon,
  deaths,
  type Modules,
  program,
  rest,
  servicesOf,
} from "../../support/crashes.js";
import { client, settle } from "../../support/system.js";

const idle = { autoStart: false } as const;

test("of two modules that define a service the one in force is in force in the next daemon", async () => {
  const modules: Modules = {
    main: [program("web", idle)],
    override: [program("web", { documentation: "the override" })],
  };
  const first = await daemon(modules);
  await first.load("main");
  await first.load("override");
  const second = await daemon(modules, first.keeper.successor());
  await rest(second);
  const web = second.system.registry.get("web");
  assert.equal(web.definition.documentation, "the override");
  assert.equal(web.replacement, undefined);
  assert.deepEqual(servicesOf(second), ["root running", "web running"]);
});

test("a service that took another one's place under another name is not lost", async () => {
  const modules: Modules = { main: [program("old shared", idle)], override: [program("new shared")] };
  const first = await daemon(modules);
  await first.load("main");
  await first.load("override");
  const second = await daemon(modules, first.keeper.successor());
  await rest(second);
  assert.deepEqual(servicesOf(second), ["root running", "new running"]);
  await second.system.supervisor.start("new", [], client());
  assert.deepEqual(childrenOf(second.keeper), [["new#0.1", []]]);
});

test("a service that an evaluated expression renamed is not lost", async () => {
  const modules: Modules = { main: [program("web http", idle)] };
  const first = await daemon(modules);
  await first.load("main");
  first.system.registry.register([program("www http")]);
  await first.system.supervisor.start("www", [], client());
  await rest(first);
  const second = await daemon(modules, first.keeper.successor());
  await rest(second);
  assert.equal(second.system.registry.get("http").name, "www");
  assert.deepEqual(childrenOf(second.keeper), [["www#0.1", []]]);
});

test("a reload that is refused changes nothing, in this daemon or the next", async () => {
  const modules: Modules = {
    main: [program("one"), program("two"), program("three")],
    // Takes the names of two services, which cannot both be replaced by it.
    wrong: [program("both one two")],
  };
  const all = ["root running", "one running", "two running", "three running"];
  const first = await daemon(modules);
  await first.load("main");
  const { compiled } = first.force;
  await assert.rejects(first.force.reload("wrong", client()), /wrong: /);
  await rest(first);
  assert.deepEqual(servicesOf(first), all);
  assert.deepEqual(first.force.compiled, compiled);
  const second = await daemon(modules, first.keeper.successor());
  await rest(second);
  assert.deepEqual(servicesOf(second), all);
  assert.deepEqual(
    second.lines.filter((line) => line.startsWith("error: ")),
    [],
  );
});

test("a module that a reload has replaced while it was read anew does not come back", async () => {
  const modules: Modules = { main: [program("old")], later: [program("old")], other: [program("other")] };
  const first = await daemon(modules);
  await first.load("main");
  let compiled: () => void = () => undefined;
  const second = await daemon(modules, first.keeper.successor(), {
    changed: { main: "later" },
    compiling: (file) =>
      file === "main"
        ? new Promise((resolve) => {
            compiled = resolve;
          })
        : Promise.resolve(),
  });
  const refresh = second.force.refresh(client());
  await settle();
  await second.force.reload("other", client());
  compiled();
  await refresh;
  await rest(second);
  assert.deepEqual(servicesOf(second), ["root running", "other running"]);
});

test("what was unloaded, or was transient and is over, is not started by a module that is read anew", async () => {
  const job = program("job", { transient: true });
  const modules: Modules = {
    main: [job, program("unloaded")],
    later: [job, program("unloaded"), program("new")],
  };
  const first = await daemon(modules);
  await first.load("main");
  first.keeper.end("job#0.1", { code: 0 });
  await rest(first);
  await first.system.remove(first.system.registry.get("unloaded"), client());
  await rest(first);
  assert.deepEqual(servicesOf(first), ["root running"]);
  const second = await daemon(modules, first.keeper.successor(), { changed: { main: "later" } });
  await second.force.refresh(client());
  await rest(second);
  assert.deepEqual(servicesOf(second), ["root running", "new running"]);
});

test("a transient service that ends in rescue mode does not come back after it", async () => {
  const modules: Modules = { main: [program("job", { transient: true })] };
  const first = await daemon(modules);
  await first.load("main");
  const rescue = await daemon(modules, first.keeper.successor(), { rescue: true });
  await rest(rescue);
  rescue.keeper.end("job#0.1", { code: 0 });
  await rest(rescue);
  const next = await daemon(modules, rescue.keeper.successor());
  await rest(next);
  assert.deepEqual(servicesOf(next), ["root running"]);
});

test("what was replaced in rescue mode runs by the definition in force from then on", async () => {
  const modules: Modules = {
    main: [program("web", { documentation: "old" })],
    later: [program("web", { documentation: "new" })],
  };
  const changed = { main: "later" };
  const first = await daemon(modules);
  await first.load("main");
  const second = await daemon(modules, first.keeper.successor(), { changed });
  await second.force.refresh(client());
  await rest(second);
  assert.equal(second.system.registry.get("web").replacement?.documentation, "new");
  const rescue = await daemon(modules, second.keeper.successor(), { changed, rescue: true });
  await rest(rescue);
  await rescue.system.supervisor.stop("web", [], client());
  await rest(rescue);
  const fourth = await daemon(modules, rescue.keeper.successor(), { changed });
  await fourth.force.refresh(client());
  await fourth.system.supervisor.start("web", [], client());
  await rest(fourth);
  assert.equal(fourth.system.registry.get("web").definition.documentation, "new");
  const fifth = await daemon(modules, fourth.keeper.successor(), { changed });
  await rest(fifth);
  assert.equal(fifth.system.registry.get("web").definition.documentation, "new");
  assert.deepEqual(servicesOf(fifth), ["root running", "web running"]);
});

test("all of a large module's services are started, or it is not in force, whenever the daemon dies", async () => {
  // What is noted of them takes several frames, each of 512 KiB at most.
  const names = Array.from({ length: 600 }, (_, index) => `${"service".repeat(55)}-${index}`);
  const modules: Modules = { main: names.map((name) => program(name)) };
  const first = await daemon(modules);
  await first.force.load("main", client());
  const inForce = first.keeper.frames.findIndex((frame) =>
    frame.some((request) => request.op === "put-note" && request.key === "system"),
  );
  assert.ok(inForce > 0, "what is to be started does not fit into the frame that puts it into force");
  await rest(first);
  for (const { left, after } of deaths(first.keeper)) {
    if (!left.notes.has("system")) continue;
    const next = await daemon(modules, left);
    await rest(next);
    assert.equal(childrenOf(next.keeper).length, names.length, after.slice(0, 100));
  }
});
