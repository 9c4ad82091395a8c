// Our herd and GNU herd against the same GNU shepherd print the same; and GNU herd reads what our codec writes.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { encodeReply } from "../../src/protocol/messages.js";
import { encodeService } from "../../src/protocol/service-status.js";
import { findGnuShepherd } from "../support/gnu-shepherd.js";
import type { Outcome } from "../support/run.js";
import { waitFor } from "../support/wait.js";
import { herd, listen } from "./fake-daemon.js";
import { goldens, START, serviceOf } from "./fixtures.js";

const gnu = await findGnuShepherd();
const skip = typeof gnu === "string" ? gnu : false;

const configuration = `
(use-modules (shepherd service timer))
(define (sleeper name requirement)
  (service name #:requirement requirement
    #:start (make-forkexec-constructor '("/bin/sleep" "inf")) #:stop (make-kill-destructor)))
(register-services (list
  (sleeper '(db) '())
  (service '(web http) #:requirement '(db) #:documentation "A web server." #:respawn? #t
    #:start (make-forkexec-constructor '("/bin/sh" "-c" "echo 'héllo'; exec sleep inf") #:log-file "/dev/null")
    #:stop (make-kill-destructor)
    #:actions (actions
      (say "Say the arguments." (lambda (running . words) (display words) (newline) #t))
      (refuse "Always fails." (const #f))
      (boom "Throws." (lambda _ (error "boom" 1 'two "three")))))
  (service '(once) #:one-shot? #t)
  (service '(bad) #:start (const #f))
  (service '(throws) #:start (lambda _ (mkdir "/nope/nope")))
  (service '(crash) #:respawn? #t #:respawn-limit '(1 . 30)
    #:start (make-forkexec-constructor '("/bin/sh" "-c" "exit 3")) #:stop (make-kill-destructor))
  (service '(inet)
    #:start (make-inetd-constructor '("/bin/cat")
              (list (endpoint (make-socket-address AF_UNIX "/srv/tests/inet.sock"))))
    #:stop (make-inetd-destructor))
  (service '(tick)
    #:start (make-timer-constructor (calendar-event #:minutes '(0) #:hours '(4)) (command '("/bin/true")))
    #:stop (make-timer-destructor) #:actions (list timer-trigger-action))))
(start-in-the-background '(web once inet tick crash))
`;

/** In this order; each is carried out by both clients, so that none depends on who was first. */
const commands: readonly string[][] = [
  ["status"],
  ["status", "web"],
  ["status", "http"],
  ["status", "root"],
  ["status", "once"],
  ["status", "crash"],
  ["status", "inet"],
  ["status", "tick", "-n", "1"],
  ["status", "nosuch"],
  ["detailed-status"],
  ["log"],
  ["log", "web"],
  ["graph"],
  ["help"],
  ["doc", "web"],
  ["doc", "web", "list-actions"],
  ["doc", "web", "action", "say"],
  ["doc", "web", "action", "nosuch"],
  ["doc", "root", "list-actions"],
  ["say", "web", "a b", "--", "-c"],
  ["refuse", "web"],
  ["boom", "web"],
  ["start", "web"],
  ["start", "bad"],
  ["start", "throws"],
  ["start", "nosuch"],
  ["frob", "web"],
  ["web", "status"],
  ["root", "halt"],
  ["eval", "root", '(list 1 "a" \'b 1.0 1/2 #:k (cons 1 2) #(1 2) car (string->symbol "a b") (expt 2 70))'],
  ["eval", "root", '(throw \'foo 1 "x")'],
  ["eval", "root", "(/ 1 0)"],
  ["eval", "root", "#f"],
  ["disable", "web"],
  ["enable", "web"],
  ["restart", "web"],
  ["stop", "db"],
  ["status"],
  [],
  ["start"],
  ["--bogus"],
  ["--s"],
  ["-n", "x", "status"],
];

test("our herd and GNU herd print the same about the same shepherd", { skip }, async (context) => {
  if (typeof gnu === "string") return;
  const shepherd = await gnu.start(configuration);
  context.after(() => shepherd.stop());
  const ours = (...args: string[]) => herd(["-s", shepherd.socket, ...args]);
  await waitFor("crash was given up", async () =>
    (await ours("status", "crash")).stdout.includes("It is disabled."),
  );
  // On the second attempt there is no first contact to see.
  for (const name of ["bad", "throws"]) await ours("start", name);
  for (const command of commands) {
    const both = async (): Promise<[Outcome, Outcome]> => [
      comparable(await gnu.herd(shepherd.socket, ...command)),
      comparable(await ours(...command)),
    ];
    let [theirs, our] = await both();
    // The service may have changed between the two.
    for (let attempt = 0; attempt < 3 && !isDeepStrictEqual(theirs, our); attempt += 1)
      [theirs, our] = await both();
    assert.deepEqual(our, theirs, command.join(" "));
  }
});

/** Without the ages: the two clients ask at different moments. */
function comparable({ status, stdout, stderr }: Outcome): Outcome {
  return { status, stderr, stdout: stdout.replace(/\((?:in )?\d+ \w+(?: ago)?\)/g, "(AGE)") };
}

test("GNU herd shows what our codec writes as our own renderer does", { skip }, async (context) => {
  if (typeof gnu === "string") return;
  const directory = await gnu.directory();
  context.after(() => rm(directory, { recursive: true }));
  for (const { service, text } of goldens) {
    const socketPath = join(directory, `${service.provides[0]}-${service.status}`);
    const extra = new Map([["ready-since", START]]);
    const answer = encodeReply({ result: [encodeService({ ...service, extra })], messages: ["a message"] });
    const server = createServer((socket) => {
      socket.once("data", () => socket.end(answer));
    });
    await listen(server, socketPath);
    const { status, stdout, stderr } = await gnu.herd(socketPath, "status", service.provides[0], "-n", "7");
    await new Promise((resolve) => server.close(resolve));
    assert.deepEqual([status, stderr], [0, ""]);
    assert.deepEqual(stable(stdout), ["a message", ...stable(text)]);
  }
});

/** The lines that depend neither on the time of the run nor on `-n`. */
function stable(text: string): string[] {
  const [block = ""] = text.split("\n\n");
  return block.split("\n").filter((line) => line !== "" && !/ago\)|^ {4}- \d{4}-/.test(line));
}

test("GNU herd reads the overview of many services from our codec", { skip }, async (context) => {
  if (typeof gnu === "string") return;
  const directory = await gnu.directory();
  context.after(() => rm(directory, { recursive: true }));
  const socketPath = join(directory, "socket");
  const services = Array.from({ length: 300 }, (_, index) => serviceOf(`service ${index}`));
  const answer = encodeReply({ result: [services.map(encodeService)], messages: [] });
  const server = createServer((socket) => {
    socket.once("data", () => socket.end(answer));
  });
  await listen(server, socketPath);
  context.after(() => server.close());
  const { stdout } = await gnu.herd(socketPath, "status");
  assert.equal(stdout, (await herd(["-s", socketPath, "status"])).stdout);
});
