// The same system with the native programs under valgrind, and under AddressSanitizer with UndefinedBehaviorSanitizer.

import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { suiteScope } from "../support/harness.js";
import { project } from "../support/project.js";
import { reports } from "../support/reports.js";
import { bootServers, type Servers, steps } from "../support/servers.js";

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
      const files = system.processes().map(({ pid }) => readlinkSync(`/proc/${pid}/exe`));
      const commands = system.processes().map(({ command }) => command.join(" "));
      if (variant === "sanitize") {
        for (const name of ["keeper", "logwriter"])
          assert.ok(files.includes(join(project.native(variant), name)), `${files}`);
      } else {
        // The programs inside show their own command lines, and valgrind as their file.
        assert.ok(files.filter((file) => /valgrind/.test(file)).length >= 2, `${files}`);
      }
      assert.ok(
        commands.some((command) => command.includes("logwriter")),
        commands.join("\n"),
      );
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
