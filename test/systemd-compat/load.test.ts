// Finding units: search path, aliases, templates, masks, drop-ins, links; in trees of their own.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { formatDiagnostic } from "../../systemd-compat/diagnostics.js";
import { directoriesOf, membersOf } from "../../systemd-compat/drop-ins.js";
import { exists, findUnit, unitNames } from "../../systemd-compat/load.js";
import { unitName } from "../../systemd-compat/names.js";
import { RootedFiles } from "../../systemd-compat/rooted-files.js";
import { systemSearchPath, userSearchPath } from "../../systemd-compat/search-path.js";
import { buildUnit, type Unit } from "../../systemd-compat/unit.js";
import { indexUnits } from "../../systemd-compat/unit-index.js";
import { noSystemd } from "../daemon/timers/calendar/oracles.js";
import { environment } from "./fixtures.js";
import { ask, noLibrary } from "./oracles/libsystemd.js";
import { randomNumbers } from "./oracles/random.js";
import { makeTree, type Tree } from "./trees.js";

const service = (description: string) =>
  `[Unit]\nDescription=${description}\n[Service]\nExecStart=/bin/${description}\n`;

const etc = "etc/systemd/system";
const run = "run/systemd/system";
const lib = "usr/lib/systemd/system";

async function indexed(context: TestContext, tree: Tree) {
  const files = new RootedFiles(makeTree(context, tree));
  const index = await indexUnits(files, systemSearchPath);
  const load = async (name: string): Promise<Unit> =>
    buildUnit(await findUnit(files, index, unitName(name)), environment);
  return { files, index, load };
}

test("a place that is more important hides others", async (t) => {
  const { load } = await indexed(t, {
    [`${lib}/a.service`]: service("lib"),
    [`${run}/a.service`]: service("run"),
    [`${etc}/a.service`]: service("etc"),
    [`${lib}/b.service`]: service("lib"),
    [`${run}/b.service`]: service("run"),
  });
  assert.equal((await load("a.service")).fragment, "/etc/systemd/system/a.service");
  assert.equal((await load("b.service")).unit.Description, "run");
  const missing = await load("c.service");
  assert.equal(missing.state, "not-found");
});

test("a root whose /lib is a link to /usr/lib has each unit once", async (t) => {
  const { index, load } = await indexed(t, {
    lib: "→ usr/lib",
    [`${lib}/a.service`]: service("a"),
    [`${lib}/a.service.d/x.conf`]: "[Service]\nNice=1\n",
  });
  assert.deepEqual(index.names, ["a.service"]);
  assert.deepEqual((await load("a.service")).dropIns, ["/lib/systemd/system/a.service.d/x.conf"]);
});

test("links are other names, also of templates and through several steps", async (t) => {
  const { index, load } = await indexed(t, {
    [`${lib}/a.service`]: service("a"),
    [`${etc}/b.service`]: "→ /usr/lib/systemd/system/a.service",
    [`${etc}/c.service`]: "→ b.service",
    [`${lib}/t@.service`]: service("%i"),
    [`${lib}/u@.service`]: "→ t@.service",
    [`${lib}/v.service`]: "→ t@w.service",
    [`${lib}/t@w.service`]: "→ t@.service",
    [`${etc}/loop.service`]: "→ loop2.service",
    [`${etc}/loop2.service`]: "→ loop.service",
    [`${etc}/bad.service`]: "→ a.socket",
    [`${lib}/a.socket`]: "",
    [`${etc}/gone.service`]: "→ /opt/gone.service",
    [`${etc}/linked.service`]: "→ /opt/other.service",
    "opt/other.service": service("other"),
    [`${etc}/same.service`]: "→ /usr/lib/systemd/system/same.service",
    [`${lib}/same.service`]: service("same"),
  });
  for (const name of ["a.service", "b.service", "c.service"]) {
    const unit = await load(name);
    assert.equal(unit.name.full, "a.service");
    assert.deepEqual(unit.aliases, ["b.service", "c.service"]);
  }
  const instance = await load("u@x.service");
  assert.equal(instance.name.full, "t@x.service");
  assert.equal(instance.unit.Description, "x");
  assert.deepEqual(instance.aliases, ["u@x.service"]);
  assert.equal((await load("v.service")).name.full, "t@w.service");
  assert.equal((await load("t@w.service")).unit.Description, "w");
  assert.equal((await load("loop.service")).state, "not-found");
  assert.equal((await load("linked.service")).unit.Description, "other");
  assert.equal((await load("same.service")).unit.Description, "same");
  assert.deepEqual(index.diagnostics.map(formatDiagnostic), [
    "/etc/systemd/system/bad.service: it points to /etc/systemd/system/a.socket, a unit of another type, the link is ignored",
    "/etc/systemd/system/gone.service: it points to /opt/gone.service, which does not exist, the link is ignored",
  ]);
  assert.ok(exists(index, unitName("t@anything.service")));
  assert.ok(!exists(index, unitName("nothing.service")));
  assert.deepEqual(
    unitNames(index, { templates: true })
      .map(({ full }) => full)
      .filter((name) => name.startsWith("t@")),
    ["t@.service"],
  );
});

