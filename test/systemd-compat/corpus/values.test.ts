// Each directive that we implement with each of some values: used, passed over or refused as systemd's manager does it.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { allDirectives } from "../../../systemd-compat/directives.js";
import { unitOf } from "../fixtures.js";
import { makeTree } from "../trees.js";
import { askManager, noManager } from "./manager.js";

const values = [
  ...[
    "",
    "yes",
    "5",
    "-1",
    "foo",
    "infinity",
    "5min",
    "50%",
    "/a/b",
    "/a/../b",
    "a.service",
    "%Z",
    "'a b",
    "A=b",
  ],
  "a b",
];

/** Differences that we want, by directive, with the reason. */
const wanted: readonly (readonly [reason: string, names: RegExp, values: RegExp])[] = [
  [
    "names of capabilities and bits that do not exist are told",
    /^(?:CapabilityBoundingSet|AmbientCapabilities|SecureBits)$/,
    /^/,
  ],
  ["names of system calls are not looked up", /^SystemCallFilter$/, /^/],
  [
    "words for enumerations are as systemd.exec(5) has them, numbers beyond them are not",
    /^(?:IOSchedulingClass|CPUSchedulingPolicy)$/,
    /^5$/,
  ],
  ["devices are given by their paths", /^(?:IO|BlockIO)/, /^a b$/],
  ["latencies are kept as text", /^IODeviceLatencyTargetSec$/, /^/],
  ["this assertion does not exist there", /^AssertFirmware$/, /^/],
  ["a quote that is not closed is told", /^SupplementaryGroups$/, /^'a b$/],
];

const bases = {
  Unit: ["service", "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n"],
  Service: ["service", "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n"],
  Socket: ["socket", "[Unit]\nDescription=x\n[Socket]\nListenStream=/run/zz\n"],
  Timer: ["timer", "[Unit]\nDescription=x\n[Timer]\nOnBootSec=5\n"],
  Path: ["path", "[Unit]\nDescription=x\n[Path]\nPathExists=/zz\n"],
} as const;

interface Case {
  readonly name: string;
  readonly directive: string;
  readonly value: string;
  readonly text: string;
}

function cases(): readonly Case[] {
  const ofServices = new Set(
    allDirectives().flatMap(({ section, name }) => (section === "Service" ? [name] : [])),
  );
  return allDirectives().flatMap(({ section, name, policy }, index) => {
    // What services and sockets share is tried once.
    if (!Object.hasOwn(bases, section) || (section === "Socket" && ofServices.has(name))) return [];
    if (policy === "I" || policy === "U") return [];
    const [type, base] = bases[section as keyof typeof bases];
    return values.map((value, each) => ({
      name: `z${index}-${each}.${type}`,
      directive: name,
      value,
      text: `${base}[${section}]\n${name}=${value}\n`,
    }));
  });
}

test("each value of each directive is judged as systemd judges it", { skip: noManager }, (t) => {
  const all = cases();
  const targets = ["sysinit", "basic", "shutdown", "paths", "sockets", "timers"];
  const units = makeTree(t, {
    "all.target": `[Unit]\n${all.map(({ name }) => `Wants=${name}\n`).join("")}`,
    ...Object.fromEntries(targets.map((name) => [`${name}.target`, "[Unit]\nDescription=x\n"])),
  });
  for (const { name, text } of all) {
    writeFileSync(join(units, name), text);
    // What it is for.
    if (!name.endsWith(".service"))
      writeFileSync(join(units, name.replace(/\.\w+$/, ".service")), bases.Service[1]);
  }
  const { dumps, faults } = askManager(units, makeTree(t, {}), "all.target");
  const differences: string[] = [];
  for (const { name, directive, value, text } of all) {
    const unit = unitOf(name, text);
    const warned = unit.diagnostics.some(({ severity }) => severity === "warning");
    const ours = unit.state === "refused" ? "refused" : warned ? "passed over" : "used";
    const loaded = dumps.get(name)?.get("Unit Load State")?.[0] === "loaded";
    const theirs = !loaded ? "refused" : faults.has(name) ? "passed over" : "used";
    if (ours === theirs || wanted.some(([, names, some]) => names.test(directive) && some.test(value)))
      continue;
    differences.push(`${directive}=${value}: ${ours} by us, ${theirs} by systemd`);
  }
  t.diagnostic(
    `${all.length} assignments of ${new Set(all.map(({ directive }) => directive)).size} directives`,
  );
  assert.deepEqual(differences, []);
});
