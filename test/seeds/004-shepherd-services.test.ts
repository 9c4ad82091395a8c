// Seed 004, "Servicios de Shepherd": every field of shepherd-service, its examples as values, and the Shepherd's own
// configuration. The examples are run in 004-running.test.ts.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { builtin } from "../../src/daemon/definition/types.js";
import { importServiceModules } from "../../src/services/shepherd/modules.js";
import { toDefinition } from "../../src/services/shepherd/to-definition.js";
import {
  baseServices,
  bootServiceType,
  desktopServices,
  fileAppend,
  filePath,
  inetutils,
  isShepherdService,
  makeForkexecConstructor,
  makeKillDestructor,
  modifyServices,
  opensshServiceType,
  operatingSystem,
  operatingSystemDefaultEssentialServices,
  operatingSystemShepherdServices,
  plainFile,
  profileServiceType,
  type ShepherdServiceFields,
  service,
  shepherd,
  shepherdAction,
  shepherdConfiguration,
  shepherdConfigurationAction,
  shepherdGraph,
  shepherdRootService,
  shepherdRootServiceType,
  shepherdService,
  shepherdServiceFiles,
  simpleService,
  softwarePackage,
  systemTree,
  tor,
  updateService,
} from "../../src/services/system.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { type RecordFields, Seed } from "./seed.js";
import { programOf, shepherdServiceIn, valueIn } from "./systems.js";

/** The records of the document: their fields, each with the text of its default, in their order. */
const records: RecordFields = {
  "shepherd-service": [
    ["provision", undefined],
    ["requirement", "'()"],
    ["one-shot?", "#f"],
    ["respawn?", "#t"],
    ["respawn-limit", "#f"],
    ["respawn-delay", "#f"],
    ["start", "#~(const #t)"],
    ["stop", "#~(const #f)"],
    ["actions", "'()"],
    ["free-form", "#f"],
    ["auto-start?", "#t"],
    ["documentation", undefined],
    ["modules", "%default-modules"],
  ],
  "shepherd-action": [
    ["name", undefined],
    ["documentation", undefined],
    ["procedure", undefined],
  ],
  "shepherd-configuration": [
    ["shepherd", "shepherd"],
    ["services", "'()"],
  ],
};