test("an instance may have a file of its own", async (t) => {
  const { load } = await indexed(t, {
    [`${lib}/t@.service`]: service("template"),
    [`${lib}/t@x.service`]: service("own"),
  });
  assert.equal((await load("t@x.service")).unit.Description, "own");
  assert.equal((await load("t@y.service")).unit.Description, "template");
});

test("a link to /dev/null, which need not be there, and an empty file mask", async (t) => {
  const { load } = await indexed(t, {
    [`${etc}/a.service`]: "→ /dev/null",
    [`${lib}/a.service`]: service("a"),
    [`${etc}/b.service`]: "",
    [`${etc}/c.service`]: "→ a.service",
    [`${lib}/a.service.d/x.conf`]: "[Service]\nNice=1\n",
  });
  for (const name of ["a.service", "b.service", "c.service"]) {
    const unit = await load(name);
    assert.equal(unit.state, "masked", name);
    assert.deepEqual(unit.assignments, []);
  }
});

test("drop-ins: later names win, a more important place hides the same name, special ones hide general ones", async (t) => {
  const dropIn = (value: string) => `[Service]\nEnvironment=V=${value}\nEnvironment=${value}=1\n`;
  const { load } = await indexed(t, {
    "dev/null": "",
    [`${lib}/a-b@.service`]: service("x"),
    [`${lib}/service.d/10-type.conf`]: dropIn("type"),
    [`${lib}/a-.service.d/20-dash.conf`]: dropIn("dash"),
    [`${lib}/a-b@.service.d/30-template.conf`]: dropIn("template"),
    [`${lib}/a-b@i.service.d/40-instance.conf`]: dropIn("instance"),
    [`${lib}/a-b@i.service.d/50-hidden.conf`]: dropIn("hidden"),
    [`${etc}/a-b@i.service.d/50-hidden.conf`]: dropIn("shown"),
    [`${lib}/a-b@i.service.d/60-masked.conf`]: dropIn("masked"),
    [`${etc}/a-b@i.service.d/60-masked.conf`]: "→ /dev/null",
    [`${lib}/service.d/40-instance.conf`]: dropIn("general"),
    [`${lib}/a-b@i.service.d/README`]: "not read",
    [`${lib}/a-b@i.service.d/.70.conf`]: dropIn("invisible"),
  });
  const unit = await load("a-b@i.service");
  assert.ok(unit.type === "service");
  assert.deepEqual(
    [...(unit.service.Environment?.keys() ?? [])],
    ["V", "type", "dash", "template", "instance", "shown"],
  );
  assert.equal(unit.service.Environment?.get("V"), "shown");
  assert.deepEqual(unit.diagnostics.map(formatDiagnostic), []);
});

test("an alias's drop-ins count too", async (t) => {
  const { load } = await indexed(t, {
    [`${lib}/a.service`]: service("a"),
    [`${lib}/b.service`]: "→ a.service",
    [`${lib}/b.service.d/x.conf`]: "[Service]\nNice=3\n",
  });
  const unit = await load("a.service");
  assert.ok(unit.type === "service" && unit.service.Nice === 3);
});

test("links in .wants and .requires are dependencies", async (t) => {
  const { load } = await indexed(t, {
    "dev/null": "",
    [`${lib}/a.target`]: "[Unit]\n",
    [`${lib}/a.target.wants/b.service`]: "→ ../b.service",
    [`${etc}/a.target.wants/c@x.service`]: "→ /usr/lib/systemd/system/c@.service",
    [`${etc}/a.target.wants/d@.service`]: "→ /usr/lib/systemd/system/d@.service",
    [`${etc}/a.target.wants/masked.service`]: "→ /dev/null",
    [`${etc}/a.target.wants/README`]: "not read",
    [`${etc}/a.target.requires/e.service`]: "→ ../e.service",
  });
  const unit = await load("a.target");
  assert.deepEqual(
    unit.wants.map(({ name }) => name),
    ["b.service", "c@x.service", "d@a.service"],
  );
  assert.deepEqual(unit.requires, [
    { name: "e.service", link: "/etc/systemd/system/a.target.requires/e.service" },
  ]);
  assert.deepEqual(unit.diagnostics.map(formatDiagnostic), [
    "/etc/systemd/system/a.target.wants/README: no name of a unit, the link is ignored",
  ]);
});

