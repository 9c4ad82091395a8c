// `herd verify` as a program: systemd units in trees of their own, on this system, and of Debian's packages.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encodeService } from "../../src/protocol/service-status.js";
import { writeSexp } from "../../src/protocol/sexp-writer.js";
import type { verificationJson } from "../../systemd-compat/verify/show.js";
import { project } from "../support/project.js";
import { type Outcome, run } from "../support/run.js";
import { noCorpus, unpackCorpus } from "../systemd-compat/corpus/corpus.js";
import { makeTree, type Tree } from "../systemd-compat/trees.js";
import { fakeDaemon, reply } from "./fake-daemon.js";
import { serviceOf } from "./fixtures.js";

/** Runs the installed program, whose reader of units is another file than the rest; no shepherd runs, unless one is given. */
function herd(args: readonly string[], socket = "/nonexistent/socket", cwd?: string): Promise<Outcome> {
  const env = { PATH: process.env.PATH, SHEPHERD_NODE: process.execPath, SHEPHERD_SOCKET: socket };
  return run(join(project.bin, "herd"), args, { env, ...(cwd === undefined ? {} : { cwd }) });
}

const lib = "lib/systemd/system";
const etc = "etc/systemd/system";

/** Checks units by name in a system that consists of these files. */
async function verifyIn(context: TestContext, tree: Tree, ...args: readonly string[]): Promise<Outcome> {
  return await herd(["verify", `--root=${makeTree(context, tree)}`, ...args]);
}

const good = "[Unit]\nDescription=A server\n[Service]\nExecStart=/usr/bin/server -f\nRestart=on-failure\n";

test("the files of a unit, and how much was read", async (t) => {
  const tree = {
    [`${lib}/web.service`]: good,
    [`${lib}/web.service.d/10-nice.conf`]: "[Service]\nNice=5\n",
    [`${etc}/web.service.d/20-limits.conf`]: "[Service]\nLimitNOFILE=100\nTasksMax=5\n",
    [`${etc}/www.service`]: "→ /lib/systemd/system/web.service",
    [`${lib}/db@.service`]: good,
  };
  assert.deepEqual(await verifyIn(t, tree, "www", "db@15-main", "db@.service"), {
    status: 0,
    stdout: `web.service, also www.service
  /lib/systemd/system/web.service
  /lib/systemd/system/web.service.d/10-nice.conf
  /etc/systemd/system/web.service.d/20-limits.conf
  where there are cgroups: TasksMax
  'herd status web' tells what of that is so while it runs
web.service: 6 of 6 directives applied, 0 partly, 0 ignored

db@15-main.service
  /lib/systemd/system/db@.service
db@15-main.service: 3 of 3 directives applied, 0 partly, 0 ignored

db@.service
  /lib/systemd/system/db@.service
db@.service: a template; 3 of 3 directives applied, 0 partly, 0 ignored
`,
    stderr: "",
  });
});

test("what is wrong has its place, and does not make the unit unusable", async (t) => {
  const tree = {
    [`${lib}/web.service`]: `${good}Restrt=always\nNice=99\nMemoryLimit=1G\n`,
    [`${etc}/web.service.d/x.conf`]: "[Service]\nnothing\n",
    [`${etc}/dangling.service`]: "→ /opt/gone.service",
    [`${etc}/alias.service`]: "→ /lib/systemd/system/gone.service",
  };
  const { status, stdout } = await verifyIn(t, tree, "web");
  assert.equal(status, 0);
  assert.deepEqual(stdout.split("\n").slice(5), [
    '/lib/systemd/system/web.service:6: unknown name "Restrt" in [Service]; did you mean "Restart"?, the assignment is ignored',
    '/lib/systemd/system/web.service:7: Nice=: expected an integer from -20 to 19, got "99", the assignment is ignored',
    "/lib/systemd/system/web.service:8: MemoryLimit= is MemoryMax= nowadays, it is taken for that",
    '/etc/systemd/system/web.service.d/x.conf:2: no "=" in "nothing", the line is ignored',
    "web.service: 4 of 6 directives applied, 0 partly, 1 ignored, 1 unknown",
    "",
  ]);
  assert.equal(
    (await verifyIn(t, tree, "dangling", "alias")).stdout,
    `dangling.service
/etc/systemd/system/dangling.service: it points to /opt/gone.service, which does not exist, the link is ignored
dangling.service: not found in the search path

gone.service, also alias.service
gone.service: not found in the search path
`,
  );
});