describe("seed 004: records", () => {
  const seed = new Seed("004");
  const record = shepherdService({ provision: ["ejemplo"] });
  const definitionOf = (given: Omit<ShepherdServiceFields, "provision"> = {}) =>
    toDefinition(shepherdService({ provision: ["ejemplo"], ...given }));

  describe("the fields of shepherd-service", () => {
    seed.says(
      "provision\n\nUna lista de símbolos que indican lo que proporciona el servicio.",
      "required",
      () => {
        assert.deepEqual(shepherdService({ provision: ["a", "b"] }).provision, ["a", "b"]);
        for (const wrong of [{}, { provision: [] }, { provision: "a" }, { provision: [1] }])
          assert.match(
            mistake(() => shepherdService(untyped(wrong))),
            /field "provision"/,
          );
      },
    );
    const defaults: readonly (readonly [quotation: string, field: string, value: unknown])[] = [
      ["requirement (predeterminada: '())", "requirement", []],
      ["one-shot? (predeterminado: #f)", "oneShot", false],
      ["respawn? (predeterminado: #t)", "respawn", true],
      ["actions (predeterminadas: '())", "actions", []],
      ["free-form (default: #f)", "freeForm", undefined],
      ["auto-start? (predeterminado: #t)", "autoStart", true],
      ["modules (predeterminados: %default-modules)", "modules", []],
    ];
    for (const [quotation, field, value] of defaults)
      seed.says(quotation, `${field} is ${JSON.stringify(value) ?? "undefined"} by default`, () =>
        assert.deepEqual(Reflect.get(record, field), value),
      );
    seed.says("respawn-limit (default: #f)", "the Shepherd's own limit: 5 times within 7 seconds", () => {
      assert.equal(record.respawnLimit, undefined);
      assert.deepEqual(definitionOf().respawnLimit, { times: 5, seconds: 7 });
      assert.deepEqual(definitionOf({ respawnLimit: false }).respawnLimit, { times: 5, seconds: 7 });
    });
    seed.says("respawn-delay (default: #f)", "the Shepherd's own delay: 0.1 seconds", () => {
      assert.equal(record.respawnDelay, undefined);
      assert.equal(definitionOf().respawnDelay, 0.1);
      assert.equal(definitionOf({ respawnDelay: false }).respawnDelay, 0.1);
      assert.equal(definitionOf({ respawnDelay: 2 }).respawnDelay, 2);
    });
    seed.says("start (default: #~(const #t))", "succeeds", () => assert.equal(record.start(), true));
    seed.says(
      "stop (predeterminado: #~(const #f))",
      "the service counts as stopped; a process that it has is ended here, and would be left running in Guix",
      () => assert.deepEqual(record.stop[builtin], { kind: "kill", signal: 15, gracePeriod: 5 }),
    );
    seed.says("documentation\n\nUna cadena de documentación, que se mostrará al ejecutar:", "as given", () =>
      assert.equal(definitionOf({ documentation: "Hace algo." }).documentation, "Hace algo."),
    );
    seed.says(
      "Esta es la lista de módulos que deben estar dentro del ámbito cuando start y stop son evaluados.",
      "they are imported when the system is made: one that is missing is found then",
      async () => {
        await importServiceModules([shepherdService({ provision: ["a"], modules: ["node:fs"] })]);
        const missing = shepherdService({ provision: ["a"], modules: ["/nonexistent/module.mjs"] });
        await assert.rejects(
          importServiceModules([missing]),
          /service "a": field "modules": cannot import "\/nonexistent\/module\.mjs"/,
        );
      },
    );

    seed.hasRecords(
      records,
      /^(?:Tipo de datos|Data Type): (\S+)$/,
      /^([a-z-]+\??)(?: \((?:predeterminad[oa]s?|default): (.*)\))?$/,
    );
  });

  describe("free-form", () => {
    const form = toDefinition(shepherdService({ provision: ["repl"], documentation: "The form's." }));

    seed.says(
      "When set, this field replaces the start, stop, and actions fields.",
      "they are those of the service that is given",
      () => {
        const start = () => "form";
        const given = toDefinition(shepherdService({ provision: ["repl"], start }));
        const own = shepherdService({ provision: ["repl"], freeForm: given, start: () => "own" });
        assert.equal(toDefinition(own).start, given.start);
        assert.equal(toDefinition(own).stop, given.stop);
        assert.deepEqual(toDefinition(own).actions, given.actions);
      },
    );
    seed.says(
      "(shepherd-service (provision '(repl)) (modules '((shepherd service repl))) (free-form #~(repl-service)))",
      "a service that is made where it runs: the procedure is called there, and not before",
      () => {
        let calls = 0;
        const one = shepherdService({
          provision: ["repl"],
          freeForm: () => {
            calls += 1;
            return form;
          },
        });
        assert.equal(calls, 0);
        assert.equal(toDefinition(one).documentation, "The form's.");
        assert.equal(calls, 1);
      },
    );
    seed.says(
      "Note that the provision field must be consistent with the actual service provision.",
      "otherwise it is refused",
      () => {
        assert.match(
          mistake(() => shepherdService({ provision: ["prompt"], freeForm: form })),
          /field "freeForm": it provides repl, and the field "provision" says prompt/,
        );
        const late = shepherdService({ provision: ["prompt"], freeForm: () => form });
        assert.match(
          mistake(() => toDefinition(late)),
          /field "freeForm": it provides repl, and the field "provision" says prompt/,
        );
      },
    );
  });

  describe("the examples", () => {
    seed.says(
      `(let ((config (plain-file "syslogd.conf" "…")))
  (shepherd-service
    (documentation "Run the syslog daemon (syslogd).")
    (provision '(syslogd))
    (requirement '(user-processes))
    (start #~(make-forkexec-constructor
               (list #$(file-append inetutils "/libexec/syslogd")
                     "--rcfile" #$config)
               #:pid-file "/var/run/syslog.pid"))
    (stop #~(make-kill-destructor))))`,
      "program, arguments, pid file, and a file that is put in place before",
      () => {
        const config = plainFile("syslogd.conf", "…");
        const one = shepherdService({
          documentation: "Run the syslog daemon (syslogd).",
          provision: ["syslogd"],
          requirement: ["user-processes"],
          start: makeForkexecConstructor([fileAppend(inetutils, "/libexec/syslogd"), "--rcfile", config], {
            pidFile: "/var/run/syslog.pid",
          }),
          stop: makeKillDestructor(),
        });
        assert.ok(isShepherdService(one));
        const { command, options } = programOf(one);
        assert.deepEqual(command, ["/usr/libexec/syslogd", "--rcfile", filePath(config)]);
        assert.equal(options.pidFile, "/var/run/syslog.pid");
        assert.match(filePath(config), /^\/var\/lib\/shepherd\/files\/[0-9a-f]{32}-syslogd\.conf$/);
        assert.ok(shepherdServiceFiles(one).includes(config));
        assert.deepEqual(one.stop[builtin], { kind: "kill", signal: 15, gracePeriod: 5 });
        const services = [simpleService("syslogd", shepherdRootServiceType, [one])];
        const tree = systemTree(operatingSystem({ services }));
        const stored = filePath(config).slice("/var/lib/shepherd/".length);
        assert.deepEqual(tree.get(stored), { kind: "file", contents: "…", mode: 0o444 });
      },
    );
    seed.says(
      `(let ((torrc (plain-file "torrc" )))
  (shepherd-service
    (provision '(tor))
    (requirement '(user-processes loopback syslogd))

    (start #~(make-forkexec-constructor
              (list #$(file-append tor "/bin/tor") "-f" #$torrc)
              #:user "tor" #:group "tor"))
    (stop #~(make-kill-destructor))
    (actions (list (shepherd-configuration-action torrc)))
    (documentation "Run the Tor anonymous network overlay.")))`,
      "program, user, group and action",
      () => {
        const torrc = plainFile("torrc", "");
        const one = shepherdService({
          provision: ["tor"],
          requirement: ["user-processes", "loopback", "syslogd"],
          start: makeForkexecConstructor([fileAppend(tor, "/bin/tor"), "-f", torrc], {
            user: "tor",
            group: "tor",
          }),
          stop: makeKillDestructor(),
          actions: [shepherdConfigurationAction(torrc)],
          documentation: "Run the Tor anonymous network overlay.",
        });
        const { command, options } = programOf(one);
        assert.deepEqual(command, ["/usr/bin/tor", "-f", filePath(torrc)]);
        assert.deepEqual([options.user, options.group], ["tor", "tor"]);
        assert.deepEqual(
          one.actions.map(({ name, documentation }) => [name, documentation]),
          [["configuration", "Display the name of this service's configuration file."]],
        );
      },
    );
    seed.says(
      `(shepherd-action
  (name 'di-hola)
  (documentation "¡Di hola!")
  (procedure #~(lambda (running . args)
                 (format #t "¡Hola, compa! parámetros: ~s\\n"
                         args)
                 #t)))`,
      "an action; here only its name and its procedure are required",
      () => {
        const given = { name: "di-hola", documentation: "¡Di hola!", procedure: () => true };
        assert.equal(shepherdAction(given).name, "di-hola");
        for (const field of ["name", "procedure"]) {
          const { [field]: _left, ...others } = given as Readonly<Record<string, unknown>>;
          assert.match(
            mistake(() => shepherdAction(untyped(others))),
            new RegExp(`"${field}"`),
          );
        }
      },
    );
    seed.says(
      "Debe ser una expresión-G que evalúa a un procedimiento de al menos un parámetro, el cual es el “valor de ejecución” del servicio",
      "the running value comes first, then the arguments",
      () => {
        const seen: unknown[] = [];
        const { procedure } = shepherdAction({
          name: "di-hola",
          documentation: "¡Di hola!",
          procedure: (...all) => {
            seen.push(...all);
          },
        });
        void procedure(true, "a", "b");
        assert.deepEqual(seen, [true, "a", "b"]);
      },
    );
  });

  describe("the root service", () => {
    seed.says(
      "puede ser extendido proporcionandole listas de objetos <shepherd-service>",
      "lists of services; other things are refused",
      () => {
        const one = shepherdService({ provision: ["one"] });
        assert.equal(shepherdServiceIn([simpleService("one", shepherdRootServiceType, [one])], "one"), one);
        assert.match(
          mistake(() =>
            valueIn([simpleService("one", shepherdRootServiceType, untyped(one))], shepherdRootServiceType),
          ),
          /service 'shepherd-root': an extension: expected a list of services made by shepherdService/,
        );
      },
    );
    seed.says("shepherd (default: shepherd)", "shepherd of shepherd-configuration", () =>
      assert.equal(shepherdConfiguration().shepherd, shepherd),
    );
    seed.says("services (default: '())", "services of shepherd-configuration", () => {
      assert.deepEqual(shepherdConfiguration().services, []);
      const one = shepherdService({ provision: ["one"] });
      assert.deepEqual(shepherdConfiguration({ services: [one] }).services, [one]);
    });
    seed.says(
      "Variable: %shepherd-root-service\n\nEste servicio representa el PID 1.",
      "an instance of the type, with its default",
      () => {
        assert.equal(shepherdRootService.kind, shepherdRootServiceType);
        assert.deepEqual(shepherdRootService.value, shepherdConfiguration());
      },
    );
    seed.says(
      `(operating-system
  ;; ...
  (services (append (list openssh-service-type))
            ;; ...
            %desktop-services)
  ;; ...
  ;; Use own Shepherd package.
  (essential-services
   (modify-services (operating-system-default-essential-services
                     this-operating-system)
     (shepherd-root-service-type config => (shepherd-configuration
                                            (inherit config)
                                            (shepherd my-shepherd))))))`,
      "the package's own program supervises; what extends the Shepherd stays",
      () => {
        const myShepherd = softwarePackage({
          name: "my-shepherd",
          prefix: "/opt/my-shepherd",
          programs: ["shepherd", "herd"],
        });
        const system = operatingSystem({
          services: [service(opensshServiceType), ...desktopServices],
          essentialServices: (thisOperatingSystem) =>
            modifyServices(operatingSystemDefaultEssentialServices(thisOperatingSystem), [
              updateService(shepherdRootServiceType, (config) =>
                shepherdConfiguration({ ...config, shepherd: myShepherd }),
              ),
            ]),
        });
        const tree = systemTree(system);
        const boot = tree.get("boot.json");
        assert.equal(boot?.kind, "file");
        const { snippets } = JSON.parse(String(boot.contents)) as { snippets: { steps: unknown[] }[] };
        assert.deepEqual(snippets.at(-1)?.steps, [
          { step: "supervise", program: "/opt/my-shepherd/bin/shepherd", files: [] },
        ]);
        assert.deepEqual(tree.get("profile/bin/herd"), {
          kind: "symlink",
          target: "/opt/my-shepherd/bin/herd",
        });
        const names = operatingSystemShepherdServices(system).map(({ provision }) => provision[0]);
        for (const name of ["ssh-daemon", "dbus-system", "system-log", "user-processes"])
          assert.ok(names.includes(name), `${name} among ${names}`);
      },
    );
    seed.says(
      "En realidad puede generar dicho grafo para cualquier definición de sistema operativo mediante el uso de la orden guix system shepherd-graph",
      "a picture of services and their requirements",
      () => {
        const services = [service(opensshServiceType), ...baseServices];
        const dot = shepherdGraph(operatingSystemShepherdServices(operatingSystem({ services })));
        assert.match(dot, /^digraph /);
        // As the document says of SSH and the system log.
        assert.match(dot, /^ {2}"ssh-daemon ssh sshd" -> "system-log syslogd" \[/m);
      },
    );
    seed.says(
      "This is the service type that extensions target when they want to create shepherd services",
      "it extends the boot script, which it ends, and the profile",
      () =>
        assert.deepEqual(
          shepherdRootServiceType.extensions.map(({ target }) => target),
          [bootServiceType, profileServiceType],
        ),
    );
    seed.says(
      "Its value must be a shepherd-configuration, as described below.",
      "another value is refused",
      () => {
        const system = operatingSystem({
          essentialServices: (own) =>
            modifyServices(operatingSystemDefaultEssentialServices(own), [
              updateService(shepherdRootServiceType, () => untyped({ shepherd: "mine", services: [] })),
            ]),
        });
        assert.match(
          mistake(() => operatingSystemShepherdServices(system)),
          /^shepherdConfiguration: field "shepherd": expected a package/,
        );
      },
    );
  });

  seed.hasNoOther("example or default", 20, [
    /^ *\((?:shepherd-|let |operating-system).*$/gm,
    /^.*\((?:predeterminad[oa]s?|default): .*$/gm,
  ]);
});
