// The same system with the native programs under valgrind, and under AddressSanitizer with UndefinedBehaviorSanitizer.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { suiteScope } from "../support/harness.js";
import { project } from "../support/project.js";
import { bootServers, type Servers, steps } from "../support/servers.js";

/** What the checkers wrote: file → text. */
function reports(directory: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "utf8")]),
  );
}

for (const variant of ["valgrind", "sanitize"] as const) {
  describe(`the native programs under ${variant}`, () => {
    const scope = suiteScope();
    let servers: Servers;
    before(async () => {
      servers = await bootServers(scope, variant);
    });
    after(() => scope.close());

    it("keeper and log writer are the checked ones", () => {
      const { system } = servers;
      const keeper = readlinkSync(`/proc/${system.keeper()}/exe`);
      assert.match(keeper, variant === "valgrind" ? /valgrind/ : /native-sanitize\/keeper$/);
      const commands = system.processes().map(({ command }) => command);
      for (const program of [
        join(project.native(variant), "keeper"),
        system.path("programs/native/logwriter"),
      ]) {
        assert.ok(
          commands.some((command) => command.includes(program)),
          `${program} runs:\n${commands.join("\n")}`,
        );
      }
    });

    for (const [name, step] of steps) it(name, () => step(servers));

    it("no error is reported", () => {
      const { system } = servers;
      const found = reports(system.path("reports"));
      // Valgrind makes a file for each process, and leaves it empty if all is well.
      if (variant === "valgrind") assert.notDeepEqual(Object.keys(found), []);
      for (const [name, text] of Object.entries(found)) assert.equal(text, "", name);
      assert.doesNotMatch(system.stderr + system.log(), /AddressSanitizer|LeakSanitizer|runtime error:/);
    });
  });
}
