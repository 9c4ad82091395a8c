// Children of a keeper with many descriptors: they get those that they name, a table of that size, and the keeper's own
// is as it was.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type Agent, type Bed, type BedOptions, skip, withBed } from "./bed.js";

const { ENOENT } = constants.errno;
const many = 600;
/** More than are handed over under numbers that are kept for it. */
const handed = 30;

/** What the keeper has open, with the flags of each. */
async function openIn(bed: Bed): Promise<readonly string[]> {
  const directory = `/proc/${await bed.pid}`;
  return readdirSync(`${directory}/fd`).map((fd) => {
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`${directory}/fdinfo/${fd}`, "utf8"))?.[1];
    return `${fd} ${readlinkSync(`${directory}/fd/${fd}`)} ${flags}`;
  });
}

const firstPipes = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** Runs a shell with these pipes from 3 on, and waits until it has ended: what it wrote to the file that its $0 is. */
async function shell(
  bed: Bed,
  agent: Agent,
  id: string,
  pipes: readonly number[],
  script: string,
): Promise<string> {
  const file = join(bed.directory, id);
  await agent.run(id, ["bash", "-c", script, file], {
    descriptors: pipes.map((pipe, index) => ({ target: index + 3, source: { name: `pipe-${pipe}` } })),
  });
  const ended = await agent.event("child-ended", (event) => event.id === id);
  assert.deepEqual([ended.status, ended.failure], [0, undefined]);
  await agent.acknowledge(ended);
  return readFileSync(file, "utf8");
}

function withPipes(options: BedOptions, test: (bed: Bed, agent: Agent) => Promise<void>): Promise<void> {
  return withBed(options, async (bed) => {
    const agent = await bed.agent();
    for (let index = 0; index < many; index++) await agent.ok({ op: "pipe", name: `pipe-${index}` });
    await test(bed, agent);
  });
}

/** The shell's own, and the size of its table. */
const look = `echo /proc/$$/fd/* >$0; while read -r line; do echo "$line"; done </proc/$$/status >>$0`;

function checkLook(text: string, pipes: number): void {
  const [paths = "", ...status] = text.split("\n");
  const numbers = paths.split(" ").map((path) => Number(path.split("/").pop()));
  assert.deepEqual(
    numbers.filter((fd) => fd !== 255).sort((a, b) => a - b),
    firstPipes(pipes + 4), // the last is the directory
  );
  const size = Number(/^FDSize:\s*(\d+)$/m.exec(status.join("\n"))?.[1]);
  assert.ok(size < many, `a table for ${size}`);
}

describe("a keeper with many descriptors", { skip, concurrency: 2 }, () => {
  it("hands over those that are named, without a copy of all", () =>
    withPipes({}, async (bed, agent) => {
      await shell(bed, agent, "first", [], look); // which leaves open what is looked at when a child ends
      const before = await openIn(bed);
      for (const pipes of [0, 1, 12]) {
        checkLook(await shell(bed, agent, `look-${pipes}`, firstPipes(pipes), look), pipes);
        assert.deepEqual(await openIn(bed), before);
      }
    }));

  it("hands over the right ones, however many they are", () =>
    withPipes({}, async (bed, agent) => {
      for (const count of [1, 12, 13, 14, handed]) {
        const pipes = firstPipes(count);
        const all = `for fd in {3..${count + 2}}; do`;
        await shell(bed, agent, `write-${count}`, pipes, `${all} echo "pipe $((fd - 3))" >&$fd; done; >$0`);
        const reversed = pipes.toReversed();
        const read = `${all} read -r line <&$fd; echo "$line"; done >$0`;
        assert.equal(
          await shell(bed, agent, `read-${count}`, reversed, read),
          reversed.map((pipe) => `pipe ${pipe}\n`).join(""),
        );
      }
    }));

  it("tells of a helper that is not there, and has what it had", () =>
    withPipes({ keeper: ["--helper=/no/helper"] }, async (bed, agent) => {
      const fail = async (id: string): Promise<void> => {
        await agent.run(id, ["true"], { descriptors: [{ target: 1, source: { name: "pipe-1" } }] });
        const ended = await agent.event("child-ended", (event) => event.id === id);
        assert.deepEqual(ended.failure, { stage: "helper", errno: ENOENT, text: "/no/helper" });
        await agent.acknowledge(ended);
      };
      await fail("first");
      const before = await openIn(bed);
      await fail("second");
      assert.deepEqual(await openIn(bed), before);
    }));

  it("goes on so when it has been replaced", () =>
    withPipes({}, async (bed, agent) => {
      await shell(bed, agent, "first", [], look);
      const before = await openIn(bed);
      await agent.ok({ op: "replace-keeper" });
      checkLook(await shell(bed, agent, "look", firstPipes(3), look), 3);
      assert.equal((await openIn(bed)).length, before.length);
    }));
});
