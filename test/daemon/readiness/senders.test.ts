// Who may speak for a service: by what the kernel tells of the sender.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseNotice } from "../../../src/daemon/readiness/notice.js";
import type { Datagram, Speakers } from "../../../src/daemon/readiness/sender.js";
import { refusal } from "../../../src/daemon/readiness/sender.js";
import { processStat } from "../../../src/daemon/survivors.js";
import { rest, stateOf, until } from "../../support/crashes.js";
import { fakeKeeper, settle, testSystem } from "../../support/system.js";
import { begin, conditionOf, running, say, socket, web } from "./support.js";

const gone = 4_194_303;

function from(pid: number, start: number, uid: number): Datagram {
  const header = { event: 1n, at: 0n };
  const data = new Uint8Array();
  return {
    ...header,
    type: "datagram",
    name: socket,
    data,
    pid,
    uid,
    gid: uid,
    start,
    descriptors: 0,
    truncated: false,
  };
}

function speakers(access: Speakers["access"], main = 4711): Speakers {
  return {
    mains: [{ id: "web#0.1", pid: main, start: 100 }],
    kin: { leader: main, lives: true, mark: "none.web" },
    access,
    users: async () => [0, 33],
  };
}

test("the main process may speak, alive or just ended; another of its number may not", async () => {
  for (const access of ["main", "all"] as const) {
    assert.equal(await refusal(from(4711, 100, 5), speakers(access)), undefined);
    assert.equal(await refusal(from(4711, 0, 5), speakers(access)), undefined);
    assert.notEqual(await refusal(from(4711, 200, 5), speakers(access)), undefined);
  }
});

test("a sender that is gone may speak where all may, if its user is the service's or ours", async () => {
  assert.equal(await refusal(from(gone, 0, 33), speakers("all")), undefined);
  assert.equal(await refusal(from(gone, 12, 0), speakers("all")), undefined);
  assert.match((await refusal(from(gone, 0, 34), speakers("all"))) ?? "", /is gone, and was of user 34/);
  assert.match((await refusal(from(gone, 0, 33), speakers("main"))) ?? "", /not its main process/);
});

test("a living process may speak where all may, if it is one of the service's", async () => {
  const { pid, ppid } = process;
  const { start = 0 } = (await processStat(pid)) ?? {};
  assert.match((await refusal(from(pid, start, 0), speakers("all"))) ?? "", /none of its processes/);
  // The parent of this process as the leader.
  assert.equal(await refusal(from(pid, start, 12345), speakers("all", ppid)), undefined);
});

test("what is no message, or a stranger's, is passed over with one line, and the next one is read", async () => {
  const one = testSystem([web()]);
  const { outcome } = await begin(one);
  for (let count = 0; count < 50; count += 1) one.keeper.datagram(socket, "READY=1\nSTATUS=mine", 99);
  say(one, "FDSTORE=1\nFDNAME=a:b", 1);
  say(one, "FDSTORE=1", 1);
  say(one, "\u0000\u0001\u0002READY=1");
  say(one, "READY=1");
  assert.equal(await outcome, true);
  await rest(one);
  assert.equal(conditionOf(one).statusText, undefined);
  assert.deepEqual(stateOf(one, "web").stored, []);
  assert.equal(one.lines.filter((line) => line.includes("is passed over")).length, 1);
  assert.deepEqual(parseNotice(Buffer.from("\u0000READY=1"), false), {});
});

test("what a process has said before its end does not make the next one ready", async () => {
  let hold = Promise.resolve();
  const one = testSystem([web(undefined, { respawn: true })], fakeKeeper(), undefined, {
    resolveIdentity: async () => {
      await hold;
      return {};
    },
  });
  await running(one);
  const [{ id, pid } = { id: "", pid: 0 }] = one.keeper.children;
  let release = (): void => undefined;
  hold = new Promise((resolve) => {
    release = resolve;
  });
  one.keeper.end(id, { code: 1 });
  await until("it is started again", () => stateOf(one, "web").status === "starting");
  one.keeper.datagram(socket, "READY=1\nSTATUS=of before", pid, 0, 0);
  await settle();
  assert.deepEqual(conditionOf(one), {});
  release();
  await until("the next process runs", () => one.keeper.children.some((child) => child.id !== id));
  await settle();
  assert.equal(stateOf(one, "web").status, "starting");
  say(one, "READY=1");
  await rest(one);
  assert.equal(stateOf(one, "web").status, "running");
});
