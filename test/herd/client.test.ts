// The client as a program, against a fake daemon: what it sends, what it prints, how it ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { exchange } from "../../src/herd/connection.js";
import { encodeService } from "../../src/protocol/service-status.js";
import { writeSexp } from "../../src/protocol/sexp-writer.js";
import { run } from "../support/run.js";
import { type Answer, client, type FakeDaemon, fakeDaemon, herd, listen, reply } from "./fake-daemon.js";
import { runningService, START, serviceOf, web } from "./fixtures.js";

async function daemon(context: TestContext, answer: Answer): Promise<FakeDaemon> {
  const fake = await fakeDaemon(answer);
  context.after(() => fake.close());
  return fake;
}

const root = runningService("root", START, { type: "process", pid: 1, command: ["shepherd"] });
const wire = (...services: readonly Parameters<typeof encodeService>[0][]) =>
  services.map((service) => writeSexp(encodeService(service))).join(" ");

test("sends GNU Shepherd's command, and asks for a stream", async (context) => {
  const fake = await daemon(context, reply("(#t)"));
  const args = [
    "at",
    "10:00",
    "-N",
    "x",
    "--log-f=f.log",
    "-E",
    "A=1",
    "-EB=2",
    "--use",
    "u",
    "--",
    "prog",
    "-v",
  ];
  const { status } = await fake.herd("schedule", "timer", ...args);
  assert.equal(status, 0);
  const [command] = fake.commands;
  assert.equal(
    writeSexp(command?.arguments ?? []),
    `("at" "10:00" "prog" "-v" #:name "x" #:extra-environment-variables ("A=1" "B=2") #:log-file "${process.cwd()}/f.log" #:user "u")`,
  );
  assert.equal(writeSexp([command?.action ?? "", command?.service ?? ""]), "(schedule timer)");
  assert.equal(command?.directory, process.cwd());
  assert.equal(command?.stream, true);
  assert.equal((await fake.herd("schedule", "timer")).status, 0);
  const [one, other] = fake.commands.map(({ id }) => id);
  assert.match(one ?? "", /^\w{16,40}$/);
  assert.notEqual(one, other);
});

test("upgrade keeper is an action of root", async (context) => {
  const fake = await daemon(context, reply("(#t)"));
  for (const args of [
    ["upgrade", "keeper"],
    ["upgrade", "root", "keeper"],
  ])
    assert.equal((await fake.herd(...args)).status, 0);
  for (const { service, arguments: args } of fake.commands)
    assert.equal(writeSexp([service, args]), '(root ("keeper"))');
});

test("messages are printed as they come, before the reply", async (context) => {
  let finish = (): void => assert.fail("the daemon was not asked");
  const fake = await daemon(context, (socket) => {
    socket.write('(message (version 0) "Starting service web...")\n(message (version');
    finish = () => void socket.end(` 0) "two")${reply("#t", '"three"')}`);
  });
  const child = spawn(process.execPath, [client, "-s", fake.path, "start", "web"]);
  let seen = "";
  const end = new Promise((resolve) => child.once("close", resolve));
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (data) => {
      seen += String(data);
      if (seen.includes("\n")) resolve();
    });
  });
  assert.equal(seen, "Starting service web...\n");
  finish();
  assert.equal(await end, 0);
  assert.equal(seen, "Starting service web...\ntwo\nthree\n");
});

test("status, with and without a service", async (context) => {
  const overview = await daemon(context, reply(`((${wire(root, web, serviceOf("db"))}))`));
  const all = await overview.herd("status");
  assert.deepEqual(all, { status: 0, stdout: "Started:\n + root\n + web\nStopped:\n - db\n", stderr: "" });
  assert.match((await overview.herd("status", "root")).stdout, /^● Status of root:/);
  assert.match((await overview.herd("detailed-status")).stdout, /● Status of root:[\s\S]*● Status of db:/);
  assert.deepEqual(
    overview.commands.map(({ action }) => writeSexp(action)),
    ["status", "status", "status"],
  );
  const one = await daemon(context, reply(`(${wire(web)})`));
  const few = await one.herd("status", "web", "-n", "1");
  assert.match(few.stdout, /Recent messages:\n {2}2026-11-20 20:49:22 oops\n$/);
});

