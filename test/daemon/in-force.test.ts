import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadedConfiguration } from "../../src/daemon/configuration/load.js";
import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { InForce } from "../../src/daemon/in-force.js";
import { decode } from "../../src/daemon/units/encoded.js";
import { unitOf } from "../../src/daemon/units/of-definition.js";
import { unitService } from "../../systemd-compat/index.js";
import { client, definition, fakeKeeper, settle, testSystem } from "../support/system.js";

type Files = Readonly<Record<string, readonly ServiceDefinition[]>>;
type Ends = Pick<LoadedConfiguration, "exitWith" | "shutdownTimeout">;

/** What is in force where there are these files; one that is missing cannot be read. */
function inForce(files: Files, keeper = fakeKeeper(), ends: Readonly<Record<string, Ends>> = {}) {
  let version = 0;
  const { system } = testSystem([definition("root")], keeper);
  const read = async (file: string): Promise<LoadedConfiguration> => {
    const services = files[file];
    if (services === undefined) throw new Error(`cannot read ${file}`);
    const compiled = ends[file] === undefined ? `${file}.mjs` : `${file}-${++version}.mjs`;
    const readsUnits = services.some((one) => unitOf(one) !== undefined);
    return { ...ends[file], file, compiled, hash: file, services: [...services], toStart: [], readsUnits };
  };
  const force = new InForce({
    system,
    root: system.registry.get("root"),
    read,
    readCompiled: ({ file }) => read(file),
    log: { info: () => undefined, error: () => undefined },
  });
  const names = () => system.registry.controllers.map(({ name }) => name).filter((name) => name !== "root");
  return { system, force, names, keeper };
}

test("what is loaded while a reload stops services goes with them", async () => {
  let stopped: () => void = () => undefined;
  const stop = () =>
    new Promise<void>((resolve) => {
      stopped = resolve;
    });
  const { system, force, names } = inForce({
    old: [definition("old", { stop })],
    new: [definition("new")],
    late: [definition("late")],
  });
  await force.load("old", client());
  await system.supervisor.start("old", [], client());
  const reload = force.reload("new", client());
  await settle();
  await force.load("late", client());
  stopped();
  await reload;
  assert.deepEqual(names(), ["new"]);
  assert.deepEqual(force.compiled, ["new.mjs"]);
});

test("a module that cannot be read at a takeover stays in force for the next daemon", async () => {
  const files: Files = { a: [definition("a")], b: [definition("b")] };
  const first = inForce(files);
  await first.force.load("a", client());
  await first.force.load("b", client());
  await settle();
  const second = inForce({ b: files.b ?? [] }, first.keeper.successor());
  await second.force.resume();
  await settle();
  assert.deepEqual(second.names(), ["b"]);
  const third = inForce(files, second.keeper.successor());
  await third.force.resume();
  assert.deepEqual(third.names(), ["a", "b"]);
});

test("what decides the end is no longer said where a file's newer version does not say it", async () => {
  const ends: Record<string, Ends> = { system: { exitWith: "a", shutdownTimeout: 5 } };
  const { force } = inForce({ system: [definition("a")], other: [definition("b")] }, fakeKeeper(), ends);
  await force.load("system", client());
  await force.load("other", client());
  assert.deepEqual([force.exitWith, force.shutdownTimeout], ["a", 5]);
  ends.system = {};
  await force.load("system", client());
  // The time may be that of another file.
  assert.deepEqual([force.exitWith, force.shutdownTimeout], [undefined, 5]);
});

test("what decides the end and no file has said stays", async () => {
  const ends: Record<string, Ends> = { system: { shutdownTimeout: 5 } };
  const { force } = inForce({ system: [definition("a")] }, fakeKeeper(), ends);
  force.exitWith = "main";
  await force.load("system", client());
  ends.system = {};
  await force.load("system", client());
  assert.deepEqual([force.exitWith, force.shutdownTimeout], ["main", undefined]);
});

/** A unit without a process, so that it runs as soon as it is started. */
const unit = (name: string, program: string): ServiceDefinition =>
  unitService(name, { type: "oneshot", remainAfterExit: true, execStop: program });

/** The program of the unit that is in force, or will be once the service has stopped. */
function programOf(force: ReturnType<typeof inForce>, name: string, pending = false): string | undefined {
  const { definition, replacement } = force.system.registry.get(name);
  const chosen = pending ? replacement : definition;
  const data = chosen === undefined ? undefined : unitOf(chosen);
  return data?.kind === "unit" ? decode(data.service).ExecStop?.[0]?.path : undefined;
}

/** As if the service ran, whatever starting it takes. */
function run({ system }: ReturnType<typeof inForce>, name: string): Promise<unknown> {
  return system.supervisor.start(name, [], client());
}

test("units that are read anew change in place, come without being started, and go", async () => {
  const files: Record<string, readonly ServiceDefinition[]> = {
    system: [unit("same", "/bin/1"), unit("idle", "/bin/1"), unit("runs", "/bin/1"), unit("gone", "/bin/1")],
  };
  const here = inForce(files);
  await here.force.load("system", client());
  await run(here, "runs");
  const before = here.system.registry.get("same").definition;
  files.system = [
    unit("same", "/bin/1"),
    unit("idle", "/bin/2"),
    unit("runs", "/bin/2"),
    unit("new", "/bin/1"),
  ];
  const lines = await here.force.reread();
  assert.deepEqual(lines, [
    "idle: changed",
    "runs: changed, in force when it is started next",
    "new: new",
    "gone: gone",
  ]);
  assert.deepEqual(here.names(), ["same", "idle", "runs", "new"]);
  assert.equal(here.system.registry.get("same").definition, before);
  assert.equal(programOf(here, "idle"), "/bin/2");
  assert.deepEqual([programOf(here, "runs"), programOf(here, "runs", true)], ["/bin/1", "/bin/2"]);
  assert.equal(here.system.registry.get("new").state.status, "stopped");
});

test("a new daemon goes on with units as they were read, though their files have changed", async () => {
  const files: Record<string, readonly ServiceDefinition[]> = {
    system: [unit("a", "/bin/1"), unit("b", "/bin/1")],
  };
  const first = inForce(files);
  await first.force.load("system", client());
  await run(first, "b");
  files.system = [unit("a", "/bin/1"), unit("b", "/bin/2")];
  await first.force.reread();
  await settle();
  // Nobody has asked for these.
  files.system = [unit("a", "/bin/3"), unit("b", "/bin/3"), unit("c", "/bin/3")];
  const second = inForce(files, first.keeper.successor());
  await second.force.resume();
  second.force.settle();
  assert.deepEqual(second.names().sort(), ["a", "b"]);
  assert.equal(programOf(second, "a"), "/bin/1");
  assert.equal(programOf(second, "b"), "/bin/1");
  assert.equal(programOf(second, "b", true), "/bin/3");
});

test("units that were loaded on demand are renewed apart from every module", async () => {
  const here = inForce({ system: [unit("a", "/bin/1")] });
  await here.force.load("system", client());
  here.system.registry.register([unit("loose", "/bin/1"), unit("late", "/bin/1")]);
  assert.ok(here.force.isLoose(here.system.registry.get("loose")));
  assert.deepEqual(here.force.renewLoose([unit("loose", "/bin/2")], ["late", "a"]), [
    "loose: changed",
    "late: gone",
  ]);
  assert.deepEqual(here.names(), ["a", "loose"]);
  assert.deepEqual(await here.force.reread(), []);
  assert.deepEqual(here.names(), ["a", "loose"]);
});
