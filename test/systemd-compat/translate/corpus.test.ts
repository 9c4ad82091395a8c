// Every unit of the corpus becomes a service, alone and as part of a system that has all of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkGraph } from "../../../src/daemon/registry/graph.js";
import { unitOf } from "../../../src/daemon/units/of-definition.js";
import { reservedNames } from "../../../systemd-compat/translate/service-names.js";
import { openSession } from "../../../systemd-compat/translate/session.js";
import { translateUnits } from "../../../systemd-compat/translate/translate.js";
import { noCorpus, unpackCorpus } from "../corpus/corpus.js";
import { withSomeInstance } from "../fixtures.js";
import { makeTree } from "../trees.js";
import { lib } from "./support.js";

test("each unit of the corpus is translated", { skip: noCorpus }, async (t) => {
  const files = unpackCorpus(t);
  // Of those of the same name the last one stays.
  const root = makeTree(
    t,
    Object.fromEntries(files.map(({ name, contents }) => [`${lib}/${name}`, contents.toString()])),
  );
  const { loader } = await openSession(root);
  const names = [...new Set(files.map(({ name }) => name))];
  const plain = { strict: false, known: new Map(), reserved: reservedNames };
  let refused = 0;
  for (const name of names) {
    const asked = [withSomeInstance(name)];
    const {
      definitions,
      asked: [own = ""],
    } = await translateUnits(loader, { ...plain, asked, boots: false });
    checkGraph(definitions.values());
    const definition = definitions.get(own);
    assert.ok(definition !== undefined, name);
    const data = unitOf(definition);
    assert.ok(data !== undefined, name);
    if (data.refused !== undefined) refused += 1;
  }
  const all = await translateUnits(loader, { ...plain, asked: names.map(withSomeInstance), boots: true });
  checkGraph(all.definitions.values());
  // An alias is another unit's name.
  assert.ok(all.definitions.size > names.length * 0.9, String(all.definitions.size));
  t.diagnostic(`${names.length} of ${names.length} units translated, ${refused} of them refuse to start`);
});
