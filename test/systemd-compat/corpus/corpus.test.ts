// All units of the corpus: read n of n, counted by the classes of their directives, and compared with systemd's manager.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { formatDiagnostic } from "../../../systemd-compat/diagnostics.js";
import { systemDirectories } from "../../../systemd-compat/manager-directories.js";
import { parseUnitName } from "../../../systemd-compat/names.js";
import { parseTimeSpan } from "../../../systemd-compat/parser/time-span.js";
import { readSystemFacts, rootUser } from "../../../systemd-compat/system-facts.js";
import { buildUnit, type Unit } from "../../../systemd-compat/unit.js";
import { problemsOf, sourceOf, withSomeInstance } from "../fixtures.js";
import { makeTree } from "../trees.js";
import { type CorpusFile, noCorpus, unpackCorpus } from "./corpus.js";
import { dumpOf, lists, times, unordered } from "./dump.js";
import { askManager, type Dump, nobody, noManager, unquote } from "./manager.js";

/** As systemd's manager in its test mode sees the system. */
async function environmentOf() {
  const user = {
    ...rootUser,
    name: "nobody",
    uid: nobody,
    group: "nogroup",
    gid: nobody,
    home: "/nonexistent",
  };
  return { facts: await readSystemFacts("/", user), directories: systemDirectories };
}

async function unitsOf(context: TestContext): Promise<readonly (readonly [CorpusFile, Unit])[]> {
  const environment = await environmentOf();
  return unpackCorpus(context).map((file) => {
    const source = sourceOf(withSomeInstance(file.name), "");
    return [file, buildUnit({ ...source, fragment: file }, environment)];
  });
}

test("every unit is read, and all but one can be used", { skip: noCorpus }, async (t) => {
  const units = await unitsOf(t);
  const states = new Map<string, number>();
  for (const [, unit] of units) states.set(unit.state, (states.get(unit.state) ?? 0) + 1);
  t.diagnostic(`${units.length} of ${units.length} read: ${JSON.stringify(Object.fromEntries(states))}`);
  assert.ok(units.length > 1000);
  // It has its command in a drop-in.
  assert.deepEqual(
    units.filter(([, { state }]) => state !== "loaded").map(([{ name }]) => name),
    ["bip-config.service"],
  );
  assert.deepEqual(
    units.flatMap(([, unit]) => problemsOf(unit)),
    [
      "bip-config.service: neither ExecStart= nor ExecStop=, the unit is refused".replace(
        /^/,
        "bip/lib/systemd/system/",
      ),
      ...["mysql", "postgresql"].map(
        (name) =>
          `request-tracker5/lib/systemd/system/request-tracker5.service:8: After=: expected the name of a unit, got "${name}", it is left out`,
      ),
      'request-tracker5/lib/systemd/system/request-tracker5.service:9: Before=: expected the name of a unit, got "apache2", it is left out',
    ],
  );
});

test("every directive has a class", { skip: noCorpus }, async (t) => {
  const units = await unitsOf(t);
  const lines = new Map<string, number>();
  const names = new Map<string, Set<string>>();
  let usable = 0;
  const services = units.filter(([, { type }]) => type === "service");
  for (const [, unit] of units) {
    for (const { section, name, found } of unit.assignments) {
      const policy = found?.directive.policy ?? "unknown";
      lines.set(policy, (lines.get(policy) ?? 0) + 1);
      names.set(policy, (names.get(policy) ?? new Set()).add(`${section}.${name}`));
    }
    const functional = unit.assignments.filter(({ found }) => found?.directive.effect === "F");
    const applied = functional.every(
      ({ found }) => found?.directive.policy === "M1" || found?.directive.policy === "M2",
    );
    if (unit.type === "service" && applied) usable += 1;
  }
  for (const [policy, count] of [...lines].sort())
    t.diagnostic(`${policy}: ${names.get(policy)?.size} directives on ${count} lines`);
  t.diagnostic(`services all of whose functional directives are M1 or M2: ${usable} of ${services.length}`);
  assert.deepEqual([...(names.get("unknown") ?? [])], []);
  // Over the whole of Debian it is 99.2 per cent.
  assert.ok(usable / services.length > 0.98);
});

/** The manager's lines under a label, where several of its labels are one of ours. */
function theirLines(dump: Dump, label: string): readonly string[] {
  const under = (pattern: RegExp) =>
    [...dump].flatMap(([key, values]) =>
      pattern.test(key) ? values.map((value) => `${key}: ${value}`) : [],
    );
  switch (label) {
    case "Conditions":
      return under(/^(?:Condition|Assert)\w+$/).map((line) =>
        line.replace(/^(\w+): (.*) untested$/, "$1=$2"),
      );
    case "Listen":
      return under(/^Listen\w+$/);
    case "Watch":
      return under(/^(?:PathExists|PathExistsGlob|PathChanged|PathModified|DirectoryNotEmpty)$/);
    case "Elapse":
      return under(/^On(?:Calendar|ActiveSec|BootSec|StartupSec|UnitActiveSec|UnitInactiveSec)$/).map(
        (line) =>
          line.startsWith("OnCalendar")
            ? "calendar"
            : line.replace(/: (.*)$/, (_, span: string) => `: ${parseTimeSpan(span)}s`),
      );
    default:
      return dump.get(label) ?? [];
  }
}