test("exit status and error text of each kind of failure", async (context) => {
  const cases: readonly (readonly [args: string[], answer: string, stdout: string, stderr: string])[] = [
    [
      ["start", "web"],
      reply("#f", '"Service web could not be started."'),
      "Service web could not be started.\n",
      "herd: error: failed to start service web\n",
    ],
    [["refuse", "web"], reply("(#f)"), "", ""],
    [["refuse", "web"], reply("#f"), "", ""],
    [
      ["start", "x"],
      reply("#f", "", "(error (version 0) service-not-found x)"),
      "",
      "herd: error: service 'x' could not be found\n",
    ],
    [
      ["web", "status"],
      reply("#f", "", "(error (version 0) service-not-found status)"),
      "",
      "herd: error: service 'status' could not be found\nherd: hint: Did you mean 'herd status web'?\n",
    ],
    [
      ["root", "halt"],
      reply("#f", "", "(error (version 0) service-not-found halt)"),
      "",
      "herd: error: service 'halt' could not be found\nherd: hint: Did you mean 'herd halt root'?\n",
    ],
    [
      ["frob", "http"],
      reply("#f", "", "(error (version 0) action-not-found frob web)"),
      "",
      "herd: error: service 'web' does not have an action 'frob'\nherd: hint: Run 'herd doc web list-actions' to list supported actions.\n",
    ],
    [
      ["boom", "web"],
      reply(
        "#f",
        '"hm"',
        '(error (version 0) action-exception boom web misc-error (#f "~A ~S" ("boom" 1) #f))',
      ),
      "hm\n",
      "herd: error: exception caught while executing 'boom' on service 'web':\nboom 1\n",
    ],
    [["stop", "web"], "", "", "herd: error: premature end-of-file while talking to shepherd\n"],
    [
      ["stop", "web"],
      "(reply (version 0) (result",
      "",
      "herd: error: premature end-of-file while talking to shepherd\n",
    ],
    [
      ["stop", "web"],
      "(reply (version 1))",
      "",
      "herd: error: malformed reply from shepherd: cannot decode reply: it is neither a (reply (version 0) …) nor a (message …)\n",
    ],
    [
      ["stop", "web"],
      "HTTP/1.1 400 Bad Request\r\n)",
      "",
      "herd: error: malformed reply from shepherd: cannot decode reply: it is neither a (reply (version 0) …) nor a (message …)\n",
    ],
    [
      ["status", "web"],
      reply("(#t)"),
      "",
      "herd: error: cannot decode service: it is no (service (version 0) (provides (NAME …)) …)\n",
    ],
    [
      ["log"],
      reply(`((${wire(serviceOf("a"))}))`),
      "",
      "herd: error: event log is missing (shepherd is too old?)\n",
    ],
  ];
  for (const [args, answer, stdout, stderr] of cases) {
    const fake = await daemon(context, answer);
    assert.deepEqual(await fake.herd(...args), { status: 1, stdout, stderr }, args.join(" "));
  }
});

test("an inconsistent graph is drawn, and is an error", async (context) => {
  const fake = await daemon(context, reply(`((${wire(root, serviceOf("a", { requires: ["b"] }))}))`));
  const { status, stdout, stderr } = await fake.herd("graph");
  assert.equal(status, 1);
  assert.match(stdout, /"a" -> "b";\n[\s\S]*\n}\n$/);
  assert.equal(stderr, "herd: error: inconsistent graph: service 'b' not found\n");
});

test("success: values, eval, help, doc, a service's own log", async (context) => {
  const cases: readonly (readonly [args: string[], answer: string, stdout: string])[] = [
    [["stop", "web"], reply("(web app)"), ""],
    [
      ["start", "web"],
      reply(wire(web), '"Service web has been started."'),
      "Service web has been started.\n",
    ],
    [
      ["eval", "root", "#f"],
      reply("(#f)", '"Evaluating user expression #f."'),
      "Evaluating user expression #f.\n#f\n",
    ],
    [["eval", "root", "x"], reply('((1 "a" b 1.0 (1 . 2)))'), '(1 "a" b 1.0 (1 . 2))\n'],
    [["help"], reply('("Some help.")'), "Some help.\n"],
    [["doc", "web"], reply('("#<unspecified>")', '"A web server."'), "A web server.\n"],
    [["log", "web", "-n", "2"], reply("(())", '"2026-11-20 20:49:22 oops"'), "2026-11-20 20:49:22 oops\n"],
  ];
  for (const [args, answer, stdout] of cases) {
    const fake = await daemon(context, answer);
    assert.deepEqual(await fake.herd(...args), { status: 0, stdout, stderr: "" }, args.join(" "));
    if (args[0] === "log") assert.deepEqual(fake.commands.at(-1)?.arguments, ["2"]);
  }
});

test("an end without a reply is success where the daemon was told to end, and only there", async (context) => {
  const fake = await daemon(context, "");
  const expect = async (status: number, ...args: readonly string[]) =>
    assert.equal((await fake.herd(...args)).status, status, args.join(" "));
  await Promise.all([
    ...["stop", "halt", "power-off", "reboot", "kexec"].map((action) => expect(0, action, "root")),
    expect(0, "stop", "shepherd"),
    ...[["restart", "root"], ["halt", "web"], ["status"]].map((args) => expect(1, ...args)),
  ]);
});

