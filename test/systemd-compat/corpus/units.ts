// The units of the corpus, read for this system.

import type { TestContext } from "node:test";
import { systemDirectories } from "../../../systemd-compat/manager-directories.js";
import { readSystemFacts } from "../../../systemd-compat/system-facts.js";
import { buildUnit, type Unit } from "../../../systemd-compat/unit.js";
import { sourceOf, withSomeInstance } from "../fixtures.js";
import { unpackCorpus } from "./corpus.js";

export async function corpusUnits(context: Pick<TestContext, "after">): Promise<readonly Unit[]> {
  const environment = { facts: await readSystemFacts("/"), directories: systemDirectories };
  return unpackCorpus(context).map((file) =>
    buildUnit({ ...sourceOf(withSomeInstance(file.name), ""), fragment: file }, environment),
  );
}