function normalized(label: string, values: readonly string[]): readonly string[] {
  const same = values.map((value) => (times.has(label) ? String(parseTimeSpan(value)) : value));
  return unordered.has(label) ? [...same].sort() : same;
}

function isCommand(label: string): boolean {
  return label.startsWith("Exec") && label !== "ExecPaths";
}

/** Differences that are no differences in what was read, with the reason for each. */
const explained: readonly (readonly [reason: string, matches: (unit: Unit, label: string) => boolean])[] = [
  [
    "a dynamic user confines the service and gives the account a name, which here is left to the translation",
    (unit, label) =>
      unit.type === "service" &&
      unit.service.DynamicUser === true &&
      ["User", "Group", "ProtectSystem", "ProtectHome", "PrivateTmp", "RestrictSUIDSGID"].includes(label),
  ],
  [
    "it says n/a of one of a socket's accounts where only the other is given",
    (unit, label) => unit.type === "socket" && label === "SocketUser" && unit.socket.SocketUser === undefined,
  ],
  [
    "MemoryLimit= is a limit of its own there, and another name of MemoryMax= here",
    (unit, label) => label === "MemoryMax" && unit.assignments.some(({ name }) => name === "MemoryLimit"),
  ],
];

test("systemd's manager reads the same in every unit", { skip: noCorpus || noManager }, async (t) => {
  const environment = await environmentOf();
  const files = unpackCorpus(t).filter(({ name }) => /\.(?:service|socket|timer|path|target)$/.test(name));
  const byName = new Map(files.map((file) => [file.name, file]));
  const units = makeTree(t, {});
  for (const { name, contents } of byName.values()) writeFileSync(join(units, name), contents);
  const instances = [...byName.keys()].map(withSomeInstance);
  writeFileSync(join(units, "all.target"), `[Unit]\n${instances.map((name) => `Wants=${name}\n`).join("")}`);
  const { dumps } = askManager(units, makeTree(t, {}), "all.target");
  let compared = 0;
  let lines = 0;
  const differences: string[] = [];
  for (const [name, file] of byName) {
    const dump = dumps.get(withSomeInstance(name));
    // What another unit of the corpus conflicts with is not loaded.
    if (dump === undefined) {
      differences.push(`${name}: the manager does not know it`);
      continue;
    }
    compared += 1;
    const fragment = { file: join(units, name), contents: file.contents };
    const unit = buildUnit({ ...sourceOf(withSomeInstance(name), ""), fragment }, environment);
    const ours = dumpOf(unit);
    if (unit.state === "refused") {
      assert.deepEqual(
        dump.get("Unit Load State"),
        ["bad-setting"],
        unit.diagnostics.map(formatDiagnostic).join("\n"),
      );
      continue;
    }
    for (const label of new Set([...lists, ...ours.keys()])) {
      const mine = ours.get(label) ?? [];
      const found = theirLines(dump, label);
      const theirs = isCommand(label) ? found.map((line) => unquote(line).join("\0")) : found;
      lines += 1;
      const [a, b] = [normalized(label, mine), normalized(label, theirs)];
      if (JSON.stringify(a) === JSON.stringify(b)) continue;
      if (!explained.some(([, matches]) => matches(unit, label)))
        differences.push(`${name}: ${label}: ours ${JSON.stringify(a)}, systemd's ${JSON.stringify(b)}`);
    }
    compareDependencies(name, unit, dump, differences);
  }
  t.diagnostic(`${compared} of ${byName.size} units compared, ${lines} settings`);
  assert.deepEqual(differences.slice(0, 50), []);
});

const dependencies = [
  "Requires",
  "Requisite",
  "Wants",
  "BindsTo",
  "PartOf",
  "Conflicts",
  "Before",
  "After",
  "OnFailure",
] as const;

/** Names that we have must be among systemd's; of its own it adds others. */
function compareDependencies(name: string, unit: Unit, dump: Dump, differences: string[]): void {
  for (const label of dependencies) {
    const theirs = (dump.get(label) ?? []).map((line) => line.replace(/ \(.*$/, ""));
    for (const one of unit.unit[label] ?? []) {
      const isDevice = label === "Before" && one.endsWith(".device");
      if (!theirs.includes(one) && one !== unit.name.full && !isDevice && parseUnitName(one) !== undefined)
        differences.push(`${name}: ${label}: ${one} is not systemd's`);
    }
  }
}
