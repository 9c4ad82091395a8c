// A run that rotates all logs, while one of them grows faster than its old files are compressed.

import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Answer } from "../../../src/daemon/logs/order-queue.js";
import { LogRotation, type RotationParts } from "../../../src/daemon/logs/rotation.js";
import { policyOf } from "../../../src/daemon/logs/rotation-policy.js";

const answer: Answer = { type: "answer", tag: 0, errno: 0, text: "" };

it("a run has its turn, however fast a log grows over its limit meanwhile", async () => {
  let left = 1000;
  let leftThen = 0;
  let running: Promise<void> | undefined;
  const writer: RotationParts["writer"] = {
    onRotated: undefined,
    loggedFiles: [{ name: "web", file: { path: "/var/log/web.log" } }],
    limit: async () => {},
    rotate: async () => undefined,
    order: async ({ op }) => {
      if (op !== "claim") return answer;
      running ??= rotation.run(policyOf({})).then(() => {
        leftThen = left;
      });
      if (left-- > 0)
        writer.onRotated?.({ type: "rotated", name: "web", errno: 0, text: "", path: "/var/log/web.log" });
      return answer;
    },
  };
  const rotation = new LogRotation({
    writer,
    compressor: { prepare: async () => {}, run: async () => {} },
    resolveIdentity: async () => ({}),
    log: { info: () => {}, error: assert.fail },
  });
  rotation.keepWithin("log-rotation", { ...policyOf({}), maxSize: 65_536 });
  await turn();
  await running;
  assert.ok(leftThen > 900, `${leftThen} rotations are left of 1000`);
});
