// Configurations that do more than to export a system: what they do must not pass for success, nor keep a boot waiting.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { buildApart } from "../../src/system-command/build-apart.js";
import { project } from "../support/project.js";
import { type Outcome, run } from "../support/run.js";

const program = join(project.dist, "system.cjs");

interface Bed {
  readonly file: string;
  /** Builds the system of the file. */
  build(): Promise<Outcome>;
  /** What was left in the directory of temporary files. */
  left(): readonly string[];
}

function makeBed(t: TestContext, statements: string, more = ""): Bed {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-evaluate-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "system.ts");
  const temporary = join(directory, "tmp");
  mkdirSync(temporary);
  writeFileSync(join(directory, "never.mjs"), "await new Promise(() => undefined);\n");
  writeFileSync(
    file,
    `import { operatingSystem, shepherdRootServiceType, shepherdService, simpleService } from "shepherd-ts/system";
${statements}
export default operatingSystem({ services: [${more}] });
`,
  );
  return {
    file,
    build: () =>
      run(process.execPath, [program, "build", "--output", join(directory, "built"), file], {
        env: { ...process.env, TMPDIR: temporary },
      }),
    left: () => readdirSync(temporary),
  };
}

it("what a configuration prints is not taken for what the command says", async (t) => {
  const { file, build } = makeBed(
    t,
    'console.log("from the configuration"); process.stdout.write("more\\n");',
  );
  const { status, stdout, stderr } = await build();
  assert.deepEqual(
    [status, stdout, stderr],
    [0, `${file.replace("system.ts", "built")}\n`, "from the configuration\nmore\n"],
  );
});

for (const [what, statements, message] of [
  ["ends the process", "process.exit(0);", /system\.ts:2:9: Error: the module calls process\.exit\(0\)/],
  ["loses a rejected promise", 'void Promise.reject(new Error("lost"));', /system\.ts:2:21: Error: lost$/m],
] as const)
  it(`a configuration that ${what} is no success, and is told where`, async (t) => {
    const { build, left } = makeBed(t, statements);
    const { status, stdout, stderr } = await build();
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, message);
    assert.deepEqual(left(), []);
  });

it("a module of a service that is never evaluated is no success", async (t) => {
  const { build } = makeBed(
    t,
    'const modules = [new URL("never.mjs", import.meta.url).href];',
    `simpleService("a", shepherdRootServiceType, [shepherdService({ provision: ["a"], start: () => true, modules })])`,
  );
  const { status, stdout, stderr } = await build();
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /error: something that the configuration waits for never comes/);
});

it("a configuration that never ends is given up, and one that crashes later has failed", async (t) => {
  const endless = makeBed(t, "for (;;);");
  // What is killed cleans up nothing.
  const { TMPDIR } = process.env;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  process.env.TMPDIR = join(endless.file, "..", "tmp");
  await assert.rejects(buildApart(program, endless.file, 1), {
    message: `cannot build the system of ${endless.file}: it took longer than 1 seconds`,
  });
  const wrong = makeBed(t, "process.abort();");
  await assert.rejects(buildApart(program, wrong.file), {
    message: `cannot build the system of ${wrong.file}: ended by SIGABRT`,
  });
  assert.equal(existsSync(join(endless.file, "..", "built")), false);
});
