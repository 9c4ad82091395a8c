// The service that rotates logs: its options, and what it wants of the logs while it runs.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logRotationService, rotateLogs } from "../../../src/daemon/api.js";
import { ownZstd } from "../../../src/daemon/logs/compression.js";
import { checkCompression } from "../../../src/daemon/logs/rotation-attendance.js";
import { policyOf, type SizedPolicy } from "../../../src/daemon/logs/rotation-policy.js";
import { client, settle, type TestSystem, testSystem } from "../../support/system.js";

/** What was wanted last of the logs, by the service. */
function wanted(test: TestSystem): Map<string, SizedPolicy | undefined> {
  const seen = new Map<string, SizedPolicy | undefined>();
  Object.assign(test.system.host.logs, {
    keepWithin: (service: string, policy: SizedPolicy | undefined) => seen.set(service, policy),
  });
  return seen;
}

describe("logRotationService", () => {
  it("has the manual's defaults", () => {
    const { provision, retryable, actions } = logRotationService();
    assert.deepEqual([provision, retryable], [["log-rotation"], true]);
    assert.deepEqual(actions.map(({ name }) => name).sort(), ["files", "trigger"]);
  });

  it("says which option is wrong, and what was expected", async () => {
    const mistakes: readonly [object, RegExp][] = [
      [
        { compression: "lzma" },
        /logRotationService: field "compression": expected "gzip", "zstd", "none", got "lzma"/,
      ],
      [{ expiry: 0 }, /field "expiry": expected a number of seconds from 1 to 4294967295, got 0/],
      [{ keep: 1001 }, /field "keep": expected an integer from 1 to 1000, got 1001/],
      [{ maxSize: 100 }, /field "maxSize": expected a number of bytes from 65536 on, got 100/],
      [{ sizeThreshold: -1 }, /field "sizeThreshold": expected a number of bytes, got -1/],
      [
        { externalLogFiles: ["relative.log"] },
        /field "externalLogFiles": expected a list of absolute file names/,
      ],
      [{ maxsize: 1 }, /unknown field "maxsize".*maxSize/],
      [{ schedule: "daily" }, /field "schedule": expected a calendar event or an interval, got "daily"/],
      [{ schedule: {} }, /the schedule: expected a calendar event/],
    ];
    for (const [options, message] of mistakes) assert.throws(() => logRotationService(options), message);
    await assert.rejects(rotateLogs({ keep: 0 }), /rotateLogs: field "keep"/);
  });

  it("does not start where old files could not be compressed, and says why", {
    skip: ownZstd() === undefined ? false : "this Node has Zstandard",
  }, () => {
    const host = { environment: ["PATH=/nonexistent"] };
    checkCompression(host, policyOf({ compression: "gzip" }));
    assert.throws(
      () => checkCompression(host, policyOf({ compression: "zstd" })),
      /compress with zstd: this Node \(v.*\) has no Zstandard, and there is no program zstd in PATH/,
    );
  });

  it("keeps logs within a size as long as it runs, whichever supervisor lives", async () => {
    const definitions = [logRotationService({ maxSize: 1_000_000, keep: 7, compression: "none" })];
    const first = testSystem(definitions);
    const before = wanted(first);
    assert.ok(await first.system.supervisor.start("log-rotation", [], client()));
    assert.deepEqual([before.get("log-rotation")?.maxSize, before.get("log-rotation")?.keep], [1_000_000, 7]);
    let after: ReturnType<typeof wanted> = new Map();
    const second = testSystem(definitions, first.keeper.successor(), (system) => {
      after = wanted({ ...first, system });
    });
    await settle();
    assert.equal(after.get("log-rotation")?.maxSize, 1_000_000);
    await second.system.supervisor.stop("log-rotation", [], client());
    assert.ok(after.has("log-rotation"));
    assert.equal(after.get("log-rotation"), undefined);
  });
});