test("a unit that is masked, missing or refused is a failure, whatever the others are", async (t) => {
  const tree = {
    [`${lib}/good.service`]: good,
    [`${lib}/masked.service`]: good,
    [`${etc}/masked.service`]: "→ /dev/null",
    [`${lib}/bad.service`]: `${good}ExecStart=/bin/other\n`,
    [`${lib}/nul.service`]: `${good}Nice=\0\n`,
    [`${lib}/dropped.service`]: good,
    [`${etc}/dropped.service.d/x.conf`]: ".include /etc/x\n",
  };
  const last = async (...names: string[]) => {
    const { status, stdout } = await verifyIn(t, tree, ...names);
    return [status, stdout.trimEnd().split("\n").at(-1)];
  };
  assert.deepEqual(await last("good"), [0, "good.service: 3 of 3 directives applied, 0 partly, 0 ignored"]);
  assert.deepEqual(await last("masked"), [1, "masked.service: masked by /etc/systemd/system/masked.service"]);
  assert.deepEqual(await last("gone"), [1, "gone.service: not found in the search path"]);
  for (const name of ["nul", "dropped"]) {
    const [status, summary] = await last(name);
    assert.deepEqual([status, String(summary).split(";")[0]], [1, `${name}.service: refused`]);
  }
  const bad = await verifyIn(t, tree, "bad", "good.service");
  assert.equal(bad.status, 1);
  assert.equal(
    bad.stdout,
    `bad.service
  /lib/systemd/system/bad.service
/lib/systemd/system/bad.service: 2 commands in ExecStart=, of which Type=simple has one, the unit is refused
bad.service: refused; 4 of 4 directives applied, 0 partly, 0 ignored

good.service
  /lib/systemd/system/good.service
good.service: 3 of 3 directives applied, 0 partly, 0 ignored
`,
  );
});

const conditions = `[Unit]
ConditionPathExists=/nonexistent
ConditionPathIsDirectory=|/nonexistent
ConditionPathIsDirectory=|/
AssertPathExists=!/
ConditionFileNotEmpty=/etc/passwd
ConditionArchitecture=vax
`;

test("a file, with conditions that do not hold", async (t) => {
  const directory = makeTree(t, {
    "x.service": conditions + good,
    "template@.service": conditions + good,
    "empty.service": "",
    "directory.service/x": "",
    "notes.txt": "",
  });
  const at = (name: string) => join(directory, name);
  assert.deepEqual(await herd(["verify", "./x.service"], undefined, directory), {
    status: 0,
    stdout: `x.service
  ${at("x.service")}
${at("x.service")}:2: ConditionPathExists=/nonexistent does not hold now, /nonexistent does not exist
${at("x.service")}:7: ConditionArchitecture=vax does not hold now, it is not so here
${at("x.service")}:5: AssertPathExists=!/ does not hold now, / exists
x.service: 9 of 9 directives applied, 0 partly, 0 ignored
`,
    stderr: "",
  });
  const others = await herd([
    "verify",
    ...["empty", "gone", "directory"].map((name) => at(`${name}.service`)),
  ]);
  assert.deepEqual(others, {
    status: 1,
    stdout: `empty.service: masked by ${at("empty.service")}

gone.service: not found, there is no ${at("gone.service")}

directory.service
${at("directory.service")}: it cannot be read: it is no regular file, the unit is refused
directory.service: refused; 0 of 0 directives applied, 0 partly, 0 ignored
`,
    stderr: "",
  });
  // What an instance will be is not known.
  const template = await herd(["verify", at("template@.service")]);
  assert.doesNotMatch(template.stdout, /does not hold/);
  assert.equal(template.status, 0);
});

function unitsOf(json: string): readonly ReturnType<typeof verificationJson>[] {
  const { units } = JSON.parse(json) as { units: readonly ReturnType<typeof verificationJson>[] };
  return units;
}

