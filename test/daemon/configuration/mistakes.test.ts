// Configurations with mistakes: each is refused with the place and what was expected.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { it } from "node:test";
import { ConfigurationError, loadConfiguration } from "../../../src/daemon/configuration/load.js";
import { module } from "../../support/configuration.js";
import { makeBed } from "./support.js";

interface Mistake {
  readonly what: string;
  readonly text: string;
  /** Default `config.ts`. */
  readonly name?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly message: string | RegExp;
}

const mistakes: readonly Mistake[] = [
  {
    what: "a syntax error",
    text: 'import { service } from "shepherd-ts";\nexport const services = [\n  service(["a"], {\n];\n',
    message: /^DIR\/config\.ts:4:1: error: Expected .* but found "\]"$/,
  },
  {
    what: "a syntax error in an imported file",
    text: 'import "./part.js";\n',
    files: { "part.ts": "const ok = 1;\nconst = 2;\n" },
    message: /^DIR\/part\.ts:2:7: error: Expected identifier but found "="$/,
  },
  {
    what: "a syntax error in a file that knows its place",
    text: "const a = __dirname;\nconst = 2;\n",
    message: /^DIR\/config\.ts:2:7: error: Expected identifier but found "="$/,
  },
  {
    what: "an import that is not there",
    text: 'import { x } from "./missing.js";\nconsole.log(x);\n',
    message: 'DIR/config.ts:1:19: error: Could not resolve "./missing.js"',
  },
  {
    what: "a name that the public module does not have",
    text: 'import { servce } from "shepherd-ts";\nservce();\n',
    message:
      /^DIR\/config\.ts:1:10: error: No matching export in "shepherd-ts:shepherd-ts" for import "servce"$/,
  },
  {
    what: "a builtin module that is not there",
    text: 'import "node:nothing";\n',
    message: "DIR/config.ts: Error: No such built-in module: node:nothing",
  },
  {
    what: "a field of the wrong type",
    text: 'import { service, defineConfig } from "shepherd-ts";\nexport default defineConfig({\n  services: [\n    service(["web"], { respawnLimit: "5" as never }),\n  ],\n});\n',
    message: /^DIR\/config\.ts:4:5: service "web": field "respawnLimit": expected .*, got ['"]5['"]$/,
  },
  {
    what: "a field of the wrong type, in a file that knows its place",
    text: 'import { service } from "shepherd-ts";\nconsole.assert(import.meta.url);\n\nexport const services = [\n  service(["web"], { respawnLimit: "5" as never }),\n];\n',
    message: /^DIR\/config\.ts:5:3: service "web": field "respawnLimit": expected .*, got ['"]5['"]$/,
  },
  {
    what: "an exception",
    text: 'const x: number = 1;\n\nthrow new Error("no such luck");\nexport {};\n',
    message: "DIR/config.ts:3:7: Error: no such luck",
  },
  {
    what: "an exception after an await",
    text: 'await null;\nfunction f(): never {\n  throw new TypeError("late");\n}\nf();\nexport {};\n',
    message: "DIR/config.ts:3:9: TypeError: late",
  },
  {
    what: "an exception in a system call",
    text: 'import { readFileSync } from "node:fs";\nreadFileSync("/nonexistent");\n',
    message: "DIR/config.ts:2:1: Error: ENOENT: no such file or directory, open '/nonexistent'",
  },
  {
    what: "an exception in a package, at the line that called it",
    text: 'import fail from "failing";\n\nfail();\n',
    files: {
      "node_modules/failing/index.js": 'module.exports = () => {\n  throw new RangeError("not mine");\n};\n',
    },
    message: "DIR/config.ts:3:1: RangeError: not mine",
  },
  {
    what: "something thrown that is no error",
    text: 'throw "a fit";\n',
    message: 'DIR/config.ts: threw "a fit"',
  },
  {
    what: "a default export of another kind",
    text: "export default 42;\n",
    message: "DIR/config.ts: default export: expected defineConfig({ services: […] }), got 42",
  },
  {
    what: "a default export with a field too many",
    text: "export default { servces: [] };\n",
    message: 'DIR/config.ts: default export: unknown field "servces"; did you mean "services"?',
  },
  {
    what: "services that are none",
    text: "export const services = [{ provision: ['web'] }];\n",
    message:
      /^DIR\/config\.ts: exported services: field "services": expected a list of services made by .*, got \[ .*\]$/,
  },
  {
    what: "an exitWith that nobody provides",
    text: module('export default { services: [service(["app"])], exitWith: "ap" };'),
    message: /^DIR\/config\.ts: default export: field "exitWith": .*"ap"/,
  },
  {
    what: "a start of a service while the module is loaded",
    text: 'import { startService } from "shepherd-ts";\nawait startService("web");\n',
    message: /^DIR\/config\.ts:2:7: startService: /,
  },
  {
    what: "another kind of file",
    name: "config.scm",
    text: "(display 1)\n",
    message: "cannot load DIR/config.scm: expected a name that ends in .ts, .mts, .cts, .js, .mjs, .cjs",
  },
];

for (const { what, name = "config.ts", text, files = {}, message } of mistakes) {
  it(what, async (t) => {
    const bed = makeBed(t);
    for (const [file, contents] of Object.entries(files)) bed.write(file, contents);
    const failure = await bed.failure(bed.write(name, text));
    if (typeof message === "string") assert.equal(failure, message);
    else assert.match(failure, message);
  });
}

it("more mistakes than anybody reads are counted", async (t) => {
  const bed = makeBed(t);
  const text = Array.from({ length: 15 }, (_, index) => `import "./missing${index}.js";\n`).join("");
  const lines = (await bed.failure(bed.write("config.ts", text))).split("\n");
  assert.equal(lines.length, 11);
  assert.equal(lines.at(-1), "DIR/config.ts: error: and 5 more");
});

it("a file that is missing, a directory, a FIFO, a circle of links", async (t) => {
  const bed = makeBed(t);
  mkdirSync(bed.path("directory.ts"));
  execFileSync("mkfifo", [bed.path("fifo.ts")]);
  execFileSync("ln", ["-s", "circle.ts", bed.path("circle.ts")]);
  assert.equal(
    await bed.failure(bed.path("missing.ts")),
    "cannot read DIR/missing.ts: no such file or directory",
  );
  assert.equal(
    await bed.failure(bed.path("directory.ts")),
    "cannot read DIR/directory.ts: not a regular file",
  );
  assert.equal(await bed.failure(bed.path("fifo.ts")), "cannot read DIR/fifo.ts: not a regular file");
  assert.match(
    await bed.failure(bed.path("circle.ts")),
    /^cannot read DIR\/circle\.ts: too many symbolic links/,
  );
  bed.write("config.ts", 'import "./fifo.ts";\n');
  assert.match(
    await bed.failure(bed.path("config.ts")),
    /error: cannot read DIR\/fifo\.ts: not a regular file$/,
  );
});

it("a compiler that dies, talks nonsense or cannot run", async (t) => {
  const bed = makeBed(t);
  const file = bed.write("config.ts", "");
  const failsWith = async (outcome: { status: number; stdout: string; stderr: string }): Promise<string> => {
    const load = loadConfiguration(file, { ...bed.dependencies, runCompiler: async () => outcome });
    return await load.then(
      () => "loaded",
      (error: unknown) =>
        error instanceof ConfigurationError ? error.message.replaceAll(bed.directory, "DIR") : "",
    );
  };
  assert.equal(
    await failsWith({ status: 137, stdout: "", stderr: "" }),
    "compile DIR/config.ts: the compiler ended with status 137: it said nothing",
  );
  assert.equal(
    await failsWith({ status: 0, stdout: '{"manifest":{"hash":"../../x"}}', stderr: "a warning\n" }),
    "compile DIR/config.ts: the compiler ended with status 0: a warning",
  );
  await assert.rejects(
    loadConfiguration(file, {
      ...bed.dependencies,
      runCompiler: () => Promise.reject(new Error("no keeper")),
    }),
    new ConfigurationError(`compile ${file}: cannot run the compiler: no keeper`),
  );
});
