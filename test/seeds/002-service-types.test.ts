// Seed 002, "Types service et services": the type of guix-daemon's service, the type of udev's, and what is said of both.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { guixDaemonCommand, settingsOf } from "../../src/services/guix/guix-daemon-start.js";
import * as system from "../../src/services/system.js";
import {
  type AccountContribution,
  type ActivationSnippet,
  AmbiguousTargetServiceError,
  accountServiceType,
  activationServiceType,
  directoryStep,
  fileAppend,
  type GuixConfiguration,
  guix,
  guixConfiguration,
  guixExtension,
  guixServiceType,
  isServiceExtension,
  isServiceType,
  MissingValueError,
  makeForkexecConstructor,
  makeKillDestructor,
  type ShepherdService,
  searchServiceTypes,
  service,
  serviceExtension,
  serviceExtensionTarget,
  serviceKind,
  serviceType,
  serviceTypeDescription,
  serviceTypeName,
  serviceValue,
  shepherdRootServiceType,
  shepherdService,
  simpleService,
  softwarePackage,
  systemServiceType,
  type UdevConfiguration,
  type UdevRule,
  udevConfiguration,
  udevRule,
  userAccount,
  userGroup,
} from "../../src/services/system.js";
import { untyped } from "../daemon/definition/support.js";
import { Seed } from "./seed.js";
import { programOf, shepherdServiceIn, valueIn } from "./systems.js";

/** As a reader of the document would write the three procedures that it names. */
function guixShepherdService({ guix: program, buildGroup }: GuixConfiguration): readonly ShepherdService[] {
  return [
    shepherdService({
      provision: ["guix-daemon"],
      requirement: ["user-processes"],
      start: makeForkexecConstructor([
        fileAppend(program, "/bin/guix-daemon"),
        "--build-users-group",
        buildGroup,
      ]),
      stop: makeKillDestructor(),
    }),
  ];
}

function guixAccounts({ buildGroup, buildAccounts }: GuixConfiguration): readonly AccountContribution[] {
  const numbers = Array.from({ length: buildAccounts }, (_, index) => String(index + 1).padStart(2, "0"));
  return [
    userGroup({ name: buildGroup, system: true }),
    ...numbers.map((number) =>
      userAccount({
        name: `guixbuilder${number}`,
        group: buildGroup,
        system: true,
        homeDirectory: "/var/empty",
      }),
    ),
  ];
}

const guixActivation = (): readonly ActivationSnippet[] => [
  { name: "guix", steps: [directoryStep("/var/guix/daemon-socket")] },
];

const ownGuixServiceType = serviceType({
  name: "guix",
  extensions: [
    serviceExtension(shepherdRootServiceType, guixShepherdService),
    serviceExtension(accountServiceType, guixAccounts),
    serviceExtension(activationServiceType, guixActivation),
  ],
  defaultValue: guixConfiguration(),
  description: "Run the build daemon of GNU Guix.",
});

const udevShepherdService = ({ udev }: UdevConfiguration): readonly ShepherdService[] => [
  shepherdService({
    provision: ["udev"],
    start: makeForkexecConstructor([fileAppend(udev, "/lib/systemd/systemd-udevd")]),
  }),
];

const ownUdevServiceType = serviceType<UdevConfiguration, readonly UdevRule[]>({
  name: "udev",
  extensions: [serviceExtension(shepherdRootServiceType, udevShepherdService)],
  compose: (lists) => lists.flat(),
  extend: ({ udev, rules: initialRules }, rules) =>
    udevConfiguration({ udev, rules: [...initialRules, ...rules] }),
  description: "Run the device manager.",
});

const ownPackage = softwarePackage({ name: "eudev", prefix: "/opt/eudev" });
const rule = (name: string): UdevRule => udevRule(`${name}.rules`, `# ${name}\n`);
const names = ({ rules }: UdevConfiguration): readonly string[] => rules.map(({ fileName }) => fileName);

