// One and the same configuration in both languages: what the two daemons say about it can be compared.

import { configuration, module, shell, sleeper } from "../support/configuration.js";

const helpers = `
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
const fileExists = async (name: string): Promise<true> => {
  while (!existsSync("{directory}/" + name)) await delay(10);
  return true;
};
`;

const idle = "autoStart: false";

/** For our daemon; `{directory}` as in the harness. */
export const ours = configuration(
  [
    sleeper("db", idle),
    `service(["web", "http"], {
       ${idle}, requirement: ["db"], documentation: "Serve pages.", respawn: true,
       start: ${shell("exec sleep inf")}, stop: makeKillDestructor(),
       actions: [
         shepherdAction({
           name: "say",
           documentation: "Say the words.",
           procedure: (_, ...words) => { console.log(words.join(" ")); console.log("one\\n\\ntwo"); return true; },
         }),
         shepherdAction({ name: "refuse", documentation: "Always fail.", procedure: () => false }),
         shepherdAction({ name: "boom", documentation: "Throw.", procedure: () => { throw new Error("no such luck"); } }),
         shepherdAction({ name: "values", documentation: "Return a list.", procedure: () => [1, "two", true] }),
       ],
     })`,
    `service(["bare"], { ${idle} })`,
    sleeper("upper", `${idle}, requirement: ["middle"]`),
    sleeper("middle", `${idle}, requirement: ["lower"]`),
    sleeper("lower", idle),
    sleeper("passing", `${idle}, transient: true`),
    `service(["once"], { ${idle}, oneShot: true })`,
    `service(["listed"], { ${idle}, start: () => ["a", 2, true] })`,
    `service(["bad"], { ${idle}, start: () => false })`,
    `service(["throws"], { ${idle}, start: () => { throw new Error("no such luck"); } })`,
    sleeper("on-bad", `${idle}, requirement: ["bad"]`),
    sleeper("on-bad-too", `${idle}, requirement: ["on-bad"]`),
    `service(["sour"], { ${idle}, start: () => true, stop: () => { throw new Error("no such luck"); } })`,
    `service(["remnant"], { ${idle}, start: () => true, stop: () => true })`,
    `service(["slow"], { ${idle}, start: () => fileExists("start") })`,
    `service(["reluctant"], { ${idle}, start: () => true, stop: async () => { await fileExists("stop"); return false; } })`,
    `service(["gated"], { ${idle}, start: () => existsSync("{directory}/open") })`,
    `service(["crash"], { ${idle}, respawn: true, respawnDelay: 0, respawnLimit: [2, 60], start: ${shell("exit 3")} })`,
  ],
  helpers,
);

/** For GNU shepherd. */
export function gnus(directory: string): string {
  return `
(define (sleeper name . rest)
  (apply service name #:start (make-forkexec-constructor '("/bin/sleep" "1000000")) #:stop (make-kill-destructor) rest))
(define (wait-for file)
  (or (file-exists? file) (begin (sleep 0.02) (wait-for file))))
(register-services (list
  (sleeper '(db))
  (service '(web http) #:requirement '(db) #:documentation "Serve pages." #:respawn? #t
    #:start (make-forkexec-constructor '("/bin/sh" "-c" "exec sleep inf")) #:stop (make-kill-destructor)
    #:actions (actions
      (say "Say the words."
        (lambda (running . words)
          (display (string-join words " ")) (newline) (display "one\\n\\ntwo") (newline) #t))
      (refuse "Always fail." (const #f))
      (boom "Throw." (lambda _ (error "no such luck")))
      (values "Return a list." (const '(1 "two" #t)))))
  (service '(bare))
  (sleeper '(upper) #:requirement '(middle))
  (sleeper '(middle) #:requirement '(lower))
  (sleeper '(lower))
  (sleeper '(passing) #:transient? #t)
  (service '(once) #:one-shot? #t)
  (service '(listed) #:start (const '("a" 2 #t)))
  (service '(bad) #:start (const #f))
  (service '(throws) #:start (lambda _ (error "no such luck")))
  (sleeper '(on-bad) #:requirement '(bad))
  (sleeper '(on-bad-too) #:requirement '(on-bad))
  (service '(sour) #:start (const #t) #:stop (lambda _ (error "no such luck")))
  (service '(remnant) #:start (const #t) #:stop (const #t))
  (service '(slow) #:start (lambda _ (wait-for "${directory}/start")))
  (service '(reluctant) #:start (const #t) #:stop (lambda _ (wait-for "${directory}/stop") #f))
  (service '(gated) #:start (lambda _ (file-exists? "${directory}/open")))
  (service '(crash) #:respawn? #t #:respawn-delay 0 #:respawn-limit '(1 . 60)
    #:start (make-forkexec-constructor '("/bin/sh" "-c" "exit 3")))))
`;
}

/** Files to load, by their names without the suffix: our text and GNU's. */
export const files: Readonly<Record<string, { readonly ours: string; readonly gnus: string }>> = {
  extra: {
    ours: configuration([sleeper("extra", idle)]),
    gnus: "(register-services (list (service '(extra))))",
  },
  twice: {
    ours: configuration([sleeper("lower", `${idle}, documentation: "New."`)]),
    gnus: '(register-services (list (service \'(lower) #:documentation "New." #:start (make-forkexec-constructor \'("/bin/sleep" "1000000")) #:stop (make-kill-destructor))))',
  },
  throws: {
    ours: module('throw new Error("no such luck");'),
    gnus: '(error "no such luck")',
  },
};
