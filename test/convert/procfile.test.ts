// A Procfile as a configuration: ports and variables as foreman gives them, what compiles and loads, what is refused.

import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { convertFile } from "../../src/convert/convert.js";
import { ConversionError } from "../../src/convert/error.js";
import { modulesIn } from "../systemd-compat/convert/modules.js";
import { makeTree, type Tree } from "../systemd-compat/trees.js";

async function converted(context: TestContext, tree: Tree): Promise<string> {
  const directory = makeTree(context, tree);
  try {
    return (await convertFile("procfile", [join(directory, "Procfile")])).replaceAll(directory, "/DIR");
  } catch (error) {
    assert.ok(error instanceof ConversionError);
    return error.message.replaceAll(directory, "/DIR");
  }
}

const rails = `# A Rails application
web: bundle exec puma -p $PORT
worker:  bundle exec sidekiq -q mail
release: cd db && ./migrate

clock: exec ./clock --every 5
`;

test("an application becomes what foreman would run", async (t) => {
  const text = await converted(t, {
    Procfile: rails,
    ".env": 'RACK_ENV=production\nPORT=3000\nQUOTED="a\\nb \\"c\\""\nSINGLE=\'d \\n e\'\n# no\n',
  });
  const modules = modulesIn(t);
  modules.add("rails", text);
  assert.equal(modules.check(), "");
  const services = await modules.load("rails");
  assert.deepEqual(
    services.map(({ provision, respawn }) => [...provision, respawn]),
    ["web", "worker", "release", "clock"].map((name) => [name, true]),
  );
  const expected = `    service(["worker"], {
      start: makeForkexecConstructor(["bundle", "exec", "sidekiq", "-q", "mail"], {
        directory: "/DIR",
        extraEnvironmentVariables: {
          RACK_ENV: "production",
          PORT: "3100",
          QUOTED: 'a\\nb "c"',
          SINGLE: "d \\\\n e",
          PS: "worker.1",
        },
      }),
      respawn: true,
    }),
`;
  assert.ok(text.includes(expected), text);
  // What a shell has to do something for is left to one.
  for (const command of ["bundle exec puma -p $PORT", "cd db && ./migrate", "exec ./clock --every 5"])
    assert.ok(text.includes(`["/bin/sh", "-c", "${command}"]`), text);
  assert.match(text, /PORT: "3000"[\s\S]*PORT: "3100"[\s\S]*PORT: "3200"[\s\S]*PORT: "3300"/);
  assert.match(text, /^\/\/ Converted from \/DIR\/Procfile and \/DIR\/\.env\.$/m);
});

test("without .env ports begin at 5000, and .foreman is said to be left out", async (t) => {
  const text = await converted(t, { Procfile: "web: serve\n", ".foreman": "port: 80\n" });
  assert.match(text, /extraEnvironmentVariables: \{ PORT: "5000", PS: "web.1" \}/);
  assert.match(text, /^\/\/ \/DIR\/\.foreman: not applied/m);
});

for (const [tree, message] of [
  [{ Procfile: "web serve\n" }, '/DIR/Procfile:1: expected NAME: COMMAND, got "web serve"'],
  [{ Procfile: "\n-x: serve\n" }, '/DIR/Procfile:2: "-x" cannot be the name of a service'],
  [{ Procfile: "a: b\na: c\n" }, "/DIR/Procfile:2: there is a process a already"],
  [{ Procfile: "# none\n" }, "/DIR/Procfile: there is no process in it"],
  [{ Procfile: "a: b\n", ".env": "A=1\npassword\n" }, "/DIR/.env:2: expected NAME=VALUE"],
  [{ Procfile: "a: b\n", ".env": "PORT=x\n" }, '/DIR/.env: PORT: expected a number, got "x"'],
  [{}, "cannot read /DIR/Procfile: no such file or directory"],
] as const)
  test(`refused: ${message}`, async (t) => {
    assert.equal(await converted(t, tree), message);
  });
