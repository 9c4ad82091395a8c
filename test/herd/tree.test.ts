// What `herd tree` shows of an answer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plain } from "../../src/herd/render/style.js";
import { forestOf, renderTrees } from "../../src/herd/render/tree.js";
import { decodeTrees, encodeTrees, type ServiceTree } from "../../src/protocol/process-tree.js";
import { readSexp } from "../../src/protocol/sexp-reader.js";
import { writeSexp } from "../../src/protocol/sexp-writer.js";

const web: ServiceTree = {
  service: "web",
  processes: [
    { pid: 40, parent: 1, command: 'nginx: "master"' },
    { pid: 41, parent: 40, command: "nginx: worker" },
    { pid: 43, parent: 41, command: "helper\nof two lines" },
    { pid: 42, parent: 40, command: "nginx: worker" },
    { pid: 7, parent: 1, command: "[left]" },
  ],
  more: 0,
};

test("an answer comes through as it is", () => {
  const text = writeSexp([encodeTrees([web, { ...web, service: "a b", more: 3 }])]);
  assert.deepEqual(decodeTrees(readSexp(text)), [web, { ...web, service: "a b", more: 3 }]);
  assert.equal(decodeTrees([true]), undefined);
});

test("each process is below its parent", () => {
  assert.equal(
    renderTrees([web], { style: plain, unicode: true }),
    `web
├─ 40 nginx: "master"
│  ├─ 41 nginx: worker
│  │  └─ 43 helper of two lines
│  └─ 42 nginx: worker
└─ 7 [left]
`,
  );
  assert.equal(
    renderTrees([{ ...web, processes: web.processes.slice(0, 2), more: 5 }], {
      style: plain,
      unicode: false,
    }),
    `web
|- 40 nginx: "master"
|  \`- 41 nginx: worker
\`- and 5 more
`,
  );
  assert.equal(renderTrees([], { style: plain, unicode: true }), "");
});

test("a circle, which cannot be, loses nobody, and no depth is too deep", () => {
  const circle = [
    { pid: 1, parent: 2, command: "a" },
    { pid: 2, parent: 1, command: "b" },
    { pid: 3, parent: 3, command: "c" },
  ];
  assert.deepEqual(
    forestOf(circle).map(({ pid }) => pid),
    [1, 2, 3],
  );
  const deep = Array.from({ length: 5000 }, (_, index) => ({ pid: index + 1, parent: index, command: "x" }));
  assert.equal(
    renderTrees([{ service: "deep", processes: deep, more: 0 }], { style: plain, unicode: true }).split("\n")
      .length,
    5002,
  );
});
