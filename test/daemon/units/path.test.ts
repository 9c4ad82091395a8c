// Path units over a fake keeper and real files.

import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { client, fakeKeeper, settle, type TestSystem, testSystem } from "../../support/system.js";
import { waitFor } from "../../support/wait.js";
import { players, spawned, unit, unitParts } from "./services.js";
import { dataOf, next, started, triggered, unitDefinition } from "./triggering.js";

interface Bed {
  readonly directory: string;
  readonly definitions: readonly ServiceDefinition[];
  readonly starts: () => number;
}

/** @param lines with DIR for the test's directory */
function bed(context: TestContext, lines: string, act: (directory: string) => unknown = () => true): Bed {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-paths-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  let count = 0;
  const start = async (): Promise<true> => {
    count += 1;
    await act(directory);
    return true;
  };
  const job = triggered("job.service", { oneShot: true, retryable: true, start });
  const path = unitDefinition(dataOf("job.path", `[Path]\n${lines.replaceAll("DIR", directory)}\n`));
  return { directory, definitions: [path, job], starts: () => count };
}

/** The unit watches no more when the test is over: what it has is real. */
async function startedHere(context: TestContext, { definitions }: Bed): Promise<TestSystem> {
  const one = await started(definitions, "job.path");
  endAfterwards(context, one);
  return one;
}

function endAfterwards(context: TestContext, { system }: TestSystem): void {
  context.after(() => system.supervisor.stop("job.path", [], client()).catch(() => undefined));
}

const phase = ({ system }: TestSystem): string => {
  const { value } = system.registry.get("job.path").state;
  return typeof value === "object" && value !== null && "phase" in value ? String(value.phase) : "none";
};

async function waits(test: TestSystem): Promise<void> {
  await waitFor("it waits", () => phase(test) === "waiting");
  await settle();
}

test("PathExists starts the unit when something comes to be there, directories above it included", async (context) => {
  const given = bed(context, "PathExists=DIR/a/b/c", (directory) => rmSync(join(directory, "a/b/c")));
  const one = await startedHere(context, given);
  await waits(one);
  assert.equal(given.starts(), 0);
  mkdirSync(join(given.directory, "a/b"), { recursive: true });
  await settle();
  writeFileSync(join(given.directory, "a/b/c"), "");
  await waitFor("it has run", () => given.starts() === 1);
  await waits(one);
  writeFileSync(join(given.directory, "a/b/c"), "");
  await waitFor("it has run again", () => given.starts() === 2);
});

test("what is there already starts the unit at once", async (context) => {
  for (const lines of ["PathExists=/", "PathExistsGlob=/e*c", "DirectoryNotEmpty=/usr"]) {
    const given = bed(context, `${lines}\nTriggerLimitBurst=1\nTriggerLimitIntervalSec=1h`);
    const one = await startedHere(context, given);
    // It is there still when the unit is down again: the limit is what ends that.
    await waitFor(
      `it has failed: ${lines}`,
      () => one.system.registry.get("job.path").state.status === "stopped",
    );
    assert.equal(given.starts(), 1);
    assert.ok(
      one.lines.some((line) => line.includes("has started service job too often")),
      one.lines.join("\n"),
    );
  }
});

test("DirectoryNotEmpty starts the unit while there are files, but for hidden ones", async (context) => {
  const given = bed(
    context,
    "DirectoryNotEmpty=DIR/spool\nMakeDirectory=yes\nDirectoryMode=0711",
    (directory) => rmSync(join(directory, "spool/job")),
  );
  const one = await startedHere(context, given);
  assert.equal(statSync(join(given.directory, "spool")).mode & 0o777, 0o711);
  await waits(one);
  writeFileSync(join(given.directory, "spool/.hidden"), "");
  writeFileSync(join(given.directory, "spool/job"), "");
  await waitFor("it has run", () => given.starts() === 1);
  await waits(one);
  assert.equal(given.starts(), 1);
});

