// The life of services' cgroups over a directory tree that stands in for the kernel's: when they are made and removed, and
// what the next daemon does with those that it finds. A file in a directory keeps it from being removed, as a process does.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { type CgroupParts, Cgroups, cgroupName, serviceOf } from "../../../src/daemon/cgroups/cgroups.js";
import { waitFor } from "../../support/wait.js";

describe("the name of a cgroup", () => {
  for (const service of ["web", "memory.max", "cgroup.procs", ".hidden", "ü", "x".repeat(200), "a.service"]) {
    it(`${service.slice(0, 20)} is a service's`, () => {
      const name = cgroupName(service) ?? "";
      assert.equal(serviceOf(name), service);
      assert.ok(Buffer.byteLength(name) <= 255);
      // No file that the kernel makes there ends like this.
      assert.match(name, /\.service$/);
    });
  }
  it("no service is called so that its cgroup would be elsewhere", () => {
    for (const name of ["..", ".", "a/b", "../x", "", "a\0b", "a\nb"])
      assert.equal(cgroupName(name), undefined);
    for (const name of ["memory.max", ".service", "shepherd"]) assert.equal(serviceOf(name), undefined);
  });
});

interface Bed {
  readonly services: string;
  /** Those that are not stopped. */
  readonly used: Set<string>;
  readonly reports: string[];
  readonly notes: string[];
  /** Another daemon. */
  begin(parts?: Partial<CgroupParts>): Promise<Cgroups>;
}

function makeBed(t: TestContext): Bed {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const services = join(directory, "services");
  mkdirSync(join(directory, "shepherd"));
  mkdirSync(services);
  writeFileSync(join(directory, "shepherd", "cgroup.procs"), "");
  const bed = { services, used: new Set<string>(), reports: [] as string[], notes: [] as string[] };
  const begin = async (parts: Partial<CgroupParts> = {}): Promise<Cgroups> => {
    const cgroups = new Cgroups({
      keeper: { pid: process.pid, init: false, initial: false },
      noted: directory,
      note: async (noted) => {
        bed.notes.push(noted);
      },
      limitsOf: () => undefined,
      isUsed: (service) => bed.used.has(service),
      ranOut: () => undefined,
      report: (message) => {
        bed.reports.push(message);
      },
      ...parts,
    });
    await cgroups.open();
    cgroups.resume();
    return cgroups;
  };
  return { ...bed, begin };
}

const namesIn = (directory: string): readonly string[] => readdirSync(directory).sort();
const isGone = (directory: string): Promise<boolean> =>
  waitFor(`${directory} is gone`, () => !existsSync(directory));

describe("cgroups of services", () => {
  it("are there from the start of a service until it is stopped", async (t) => {
    const bed = makeBed(t);
    const cgroups = await bed.begin();
    assert.equal(cgroups.pathOf("web"), undefined);
    bed.used.add("web");
    assert.deepEqual(await cgroups.prepare("web", true), []);
    const path = join(bed.services, "web.service");
    assert.equal(cgroups.pathOf("web"), path);
    mkdirSync(join(path, "made-by-it"));
    cgroups.release("web");
    await cgroups.prepare("web", false);
    assert.deepEqual(namesIn(path), ["made-by-it"], "it is used, and has stayed");
    bed.used.delete("web");
    cgroups.release("web");
    await isGone(path);
    assert.deepEqual(bed.reports, []);
  });

  it("of a service that is started again while its cgroup is removed are there", async (t) => {
    const bed = makeBed(t);
    const cgroups = await bed.begin();
    for (let round = 0; round < 20; round += 1) {
      bed.used.add("web");
      await cgroups.prepare("web", true);
      assert.deepEqual(namesIn(bed.services), ["web.service"]);
      bed.used.delete("web");
      cgroups.release("web");
    }
  });

  it("that an earlier daemon has left are removed where nothing needs them", async (t) => {
    const bed = makeBed(t);
    for (const name of ["web.service", "gone.service", "db.service"]) mkdirSync(join(bed.services, name));
    mkdirSync(join(bed.services, "gone.service", "made", "below"), { recursive: true });
    mkdirSync(join(bed.services, "somebody's"));
    bed.used.add("db");
    const cgroups = await bed.begin();
    await isGone(join(bed.services, "gone.service"));
    await isGone(join(bed.services, "web.service"));
    assert.deepEqual(namesIn(bed.services), ["db.service", "somebody's"]);
    assert.equal(cgroups.pathOf("db"), join(bed.services, "db.service"));
  });

  it("in which something lives on go with the last of it", async (t) => {
    const bed = makeBed(t);
    const path = join(bed.services, "once.service");
    const events = join(path, "cgroup.events");
    mkdirSync(path);
    writeFileSync(events, "populated 1\nfrozen 0\n");
    const cgroups = await bed.begin();
    await cgroups.resourcesOf("once");
    assert.ok(existsSync(path));
    rmSync(events);
    await isGone(path);
    assert.deepEqual(bed.reports, []);
  });

  it("are not made where the definition wants none", async (t) => {
    const bed = makeBed(t);
    const cgroups = await bed.begin({ limitsOf: () => false });
    bed.used.add("web");
    assert.deepEqual(await cgroups.prepare("web", true), []);
    assert.equal(cgroups.pathOf("web"), undefined);
    assert.equal(await cgroups.resourcesOf("web"), undefined);
    assert.deepEqual(namesIn(bed.services), []);
  });

  it("of an earlier start are not those of a service that wants none, and go all the same", async (t) => {
    const bed = makeBed(t);
    const path = join(bed.services, "web.service");
    mkdirSync(path);
    bed.used.add("web");
    // The next daemon finds the directory beside a service that runs outside of it.
    const cgroups = await bed.begin({ limitsOf: () => false });
    assert.equal(cgroups.pathOf("web"), undefined);
    await cgroups.prepare("web", true);
    assert.equal(cgroups.pathOf("web"), undefined);
    bed.used.delete("web");
    cgroups.release("web");
    await isGone(path);
  });

  it("say which limits they cannot hold", async (t) => {
    const bed = makeBed(t);
    const cgroups = await bed.begin({ limitsOf: () => ({ memoryMax: 4096 }) });
    bed.used.add("web");
    const missing = "memory.max (no memory controller here)";
    assert.deepEqual(await cgroups.prepare("web", true), [`limits not applied: ${missing}`]);
    assert.deepEqual((await cgroups.resourcesOf("web"))?.notApplied, [missing]);
    assert.match(cgroups.description, /^\/.* \(no controllers\)$/);
  });
});

describe("without cgroups", () => {
  it("services start, and are told which limits do not hold", async (t) => {
    const bed = makeBed(t);
    rmSync(join(bed.services, "..", "shepherd", "cgroup.procs"));
    const cgroups = await bed.begin({
      limitsOf: (service) => (service === "web" ? { pidsMax: 5 } : undefined),
    });
    assert.match(cgroups.description, /^none \(use cgroup2: .*ENOENT/);
    bed.used.add("web").add("db");
    const [trouble = ""] = await cgroups.prepare("web", true);
    assert.match(trouble, /^limits not applied: pids.max \(no cgroups here: use cgroup2: /);
    assert.deepEqual(await cgroups.prepare("db", true), []);
    assert.equal(cgroups.pathOf("web"), undefined);
    assert.equal((await cgroups.resourcesOf("web"))?.notApplied?.length, 1);
    assert.equal(await cgroups.resourcesOf("db"), undefined);
    assert.deepEqual(bed.reports, []);
  });
});
