// Which numbers accounts get: the vectors of the specification, and Guix's rules at their edges.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allocateIds, NoIdError, type Wanted } from "../../../src/services/accounts/ids.js";

const system = (name: string, id?: number): Wanted => ({ name, id, system: true });
const ordinary = (name: string, id?: number): Wanted => ({ name, id, system: false });

const vectors: readonly {
  readonly what: string;
  readonly wanted: readonly Wanted[];
  readonly previous?: Readonly<Record<string, number>>;
  readonly ids: readonly number[];
}[] = [
  { what: "the system's go down from 999", wanted: [system("a"), system("b")], ids: [999, 998] },
  { what: "ordinary ones go up from 1000", wanted: [ordinary("a"), ordinary("b")], ids: [1000, 1001] },
  {
    what: "the two kinds do not meet",
    wanted: [system("a"), ordinary("b"), system("c")],
    ids: [999, 1000, 998],
  },
  { what: "one that is declared is taken", wanted: [ordinary("a", 1234)], ids: [1234] },
  {
    what: "behind a declared one the next follows: guixbuild 30000, then 30001",
    wanted: [ordinary("guixbuild", 30_000), ordinary("next")],
    ids: [30_000, 30_001],
  },
  {
    what: "below a declared one of the system the next follows",
    wanted: [system("s"), ordinary("x", 900), system("t")],
    ids: [999, 900, 899],
  },
  {
    what: "one that is declared later is not given before",
    wanted: [ordinary("a"), ordinary("b", 1000), system("c")],
    ids: [1001, 1000, 999],
  },
  {
    what: "one that a name has it keeps",
    wanted: [ordinary("alice"), system("tor")],
    previous: { alice: 1234, tor: 105 },
    ids: [1234, 105],
  },
  {
    what: "a declared one comes before the one it has",
    wanted: [ordinary("alice", 2000)],
    previous: { alice: 1234 },
    ids: [2000],
  },
  {
    what: "that of somebody who is gone is not used again",
    wanted: [ordinary("alice"), ordinary("charlie"), system("s"), system("t")],
    previous: { alice: 1234, bob: 1235, removed: 999 },
    ids: [1234, 1236, 998, 997],
  },
  {
    what: "above the highest in use, and then from the start",
    wanted: [ordinary("a"), ordinary("b"), ordinary("c")],
    previous: { d: 59_998 },
    ids: [59_999, 1000, 1001],
  },
  {
    what: "above the last one from the start",
    wanted: [ordinary("a")],
    previous: { d: 59_999 },
    ids: [1000],
  },
  {
    what: "nobody's number counts for none of the kinds",
    wanted: [ordinary("a")],
    previous: { nobody: 65_534 },
    ids: [1000],
  },
  {
    what: "below the last one of the system from the start",
    wanted: [system("x", 100), system("y")],
    ids: [100, 999],
  },
];

describe("numbers of accounts", () => {
  for (const { what, wanted, previous = {}, ids } of vectors)
    it(what, () => {
      assert.deepEqual(allocateIds(wanted, new Map(Object.entries(previous))), ids);
    });

  it("are 100 to 999 for the system, each given once", () => {
    const wanted = Array.from({ length: 900 }, (_, index) => system(`s${index}`));
    const ids = allocateIds(wanted, new Map());
    assert.equal(new Set(ids).size, 900);
    assert.equal(Math.min(...ids), 100);
    assert.throws(
      () => allocateIds([...wanted, system("one-more")], new Map()),
      (error) => {
        assert.ok(error instanceof NoIdError);
        assert.match(error.message, /'one-more', an account of the system/);
        return true;
      },
    );
  });
});
