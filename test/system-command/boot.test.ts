// Which system is booted: the one that was asked for, or else an earlier one that can be; and what the shell is told then.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { type BootSetup, boot } from "../../src/system-command/boot.js";
import { CommandError } from "../../src/system-command/error.js";
import { generationOf, useGeneration } from "../../src/system-command/generations.js";
import { type Places, placesBelow } from "../../src/system-command/places.js";
import { answerDescriptor, supervisorStatements } from "../../src/system-command/supervisor-command.js";

interface Bed {
  readonly places: Places;
  readonly told: string[];
  readonly activated: string[];
  /** Makes a system that can be booted. */
  system(name: string): string;
  setup(build: () => Promise<string>): BootSetup;
}

function makeBed(t: TestContext): Bed {
  const root = mkdtempSync(join(tmpdir(), "shepherd-boot-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const places = placesBelow(root);
  const told: string[] = [];
  const activated: string[] = [];
  const nameOf = (system: string): string => system.slice(places.systems.length + 1);
  return {
    places,
    told,
    activated,
    system(name) {
      const directory = join(places.systems, name);
      mkdirSync(join(directory, "shepherd"), { recursive: true });
      for (const file of ["activation.json", "shepherd/configuration.mjs"])
        writeFileSync(join(directory, file), "");
      return directory;
    },
    setup: (build) => ({
      places,
      tell: (text) => told.push(text),
      build,
      activate: async (system) => {
        activated.push(nameOf(system));
        if (nameOf(system).startsWith("bad")) throw new CommandError(`${nameOf(system)} is broken`);
        return { failed: nameOf(system).startsWith("half") ? ["snippet"] : [], program: nameOf(system) };
      },
    }),
  };
}

const broken = (): Promise<never> => Promise.reject(new CommandError("a.ts:1:1: wrong"));

it("what was asked for becomes the generation in use, and runs", async (t) => {
  const { places, told, system, setup } = makeBed(t);
  const good = system("good");
  assert.equal(
    (
      await boot(
        "a.ts",
        setup(async () => good),
      )
    ).program,
    "good",
  );
  assert.equal(readlinkSync(places.profile), "generations/system-1");
  for (const link of [places.current, places.booted]) assert.equal(readlinkSync(link), good);
  assert.deepEqual(told, [`booting generation 1, ${good}`]);
});

it("a snippet that has failed is told, and does not keep it from running", async (t) => {
  const { told, system, setup } = makeBed(t);
  const half = system("half");
  assert.deepEqual(
    (
      await boot(
        "a.ts",
        setup(async () => half),
      )
    ).failed,
    ["snippet"],
  );
  assert.equal(told[1], "error: these have failed, and services are started all the same: snippet");
});

it("where nothing was ever booted a mistake is the end", async (t) => {
  const { places, setup, activated } = makeBed(t);
  await assert.rejects(boot("a.ts", setup(broken)), /^CommandError: a\.ts:1:1: wrong$/);
  assert.deepEqual(activated, []);
  assert.throws(() => readlinkSync(places.current));
});

it("else the generation in use is booted, though there are younger ones", async (t) => {
  const { places, told, system, setup } = makeBed(t);
  for (const name of ["one", "two", "three"]) await generationOf(places, system(name));
  await useGeneration(places, 2);
  assert.equal((await boot("a.ts", setup(broken))).program, "two");
  assert.equal(told[0], "error: a.ts:1:1: wrong");
  assert.match(
    told[1] ?? "",
    /^\*\*\* a\.ts CANNOT BE BOOTED\. Generation 2, of .*Z, is booted instead\. \*\*\*$/,
  );
  assert.equal(readlinkSync(places.profile), "generations/system-2");
});

it("and where that is broken too, the youngest that is not", async (t) => {
  const { places, system, setup, activated } = makeBed(t);
  for (const name of ["one", "two", "bad-three", "gone", "bad-five"])
    await generationOf(places, system(name));
  rmSync(join(places.systems, "gone"), { recursive: true });
  const bad = system("bad-six");
  assert.equal(
    (
      await boot(
        "a.ts",
        setup(async () => bad),
      )
    ).program,
    "two",
  );
  assert.deepEqual(activated, ["bad-six", "bad-five", "bad-three", "two"]);
  assert.equal(readlinkSync(places.profile), "generations/system-2");
  assert.equal(readlinkSync(places.current), join(places.systems, "two"));
});

it("where none can be booted, that is the end", async (t) => {
  const { places, system, setup } = makeBed(t);
  await generationOf(places, system("bad"));
  await assert.rejects(
    boot("a.ts", setup(broken)),
    /neither a\.ts nor any earlier generation can be booted$/,
  );
});

it("a shell understands what it is told, whatever is in it", () => {
  const words = ["--socket=/a b", "--", "it's", "$HOME `id`", "", "two\nlines\n", "\\", '"'];
  const statements = supervisorStatements(placesBelow("/x y"), words, "/opt/it's/shepherd");
  const { stdout } = spawnSync("sh", ["-c", `${statements}\nprintf '%s\\0' "$supervisor" "$@"`], {
    encoding: "utf8",
  });
  assert.deepEqual(stdout.split("\0").slice(0, -1), [
    "/opt/it's/shepherd",
    "--config=/x y/run/current-system/shepherd/configuration.mjs",
    ...words,
  ]);
  assert.doesNotMatch(supervisorStatements(placesBelow(), [], undefined), /supervisor=/);
});

it("it answers only where a shell waits", () => {
  assert.equal(answerDescriptor({ SHEPHERD_ANSWER_FD: "3" }), 3);
  for (const text of [undefined, "", "x", "1", "-1", "3.5"])
    assert.equal(answerDescriptor({ SHEPHERD_ANSWER_FD: text }), undefined, text);
});