describe("seed 002", () => {
  const seed = new Seed("002");

  describe("the type of the build daemon's service", () => {
    const extensions = ownGuixServiceType.extensions;
    const definition = `(define guix-service-type
      (service-type
       (name 'guix)
       (extensions
        (list (service-extension shepherd-root-service-type guix-shepherd-service)
              (service-extension account-service-type guix-accounts)
              (service-extension activation-service-type guix-activation)))
       (default-value (guix-configuration))))`;

    seed.says(definition, "a type with a name, three extensions and a default value", () => {
      assert.ok(isServiceType(ownGuixServiceType));
      assert.equal(serviceTypeName(ownGuixServiceType), "guix");
      assert.deepEqual(extensions.map(serviceExtensionTarget), [
        shepherdRootServiceType,
        accountServiceType,
        activationServiceType,
      ]);
      assert.ok(extensions.every(isServiceExtension));
      assert.deepEqual(ownGuixServiceType.defaultValue, guixConfiguration());
    });

    seed.says(
      definition,
      "the type that comes with us has these three extensions and that default, too",
      () => {
        const targets = guixServiceType.extensions.map(serviceExtensionTarget);
        for (const target of [shepherdRootServiceType, accountServiceType, activationServiceType])
          assert.ok(targets.includes(target), target.name);
        assert.equal(guixServiceType.name, "guix");
        assert.deepEqual(guixServiceType.defaultValue, guixConfiguration());
      },
    );

    seed.says(
      "Un nom, dont le seul but de rendre l’inspection et le débogage plus faciles.",
      "two types of one name are two types",
      () => {
        const urls = ["https://substitutes.example.org"];
        const services = [
          service(ownGuixServiceType),
          service(guixServiceType),
          simpleService("more", guixServiceType, guixExtension({ substituteUrls: urls })),
        ];
        const before = guixConfiguration().substituteUrls;
        assert.deepEqual(valueIn(services, guixServiceType).substituteUrls, [...urls, ...before]);
        assert.deepEqual(valueIn(services, ownGuixServiceType).substituteUrls, before);
      },
    );

    seed.says(
      "une procédure qui, étant donné les paramètres du service, renvoie une liste d’objets pour étendre le service de ce type.",
      "each extension gives a list, for the parameters of the service",
      () => {
        const value = guixConfiguration({ buildAccounts: 2 });
        for (const { compute } of ownGuixServiceType.extensions)
          assert.ok(Array.isArray(compute(untyped(value))));
        assert.equal(guixAccounts(value).length, 3);
      },
    );

    seed.says(
      "Chaque type de service a au moins une extension de service. La seule exception est le type de service boot, qui est le service ultime.",
      "true of all our types, but here, as in Guix by now, what comes last is the type “system”",
      () => {
        const types = Object.values<unknown>(system).filter(isServiceType);
        assert.ok(types.length > 25, String(types.length));
        assert.deepEqual(
          types.filter((type) => type.extensions.length === 0),
          [systemServiceType],
        );
      },
    );

    seed.says(
      "La procédure guix-shepherd-service définit comment le service du Shepherd est étendu. En fait, elle renvoie un objet <shepherd-service> qui définit comment guix-daemon est démarré et stoppé",
      "the Shepherd's root service gets the service guix-daemon",
      () => {
        const one = shepherdServiceIn([service(ownGuixServiceType)], "guix-daemon");
        assert.equal(programOf(one).command[0], "/usr/bin/guix-daemon");
        assert.ok(shepherdServiceIn([service(guixServiceType)], "guix-daemon"));
      },
    );

    seed.says(
      "Cette extension pour ce service est calculée par guix-accounts, qui renvoie une liste d’objets user-group et user-account représentant les comptes des utilisateurs de construction",
      "the group guixbuild and the users guixbuilder01 to guixbuilder10 are accounts of the system",
      () => {
        const own = valueIn([service(guixServiceType)], accountServiceType);
        const groups = own.filter((one) => userGroup.isInstance(one)).map(({ name }) => name);
        const users = own.filter((one) => userAccount.isInstance(one)).map(({ name }) => name);
        const builders = users.filter((name) => name.startsWith("guixbuilder"));
        assert.ok(groups.includes("guixbuild"));
        assert.equal(builders.length, 10);
        assert.deepEqual([builders.at(0), builders.at(-1)], ["guixbuilder01", "guixbuilder10"]);
      },
    );

    seed.says(
      "Ici, guix-activation est une procédure qui renvoie une gexp, qui est un bout de code qui s’exécute au moment de l’activation",
      "steps of the system's activation, which are data here",
      () => {
        const snippets = valueIn([service(ownGuixServiceType)], activationServiceType);
        const own = snippets.find(({ name }) => name === "guix");
        assert.deepEqual(own, {
          name: "guix",
          steps: [{ step: "directory", path: "/var/guix/daemon-socket" }],
        });
        // Data: it survives being written down.
        assert.deepEqual(JSON.parse(JSON.stringify(own)), own);
        const ours = valueIn([service(guixServiceType)], activationServiceType);
        assert.ok(ours.some(({ name }) => name === "guix"));
      },
    );
  });

  describe("instances", () => {
    const withParameters = `(service guix-service-type
         (guix-configuration
           (build-accounts 5)
           (use-substitutes? #f)))`;

    seed.says(withParameters, "an instance of the type with these parameters", () => {
      const value = guixConfiguration({ buildAccounts: 5, useSubstitutes: false });
      const one = service(guixServiceType, value);
      assert.equal(serviceKind(one), guixServiceType);
      assert.equal(serviceValue(one), value);
      assert.equal(value.buildAccounts, 5);
      assert.equal(value.useSubstitutes, false);
      assert.deepEqual(value, { ...guixConfiguration(), buildAccounts: 5, useSubstitutes: false });
    });

    seed.says(withParameters, "five users that build, and guix-daemon is run with --no-substitutes", () => {
      const value = guixConfiguration({ buildAccounts: 5, useSubstitutes: false });
      const accounts = valueIn([service(guixServiceType, value)], accountServiceType);
      assert.deepEqual(
        accounts
          .filter((one) => userAccount.isInstance(one))
          .map(({ name }) => name)
          .filter((name) => name.startsWith("guixbuilder")),
        [1, 2, 3, 4, 5].map((number) => `guixbuilder0${number}`),
      );
      const commandOf = (configuration: GuixConfiguration): readonly unknown[] =>
        guixDaemonCommand(configuration, settingsOf(configuration, {}, {}));
      assert.ok(commandOf(value).includes("--no-substitutes"));
      assert.ok(!commandOf(guixConfiguration()).includes("--no-substitutes"));
    });

    seed.says("(service guix-service-type)", "the default value of the type", () => {
      const one = service(guixServiceType);
      assert.equal(serviceValue(one), guixServiceType.defaultValue);
      assert.equal(one.value.buildAccounts, 10);
      assert.equal(one.value.useSubstitutes, true);
      assert.equal(one.value.guix, guix);
      assert.throws(() => service(untyped(ownUdevServiceType)), MissingValueError);
    });

    seed.says(
      "guix-service-type est très simple car il étend d’autres services mais ne peut pas être étendu.",
      "what is contributed to a type without “extend” changes nothing (ours can be extended by now, as Guix's)",
      () => {
        const addition = simpleService("addition", untyped(ownGuixServiceType), "ignored");
        assert.deepEqual(
          valueIn([addition, service(ownGuixServiceType)], ownGuixServiceType),
          guixConfiguration(),
        );
        assert.equal(ownGuixServiceType.extend, undefined);
        assert.notEqual(guixServiceType.extend, undefined);
      },
    );
  });

  describe("a type that can be extended", () => {
    const definition = `(define udev-service-type
  (service-type (name 'udev)
                (extensions
                 (list (service-extension shepherd-root-service-type
                                          udev-shepherd-service)))

                (compose concatenate)       ; concatène la liste des règles
                (extend (lambda (config rules)
                          (match config
                            (($ <udev-configuration> udev initial-rules)
                             (udev-configuration
                              (udev udev)   ; le paquet udev à utiliser
                              (rules (append initial-rules rules)))))))))`;
    const initial = udevConfiguration({ udev: ownPackage, rules: [rule("10-initial")] });
    const extended = (type: typeof ownUdevServiceType): UdevConfiguration =>
      valueIn(
        [
          service(type, initial),
          simpleService("b", type, [rule("30-b")]),
          simpleService("a", type, [rule("20-a"), rule("21-a")]),
        ],
        type,
      );

    seed.says(definition, "rules of extensions come after the initial ones; the package stays", () => {
      const value = extended(ownUdevServiceType);
      // What is listed last contributes first, as in Guix.
      assert.deepEqual(names(value), ["10-initial.rules", "20-a.rules", "21-a.rules", "30-b.rules"]);
      assert.equal(value.udev, ownPackage);
      assert.deepEqual(names(initial), ["10-initial.rules"]);
    });

    seed.says(definition, "the type udev that comes with us does the same", () => {
      const value = extended(system.udevServiceType);
      assert.deepEqual(names(value), ["10-initial.rules", "20-a.rules", "21-a.rules", "30-b.rules"]);
      assert.equal(value.udev, ownPackage);
    });

    seed.says(
      "on compose ces extensions simplement en les concaténant",
      "compose gets the list of all contributions, which may be empty",
      () => {
        assert.deepEqual(ownUdevServiceType.compose?.([[1, 2], [], [3]]), [1, 2, 3]);
        assert.deepEqual(ownUdevServiceType.compose?.([]), []);
        assert.deepEqual(valueIn([service(ownUdevServiceType, initial)], ownUdevServiceType), initial);
      },
    );

    seed.says(
      "Cette procédure définie comme la valeur du service est étendue avec la composition des extensions.",
      "extend gets the value and the composition",
      () => {
        const seen: unknown[] = [];
        const type = serviceType<string, number, string>({
          name: "t",
          extensions: [serviceExtension(systemServiceType, () => [])],
          compose: (numbers) => `composed ${numbers.join("+")}`,
          extend: (value, composed) => {
            seen.push([value, composed]);
            return "extended";
          },
          description: "For this test.",
        });
        const services = [service(type, "initial"), simpleService("n", type, 1), simpleService("n", type, 2)];
        assert.equal(valueIn(services, type), "extended");
        assert.deepEqual(seen, [["initial", "composed 2+1"]]);
      },
    );

    seed.says(
      "C’est une chaîne donnant un aperçu du type de service. Elle peut contenir du balisage Texinfo (voir Overview dans GNU Texinfo). La commande guix system search permet de rechercher dans ces chaînes",
      "the description, which a search looks in",
      () => {
        assert.equal(serviceTypeDescription(ownUdevServiceType), "Run the device manager.");
        const found = searchServiceTypes(["device", "manager"], [ownGuixServiceType, ownUdevServiceType]);
        assert.deepEqual(
          found.map(({ type }) => type),
          [ownUdevServiceType],
        );
      },
    );

    seed.says(
      "Il ne peut y avoir qu’une instance d’un type de service extensible comme udev-service-type. S’il y en avait plus, les spécification service-extension seraient ambiguës.",
      "two instances and an extension: an error that names both",
      () => {
        const instances = [service(ownUdevServiceType, initial), service(ownUdevServiceType, initial)];
        const services = [...instances, simpleService("rules", ownUdevServiceType, [rule("20-more")])];
        assert.throws(
          () => valueIn(services, systemServiceType),
          (error: unknown) => {
            assert.ok(error instanceof AmbiguousTargetServiceError);
            assert.equal(error.targetType, ownUdevServiceType);
            assert.deepEqual(error.candidates, instances);
            assert.match(
              error.message,
              /more than one target service of type 'udev', which service 'rules' extends/,
            );
            return true;
          },
        );
      },
    );
  });

  seed.hasNoOther("definition and no other instance", 3, [/^\((?:define|service) .*$/gm]);
});
