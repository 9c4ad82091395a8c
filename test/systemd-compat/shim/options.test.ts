// The command line of systemctl.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ServiceStatus } from "../../../src/protocol/service-status.js";
import { sym } from "../../../src/protocol/sexp.js";
import { parseUnitName } from "../../../systemd-compat/names.js";
import { parseLine, UsageError } from "../../../systemd-compat/shim/options.js";
import { unitStateOf } from "../../../systemd-compat/shim/unit-state.js";
import { project } from "../../support/project.js";
import { problemsOf, unitOf } from "../fixtures.js";
import { ours } from "./support.js";

function optionsOf(...args: readonly string[]) {
  const line = parseLine(args);
  assert.equal(line.kind, "run");
  return line.kind === "run" ? { verb: line.verb, words: line.words, ...line.options } : assert.fail();
}

test("options may stand anywhere, be joined, shortened, and given several times", () => {
  const line = optionsOf("show", "-p", "Id,Names", "a", "--prop=MainPID", "-qa", "--no-pag", "--", "-b");
  assert.deepEqual(
    [line.verb, line.words, line.properties, line.quiet, line.all],
    ["show", ["a", "-b"], ["Id", "Names", "MainPID"], true, true],
  );
  assert.deepEqual(optionsOf("-P", "Id", "show").value, true);
  assert.equal(optionsOf().verb, "list-units");
  assert.equal(optionsOf("--root=/").root, undefined);
  assert.deepEqual(optionsOf("--failed", "--state=active").states, ["active", "failed"]);
});

test("mistakes are told in a line", () => {
  for (const args of [["--frob"], ["--root"], ["--quiet=yes"], ["-n", "x"]])
    assert.throws(
      () => parseLine(args),
      (error) => error instanceof UsageError && !error.message.includes("\n"),
    );
});

test("scripts find a version that they can compare", async () => {
  assert.match((await ours("/", "--version")).output, /^systemd \d+ \(/);
});

test("what needs a supervisor says so below another root", async () => {
  const { status, errors } = await ours("/nowhere", "start", "x");
  assert.deepEqual([status, errors], [1, ["Verb 'start' cannot be used with --root=."]]);
});

const base: ServiceStatus = {
  provides: ["x"],
  requires: [],
  respawn: false,
  documentation: "",
  enabled: true,
  lastRespawns: [],
  statusChanges: [{ status: "running", time: 5 }],
  startupFailures: [],
  status: "stopped",
  oneShot: false,
  transient: false,
  respawnDelay: 0,
  actions: [],
  exitStatuses: [],
  recentMessages: [],
  logFiles: [],
  pendingReplacement: false,
  extra: new Map(),
};

test("states in systemd's words", () => {
  const state = (unit: string, more: Partial<ServiceStatus>): string => {
    const { active, sub, result } = unitStateOf(unit, { ...base, ...more });
    return `${active} ${sub} ${result}`;
  };
  const process = { type: "process", pid: 7 } as const;
  assert.equal(state("x.service", {}), "inactive dead success");
  assert.equal(state("x.service", { status: "running", running: process }), "active running success");
  assert.equal(state("x.service", { status: "running" }), "active exited success");
  assert.equal(state("x.socket", { status: "running" }), "active listening success");
  assert.equal(state("x.target", { status: "running" }), "active active success");
  assert.equal(state("x.timer", { status: "running" }), "active waiting success");
  assert.equal(state("x.service", { status: "starting" }), "activating start success");
  assert.equal(state("x.service", { extra: new Map([["result", sym("signal")]]) }), "failed failed signal");
  assert.equal(state("x.service", { extra: new Map([["failure", "why"]]) }), "failed failed exit-code");
  assert.equal(unitStateOf("x.service", undefined).active, "inactive");
});

test("the units that run us under systemd are right", () => {
  for (const [file, name] of [
    ["shepherd.service", "shepherd.service"],
    ["shepherd-user.service", "shepherd.service"],
  ] as const) {
    const text = readFileSync(join(project.root, "systemd-compat", file), "utf8");
    const unit = unitOf(parseUnitName(name)?.full ?? "", text);
    assert.deepEqual(problemsOf(unit), [], file);
    assert.equal(unit.type === "service" && unit.service.Type, "notify");
  }
});
