// Which configuration is loaded where none is named, and what a new user gets.

import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync } from "node:fs";
import { it } from "node:test";
import { findConfiguration, template } from "../../../src/daemon/configuration/defaults.js";
import { makeBed } from "./support.js";

it("a new user gets a file that loads, in directories of their own", async (t) => {
  const bed = makeBed(t);
  const file = await findConfiguration({ HOME: bed.path("home") }, 1000);
  assert.equal(file, bed.path("home/.config/shepherd/init.ts"));
  assert.equal(readFileSync(file, "utf8"), template);
  assert.equal(statSync(bed.path("home/.config/shepherd")).mode & 0o777, 0o700);
  assert.deepEqual((await bed.load(file)).services, []);
});

it("a user's file is found and left alone, whatever its extension", async (t) => {
  const bed = makeBed(t);
  const environment = { HOME: "/nonexistent", XDG_CONFIG_HOME: bed.path("config") };
  for (const extension of ["mjs", "js", "mts", "ts"]) {
    const file = bed.write(`config/shepherd/init.${extension}`, "// mine\n");
    assert.equal(await findConfiguration(environment, 1000), file);
    assert.equal(readFileSync(file, "utf8"), "// mine\n");
  }
  rmSync(bed.path("config/shepherd/init.ts"));
  assert.equal(await findConfiguration(environment, 1000), bed.path("config/shepherd/init.mts"));
});

it("where nothing can be written the file is named all the same, and loading says why not", async (t) => {
  const bed = makeBed(t);
  const home = bed.write("home", "a file");
  const file = await findConfiguration({ HOME: home }, 1000);
  assert.equal(file, `${home}/.config/shepherd/init.ts`);
  assert.equal(await bed.failure(file), `cannot read DIR/home/.config/shepherd/init.ts: not a directory`);
});

it("a relative XDG_CONFIG_HOME is ignored", async (t) => {
  const bed = makeBed(t);
  const environment = { HOME: bed.path("home"), XDG_CONFIG_HOME: "config" };
  assert.equal(await findConfiguration(environment, 1000), bed.path("home/.config/shepherd/init.ts"));
});