test("a connection that is reset is an end, too", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "herd-"));
  context.after(() => rmSync(directory, { recursive: true }));
  // What it has not read is lost when it closes, and the client gets to know.
  const server = createServer({ pauseOnConnect: true }, (socket) => socket.destroy());
  context.after(() => server.close());
  await listen(server, join(directory, "socket"));
  const { status, stderr } = await herd(["start", "web", "-s", join(directory, "socket")]);
  assert.equal(status, 1);
  assert.equal(stderr, "herd: error: premature end-of-file while talking to shepherd\n");
});

test("usage", async () => {
  const usage = "Usage: herd ACTION [SERVICE [OPTIONS...]]\n";
  const unknown = (name: string) => `herd: error: unknown option '${name}'\nherd: hint: Try '--help'.\n`;
  const cases: readonly (readonly [args: string[], stderr: string])[] = [
    [[], usage],
    [["start"], usage],
    [["-n"], "Argument required by `-n'.\n"],
    [["-n", "-3", "status"], "Argument required by `-n'.\n"],
    [["-n", "abc", "status"], "herd: error: abc: expected a positive integer\n"],
    [["--bogus=3"], unknown("--bogus")],
    [["start", "web", "--bogus"], unknown("--bogus")],
    [["-z"], "herd: error: unknown option '-z'\n"],
    [["--s", "x"], "herd: error: option '--s' is ambiguous\nherd: hint: Try '--help'.\n"],
    [["status", "--socket="], "herd: error: : Invalid argument\n"],
    [["status", "--so", `/${"x".repeat(107)}`], `herd: error: /${"x".repeat(107)}: File name too long\n`],
    [["status", "-s", "/nope/socket"], "herd: error: /nope/socket: No such file or directory\n"],
    [["status", "-s", "/dev/null/x"], "herd: error: /dev/null/x: Not a directory\n"],
  ];
  for (const [args, stderr] of cases)
    assert.deepEqual(await herd(args), { status: 1, stdout: "", stderr }, args.join(" "));
  for (const option of ["--help", "--he", "--usage", "--version"]) {
    const { status, stdout, stderr } = await herd([option]);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^(?:Usage: )?herd /);
  }
});

test("the socket is SHEPHERD_SOCKET's, unless an option says otherwise", async (context) => {
  const fake = await daemon(context, reply("(#t)"));
  assert.equal((await herd(["enable", "web"], { env: { SHEPHERD_SOCKET: fake.path } })).status, 0);
  const { stderr } = await herd(["enable", "web"], { env: { SHEPHERD_SOCKET: "/nope" } });
  assert.equal(stderr, "herd: error: /nope: No such file or directory\n");
});

test("a daemon that is restarting is waited for; one that is gone, not for long", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "herd-"));
  context.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "socket");
  // A socket that nobody listens on: bound by a process that has ended.
  const bind = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await run(process.execPath, ["-e", bind]);
  const refused = await herd(["status", "-s", path]);
  assert.deepEqual(refused, { status: 1, stdout: "", stderr: `herd: error: ${path}: Connection refused\n` });
  // The first attempt is made, and refused, before this function goes on.
  const waiting = exchange(path, "(command)", { cleanse: (value) => value, onMessage: () => assert.fail() });
  const server = createServer((socket) => void socket.end(reply("(#t)")));
  context.after(() => server.close());
  rmSync(path);
  await listen(server, path);
  assert.deepEqual((await waiting)?.result, [true]);
});

