// Finding service types, and pictures of graphs.

import assert from "node:assert/strict";
import { it } from "node:test";
import { serviceExtension, serviceType } from "../../src/services/composition/service-type.js";
import { CommandError } from "../../src/system-command/error.js";
import { svgOf } from "../../src/system-command/graphs.js";
import { searchResult } from "../../src/system-command/search.js";

const rootServiceType = serviceType({ name: "root", extensions: [], description: "The end." });
const onionServiceType = serviceType({
  name: "onion",
  extensions: [serviceExtension(rootServiceType as never, () => [])],
  description: `Route what is sent through a network of relays, ${"so that nobody learns who talks to whom ".repeat(3)}.`,
});
const exported = { rootServiceType, onionServiceType, other: 5, text: "onion" };

it("a type is shown with how to import it and what it extends, in lines that fit", () => {
  const text = searchResult(["relays"], exported);
  assert.match(text, /^name: onion\nimport: onionServiceType\nextends: root\ndescription: Route what/);
  assert.match(text, /\n\+ \S.*\nrelevance: \d+\n\n$/);
  assert.ok(text.split("\n").every((line) => line.length <= 78));
});

it("all words must match", () => {
  assert.equal(searchResult(["relays", "nothing"], exported), "");
  assert.equal(searchResult(["xyz"], exported), "");
});

it("a word that is no regular expression is a mistake", () => {
  assert.throws(() => searchResult(["("], exported), CommandError);
});

it("a picture needs Graphviz, and where it is missing that is said", async (t) => {
  const { PATH } = process.env;
  t.after(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = "/nonexistent";
  await assert.rejects(
    svgOf("digraph {}"),
    /the program 'dot', which is not installed: install graphviz, or do without --svg$/,
  );
});
