// Runs the tests that tsc compiled into build/test: all of them, or those whose path contains one of the arguments.
//
//   npm test -- [FILTER...] [--NODE-OPTION...]        npm test -- system/boot --test-name-pattern=redis

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

// Node parses this bundle at each start, and the tests start hundreds.
const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;

/** Runs `program` with our own output and returns its exit code. */
function run(program, ...args) {
  const { status, signal, error } = spawnSync(program, args, {
    cwd: root,
    env: environment,
    stdio: "inherit",
  });
  if (error !== undefined) {
    console.error(`run ${program}: ${error.message}`);
    return 1;
  }
  if (signal !== null) console.error(`${program} ended by ${signal}`);
  return status ?? 1;
}

const filters = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const options = process.argv.slice(2).filter((argument) => argument.startsWith("--"));

// From the sources, since build/ may still hold what was compiled from a test that no longer exists.
const tests = readdirSync(join(root, "test"), { recursive: true })
  .filter((file) => file.endsWith(".test.ts"))
  .filter((file) => filters.length === 0 || filters.some((filter) => join("test", file).includes(filter)))
  .map((file) => join("build", "test", file.replace(/\.ts$/, ".js")))
  .sort();
if (tests.length === 0) {
  console.error(`no test's path contains any of: ${filters.join(" ")}`);
  process.exit(1);
}
const missing = tests.filter((file) => !existsSync(join(root, file)));
if (missing.length > 0) {
  console.error(`not compiled: ${missing.join(" ")}; run "npm run build" first`);
  process.exit(1);
}

// Built here and not by the tests that use them, which run at the same time and would build over one another.
for (const variant of ["SANITIZE=1", "VALGRIND=1"]) {
  if (run("make", "--silent", "-C", "native", variant) !== 0) process.exit(1);
}

process.exit(
  run(
    process.execPath,
    "--enable-source-maps",
    "--test",
    "--test-concurrency=2",
    "--test-timeout=240000",
    "--test-reporter=spec",
    ...options,
    ...tests,
  ),
);
