// When the daemon goes to sleep, over a fake keeper and with a clock that the test sets.

import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { Hibernation } from "../../../src/daemon/hibernation/hibernation.js";
import { hasSlept } from "../../../src/daemon/hibernation/note.js";
import { monotonic } from "../../../src/daemon/monotonic.js";
import { FakeKeeper } from "../../support/fake-keeper.js";

interface Bed {
  readonly keeper: FakeKeeper;
  readonly hibernation: Hibernation;
  readonly lines: string[];
  exits: number;
  why: string | undefined;
  /** Called while the last lines are on their way. */
  meanwhile: () => void;
}

function bed(t: TestContext): Bed {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const keeper = new FakeKeeper();
  const lines: string[] = [];
  const made: Bed = {
    keeper,
    lines,
    exits: 0,
    why: undefined,
    meanwhile: () => undefined,
    hibernation: new Hibernation({
      keeper,
      after: 1000,
      whyAwake: () => made.why,
      flushed: async () => made.meanwhile(),
      log: (line) => lines.push(line),
      exit: () => {
        made.exits += 1;
      },
    }),
  };
  keeper.quietSince = monotonic();
  made.hibernation.begin();
  return made;
}

async function pass(t: TestContext, ms: number): Promise<void> {
  t.mock.timers.tick(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

const requests = ({ keeper }: Bed): readonly string[] => keeper.requests.map(({ op }) => op);

it("leaves a note, asks for a relaunch in case it may not hibernate, and exits", async (t) => {
  const test = bed(t);
  await pass(t, 900);
  assert.equal(test.exits, 0);
  await pass(t, 200);
  assert.equal(test.exits, 1);
  assert.deepEqual(requests(test), ["put-note", "relaunch", "hibernate"]);
  assert.equal(test.keeper.frames.length, 1);
  assert.equal(hasSlept(test.keeper.successor().inventory), true);
});

it("waits for a while without anything from the keeper or to it", async (t) => {
  const test = bed(t);
  await pass(t, 600);
  await test.keeper.send([{ op: "configure" }]);
  test.keeper.quietSince = monotonic();
  await pass(t, 600);
  assert.equal(test.exits, 0);
  await pass(t, 1100);
  assert.equal(test.exits, 1);
});

it("stays where something happens while its last lines are on their way", async (t) => {
  const test = bed(t);
  test.meanwhile = () => {
    test.keeper.send([{ op: "configure" }]).catch(() => undefined);
  };
  await pass(t, 1100);
  assert.equal(test.exits, 0);
  assert.deepEqual(requests(test), ["configure"]);
  test.meanwhile = () => {
    test.why = "a client is connected";
  };
  test.keeper.quietSince = monotonic();
  await pass(t, 1100);
  await pass(t, 1100);
  assert.equal(test.exits, 0);
});

it("tells once why it stays awake, and looks again", async (t) => {
  const test = bed(t);
  test.why = "path p is watched";
  await pass(t, 1100);
  assert.equal(test.hibernation.why, "path p is watched");
  await pass(t, 2100);
  assert.deepEqual(test.lines, ["Does not hibernate: path p is watched."]);
  test.why = undefined;
  await pass(t, 4100);
  assert.equal(test.exits, 1);
  assert.equal(test.hibernation.why, undefined);
});

it("does not while an answer is awaited", async (t) => {
  const test = bed(t);
  test.keeper.isQuiet = false;
  await pass(t, 1100);
  assert.equal(test.exits, 0);
});
