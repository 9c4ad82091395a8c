// The program that Node runs: it compiles the supervisor, which is beside it, and runs it. Node's own loader would compile
// it anew each time; here V8 gets what an earlier supervisor has kept of that.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { codeName, readCode } from "./code-cache.js";
import { leaveLoading } from "./loading.js";

// A boot calls each of its functions once for each service, and then no more: V8 is to optimise what is called four times as
// often as it asks for.
setFlagsFromString("--interrupt-budget=528000");
// The heap is small: who would help with the young generation waits for a processor longer than that takes.
setFlagsFromString("--no-parallel-scavenge");

const directory = import.meta.dirname;
const path = join(directory, "supervisor.cjs");
// All of it is ASCII, as esbuild has it, and read so it takes half the time.
const text = readFileSync(path, "latin1");
const [, build] = /^\/\/ build ([0-9a-f]+)\n/.exec(text) ?? [];
const name = build === undefined ? undefined : codeName(build);
const code = name === undefined ? undefined : readCode(process.env, process.getuid?.() ?? 0, name);
const script = new Script(`(function (require, __filename, __dirname) {${text}\n})`, {
  filename: path,
  ...(code === undefined ? {} : { cachedData: code }),
});
const isCompiled = code !== undefined && script.cachedDataRejected !== true;
leaveLoading({
  import: (specifier) => import(specifier),
  code: isCompiled || name === undefined ? undefined : { name, contents: () => script.createCachedData() },
});
script.runInThisContext()(createRequire(path), path, directory);
