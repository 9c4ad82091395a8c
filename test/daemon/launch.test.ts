// Services that come into being by being started.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { launcher } from "../../src/daemon/launch.js";
import { longestNote } from "../../src/daemon/notes-format.js";
import { servicesOf } from "../support/crashes.js";
import { carriedForkexec, client, definition, settle, testSystem } from "../support/system.js";

describe("a launched service", () => {
  const transient = (environment: readonly string[]): ServiceDefinition =>
    definition("job", {
      transient: true,
      start: carriedForkexec(["/bin/job"], { extraEnvironmentVariables: environment }),
    });

  it("is refused where the keeper could not keep its definition: the next daemon would not know it", async () => {
    const test = testSystem([]);
    const { launch } = launcher(test.system);
    const secret = "s".repeat(100 * 1024);
    await assert.rejects(
      launch(transient([`A=${secret}`, `B=${secret}`, `C=${secret}`]), client()),
      (error: Error) =>
        /^service 'job': its command, environment and options take 307\d{3} bytes: at most 131072 can be kept$/.test(
          error.message,
        ),
    );
    await settle();
    assert.deepEqual(servicesOf(test), []);
    assert.deepEqual(test.keeper.children, []);
    assert.equal(await launch(transient([`A=${secret}`]), client()), true);
    for (const note of test.keeper.notes.values()) assert.ok(note.length <= longestNote);
  });
});
