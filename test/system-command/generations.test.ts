// Generations of systems: numbers, the one in use, and what removing them removes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { UsageError } from "../../src/cli/gnu-options.js";
import { existing, matchingGenerations } from "../../src/system-command/generation-pattern.js";
import {
  currentGeneration,
  type Generation,
  generationOf,
  listGenerations,
  removeGenerations,
  useGeneration,
} from "../../src/system-command/generations.js";
import { type Places, placesBelow } from "../../src/system-command/places.js";
import { waitFor } from "../support/wait.js";

const generationsModule = new URL("../../src/system-command/generations.js", import.meta.url).href;

interface Bed {
  readonly places: Places;
  /** Makes a system and gives its directory. */
  system(name: string): string;
  numbers(): Promise<readonly number[]>;
}

function makeBed(t: TestContext): Bed {
  const root = mkdtempSync(join(tmpdir(), "shepherd-generations-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const places = placesBelow(root);
  mkdirSync(places.systems, { recursive: true });
  return {
    places,
    system(name) {
      const directory = join(places.systems, `${name}-system`);
      mkdirSync(directory, { recursive: true });
      return directory;
    },
    numbers: async () => (await listGenerations(places)).map(({ number }) => number),
  };
}

it("there is none, and none is in use, before the first", async (t) => {
  const { places } = makeBed(t);
  assert.deepEqual(await listGenerations(places), []);
  assert.equal(await currentGeneration(places), undefined);
});

it("the first is 1, and in use; another system is the next, and the same one none", async (t) => {
  const { places, system, numbers } = makeBed(t);
  assert.equal((await generationOf(places, system("a"))).number, 1);
  assert.equal((await generationOf(places, system("a"))).number, 1);
  assert.equal((await generationOf(places, system("b"))).number, 2);
  assert.equal((await generationOf(places, system("a"))).number, 3);
  assert.deepEqual(await numbers(), [1, 2, 3]);
  assert.equal((await currentGeneration(places))?.system, system("a"));
  assert.equal(readlinkSync(places.profile), "generations/system-3");
  assert.equal(readlinkSync(join(places.generations, "system-3")), "../systems/a-system");
});

it("another can be put into use, and the next one is still the last's successor", async (t) => {
  const { places, system, numbers } = makeBed(t);
  for (const name of ["a", "b"]) await generationOf(places, system(name));
  await useGeneration(places, 1);
  assert.equal((await currentGeneration(places))?.system, system("a"));
  await generationOf(places, system("c"));
  assert.deepEqual(await numbers(), [1, 2, 3]);
});

it("two that are made at once get different numbers", async (t) => {
  const { places, system } = makeBed(t);
  const made = await Promise.all(["a", "b", "c", "d"].map((name) => generationOf(places, system(name))));
  assert.deepEqual(made.map(({ number }) => number).sort(), [1, 2, 3, 4]);
});

it("a system goes once no generation has it, unless it is kept, lies elsewhere or is being built", async (t) => {
  const { places, system, numbers } = makeBed(t);
  const elsewhere = join(places.state, "elsewhere");
  mkdirSync(elsewhere);
  for (const directory of [system("a"), system("b"), system("a"), elsewhere, system("c"), system("d")])
    await generationOf(places, directory);
  const all = await listGenerations(places);
  system("orphan");
  mkdirSync(join(places.systems, "e-system.1.new"));
  await removeGenerations(
    places,
    all.filter(({ number }) => number === 1),
    [],
  );
  assert.deepEqual(readdirSync(places.systems).sort(), [
    "a-system",
    "b-system",
    "c-system",
    "d-system",
    "e-system.1.new",
  ]);
  await removeGenerations(
    places,
    all.filter(({ number }) => number > 1 && number < 6),
    [system("c")],
  );
  assert.deepEqual(readdirSync(places.systems).sort(), ["c-system", "d-system", "e-system.1.new"]);
  assert.deepEqual(readdirSync(places.state).includes("elsewhere"), true);
  assert.deepEqual(await numbers(), [6]);
});

it("a system whose removal is cut short is none any more", async (t) => {
  const { places, system } = makeBed(t);
  const large = system("large");
  const files = 20_000;
  for (let index = 0; index < files; index += 1) writeFileSync(join(large, String(index)), "");
  const script = `const { removeGenerations } = await import(${JSON.stringify(generationsModule)});
    await removeGenerations(${JSON.stringify(places)}, [], []);`;
  const remover = spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: "inherit" });
  t.after(() => remover.kill("SIGKILL"));
  const left = (): number => (existsSync(large) ? readdirSync(large).length : 0);
  await waitFor("the removal has begun", () => left() < files);
  remover.kill("SIGKILL");
  await once(remover, "exit");
  assert.equal(existsSync(large), false);
});

it("what is no generation is passed over", async (t) => {
  const { places, system, numbers } = makeBed(t);
  await generationOf(places, system("a"));
  for (const name of ["system-0", "system-x", "system-2.new", "other"])
    symlinkSync("../systems/a-system", join(places.generations, name));
  mkdirSync(join(places.generations, "system-7"));
  assert.deepEqual(await numbers(), [1]);
});

const day = 86_400_000;
const now = 100 * day;
const aged = (number: number, days: number): Generation => ({ number, system: "/s", made: now - days * day });
const generations = [aged(1, 70), aged(2, 40), aged(3, 20), aged(5, 3), aged(6, 0)];

for (const [pattern, numbers] of [
  ["3", [3]],
  ["1,5", [1, 5]],
  ["2..5", [2, 3, 5]],
  ["3..", [3, 5, 6]],
  ["..2", [1, 2]],
  ["1,3..5", [1, 3, 5]],
  ["7..9", []],
  ["10d", [1, 2, 3]],
  ["1w", [1, 2, 3]],
  ["2m", [1]],
] as const)
  it(`the pattern ${pattern} means ${numbers.join(", ") || "none"}`, () => {
    assert.deepEqual(
      matchingGenerations(pattern, generations, now).map(({ number }) => number),
      numbers,
    );
  });

for (const pattern of ["", "x", "4", "..", "1,,2", "1-3", "3y", "0", "-1", "1,4", "99999999999"])
  it(`'${pattern}' is no pattern, or names a generation that is not there`, () => {
    assert.throws(() => matchingGenerations(pattern, generations, now), UsageError);
  });

it("a number that nobody has is answered with those that there are", () => {
  assert.equal(existing("5", generations), 5);
  assert.throws(() => existing("4", generations), /there is no generation 4; there are 1, 2, 3, 5, 6$/);
  assert.throws(() => existing("4", []), /there is no generation 4; there is none$/);
});

it("when a generation was made is told by its link", async (t) => {
  const { places, system } = makeBed(t);
  utimesSync(system("a"), 1, 1);
  const before = Math.trunc(Date.now() / 1000) * 1000;
  const { made } = await generationOf(places, system("a"));
  assert.ok(made >= before && made <= Date.now(), String(made));
});
