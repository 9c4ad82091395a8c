// How much of the corpus is applied.
import assert from "node:assert/strict";
import { test } from "node:test";
import { noCorpus } from "./corpus.js";
import { lateServices, statisticsOf, statisticsText } from "./statistics.js";
import { corpusUnits } from "./units.js";

test("nearly all of what units do is applied", { skip: noCorpus }, async (t) => {
  const statistics = statisticsOf(await corpusUnits(t));
  for (const line of statisticsText(statistics).split("\n")) t.diagnostic(line);
  const services = statistics.types.get(lateServices);
  assert.ok(services !== undefined && services.whole / services.all > 0.98, JSON.stringify(services));
  const counts = statistics.sections.get("Service");
  assert.ok(counts !== undefined);
  assert.ok(counts.applied / (counts.applied + counts.partly + counts.ignored + counts.unknown) > 0.97);
  // What nobody knows is no directive of systemd's either.
  assert.equal(counts.unknown, 0);
});
