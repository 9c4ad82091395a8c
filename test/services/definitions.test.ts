// The page about definitions: its example makes a system that can be run, and it names every type.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { pathToFileURL } from "node:url";
import { builtin } from "../../src/daemon/definition/types.js";
import { modifyServices, updateService } from "../../src/services/composition/modify.js";
import {
  isServiceType,
  type Service,
  service,
  simpleService,
} from "../../src/services/composition/service-type.js";
import * as definitions from "../../src/services/definitions.js";
import { guixServiceType } from "../../src/services/guix/index.js";
import { isOperatingSystem, operatingSystem } from "../../src/services/operating-system.js";
import { toDefinition } from "../../src/services/shepherd/to-definition.js";
import { operatingSystemShepherdServices } from "../../src/services/system-configuration.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { project } from "../support/project.js";
import { temporaryDirectory } from "./parts.js";

const page = readFileSync(join(project.root, "docs/definitions.md"), "utf8");

it("the example of the page makes a system that can be run", async (t) => {
  const [, code = ""] = /^```ts\n(.*?)^```$/ms.exec(page) ?? [];
  const publicModule = new URL("../../src/services/system.js", import.meta.url).href;
  const file = join(await temporaryDirectory(t), "example.mjs");
  // It has no types.
  await writeFile(file, code.replace('"shepherd-ts/system"', JSON.stringify(publicModule)));
  const { default: system }: { readonly default: unknown } = await import(pathToFileURL(file).href);
  assert.ok(isOperatingSystem(system));
  const names = operatingSystemShepherdServices(system).flatMap(({ provision }) => provision);
  for (const name of ["nginx", "tor", "postgres", "postgres-roles", "mcron", "syslogd", "networking"])
    assert.ok(names.includes(name), name);
});

it("the page names every type of service", () => {
  // Guix's other names of some, and what is made by a function.
  const aliases = /^shepherd|^torHiddenServiceType$/;
  const types = Object.entries(definitions).filter(([, value]) => isServiceType(value));
  assert.ok(types.length >= 17);
  assert.deepEqual(
    types.map(([name]) => name).filter((name) => !aliases.test(name) && !page.includes(`\`${name}\``)),
    [],
  );
});

it("no start is lost that the death of the supervisor interrupts: it is data, or can be begun again", () => {
  const { desktopServices, job, mcronServiceType, monitoringServiceType, udevServiceType } = definitions;
  const services: readonly Service[] = [
    service(guixServiceType),
    service(udevServiceType),
    service(monitoringServiceType),
    simpleService("job", mcronServiceType, job("@daily", "true")),
    ...desktopServices,
  ];
  const all = operatingSystemShepherdServices(operatingSystem({ hostName: "here", services })).map(
    toDefinition,
  );
  assert.ok(all.length >= 16);
  assert.deepEqual(
    all
      .filter(({ start, retryable }) => start[builtin] === undefined && !retryable)
      .map(({ provision: [name] }) => name),
    [],
  );
});

/** Their values are options of a service that checks them when it is made. */
const takesOptions = ["log-rotation", "shepherd-system-log", "shepherd-monitoring"];

it("what only looks like a configuration is refused where it is given: nobody has checked it", () => {
  const types = Object.values(definitions).filter(isServiceType);
  const accepted = types.filter((type) => {
    if (takesOptions.includes(type.name)) return false;
    try {
      service(type, untyped({ ...(type.defaultValue ?? {}) }));
    } catch (error) {
      assert.match(String(error), /service '[a-z-]+': the value: expected a record made by /);
      return false;
    }
    return true;
  });
  assert.deepEqual(
    accepted.map(({ name }) => name),
    [],
  );
});

it("what an update makes is checked, too", () => {
  const { opensshServiceType } = definitions;
  assert.match(
    mistake(() =>
      modifyServices(
        [service(opensshServiceType)],
        [updateService(opensshServiceType, (own) => ({ ...own, portNumber: 99_999 }))],
      ),
    ),
    /service 'openssh': the value: expected a record made by opensshConfiguration/,
  );
});
