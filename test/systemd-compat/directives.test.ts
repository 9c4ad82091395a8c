// The table of directives: against the statistics of all units of Debian 12, and against what systemd itself knows.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { allDirectives, directiveOf, sectionsOf } from "../../systemd-compat/directives.js";

const statistics = "../shared/data/directives.csv";
const noStatistics = existsSync(statistics) ? false : `needs the statistics of directives, ${statistics}`;

/** Rows of a file of comma-separated values, quotes doubled in quotes. */
function rowsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) =>
      Array.from(
        line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g),
        ([, quoted, plain]) => quoted ?? plain ?? "",
      ),
    );
}

test("each directive of Debian's units has the class that the plan gives it", { skip: noStatistics }, () => {
  const [head = [], ...rows] = rowsOf(readFileSync(statistics, "utf8"));
  assert.deepEqual(
    [head[0], head[1], head[11], head[12]],
    ["section", "directive", "class", "effect_if_ignored"],
  );
  const counts = new Map<string, number>();
  const missing: string[] = [];
  for (const row of rows) {
    const [section = "", name = "", policy = "", effect = ""] = [row[0], row[1], row[11], row[12]];
    counts.set(policy, (counts.get(policy) ?? 0) + 1);
    const found = directiveOf(section, name);
    if (found === undefined || found === "gone") missing.push(`${section}.${name}`);
    else
      assert.deepEqual(
        [found.directive.policy, found.directive.effect],
        [policy, effect],
        `${section}.${name}`,
      );
  }
  assert.equal(rows.length, 263);
  assert.deepEqual(Object.fromEntries(counts), { M1: 102, C: 57, M2: 70, I: 16, U: 18 });
  // One unit has it; systemd does not know it either.
  assert.deepEqual(missing, ["Service.ExecRestart"]);
});

const manager = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].find((file) => existsSync(file));
const version = manager === undefined ? "" : spawnSync(manager, ["--version"], { encoding: "utf8" }).stdout;
const noManager = /^systemd 252 /.test(version) ? false : "there is no systemd 252";

test("every directive that systemd knows is known, and no other", { skip: noManager }, () => {
  const { stdout } = spawnSync(manager ?? "", ["--dump-configuration-items"], { encoding: "utf8" });
  const theirs = new Set<string>();
  let section = "";
  for (const line of stdout.split("\n")) {
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
    const [name] = /^[^[=]+(?==)/.exec(line) ?? [];
    // Scopes are no files.
    if (name !== undefined && section !== "Scope") theirs.add(`${section}.${name}`);
  }
  assert.ok(theirs.size > 1000);
  const ours = new Set(allDirectives().map((one) => `${one.section}.${one.name}`));
  assert.deepEqual(
    [...theirs].filter((one) => !ours.has(one)),
    [],
  );
  // It has no Assert for this one condition.
  assert.deepEqual(
    [...ours].filter((one) => !theirs.has(one)),
    ["Unit.AssertFirmware"],
  );
});

test("older names lead to those of today, in their sections", () => {
  const newer = (section: string, name: string) => {
    const found = directiveOf(section, name);
    return found === undefined || found === "gone" ? found : `${found.section}.${found.name}`;
  };
  assert.equal(newer("Service", "StartLimitInterval"), "Unit.StartLimitIntervalSec");
  assert.equal(newer("Service", "StartLimitBurst"), "Unit.StartLimitBurst");
  assert.equal(newer("Unit", "StartLimitInterval"), "Unit.StartLimitIntervalSec");
  assert.equal(newer("Unit", "BindTo"), "Unit.BindsTo");
  assert.equal(newer("Service", "ReadWriteDirectories"), "Service.ReadWritePaths");
  assert.equal(newer("Socket", "MemoryLimit"), "Socket.MemoryMax");
  assert.equal(newer("Slice", "MemoryLimit"), "Slice.MemoryMax");
  assert.equal(newer("Slice", "ReadOnlyDirectories"), undefined);
  assert.equal(newer("Service", "SysVStartPriority"), "gone");
  for (const name of ["constructor", "toString", "__proto__"])
    assert.equal(newer("Service", name), undefined);
  assert.equal(newer("constructor", "name"), undefined);
});

test("each type of unit has its sections", () => {
  assert.deepEqual(sectionsOf("service"), ["Unit", "Service", "Install"]);
  assert.deepEqual(sectionsOf("target"), ["Unit", "Install"]);
});
