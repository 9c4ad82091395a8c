// Limits of services on a machine whose kernel has every controller: a fork bomb and a memory hog are held within theirs,
// both are ended by a stop, and the machine lives.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { configuration, shell } from "../support/configuration.js";
import { bootMachine, findKernel } from "../support/qemu.js";
import { installation, node, writeImage } from "./image.js";

const tasks = 30;
/** Each process of it makes others as fast as it can, and none ends by TERM; the first one stays. */
const forkBomb = `trap '' TERM; bomb() { while :; do bomb & done; }; bomb 2>/dev/null & exec sleep 1000000`;
/** Takes twice as much each time. */
const memoryHog = "text=0123456789abcdef; while :; do text=$text$text; done";

const config = configuration([
  `service(["bomb"], { start: ${shell(forkBomb)}, stop: makeKillDestructor({ gracePeriod: 0.5 }), cgroup: { pidsMax: ${tasks}, cpuMax: 0.2 } })`,
  `service(["hog"], { start: ${shell(memoryHog)}, stop: makeKillDestructor(), respawn: true, respawnLimit: false, cgroup: { memoryMax: "8M" } })`,
  `service(["agent"], { start: makeForkexecConstructor(["/bin/sh", "/etc/agent"]), stop: makeKillDestructor() })`,
]);

const found = await findKernel();
const skip = typeof found === "string" ? found : false;
const kernel = typeof found === "string" ? "" : found.file;

describe("cgroups of a machine", { skip }, () => {
  let directory = "";
  let image = "";

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "shepherd-image-"));
    image = join(directory, "image");
    await writeImage(image, config);
  });

  after(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const services = "/sys/fs/cgroup/services";

  it("hold a fork bomb and a memory hog, which a stop ends", async (t) => {
    const init = ["/init", "--grace=3", node, `${installation}/dist/shepherd.cjs`] as const;
    const machine = await bootMachine(t, { kernel, image, init });
    await machine.ready();
    assert.equal(await machine.ok("cat /proc/1/cgroup"), "0::/shepherd\n");
    assert.equal(await machine.ok(`cat ${services}/cgroup.subtree_control`), "cpu io memory pids\n");
    await machine.waitFor("the bomb was refused processes", async () =>
      /^max [1-9]/m.test(await machine.ok(`cat ${services}/bomb.service/pids.events`)),
    );
    assert.equal(await machine.ok(`cat ${services}/bomb.service/cpu.max`), "20000 100000\n");
    const bomb = await machine.ok("herd status bomb");
    const [, bombs = "", most] = bomb.match(/^ {2}Tasks: (\d+) \(max (\d+)\)$/m) ?? [];
    assert.ok(Number(bombs) > 1 && Number(bombs) <= tasks, bomb);
    assert.equal(most, String(tasks));
    assert.doesNotMatch(bomb, /not applied/);
    const told = "Service hog ran out of memory: the kernel has killed 1 of its processes";
    await machine.waitFor("the hog was ended, twice", () => machine.console.split(told).length > 2);

    await machine.ok("herd stop bomb");
    await machine.ok("herd stop hog");
    const hog = await machine.ok("herd status hog");
    assert.match(hog, /It is stopped/);
    await machine.waitFor("their cgroups are gone", async () => {
      const list = await machine.ok(`ls ${services}`);
      return !/^(bomb|hog)\.service$/m.test(list);
    });
    await machine.ok("herd power-off root >/dev/null &");
    assert.equal(await machine.waitForEnd(), 0);
  });
});
