// The npm package: what is in it, that a project which installs it is type-checked and runs, and that it boots a system which
// has Node and nothing else. `npm run acceptance:package` does it with a compiler too.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { scenarios, toolchain, use } from "../acceptance/package.js";
import { findDebian } from "../support/debian.js";
import { suiteScope } from "../support/harness.js";
import { whyNoOwnRoot } from "../support/own-root.js";
import { machines, type Package, pack, startBareSystem, succeed } from "../support/package.js";
import { project } from "../support/project.js";

const module = `import { defineConfig, service } from "shepherd-ts";
import { serviceType } from "shepherd-ts/system";
import { openConnection } from "shepherd-ts/store";
import { systemdUnits } from "shepherd-ts/systemd";

const functions: readonly ((...values: never[]) => unknown)[] = [defineConfig, service, serviceType, openConnection, systemdUnits];
process.stdout.write(functions.map((each) => typeof each).join(" "));
`;

const noRoot = whyNoOwnRoot();
const debian = noRoot === false ? await findDebian(toolchain) : noRoot;

describe("the npm package", {
  skip: machines.length === 0 && "needs the compiler of a Debian",
  timeout: 240_000,
}, () => {
  const scope = suiteScope();
  let made: Package;
  before(async () => {
    made = await pack(scope);
  });
  after(() => scope.close());

  it("has the programs and no tests", async () => {
    const files = (await succeed("tar", ["tzf", made.file], "/")).trim().split("\n");
    for (const machine of machines)
      for (const program of ["keeper", "spawn", "logwriter", "herd", "trim.node"])
        assert.ok(files.includes(`package/dist/linux-${machine}/${program}`), program);
    assert.deepEqual(
      files.filter((file) => /\/(test|bench|node_modules|dist\/native)\/|\.map$/.test(file)),
      [],
    );
  });

  it("has the sums of its programs, and whose code it carries", async () => {
    const directory = join(made.consumer, "node_modules/shepherd-ts/dist");
    await succeed("sha256sum", ["--check", "--strict", "SHA256SUMS"], directory);
    assert.match(await succeed("cat", ["LICENSES.txt"], directory), /^pino \S+ \(MIT\)$/m);
    assert.match(await succeed("cat", ["C-LIBRARIES.txt"], directory), /GNU LESSER GENERAL PUBLIC LICENSE/);
  });

  it("is type-checked in a project that installed it, and its modules load", async () => {
    const { consumer } = made;
    writeFileSync(join(consumer, "module.mts"), module);
    const compilerOptions = {
      ...{ target: "es2023", module: "nodenext", strict: true, types: ["node"] },
      typeRoots: [join(project.root, "node_modules", "@types")],
    };
    writeFileSync(
      join(consumer, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: ["module.mts"] }),
    );
    await succeed(join(project.root, "node_modules/.bin/tsc"), ["--project", "tsconfig.json"], consumer);
    assert.equal(
      await succeed(process.execPath, ["module.mjs"], consumer),
      "function function function function function",
    );
  });

  // With a compiler it takes longer.
  for (const { name, machine, install, programs } of scenarios.filter((each) => each.programs !== "native"))
    it(name, { skip: typeof debian === "string" && debian }, async (t) => {
      assert.ok(typeof debian !== "string");
      const system = await startBareSystem(t, made, debian.root, machine);
      await install(system);
      if (programs !== undefined) await use(system, programs);
    });
});
