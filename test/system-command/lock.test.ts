// One command at a time, and nobody waits for one that was killed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { exclusively } from "../../src/system-command/lock.js";
import { type Places, placesBelow } from "../../src/system-command/places.js";
import { waitFor } from "../support/wait.js";

const lockModule = new URL("../../src/system-command/lock.js", import.meta.url).href;

function makePlaces(t: TestContext): Places {
  const root = mkdtempSync(join(tmpdir(), "shepherd-lock-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return placesBelow(root);
}

it("what is done under it is not done at the same time, and who waits says so", async (t) => {
  const places = makePlaces(t);
  const order: string[] = [];
  const told: string[] = [];
  let release = (): void => undefined;
  const first = exclusively(places, assert.fail, async () => {
    order.push("first begins");
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    order.push("first ends");
  });
  await waitFor("the first holds it", () => order.length > 0);
  const second = exclusively(
    places,
    (text) => told.push(text),
    async () => {
      order.push("second");
      return 2;
    },
  );
  await waitFor("the second says that it waits", () => told.length > 0);
  release();
  await first;
  assert.equal(await second, 2);
  assert.deepEqual(order, ["first begins", "first ends", "second"]);
  assert.deepEqual(told, ["another command is at work; waiting for its end"]);
});

it("nobody else can open it", async (t) => {
  const places = makePlaces(t);
  await exclusively(places, assert.fail, async () => undefined);
  assert.equal(statSync(join(places.state, "lock")).mode & 0o777, 0o600);
});

it("it is released when what is done fails", async (t) => {
  const places = makePlaces(t);
  await assert.rejects(
    exclusively(places, assert.fail, () => Promise.reject(new Error("no"))),
    /^Error: no$/,
  );
  assert.equal(await exclusively(places, assert.fail, async () => 1), 1);
});

it("it is released when whoever holds it is killed", async (t) => {
  const places = makePlaces(t);
  const script = `const { exclusively } = await import(${JSON.stringify(lockModule)});
    await exclusively(${JSON.stringify(places)}, console.error, async () => {
      console.log("held");
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    });`;
  const holder = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  const waiting = exclusively(
    places,
    () => undefined,
    async () => "mine",
  );
  holder.kill("SIGKILL");
  assert.equal(await waiting, "mine");
});

it("where flock is missing that is said, and what is to be done is done", async (t) => {
  const places = makePlaces(t);
  const { PATH } = process.env;
  t.after(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = "/nonexistent";
  const told: string[] = [];
  assert.equal(
    await exclusively(
      places,
      (text) => told.push(text),
      async () => 1,
    ),
    1,
  );
  assert.deepEqual(told, [
    "flock is not installed, so nothing keeps two commands from being at work at once",
  ]);
});
