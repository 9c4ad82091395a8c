// Seed 003, "Service-Referenz": how services and their types are made and changed.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { builtin } from "../../src/daemon/definition/types.js";
import { nextOccurrence } from "../../src/daemon/timers/calendar/occurrences.js";
import {
  accountServiceType,
  baseServices,
  deleteService,
  foldServices,
  guixConfiguration,
  guixServiceType,
  isService,
  isServiceExtension,
  isServiceType,
  job,
  logRotationServiceType,
  MissingTargetServiceError,
  MissingValueError,
  mcronServiceType,
  modifyServices,
  nextHour,
  nginx,
  nginxConfiguration,
  nginxServiceType,
  opensshConfiguration,
  opensshServiceType,
  operatingSystem,
  operatingSystemServices,
  plainFile,
  searchServiceTypes,
  service,
  serviceExtension,
  serviceExtensionCompute,
  serviceExtensionTarget,
  serviceKind,
  serviceType,
  serviceValue,
  simpleService,
  systemServiceType,
  updateService,
} from "../../src/services/system.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { Seed } from "./seed.js";
import { contentsOf, shepherdServiceIn, treeOf, valueIn } from "./systems.js";

const description = "For this test.";

describe("seed 003: services and types", () => {
  const seed = new Seed("003");

  describe("services", () => {
    const values = serviceType<string>({
      name: "values",
      extensions: [serviceExtension(systemServiceType, () => [])],
      description,
    });

    seed.says(
      "Liefert einen neuen Dienst des angegebenen Typs.",
      "an instance of the type; any object can be its value",
      () => {
        const value = { any: ["object", 1, null] };
        const type = serviceType<unknown>({ name: "any", extensions: [], description });
        assert.equal(serviceValue(service(type, value)), value);
        assert.equal(serviceKind(service(type, value)), type);
      },
    );
    seed.says("Der Typ muss als <service-type> -Objekt angegeben werden", "something else is refused", () =>
      assert.match(
        mistake(() => service(untyped({ name: "openssh" }), undefined)),
        /^service: expected a type made by serviceType/,
      ),
    );
    seed.says(
      "Wenn kein Wert angegeben wird, wird der vom Typ festgelegte Vorgabewert verwendet; verfügt der Typ über keinen Vorgabewert, dann wird ein Fehler gemeldet.",
      "the default value, or an error that names the type",
      () => {
        assert.equal(service(opensshServiceType).value, opensshServiceType.defaultValue);
        assert.throws(
          () => service(untyped(values)),
          (error: unknown) =>
            error instanceof MissingValueError &&
            error.type === values &&
            error.message === "no value specified for service of type 'values'",
        );
      },
    );
    seed.says(
      "In beiden Fällen ist das Ergebnis eine Instanz von openssh-service-type mit der vorgegebenen Konfiguration.",
      "(service openssh-service-type) is (service openssh-service-type (openssh-configuration))",
      () => {
        const [short, long] = [
          service(opensshServiceType),
          service(opensshServiceType, opensshConfiguration()),
        ];
        assert.equal(short.kind, opensshServiceType);
        assert.equal(long.kind, opensshServiceType);
        assert.deepEqual(short.value, long.value);
      },
    );
    seed.says("Liefert wahr zurück, wenn das Objekt ein Dienst ist.", "(service? obj)", () => {
      assert.equal(isService(service(values, "v")), true);
      for (const other of [values, "v", undefined, { kind: values, value: "v" }])
        assert.equal(isService(other), false);
    });
    seed.says(
      "Liefert den Typ des Dienstes – d.h. ein <service-type> -Objekt.",
      "(service-kind service)",
      () => assert.equal(serviceKind(service(values, "v")), values),
    );
    seed.says(
      "Liefert den Wert, der mit dem Dienst assoziiert wurde. Er repräsentiert die Parameter des Dienstes.",
      "(service-value service)",
      () => assert.equal(serviceValue(service(values, "v")), "v"),
    );
    seed.says(
      "(define s (service nginx-service-type (nginx-configuration (nginx nginx) (log-directory log-Verzeichnis) (run-directory run-Verzeichnis) (file config-Datei)))) (service? s) ⇒ #t (eq? (service-kind s) nginx-service-type) ⇒ #t",
      "both are true, and the value has what was given",
      () => {
        const [logDirectory, runDirectory] = ["/var/log/web", "/var/run/web"];
        const file = plainFile("nginx.conf", "events {}\n");
        const s = service(nginxServiceType, nginxConfiguration({ nginx, logDirectory, runDirectory, file }));
        assert.equal(isService(s), true);
        assert.equal(serviceKind(s) === nginxServiceType, true);
        assert.deepEqual(s.value, { ...nginxConfiguration(), logDirectory, runDirectory, file });
      },
    );
  });

  describe("modify-services", () => {
    const services = [...baseServices, service(guixServiceType)];

    seed.says(
      "(Typ Variable => Rumpf)",
      "the body gets the parameters of the original, and gives those of the service that takes its place",
      () => {
        const seen: unknown[] = [];
        const modified = modifyServices(services, [
          updateService(guixServiceType, (config) => {
            seen.push(config);
            return guixConfiguration({ ...config, useSubstitutes: false });
          }),
        ]);
        assert.deepEqual(seen, [guixServiceType.defaultValue]);
        assert.deepEqual(
          modified.map(({ kind }) => kind),
          services.map(({ kind }) => kind),
        );
        assert.deepEqual(modified.at(-1)?.value, guixConfiguration({ useSubstitutes: false }));
        assert.deepEqual(services.at(-1)?.value, guixConfiguration());
      },
    );
    seed.says(
      "indem Sie die Funktionalität namens inherit benutzen, die von define-record-type* bereitgestellt wird.",
      "{ ...config, field } is a record with all other fields of config",
      () => {
        const config = guixConfiguration({ buildAccounts: 3, extraOptions: ["--max-jobs=4"] });
        const body = guixConfiguration({ ...config, buildAccounts: 5 });
        assert.deepEqual(body, { ...config, buildAccounts: 5 });
        assert.ok(guixConfiguration.isInstance(body));
      },
    );
    seed.says("(delete Diensttyp)", "all services of the type are left out, and no others", () => {
      const twice = [...baseServices, service(logRotationServiceType)];
      const modified = modifyServices(twice, [deleteService(logRotationServiceType)]);
      assert.deepEqual(
        modified,
        baseServices.filter(({ kind }) => kind !== logRotationServiceType),
      );
      assert.equal(modified.length, baseServices.length - 1);
    });
    seed.says(
      "Natürlich können Sie dazu auch die üblichen Listenkombinatoren wie map und fold benutzen",
      "map and filter do the same",
      () => {
        const remaining = services.filter(({ kind }) => kind !== logRotationServiceType);
        assert.deepEqual(modifyServices(services, [deleteService(logRotationServiceType)]), remaining);
      },
    );
  });

  describe("service types", () => {
    const target = serviceType<string, number, number>({
      name: "target",
      extensions: [serviceExtension(systemServiceType, () => [])],
      compose: (numbers) => numbers.reduce((sum, one) => sum + one, 0),
      extend: (value, sum) => `${value} and ${sum}`,
      description: "Add numbers up.",
    });
    const closed = serviceType<string>({
      name: "closed",
      extensions: [serviceExtension(systemServiceType, () => [])],
      description,
    });

    seed.says(
      "Dieses Symbol wird nur verwendet, um die Abläufe im System anzuzeigen und die Fehlersuche zu erleichtern.",
      "name",
      () => {
        assert.equal(target.name, "target");
        assert.ok(isServiceType(target));
      },
    );
    seed.says(
      "Eine nicht-leere Liste von <service-extension> -Objekten",
      "extensions; others are refused",
      () => {
        assert.ok(target.extensions.every(isServiceExtension));
        assert.match(
          mistake(() =>
            serviceType(untyped({ name: "t", extensions: [{ target, compute: () => 1 }], description })),
          ),
          /field "extensions": expected a list of extensions made by serviceExtension/,
        );
      },
    );
    seed.says(
      "compose (Vorgabe: #f )Wenn es auf #f gesetzt ist, dann definiert der Diensttyp Dienste, die nicht erweitert werden können – d.h. diese Dienste erhalten ihren Wert nicht von anderen Diensten.",
      "the value stays whatever is contributed",
      () => {
        assert.equal(closed.compose, undefined);
        const services = [service(closed, "own"), simpleService("more", untyped(closed), 1)];
        assert.equal(valueIn(services, closed), "own");
      },
    );
    seed.says(
      "Die Prozedur wird durch fold-services aufgerufen und ihr wird die Liste von aus den Erweiterungen angesammelten Werten übergeben. Sie gibt daraufhin einen einzelnen Wert zurück.",
      "compose",
      () => {
        assert.equal(target.compose?.([1, 2, 3]), 6);
        const services = [service(target, "own"), ...[1, 2, 3].map((one) => simpleService("n", target, one))];
        assert.equal(valueIn(services, target), "own and 6");
      },
    );
    seed.says(
      "extend (Vorgabe: #f )Ist dies auf #f gesetzt, dann können Dienste dieses Typs nicht erweitert werden.",
      "compose alone changes nothing; extend alone is refused here",
      () => {
        const half = serviceType<string, number, number>({
          name: "half",
          extensions: [serviceExtension(systemServiceType, () => [])],
          compose: () => 1,
          description,
        });
        assert.equal(half.extend, undefined);
        assert.equal(valueIn([service(half, "own"), simpleService("n", half, 1)], half), "own");
        assert.match(
          mistake(() => serviceType(untyped({ name: "t", extensions: [], extend: () => 1, description }))),
          /field "compose" is missing/,
        );
      },
    );
    seed.says(
      "mit dem anfänglichen Wert für den Dienst als erstes Argument und dem durch Anwendung von compose gelieferten Wert als zweites Argument aufgerufen wird.",
      "extend",
      () => assert.equal(target.extend?.("own", 6), "own and 6"),
    );
    seed.says(
      "Diese Zeichenkette ermöglicht es Nutzern, mittels guix system search Informationen über den Dienst zu bekommen",
      "description",
      () =>
        assert.deepEqual(
          searchServiceTypes(["numbers"], [target, closed]).map(({ type }) => type),
          [target],
        ),
    );
    seed.says("(service Diensttyp)", "default-value; there is none by default", () => {
      const type = serviceType({ name: "t", extensions: [], defaultValue: "the default", description });
      assert.equal(service(type).value, "the default");
      assert.ok(!("defaultValue" in closed));
    });
    seed.says(
      "Als Berechner muss eine Prozedur angegeben werden, die ein einzelnes Argument nimmt: fold-services ruft sie auf und übergibt an sie den Wert des erweiternden Dienstes, sie muss dafür einen zulässigen Wert für den Zieltyp liefern.",
      "(service-extension target-type compute)",
      () => {
        const seen: string[] = [];
        const extension = serviceExtension(target, (value: string) => {
          seen.push(value);
          return value.length;
        });
        assert.equal(serviceExtensionTarget(extension), target);
        assert.equal(serviceExtensionCompute(extension)("four"), 4);
        const type = serviceType<string>({ name: "extender", extensions: [extension], description });
        assert.equal(valueIn([service(target, "own"), service(type, "three")], target), "own and 5");
        assert.deepEqual(seen, ["four", "three"]);
      },
    );
    seed.says(
      "Liefert wahr zurück, wenn das Objekt eine Diensterweiterung ist.",
      "(service-extension? obj)",
      () => {
        assert.equal(isServiceExtension(serviceExtension(target, () => 1)), true);
        for (const other of [target, { target, compute: () => 1 }, undefined])
          assert.equal(isServiceExtension(other), false);
      },
    );
  });

  describe("simple-service", () => {
    seed.says(
      "Liefert einen Dienst, der den Dienst mit dem Zieltyp um den Wert erweitert. Dazu wird ein Diensttyp mit dem Namen für den einmaligen Gebrauch erzeugt, den der zurückgelieferte Dienst instanziiert.",
      "each call makes a type of its own",
      () => {
        const [one, other] = [0, 1].map(() => simpleService("users", accountServiceType, []));
        assert.equal(one?.kind.name, "users");
        assert.deepEqual(one?.kind.extensions.map(serviceExtensionTarget), [accountServiceType]);
        assert.notEqual(one?.kind, other?.kind);
      },
    );
    seed.says(
      `(simple-service 'my-mcron-job mcron-service-type #~(job '(next-hour (3)) "guix gc -F 2G"))`,
      "a job that runs the command at three",
      () => {
        const one = simpleService("my-mcron-job", mcronServiceType, job(nextHour([3]), "guix gc -F 2G"));
        assert.equal(one.kind.name, "my-mcron-job");
        const timer = shepherdServiceIn([one, ...baseServices], "mcron-guix-gc-f-2g");
        const data = timer.start[builtin];
        assert.equal(data?.kind, "timer");
        const { schedule, action } = data;
        assert.equal(action.kind, "command");
        assert.deepEqual(action.command, ["/bin/sh", "-c", "guix gc -F 2G"]);
        assert.equal(schedule.kind, "calendar");
        const next = new Date(nextOccurrence(schedule, Date.UTC(2024, 0, 1)) ?? Number.NaN);
        assert.deepEqual([next.getHours(), next.getMinutes(), next.getSeconds()], [3, 0, 0]);
        assert.ok(next.getTime() - Date.UTC(2024, 0, 1) <= 86_400_000);
        assert.deepEqual(timer.requirement, ["mcron"]);
      },
    );
  });

  describe("fold-services", () => {
    seed.says(
      "für das „Kompilieren“ einer Liste von Diensten hin zu einem einzelnen Verzeichnis verantwortlich ist, in welchem alles enthalten ist, was Sie zum Booten und Hochfahren des Systems brauchen",
      "the value of the root is what is in the system directory",
      () => {
        const { value } = foldServices(operatingSystemServices(operatingSystem()), {
          targetType: systemServiceType,
        });
        const names = value.map(([name]) => name);
        for (const name of ["parameters", "boot", "activate", "etc", "profile"])
          assert.ok(names.includes(name), name);
        const tree = treeOf(baseServices);
        assert.match(contentsOf(tree, "boot") ?? "", /^#!\/bin\/sh\n/);
        assert.match(contentsOf(tree, "activate") ?? "", /^#!\/bin\/sh\n/);
      },
    );
    seed.says(
      "propagiert fold-services Diensterweiterungen durch den Dienstgraphen nach unten und aktualisiert dabei in jedem Knoten des Graphen dessen Parameter, bis nur noch der Wurzelknoten übrig bleibt.",
      "a value goes through every node on the way to the root",
      () => {
        const root = serviceType<readonly string[], string, readonly string[]>({
          name: "root",
          extensions: [],
          compose: (all) => all,
          extend: (own, others) => [...own, ...others],
          description,
        });
        const middle = serviceType<string, string, readonly string[]>({
          name: "middle",
          extensions: [serviceExtension(root, (value: string) => `middle(${value})`)],
          compose: (all) => all,
          extend: (own, others) => [own, ...others].join(" "),
          description,
        });
        const services = [
          service(root, ["root"]),
          service(middle, "own"),
          simpleService("leaf", middle, "leaf"),
        ];
        const folded = foldServices(services, { targetType: root });
        assert.equal(folded.kind, root);
        assert.deepEqual(folded.value, ["root", "middle(own leaf)"]);
        assert.throws(() => foldServices(services.slice(1), { targetType: root }), MissingTargetServiceError);
      },
    );
  });

  // Lines of code, and lines that begin with a field and its default. What is about essential types is in another file.
  seed.hasNoOther("example", 5, [
    /^\((?!siehe |list |simple-service 'installing-module)[a-z-]+[ '].*$/gim,
    /^.*\(Vorgabe: (?!&no-default).*$/gm,
  ]);
});
