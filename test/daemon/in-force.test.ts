import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadedConfiguration } from "../../src/daemon/configuration/load.js";
import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { InForce } from "../../src/daemon/in-force.js";
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
    return { ...ends[file], file, compiled, hash: file, services: [...services], toStart: [] };
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
