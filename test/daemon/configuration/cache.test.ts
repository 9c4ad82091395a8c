// The cache of compiled configurations: where it is, whom it trusts, and what it forgets.

import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { it } from "node:test";
import {
  cacheDirectories,
  findCompiled,
  openCache,
  pruneCache,
} from "../../../src/daemon/configuration/cache.js";
import { ConfigurationError } from "../../../src/daemon/configuration/load.js";
import { configuration, sleeper } from "../../support/configuration.js";
import { makeBed } from "./support.js";

const uid = process.getuid?.() ?? 0;
const isRoot = uid === 0;

it("root's is the system's, a user's in the home directory, and else beside the socket", () => {
  const home = { HOME: "/home/ada" };
  const run = "/run/shepherd";
  assert.deepEqual(cacheDirectories(home, 0, run), [
    "/var/cache/shepherd-ts",
    "/run/shepherd/configurations",
  ]);
  assert.equal(cacheDirectories(home, 1000, run)[0], "/home/ada/.cache/shepherd-ts");
  assert.equal(cacheDirectories({ ...home, XDG_CACHE_HOME: "/c" }, 1000, run)[0], "/c/shepherd-ts");
  assert.equal(cacheDirectories({ ...home, XDG_CACHE_HOME: "/c" }, 0, run)[0], "/c/shepherd-ts");
  assert.equal(
    cacheDirectories({ ...home, XDG_CACHE_HOME: "c" }, 1000, run)[0],
    "/home/ada/.cache/shepherd-ts",
  );
});

it("it is made for us alone, and nothing is left of the attempt", async (t) => {
  const bed = makeBed(t);
  const directory = bed.path("a/b");
  assert.equal(await openCache([directory], uid), directory);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(directory), []);
});

it("a directory that others can write in is passed over", async (t) => {
  const bed = makeBed(t);
  mkdirSync(bed.path("open"));
  chmodSync(bed.path("open"), 0o777);
  assert.equal(await openCache([bed.path("open"), bed.path("good")], uid), bed.path("good"));
});

it("where none can be used the reasons are told", async (t) => {
  const bed = makeBed(t);
  mkdirSync(bed.path("open"));
  chmodSync(bed.path("open"), 0o775);
  symlinkSync(bed.directory, bed.path("link"));
  const file = bed.write("file", "");
  await assert.rejects(
    openCache([bed.path("open"), bed.path("link"), file, join(file, "below")], uid),
    new ConfigurationError(
      `cannot keep compiled configurations: ${bed.path("open")}: others may write there (mode 775); ` +
        `${bed.path("link")}: not a directory; ${file}: file already exists; ${file}/below: not a directory`,
    ),
  );
});

it("somebody else's directory is not trusted", {
  skip: !isRoot && "it takes root to give a directory away",
}, async (t) => {
  const bed = makeBed(t);
  mkdirSync(bed.path("theirs"));
  chownSync(bed.path("theirs"), 12345, 0);
  await assert.rejects(openCache([bed.path("theirs")], uid), /theirs: belongs to user 12345, not to 0$/);
});

it("what is in an untrusted directory is not run, and the next one is looked into", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("config.ts", configuration([]));
  const { compiled } = await bed.load(file);
  cpSync(bed.cache, bed.path("open"), { recursive: true });
  assert.equal(await findCompiled([bed.path("open")], uid, file), join(bed.path("open"), basename(compiled)));
  chmodSync(bed.path("open"), 0o722);
  assert.equal(await findCompiled([bed.path("open")], uid, file), undefined);
  assert.equal(await findCompiled([bed.path("missing"), bed.path("open"), bed.cache], uid, file), compiled);
});

it("a manifest that is damaged or lies costs a compilation and nothing else", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("config.ts", configuration([sleeper("one")]));
  await bed.load(file);
  const manifest = join(bed.cache, readdirSync(bed.cache).find((name) => name.endsWith(".json")) ?? "");
  for (const damage of ["", "{", "null", '{"compiler":5}', '{"compiler":"shepherd-ts 0.0.0"}']) {
    writeFileSync(manifest, damage);
    const before = bed.compilations();
    assert.equal((await bed.load(file)).services.length, 1);
    assert.equal(bed.compilations(), before + 1, JSON.stringify(damage));
  }
  await bed.load(file);
  assert.equal(bed.compilations(), 6);
});

it("fifty of each kind stay, those used last and those in force", async (t) => {
  const bed = makeBed(t);
  const directory = await openCache([bed.cache], uid);
  const made = Array.from({ length: 60 }, (_, index) => {
    const compiled = join(directory, `${index}.mjs`);
    for (const file of [compiled, `${compiled}.map`, join(directory, `${index}.json`), `${compiled}.x.new`]) {
      writeFileSync(file, "");
      utimesSync(file, index, index);
    }
    return compiled;
  });
  const [oldest = ""] = made;
  await pruneCache(directory, [oldest]);
  const left = made.filter((file) => existsSync(file));
  assert.deepEqual(left, [oldest, ...made.slice(10)]);
  assert.equal(existsSync(`${oldest}.map`), true);
  assert.equal(readdirSync(directory).length, 51 + 51 + 50 + 50);
});

it("use makes young", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("config.ts", configuration([]));
  const { compiled } = await bed.load(file);
  for (const name of readdirSync(bed.cache)) utimesSync(join(bed.cache, name), 1, 1);
  await bed.load(file);
  for (const name of readdirSync(bed.cache)) assert.ok(statSync(join(bed.cache, name)).mtimeMs > 1000, name);
  assert.ok(existsSync(compiled));
});