test("JSON has each assignment", async (t) => {
  const directory = makeTree(t, { "x.socket": "[Socket]\nListenStream=/run/x\nBacklog=none\nWhat=1\n" });
  const file = join(directory, "x.socket");
  const { status, stdout } = await herd(["verify", "--json", file, "nonexistent-unit"]);
  assert.equal(status, 1);
  const [socket, missing] = unitsOf(stdout);
  const [backlog] = socket?.diagnostics ?? [];
  assert.match(backlog?.what ?? "", /^Backlog=: expected .*, got "none"$/);
  assert.deepEqual(socket, {
    name: "x.socket",
    aliases: [],
    state: "loaded",
    fragment: file,
    dropIns: [],
    settings: { used: 1, ignored: 1, unknown: 1 },
    directives: { applied: 1, partly: 0, ignored: 1, unknown: 1 },
    diagnostics: [
      {
        file,
        line: 3,
        severity: "warning",
        what: backlog?.what,
        done: "the assignment is ignored",
      },
      {
        file,
        line: 4,
        severity: "warning",
        what: 'unknown name "What" in [Socket]',
        done: "the assignment is ignored",
      },
    ],
    unmetConditions: [],
    assignments: [
      {
        ...{ file, line: 2, section: "Socket", name: "ListenStream", value: "/run/x", outcome: "used" },
        ...{ treatment: "applied", why: null, effect: "F", depends: null },
      },
      {
        ...{ file, line: 3, section: "Socket", name: "Backlog", value: "none", outcome: "ignored" },
        ...{ treatment: "ignored", why: "its value is none that it can have", effect: "F", depends: null },
      },
      {
        ...{ file, line: 4, section: "Socket", name: "What", value: "1", outcome: "unknown" },
        ...{ treatment: "unknown", why: "there is no such directive", effect: "N", depends: null },
      },
    ],
  });
  assert.deepEqual(
    [missing?.name, missing?.state, missing?.fragment, missing?.unmetConditions],
    ["nonexistent-unit.service", "not-found", null, null],
  );
  const elsewhere = await verifyIn(t, { [`${lib}/x.service`]: conditions + good }, "--json", "x");
  assert.equal(unitsOf(elsewhere.stdout)[0]?.unmetConditions, null);
});

test("what is not applied has its place and its reason, and --strict makes a failure of what matters", async (t) => {
  const tree = {
    [`${lib}/web.service`]: `${good}ProtectSystem=full\nSyslogLevel=info\nDelegate=yes\nMemoryMax=1G\nPAMName=web\n`,
    [`${lib}/detail.service`]: `${good}SyslogLevel=info\n`,
  };
  const { status, stdout } = await verifyIn(t, tree, "web");
  const at = (line: number) => `/lib/systemd/system/web.service:${line}`;
  assert.deepEqual(
    [status, stdout],
    [
      0,
      `web.service
  /lib/systemd/system/web.service
  where the kernel lets us: ProtectSystem
  where there are cgroups: MemoryMax
  'herd status web' tells what of that is so while it runs
${at(7)}: SyslogLevel= is not applied: there is no journal: lines go to the service's log as they are
${at(8)}: Delegate= is only partly applied: the service has its cgroup to itself, but the controllers are not handed down
${at(10)}: PAMName= is not applied: no session is opened through PAM
web.service: 5 of 8 directives applied, 1 partly, 2 ignored
`,
    ],
  );
  const strict = await verifyIn(t, tree, "--strict", "web");
  assert.equal(strict.status, 1);
  assert.match(strict.stdout, /\nweb\.service: 5 of 8 .* 2 ignored; its work or its safety needs PAMName\n$/);
  assert.equal((await verifyIn(t, tree, "--strict", "detail")).status, 0);
});

test("--all is about every unit but aliases and masks", async (t) => {
  const tree = {
    [`${lib}/a.service`]: good,
    [`${lib}/b@.service`]: good,
    [`${lib}/c.socket`]: "[Socket]\nListenStream=/run/c\nPipeSize=1\n",
    [`${etc}/alias.service`]: "→ /lib/systemd/system/a.service",
    [`${etc}/masked.service`]: "→ /dev/null",
  };
  const { status, stdout } = await verifyIn(t, tree, "--all");
  assert.equal(status, 0);
  assert.deepEqual(
    stdout.split("\n").filter((line) => /^[^\s/]+\.(?:service|socket):/.test(line)),
    [
      "a.service: 3 of 3 directives applied, 0 partly, 0 ignored",
      "b@.service: a template; 3 of 3 directives applied, 0 partly, 0 ignored",
      "c.socket: 1 of 2 directives applied, 0 partly, 1 ignored",
    ],
  );
  assert.match(stdout, /\n\n3 units, 0 refused: 7 of 8 directives applied, 0 partly, 1 ignored\n$/);
  const all = await verifyIn(t, { ...tree, [`${lib}/bad.service`]: "[Service]\n" }, "--all", "--json");
  assert.equal(all.status, 1);
  assert.deepEqual(
    unitsOf(all.stdout).map(({ name }) => name),
    ["a.service", "b@.service", "bad.service", "c.socket"],
  );
});