test("a reader that goes away ends nothing but the output", async (context) => {
  const services = Array.from({ length: 5000 }, (_, index) => serviceOf(`service-${index}`));
  const fake = await daemon(context, reply(`((${wire(...services)}))`));
  const script = `"$0" "$1" -s "$2" status | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await run("bash", ["-c", script, process.execPath, client, fake.path]);
  assert.deepEqual([stdout, stderr], ["Stopped:\n0\n", ""]);
});

test("output that is lost although somebody wanted it is an error", async (context) => {
  const fake = await daemon(context, reply("(#t)", '"a message"'));
  const script = '"$0" "$1" -s "$2" enable web > /dev/full';
  const { status, stderr } = await run("sh", ["-c", script, process.execPath, client, fake.path]);
  assert.equal(status, 1);
  assert.equal(stderr, "herd: error: cannot write to standard output: No space left on device\n");
});

test("on a terminal a message cannot drive the screen, and headings are bold", async (context) => {
  const fake = await daemon(context, reply("(#t)", '"a\\x1b[2Jb"'));
  const command = `${process.execPath} ${client} -s ${fake.path} enable web`;
  const { stdout } = await run("script", ["-qec", command, "/dev/null"]);
  assert.equal(stdout, "a\\x1b[2Jb\r\n");
  const piped = await fake.herd("enable", "web");
  assert.equal(piped.stdout, "a\x1b[2Jb\n");
  const overview = await daemon(context, reply(`((${wire(root)}))`));
  const status = `${process.execPath} ${client} -s ${overview.path} status`;
  assert.equal(
    (await run("script", ["-qec", status, "/dev/null"])).stdout,
    "\x1b[1mStarted:\r\n\x1b[0m + root\r\n",
  );
  const env = { ...process.env, NO_COLOR: "1" };
  assert.equal(
    (await run("script", ["-qec", status, "/dev/null"], { env })).stdout,
    "Started:\r\n + root\r\n",
  );
});

test("--json", async (context) => {
  const parse = (text: string): unknown => JSON.parse(text);
  const all = await daemon(context, reply(`((${wire(root, serviceOf("db", { requires: ["root"] }))}))`));
  const pick = (value: unknown, ...path: (string | number)[]) =>
    path.reduce<unknown>((inner, key) => Reflect.get(Object(inner), key), value);
  const overview = parse((await all.herd("status", "--json")).stdout);
  assert.deepEqual(pick(overview, "services", 1, "name"), "db");
  assert.deepEqual(pick(overview, "services", 0, "running"), {
    type: "process",
    pid: 1,
    command: ["shepherd"],
  });
  const log = parse((await all.herd("log", "--json")).stdout);
  assert.deepEqual(pick(log, "events", 0), { time: START, service: "root", event: "starting" });
  const graph = parse((await all.herd("graph", "--json")).stdout);
  assert.deepEqual(pick(graph, "edges"), [
    { from: "db", to: "root" },
    { from: "db", to: "root" },
  ]);

  const action = await daemon(context, `(message (version 0) "one")${reply("(a #t)", '"two"')}`);
  assert.deepEqual(parse((await action.herd("stop", "web", "--json")).stdout), {
    action: "stop",
    service: "web",
    ok: true,
    result: ["a", true],
    messages: ["one", "two"],
  });
  const lines = await daemon(context, reply('(((5 . "hello")))', '"x hello"'));
  assert.deepEqual(parse((await lines.herd("log", "web", "--json")).stdout), {
    service: "web",
    lines: [{ time: 5, line: "hello" }],
  });
  const doc = await daemon(context, reply("(#t)", '"a:" "  Do a:" "" "  so." "" "b:" "  Do b." ""'));
  assert.deepEqual(parse((await doc.herd("doc", "web", "list-actions", "--json")).stdout), {
    service: "web",
    actions: [
      { name: "a", documentation: "Do a:\n\n  so." },
      { name: "b", documentation: "Do b." },
    ],
  });
  const error = await daemon(context, reply("#f", "", "(error (version 0) service-not-found x)"));
  const failed = await error.herd("status", "x", "--json");
  assert.equal(failed.status, 1);
  assert.deepEqual(parse(failed.stdout), { error: { kind: "service-not-found", service: "x" } });
  assert.equal(failed.stderr, "herd: error: service 'x' could not be found\n");
});

test("bin/herd finds its bundle through symbolic links, with the Node it is told", async (context) => {
  const directory = mkdtempSync(join(tmpdir(), "herd-"));
  context.after(() => rmSync(directory, { recursive: true }));
  for (const name of ["p", "p/bin", "p/dist", "links"]) mkdirSync(join(directory, name));
  symlinkSync(join(process.cwd(), "bin/herd"), join(directory, "direct"));
  // A copy beside a bundle of our own, since the real one may not be built.
  await run("cp", [join(process.cwd(), "bin/herd"), join(directory, "p/bin/herd")]);
  writeFileSync(join(directory, "p/dist/herd.cjs"), "");
  writeFileSync(join(directory, "node"), '#!/bin/sh\necho "$NODE_EXTRA_CA_CERTS" "$@"\n');
  chmodSync(join(directory, "node"), 0o755);
  symlinkSync("../p/bin/herd", join(directory, "links/one"));
  symlinkSync(join(directory, "links/one"), join(directory, "links/two"));
  const env = {
    ...process.env,
    SHEPHERD_NODE: join(directory, "node"),
    NODE_EXTRA_CA_CERTS: "/certificates",
  };
  for (const name of ["p/bin/herd", "links/one", "links/two"]) {
    const { stdout } = await run(join(directory, name), ["status", "a b"], { env });
    const [bundle = ""] = /\S+herd\.cjs/.exec(stdout) ?? [];
    assert.equal((await run("realpath", [bundle])).stdout, `${join(directory, "p/dist/herd.cjs")}\n`);
    assert.match(stdout, /^ \S+ status a b\n$/);
  }
});
