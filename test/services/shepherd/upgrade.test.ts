// What is unloaded, started and left alone when a system is reconfigured: Guix's vectors.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type LiveService,
  reconfigurationPlan,
  shepherdServiceUpgrade,
} from "../../../src/services/shepherd/upgrade.js";

/** Services as text: names, `<` and requirements; a live one that is stopped ends in `-`, one that is transient in `~`. */
function parse(text: string): LiveService[] {
  return text
    .split(";")
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .map((one) => {
      const [names = "", requirement = ""] = one.replace(/[-~]$/, "").split("<");
      const words = (part: string): string[] => part.split(" ").filter((word) => word !== "");
      return {
        provision: words(names),
        requirement: words(requirement),
        running: !one.endsWith("-"),
        transient: one.endsWith("~"),
      };
    });
}

interface Vector {
  readonly live: string;
  readonly target: string;
  /** Canonical names. */
  readonly unload: readonly string[];
  readonly restart: readonly string[];
}

const vectors: readonly Vector[] = [
  { live: "", target: "", unload: [], restart: [] },
  { live: "foo; bar -; root", target: "foo; bar; baz", unload: [], restart: ["foo"] },
  { live: "foo < bar; bar; baz", target: "foo", unload: ["baz"], restart: ["foo"] },
  { live: "foo < bar; bar < baz; baz", target: "qux", unload: ["foo", "bar", "baz"], restart: [] },
  { live: "foo < bar -; bar -; baz -", target: "qux", unload: ["foo", "bar", "baz"], restart: [] },
  { live: "ssh; foo; qux", target: "ssh; bar foo", unload: ["qux"], restart: ["ssh", "foo"] },
  { live: "root; shepherd; foo", target: "", unload: ["foo"], restart: [] },
  { live: "ssh; ssh-1 < ssh ~; old ~", target: "ssh", unload: [], restart: ["ssh"] },
  { live: "foo; foo-1 < foo ~", target: "", unload: ["foo"], restart: [] },
  { live: "foo bar", target: "bar", unload: ["foo"], restart: ["foo"] },
  { live: "foo < b; bar b; baz", target: "foo", unload: ["baz"], restart: ["foo"] },
  { live: "a b", target: "a; b", unload: [], restart: ["a"] },
];

const names = (services: readonly LiveService[]): readonly string[] =>
  services.map(({ provision: [name = ""] }) => name);

describe("shepherd-service-upgrade", () => {
  for (const { live, target, unload, restart } of vectors) {
    it(`live (${live}) target (${target}) → unload (${unload.join(" ")}) restart (${restart.join(" ")})`, () => {
      const result = shepherdServiceUpgrade(parse(live), parse(target));
      assert.deepEqual(
        { unload: names(result.toUnload), restart: names(result.toRestart) },
        { unload, restart },
      );
    });
  }

  it("gives the very services that it was given", () => {
    const live = parse("foo; bar");
    const { toUnload, toRestart } = shepherdServiceUpgrade(live, parse("foo"));
    assert.deepEqual([toRestart[0], toUnload[0]], live);
  });

  it("takes live services that require each other, as replacements may", () => {
    assert.deepEqual(names(shepherdServiceUpgrade(parse("a < b; b < a"), []).toUnload), ["a", "b"]);
    assert.deepEqual(names(shepherdServiceUpgrade(parse("a < b; b < a"), parse("b")).toUnload), []);
  });
});

describe("reconfigurationPlan", () => {
  const plans: readonly (readonly [
    live: string,
    target: string,
    unload: readonly string[],
    start: readonly string[],
    restart: readonly string[],
  ])[] = [
    ["", "a; b", [], ["a", "b"], []],
    ["a; b -; root", "a; b; c", [], ["b", "c"], ["a"]],
    ["a; old; older -", "a", ["old", "older"], [], ["a"]],
    // It runs under another name: there is no service of the new name until it is restarted.
    ["foo", "bar foo", [], [], ["foo"]],
    // It is unloaded, and what has its other name is started in its stead.
    ["foo bar", "bar", ["foo"], ["bar"], []],
  ];
  for (const [live, target, unload, start, restart] of plans) {
    it(`live (${live}) target (${target}) → unload (${unload.join(" ")}) start (${start.join(" ")}) restart (${restart.join(" ")})`, () => {
      const targets = parse(target).map((one) => ({ ...one, autoStart: true }));
      assert.deepEqual(reconfigurationPlan(parse(live), targets), { unload, start, restart });
    });
  }

  it("does not start what is not started with the system", () => {
    const targets = [{ provision: ["manual"], autoStart: false }];
    assert.deepEqual(reconfigurationPlan([], targets), { unload: [], start: [], restart: [] });
  });
});
