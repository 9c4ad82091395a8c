// What is in a record, in which order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRecord, framesOf, type RecordedBoot } from "../../../src/daemon/boot-record/frames.js";
import { recordable } from "../../../src/daemon/boot-record/services.js";
import { makeForkexecConstructor, makeKillDestructor } from "../../../src/daemon/definition/constructors.js";
import { service } from "../../../src/daemon/definition/service.js";
import type { Request } from "../../../src/daemon/keeper/types.js";
import { decodeNote } from "../../../src/daemon/notes-format.js";

const definition = (name: string, requirement: readonly string[] = [], documentation = "") =>
  service([name], {
    requirement,
    documentation,
    start: makeForkexecConstructor(["/bin/sleep", "9"], { logFile: `/var/log/${name}` }),
    stop: makeKillDestructor(),
  });

function boot(documentation = ""): RecordedBoot {
  const definitions = [definition("b", ["a"], documentation), definition("a", [], documentation)];
  const spec = {
    arguments: ["/bin/sleep", "9"],
    mark: "old",
    uid: 5,
    gid: 6,
    cgroup: "/cgroup/services/x",
  } as const;
  return {
    expectations: [{ op: "expect-file", path: "/etc/config" }],
    system: { files: [{ file: "/etc/config", compiled: "/cache/x.mjs", services: ["b", "a"] }] },
    definitions,
    wanted: ["b", "other"],
    groups: recordable(
      definitions.map((one) => ({ definition: one, spec })),
      (name) => name,
    ),
    directories: ["/cgroup/services"],
  };
}

const brief = (request: Request): string => {
  switch (request.op) {
    case "put-note":
      return /^(?:service\/|boot-record)/.test(request.key)
        ? `${request.key} ${JSON.stringify(decodeNote(request.key, request.value))}`
        : request.key;
    case "spawn":
      return `spawn ${request.id} ${request.mark} ${request.spec.mark}`;
    case "pipe":
      return `pipe ${request.name} ${request.uid} ${request.gid}`;
    default:
      return "path" in request ? `${request.op} ${request.path}` : request.op;
  }
};

test("expectations, wishes, what is in force, then the starts, each wave awaited", () => {
  assert.deepEqual(
    framesOf(boot()).map((frame) => frame.map(brief)),
    [
      ["expect-file /etc/config"],
      ["b", "other", "a"].map((name) => `service/${name} {"wanted":"start","wantedSince":0}`),
      ["system", 'boot-record {"complete":false}'],
      ["definition/b", "definition/a"],
      ["make-directory /cgroup/services"],
      ...["a", "b"].flatMap((name) => [
        [
          `pipe output/${name} 5 6`,
          `log:${name}`,
          "make-directory /cgroup/services/x",
          `spawn ${name}#boot .${name}%23boot undefined`,
          `service/${name} {"status":"starting","processes":[{"id":"${name}#boot"}],` +
            '"statusChanges":[{"status":"starting","time":0}]}',
        ],
        ["await-started"],
      ]),
      ['boot-record {"complete":true}'],
    ],
  );
});

test("many notes take several frames, each of which fits", () => {
  const big = boot("x".repeat(200_000));
  const bytes = encodeRecord(big);
  assert.equal(bytes.toString("latin1", 0, 12), "SHEPBOOT\x01\0\0\0");
  const lengths: number[] = [];
  for (let at = 12; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) lengths.push(bytes.readUInt32LE(at));
  assert.equal(lengths.length, framesOf(big).length);
  assert.equal(framesOf(big).length, framesOf(boot()).length + 1);
});