test("what cannot be read makes the unit refused, and nothing hangs", async (t) => {
  const tree = makeTree(t, {
    [`${lib}/big.service`]: "x".repeat(4 * 2 ** 20 + 1),
    [`${lib}/loop.service`]: "→ loop.service",
  });
  const made = spawnSync("mkfifo", [`${tree}/${lib}/fifo.service`]);
  assert.equal(made.status, 0);
  const files = new RootedFiles(tree);
  const index = await indexUnits(files, systemSearchPath);
  const big = buildUnit(await findUnit(files, index, unitName("big.service")), environment);
  assert.equal(big.state, "refused");
  assert.match(
    formatDiagnostic(big.diagnostics[0] ?? assert.fail()),
    /big\.service: it cannot be read: it has more than 4194304 bytes, the unit is refused/,
  );
  // What is neither a file nor a link is no unit.
  assert.deepEqual(index.names, ["big.service"]);
  assert.deepEqual(index.diagnostics.map(formatDiagnostic), [
    "/usr/lib/systemd/system/loop.service: it points to /usr/lib/systemd/system/loop.service, which does not exist, the link is ignored",
  ]);
});

test("links lead nowhere outside of the root", async (t) => {
  const { load, files } = await indexed(t, {
    [`${etc}/a.service`]: "→ ../../../../../../../../../../../etc/passwd",
    [`${etc}/b.service`]: "→ /etc/passwd",
    [`${etc}/c.service`]: "→ d.service",
    [`${etc}/d.service`]: "→ ../../../../../../../../etc/systemd/system/e.service",
    [`${etc}/e.service`]: service("e"),
  });
  for (const name of ["a.service", "b.service"]) assert.equal((await load(name)).state, "not-found");
  assert.equal((await load("c.service")).unit.Description, "e");
  assert.equal(await files.real("/../../etc"), "/etc");
});

test("the search path is systemd's", { skip: noSystemd }, () => {
  const theirs = (options: readonly string[], env: NodeJS.ProcessEnv) =>
    spawnSync("systemd-analyze", ["unit-paths", ...options], { encoding: "utf8", env })
      .stdout.trim()
      .split("\n");
  assert.deepEqual(systemSearchPath, theirs([], { PATH: process.env.PATH }));
  for (const more of [
    {},
    { XDG_RUNTIME_DIR: "/run/user/7", XDG_CONFIG_HOME: "/c", XDG_DATA_DIRS: "/a:/b" },
  ]) {
    const env = { PATH: process.env.PATH, HOME: "/home/x", ...more };
    assert.deepEqual(userSearchPath(env, "/home/x"), theirs(["--user"], env));
  }
});

test("in 150 random trees, drop-ins are those that systemd finds, in its order", {
  skip: noLibrary,
}, async (t) => {
  const next = randomNumbers(8);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)] as Item;
  const units = [
    "a.service",
    "a-b.service",
    "a-b-c.service",
    "a-b@x.service",
    "a-@x.service",
    "a--.service",
    "-a.service",
    "a-b@.service",
  ];
  const directories = [
    "service",
    "a",
    "a-",
    "a-b",
    "a-b-",
    "a-b-c",
    "a@x",
    "a-b@x",
    "a-b@",
    "a-@",
    "a-@x",
    "a--",
    "-a",
    "-",
  ];
  for (let round = 0; round < 150; round += 1) {
    const tree: Record<string, string> = { "one/x": "", "two/x": "" };
    for (let file = 0; file < 12; file += 1) {
      const directory = pick(directories);
      const stem = directory === "service" ? directory : `${directory}.service`;
      tree[`${pick(["one", "two"])}/${stem}.d/${pick(["1", "2", "A", "b", "ä"])}.conf`] = "";
    }
    const root = makeTree(t, tree);
    const places = [`${root}/one`, `${root}/two`];
    const [answers, ours] = [
      ask(units.map((unit) => ["drop-ins", "", unit, ".d", ".conf", ...places])),
      await Promise.all(
        units.map(async (unit) => {
          const related = directoriesOf([unitName(unit)], places, ".d");
          return (await membersOf(new RootedFiles(), related, (name) => name.endsWith(".conf"))).files;
        }),
      ),
    ];
    for (const [index, unit] of units.entries())
      assert.deepEqual(ours[index], answers[index], `${unit} in ${JSON.stringify(Object.keys(tree))}`);
  }
});
