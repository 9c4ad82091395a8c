// What the kernel lets us do, by probes that a test answers, and by the real helper.

import assert from "node:assert/strict";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { SetupFailure, SpawnSpec } from "../../../src/daemon/keeper/types.js";
import { probeAbilities, type SpawnProbe } from "../../../src/daemon/sandbox/abilities.js";
import { confined, needsRoot } from "../../native/spawn/confinement.js";
import { variant } from "../../native/spawn/helper.js";
import { project } from "../../support/project.js";

const { errno } = constants;
const helper = join(project.native(variant), "spawn");

function denying(denies: (spec: Partial<SpawnSpec>) => Partial<SetupFailure> | undefined): SpawnProbe {
  return async (spec) => {
    const failure = denies(spec);
    return failure === undefined
      ? undefined
      : { stage: "namespace", errno: errno.EPERM, text: "", ...failure };
  };
}

test("nothing is missing where everything works", async () => {
  const abilities = await probeAbilities(denying(() => undefined));
  assert.deepEqual(abilities.missing, {});
  assert.equal(abilities.filtersNeedNoNewPrivileges, false);
  assert.equal(abilities.architecture, process.arch);
  assert.match(abilities.capabilities ?? "", /^[0-9a-f]{16}$/);
});

test("what fails is missing, with the reason", async () => {
  const { missing } = await probeAbilities(
    denying(({ namespaces = [], mounts = [], personality }) => {
      if (namespaces.includes("network")) return {};
      if (mounts.some(({ kind }) => kind === "devices")) return { stage: "mount", errno: errno.EINVAL };
      return personality === undefined ? undefined : { stage: "attribute", errno: errno.EINVAL };
    }),
  );
  assert.deepEqual(missing, {
    "network namespace": "Operation not permitted",
    "private /dev": "Invalid argument",
    personality: "the spawn helper is too old for it",
  });
});

test("without a mount namespace nothing is mounted", async () => {
  const asked: Partial<SpawnSpec>[] = [];
  const { missing } = await probeAbilities(async (spec) => {
    asked.push(spec);
    return spec.namespaces?.includes("mount") === true
      ? { stage: "namespace", errno: errno.EPERM, text: "mount" }
      : undefined;
  });
  assert.deepEqual(missing, { "mount namespace": "Operation not permitted" });
  assert.equal(asked.filter(({ mounts }) => mounts !== undefined).length, 0);
});

test("filters may need no new privileges, or be missing even so", async () => {
  const needing = denying(({ systemCallFilters, noNewPrivileges }) =>
    systemCallFilters !== undefined && noNewPrivileges !== true
      ? { stage: "filter", errno: errno.EACCES }
      : undefined,
  );
  const abilities = await probeAbilities(needing);
  assert.equal(abilities.filtersNeedNoNewPrivileges, true);
  assert.deepEqual(abilities.missing, {});
  const { missing } = await probeAbilities(
    denying(({ systemCallFilters }) =>
      systemCallFilters === undefined ? undefined : { stage: "filter", errno: errno.ENOSYS },
    ),
  );
  assert.deepEqual(missing, { "system call filters": "Function not implemented" });
});

test("where probes cannot be made nothing is found out", async () => {
  await assert.rejects(
    probeAbilities(async () => {
      throw new Error("gone");
    }),
    /^Error: gone$/,
  );
});

test("root can do everything here", needsRoot, async (context) => {
  const probe =
    (wrapper: readonly string[] = []): SpawnProbe =>
    async (spec) => {
      const { failure } = await confined(
        context,
        { arguments: [helper, "--nothing"], ...spec },
        ":",
        wrapper,
      );
      return failure;
    };
  const { missing, filtersNeedNoNewPrivileges } = await probeAbilities(probe());
  assert.deepEqual(missing, {});
  assert.equal(filtersNeedNoNewPrivileges, false);
  // As in a container that was given nothing.
  const drop = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"];
  const poor = await probeAbilities(probe(drop));
  assert.equal(poor.filtersNeedNoNewPrivileges, true);
  for (const one of ["mount namespace", "network namespace", "root directory"] as const)
    assert.equal(poor.missing[one], "Operation not permitted");
  assert.equal(poor.missing["no new privileges"], undefined);
  assert.equal(poor.missing["system call filters"], undefined);
});
