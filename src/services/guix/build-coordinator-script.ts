// The program that runs the Guix Build Coordinator: Guile code, generated from a configuration, as the coordinator's own
// command line cannot say all of it.

import { type PlainFile, plainFile } from "../files/file-like.js";
import type { BuildCoordinatorConfiguration } from "./build-coordinator-record.js";
import { embedded, guileProgram, schemeString } from "./scheme.js";

/** Where the coordinator says that it is there. */
export const pidFile = "/var/run/guix-build-coordinator/pid";

/** The program, an executable file that takes no arguments. */
export function startScript(configuration: BuildCoordinatorConfiguration): PlainFile {
  const { guile, package: coordinator } = configuration;
  return plainFile(
    "start-guix-build-coordinator",
    guileProgram(guile, [coordinator], startProgram(configuration)),
    { mode: 0o555 },
  );
}

const modules = [
  "(srfi srfi-1)",
  "(web uri)",
  "(guix-build-coordinator hooks)",
  "(guix-build-coordinator datastore)",
  "(guix-build-coordinator build-allocator)",
  "(guix-build-coordinator coordinator)",
];

/** Its Guile code: the configured hooks come first, and what is a default stays where none of them has its name. */
function startProgram(configuration: BuildCoordinatorConfiguration): string {
  const { hooks, allocationStrategy, extraBuildCoordinatorArguments: extra } = configuration;
  return `(use-modules ${modules.join("\n             ")})

(setvbuf (current-output-port) 'line)
(setvbuf (current-error-port) 'line)
(format #t "starting the guix-build-coordinator:~%  ~a~%" (car (command-line)))

(define configured-hooks
  ${listOf(hooks.map(([name, code]) => `(cons '${name} ${embedded(code)})`))})

(define all-hooks
  (append configured-hooks
          (remove (lambda (hook) (assq (car hook) configured-hooks))
                  %default-hooks)))

(define coordinator
  (make-build-coordinator
   #:database-uri-string ${schemeString(configuration.databaseUriString)}
   #:hooks all-hooks
   #:allocation-strategy ${embedded(allocationStrategy)}${extra.map((one) => `\n   ${embedded(one)}`).join("")}))

(run-coordinator-service
 coordinator
 #:update-datastore? #t
 #:pid-file ${schemeString(pidFile)}
 #:agent-communication-uri
 (string->uri ${schemeString(configuration.agentCommunicationUri)})
 #:client-communication-uri
 (string->uri ${schemeString(configuration.clientCommunicationUri)})${laterArguments(configuration)})
`;
}

/** Only those that differ from the default: the releases that the seeds are about do not know them. */
function laterArguments({ parallelHooks, listenRepl }: BuildCoordinatorConfiguration): string {
  const hooks = parallelHooks.map(([name, threads]) => `(cons '${name} ${threads})`);
  return [
    ...(hooks.length === 0 ? [] : [`\n #:parallel-hooks ${listOf(hooks)}`]),
    ...(listenRepl === false ? [] : [`\n #:listen-repl ${schemeValue(listenRepl)}`]),
  ].join("");
}

function schemeValue(value: true | number | string): string {
  if (value === true) return "#t";
  return typeof value === "number" ? String(value) : schemeString(value);
}

function listOf(items: readonly string[]): string {
  return items.length === 0 ? "'()" : `(list ${items.join("\n        ")})`;
}
