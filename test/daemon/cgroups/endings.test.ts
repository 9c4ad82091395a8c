// How services end in their cgroups, over a fake keeper and a directory tree that stands in for the kernel's.

import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { endProcess } from "../../../src/daemon/constructors/kill.js";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { encodeNote } from "../../../src/daemon/notes-format.js";
import { program, rest, until } from "../../support/crashes.js";
import { client, emptySystem, fakeKeeper, type TestSystem } from "../../support/system.js";

interface Bed extends TestSystem {
  /** The directory of the services' cgroups. */
  readonly services: string;
}

async function boot(t: TestContext, definitions: readonly ServiceDefinition[]): Promise<Bed> {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const services = join(directory, "services");
  mkdirSync(join(directory, "shepherd"));
  mkdirSync(services);
  writeFileSync(join(directory, "shepherd", "cgroup.procs"), "");
  const one = emptySystem(fakeKeeper({ notes: [["cgroups", encodeNote({ directory })]] }));
  one.system.registry.register(definitions);
  await one.system.host.cgroups.open();
  one.system.resume();
  return { ...one, services };
}

describe("what ends in a cgroup", () => {
  it("takes what else lives there with it where it is the last of several processes", async (t) => {
    const { system, services } = await boot(t, [program("web")]);
    const { host } = system;
    await host.cgroups.prepare("web", true);
    const cgroup = join(services, "web.service");
    for (const [file, text] of [
      ["cgroup.events", "populated 1\n"],
      ["cgroup.procs", ""],
      ["cgroup.kill", ""],
    ] as const)
      writeFileSync(join(cgroup, file), text);
    const processes = ["web#0.1", "web#0.2"].map((id) => system.processes.spawn(id, { arguments: ["web"] }));
    await Promise.all(processes.map(({ started }) => started));
    const ending = processes.map(({ id, pid, start }) =>
      endProcess(
        host,
        { type: "process", id, pid, start, command: [] },
        { signal: 15, gracePeriod: 0 },
        () => undefined,
      ),
    );
    await until("the rest is killed", () => readFileSync(join(cgroup, "cgroup.kill"), "utf8") === "1");
    writeFileSync(join(cgroup, "cgroup.events"), "populated 0\n");
    await Promise.all(ending);
  });

  it("has its cgroup removed although its replacement has another name", async (t) => {
    const one = await boot(t, [program("web http")]);
    const { system, keeper, services } = one;
    await system.supervisor.start("web", [], client());
    assert.deepEqual(readdirSync(services), ["web.service"]);
    system.registry.register([program("www http")]);
    keeper.end("web#0.1", { code: 1 });
    await rest(one);
    await until("it is gone", () => !existsSync(join(services, "web.service")));
  });
});