test("PathExistsGlob starts the unit when something matches", async (context) => {
  const given = bed(context, "PathExistsGlob=DIR/*.job", (directory) => rmSync(join(directory, "x.job")));
  const one = await startedHere(context, given);
  await waits(one);
  writeFileSync(join(given.directory, "other"), "");
  writeFileSync(join(given.directory, "x.job"), "");
  await waitFor("it has run", () => given.starts() === 1);
});

test("PathChanged and PathModified start the unit at changes, not for what is there", async (context) => {
  for (const kind of ["PathChanged", "PathModified"]) {
    const given = bed(context, `${kind}=DIR/file`);
    const file = join(given.directory, "file");
    const one = await startedHere(context, given);
    await waits(one);
    let count = 0;
    for (const change of [
      () => writeFileSync(file, "new"),
      () => appendFileSync(file, "more"),
      () => {
        writeFileSync(`${file}.new`, "other");
        renameSync(`${file}.new`, file);
      },
      () => appendFileSync(file, "and more"),
      () => rmSync(file),
    ]) {
      change();
      count += 1;
      await waitFor(`it has run ${count} times: ${kind}`, () => given.starts() === count);
      await waits(one);
    }
    writeFileSync(`${file}.not`, "");
    await settle();
    assert.equal(given.starts(), count);
  }
});

test("PathChanged of a directory tells of the files in it", async (context) => {
  const given = bed(context, "PathChanged=DIR");
  const one = await startedHere(context, given);
  await waits(one);
  writeFileSync(join(given.directory, "file"), "1");
  await waitFor("it has run", () => given.starts() === 1);
  await waits(one);
  appendFileSync(join(given.directory, "file"), "2");
  await waitFor("it has run again", () => given.starts() === 2);
});

test("what the unit itself changes does not start it again", async (context) => {
  const given = bed(context, "PathModified=DIR/file", (directory) =>
    writeFileSync(join(directory, "file"), "mine"),
  );
  const one = await startedHere(context, given);
  await waits(one);
  writeFileSync(join(given.directory, "file"), "yours");
  await waitFor("it has run", () => given.starts() === 1);
  await waits(one);
  assert.equal(given.starts(), 1);
});

test("a change that came while there was no daemon is seen by the next one", async (context) => {
  const given = bed(context, "PathModified=DIR/file");
  const one = await startedHere(context, given);
  await waits(one);
  // Dead, it sees nothing any more.
  const keeper = one.keeper.successor();
  writeFileSync(join(given.directory, "file"), "new");
  const two = testSystem(given.definitions, keeper);
  endAfterwards(context, two);
  await waitFor("it has run", () => given.starts() >= 1);
  await waits(two);
  const three = await next(two, given.definitions);
  endAfterwards(context, three);
  await waits(three);
  assert.equal(existsSync(join(given.directory, "file")), true);
});

test("it does not start without its unit", async (context) => {
  const { definitions } = bed(context, "PathExists=DIR/a");
  const lonely = testSystem(definitions.slice(0, 1));
  assert.equal(await lonely.system.supervisor.start("job.path", [], client()), false);
});

test("it gives up where its unit may not be started as often", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-paths-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const job = unit("job", "Type=oneshot\nExecStart=/bin/ok1", {
    provision: ["job", "job.service"],
    respawnLimit: { times: 3, seconds: 100 },
  });
  const path = unitDefinition(dataOf("job.path", `[Path]\nPathExists=${directory}\nTriggerLimitBurst=0\n`));
  const one = testSystem([path, job], fakeKeeper(players), undefined, unitParts(context));
  await one.system.supervisor.start("job.path", [], client());
  endAfterwards(context, one);
  await waitFor("it gives up", () => one.system.registry.get("job.path").state.status === "stopped");
  assert.match(one.system.registry.get("job.path").state.failure ?? "", /too often/);
  assert.deepEqual(spawned(one.keeper), ["ok1", "ok1", "ok1"]);
});