test("control characters do not reach the terminal", async (t) => {
  const directory = makeTree(t, {
    "\x1b[1m\n/x.service": "[Unit]\nConditionPathExists=/\x1b[2J\n\x1b[2J\n[Service]\nExecStart=/x\n",
  });
  const { stdout } = await herd(["verify", join(directory, "\x1b[1m\n/x.service")]);
  assert.equal(stdout.includes("\x1b"), false);
  assert.match(stdout, /^ {2}\/.*\\x1b\[1m\\x0a\/x\.service$/m);
  assert.match(stdout, /ConditionPathExists=.*does not hold now/);
});

test("mistakes on the command line", async (t) => {
  const directory = makeTree(t, { "x.service": good });
  const cases: readonly (readonly [args: readonly string[], stderr: string])[] = [
    [[], "Usage: herd ACTION [SERVICE [OPTIONS...]]\n"],
    [["./x.txt"], 'herd: error: "./x.txt" does not end with the name of a unit\n'],
    [["--all", "x"], "herd: error: verify: expected units, or --all without any\n"],
    [["ssh", ""], 'herd: error: "" is no name of a unit\n'],
    [["--root=/nonexistent", "x"], 'herd: error: --root: "/nonexistent" is no directory\n'],
    [
      [`--root=${directory}`, "/x.service"],
      'herd: error: "/x.service": with --root expected the name of a unit and no path\n',
    ],
  ];
  for (const [args, stderr] of cases)
    assert.deepEqual(await herd(["verify", ...args]), { status: 1, stdout: "", stderr });
});

test("an action of that name which a service has is not hidden", async (t) => {
  const store = writeSexp(encodeService(serviceOf("store", { actions: ["verify"] })));
  const plain = writeSexp(encodeService(serviceOf("plain")));
  const fake = await fakeDaemon((socket, { action, service }) => {
    const asked = writeSexp([action, service]);
    if (asked === "(verify store)") socket.end(reply("(#t)", '"the store is whole"'));
    else if (asked === "(status store)") socket.end(reply(`(${store})`));
    else if (asked === "(status plain)") socket.end(reply(`(${plain})`));
    else if (asked === "(status root)") socket.end(reply(`((${store} ${plain}))`));
    else socket.end(reply("#f", "", "(error (version 0) service-not-found other)"));
  });
  t.after(() => fake.close());
  const asked = () => fake.commands.map(({ action, service }) => writeSexp([action, service])).join();

  assert.deepEqual(await herd(["verify", "store", "repair"], fake.path), {
    status: 0,
    stdout: "the store is whole\n",
    stderr: "",
  });
  assert.equal(asked(), "(status store),(verify store)");
  assert.equal(writeSexp(fake.commands[1]?.arguments ?? []), '("repair")');
  for (const name of ["plain", "other", "root"]) {
    const outcome = await herd(["verify", name], fake.path);
    assert.deepEqual(outcome, {
      status: 1,
      stdout: `${name}.service: not found in the search path\n`,
      stderr: "",
    });
  }
  assert.equal(asked(), "(status store),(verify store),(status plain),(status other),(status root)");
  // These can only be units.
  for (const args of [["store.service"], ["store@1"], ["./store.service"], ["--root=/", "store"]])
    assert.match((await herd(["verify", ...args], fake.path)).stdout, /: not found/);
  assert.equal(fake.commands.length, 5);
  // And this can only be a service.
  const chosen = await fake.herd("verify", "other");
  assert.equal(chosen.stderr, "herd: error: service 'other' could not be found\n");
  assert.equal(fake.commands.length, 6);
});

test("units of Debian's packages, as they are", { skip: noCorpus }, async (t) => {
  const wanted = ["memcached.service", "ssh.service", "ssh.socket", "apt-daily.timer"];
  const found = unpackCorpus(t).filter(({ name }) => wanted.includes(name));
  assert.deepEqual(found.map(({ name }) => name).sort(), [...wanted].sort());
  const tree = Object.fromEntries(found.map(({ name, contents }) => [`${lib}/${name}`, contents.toString()]));
  const { status, stdout } = await verifyIn(t, tree, ...wanted);
  t.diagnostic(`\n${stdout}`);
  assert.equal(status, 0, stdout);
  for (const name of wanted)
    assert.match(stdout, new RegExp(`^${name}: (\\d+) of \\1 directives applied, 0 partly, 0 ignored$`, "m"));
});

test("neither the supervisor nor the rest of herd carries the reader", () => {
  const carries = (file: string): boolean =>
    readFileSync(join(project.dist, file), "utf8").includes("RootHashSignature");
  assert.deepEqual(["herd.cjs", "supervisor.cjs", "units.cjs"].filter(carries), ["units.cjs"]);
});
