// The daemon's death at every instant between two frames, with the cgroup made or not yet made, removed or not yet removed:
// the next one spawns only into cgroups that are there, and in the end leaves none.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { encodeNote } from "../../../src/daemon/notes-format.js";
import { childrenOf, deaths, program, rest, until } from "../../support/crashes.js";
import type { FakeChild, FakeKeeper } from "../../support/fake-keeper.js";
import { client, emptySystem, fakeKeeper, type TestSystem } from "../../support/system.js";

const definitions: readonly ServiceDefinition[] = [
  program("base"),
  program("web", { requirement: ["base"], cgroup: { pidsMax: 10 } }),
];

test("services start and stop in their cgroups whenever the daemon dies", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const services = join(directory, "services");
  mkdirSync(join(directory, "shepherd"));
  mkdirSync(services);
  writeFileSync(join(directory, "shepherd", "cgroup.procs"), "");
  const cgroups = (): readonly string[] => readdirSync(services).sort();
  const stray: string[] = [];
  const onSpawn = ({ id, spec }: FakeChild, keeper: FakeKeeper): void => {
    if (spec?.cgroup === undefined || !existsSync(spec.cgroup)) stray.push(`${id} in ${spec?.cgroup}`);
    keeper.started(id);
  };
  const notes = [["cgroups", encodeNote({ directory })]] as const;

  const begin = async (keeper: FakeKeeper): Promise<TestSystem> => {
    const system = emptySystem(keeper);
    system.system.registry.register(definitions);
    await system.system.host.cgroups.open();
    system.system.resume();
    return system;
  };
  const stopAll = async (one: TestSystem): Promise<void> => {
    await one.system.supervisor.stop("base", [], client());
    await rest(one);
    await until("no cgroup is left", () => cgroups().length === 0);
    assert.deepEqual(childrenOf(one.keeper), []);
    assert.deepEqual(
      one.lines.filter((line) => line.startsWith("error")),
      [],
    );
  };

  const first = await begin(fakeKeeper({ notes, onSpawn }));
  await first.system.supervisor.start("web", [], client());
  assert.deepEqual(cgroups(), ["base.service", "web.service"]);
  await stopAll(first);
  const left = [...deaths(first.keeper)].length;
  assert.ok(left > 5, "the daemon has died at some instant");

  for (const found of [[], ["web.service"], ["base.service", "web.service"], ["gone.service"]]) {
    for (const { left: keeper, after } of deaths(first.keeper)) {
      for (const name of found) mkdirSync(join(services, name), { recursive: true });
      const second = await begin(keeper);
      await rest(second);
      await second.system.supervisor.start("web", [], client());
      await rest(second);
      assert.deepEqual(stray, [], `killed after ${after}, with ${found.join(" ")}`);
      await stopAll(second);
    }
  }
});
