// Seed 000, "Services Guix": what the fields come to when the services are composed. What they come to in a booted system is
// in test/system/build-farm.test.ts, and the fields themselves are in 000-records.test.ts.

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  type FileLike,
  fileAppend,
  filePath,
  getmailRetrieverConfiguration,
  getmailServiceType,
  guixBuildCoordinator,
  guixBuildCoordinatorAgentConfiguration,
  guixBuildCoordinatorAgentDynamicAuth,
  guixBuildCoordinatorAgentDynamicAuthWithFile,
  guixBuildCoordinatorAgentPasswordAuth,
  guixBuildCoordinatorAgentPasswordFileAuth,
  guixBuildCoordinatorAgentServiceType,
  guixBuildCoordinatorConfiguration,
  guixBuildCoordinatorQueueBuildsConfiguration,
  guixBuildCoordinatorQueueBuildsServiceType,
  guixBuildCoordinatorServiceType,
  guixDataServiceConfiguration,
  guixDataServiceType,
  MissingValueError,
  type PlainFile,
  postgresqlServiceType,
  type Service,
  type ServiceType,
  service,
  shepherdServiceFiles,
  baseServices as usual,
} from "../../src/services/system.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { Seed } from "./seed.js";
import { programOf, shepherdServiceIn, valueIn } from "./systems.js";

const uuid = "7f6d9d1e-4c0b-4f0e-9a53-2f6f0c9e1d11";
const passwordFile = "/etc/guix-build-coordinator/agent-password";
const authentication = guixBuildCoordinatorAgentPasswordFileAuth({ uuid, passwordFile });

const withAgent = (
  given: Parameters<typeof guixBuildCoordinatorAgentConfiguration>[0],
): readonly Service[] => [
  service(guixBuildCoordinatorAgentServiceType, guixBuildCoordinatorAgentConfiguration(given)),
  ...usual,
];
const wordsOf = (services: readonly Service[], name: string): readonly string[] =>
  programOf(shepherdServiceIn(services, name)).command;
const agentWords = (given: Parameters<typeof guixBuildCoordinatorAgentConfiguration>[0]): readonly string[] =>
  wordsOf(withAgent(given), "guix-build-coordinator-agent");

function queueWords(
  given: Parameters<typeof guixBuildCoordinatorQueueBuildsConfiguration>[0],
): readonly string[] {
  const configuration = guixBuildCoordinatorQueueBuildsConfiguration(given);
  const services = [service(guixBuildCoordinatorQueueBuildsServiceType, configuration), ...usual];
  return wordsOf(services, "guix-build-coordinator-queue-builds");
}

const withDataService = (
  given: Parameters<typeof guixDataServiceConfiguration>[0] = {},
): readonly Service[] => [
  service(guixDataServiceType, guixDataServiceConfiguration(given)),
  service(postgresqlServiceType),
  ...usual,
];

/** The Guile program that the coordinator is started by. */
function scriptOf(given: Parameters<typeof guixBuildCoordinatorConfiguration>[0] = {}): string {
  const configuration = guixBuildCoordinatorConfiguration(given);
  const services = [service(guixBuildCoordinatorServiceType, configuration), ...usual];
  const one = shepherdServiceIn(services, "guix-build-coordinator");
  const { command } = programOf(one);
  const script = shepherdServiceFiles(one).find(
    (file): file is PlainFile & FileLike => typeof file === "object" && "contents" in file,
  );
  assert.ok(script !== undefined);
  assert.deepEqual(command, [filePath(script)]);
  return String(script.contents);
}

describe("seed 000: services", () => {
  const seed = new Seed("000");

  describe("the coordinator", () => {
    seed.says(
      "le service Guix utilise un script Guile personnalisé à la place, pour fournir une meilleure intégration avec les G-expressions utilisées dans la configuration.",
      "what is run is a generated Guile program, which runs the coordinator",
      () => {
        const script = scriptOf();
        assert.match(script, /^#!\/usr\/bin\/guile /);
        assert.match(script, /\(run-coordinator-service\n/);
        assert.match(script, /#:database-uri-string "sqlite:\/\/\/var\/lib\/guix-build-coordinator\//);
        assert.match(script, /\(string->uri "http:\/\/0\.0\.0\.0:8745"\)/);
        assert.match(script, /\(string->uri "http:\/\/127\.0\.0\.1:8746"\)/);
      },
    );
    seed.says(
      "Une G-expression pour la stratégie d’allocation à utiliser. C’est une procédure qui prend le stockage de données en argument et rempli le plan d’allocation dans la base de données.",
      "the expression is passed through",
      () => {
        assert.match(scriptOf(), /#:allocation-strategy basic-build-allocation-strategy/);
        const allocationStrategy = "(lambda (datastore) (display datastore))";
        assert.ok(scriptOf({ allocationStrategy }).includes(`#:allocation-strategy ${allocationStrategy}`));
      },
    );
    seed.says(
      "Une liste d’association de crochets. Ils fournissent une manière d’exécuter du code arbitraire en fonction d’évènements, comme le traitement des résultats des constructions.",
      "hooks become pairs of names and code, before the default ones",
      () => {
        const script = scriptOf({ hooks: [["build-success", "(lambda (coordinator id) #t)"]] });
        assert.ok(script.includes("(list (cons 'build-success (lambda (coordinator id) #t)))"));
        assert.match(script, /%default-hooks/);
      },
    );
    seed.says(
      "Le type de service pour Guix Build Coordinator. Sa valeur doit être un guix-build-coordinator-configuration.",
      "another value is refused",
      () => refuses(guixBuildCoordinatorServiceType),
    );
    seed.says(
      "donc faites attention lors de la configuration de cette valeur",
      "clients are listened for at the loopback interface only",
      () =>
        assert.equal(
          new URL(guixBuildCoordinatorConfiguration().clientCommunicationUri).hostname,
          "127.0.0.1",
        ),
    );
  });

  describe("the agent", () => {
    seed.says(
      "Enregistrement décrivant comme cet agent devrait s’authentifier avec le coordinateur.",
      "it has to be said: there is no default, and the message says what could be given",
      () => {
        assert.throws(() => service(untyped(guixBuildCoordinatorAgentServiceType)), MissingValueError);
        assert.match(
          mistake(() => guixBuildCoordinatorAgentConfiguration(untyped({}))),
          /field "authentication" missing/,
        );
        assert.match(
          mistake(() =>
            guixBuildCoordinatorAgentConfiguration(untyped({ authentication: { uuid, passwordFile } })),
          ),
          /field "authentication": expected a record made by guixBuildCoordinatorAgentPasswordAuth/,
        );
      },
    );
    const ways: readonly (readonly [
      quotation: string,
      words: readonly string[],
      given: typeof authentication | object,
    ])[] = [
      [
        "Type de données représentant un moyen d’authentification avec un coordinateur pour les agents, via un UUID et un mot de passe.",
        [`--uuid=${uuid}`, "--password=opensesame"],
        guixBuildCoordinatorAgentPasswordAuth({ uuid, password: "opensesame" }),
      ],
      [
        "Type de données représentant un moyen d’authentification avec un coordinateur via un UUID et un mot de passe lu depuis un fichier.",
        [`--uuid=${uuid}`, `--password-file=${passwordFile}`],
        authentication,
      ],
      [
        "Type de données représentant un moyen d’authentification à un coordinateur via un jeton d’authentification dynamique et le nom de l’agent.",
        ["--name=anvil", "--dynamic-auth-token=opensesame"],
        guixBuildCoordinatorAgentDynamicAuth({ agentName: "anvil", token: "opensesame" }),
      ],
      [
        "Type de données représentant une méthode d’authentification à un coordinateur via un jeton d’authentification dynamique lu depuis un fichier et un nom d’agent.",
        ["--name=anvil", "--dynamic-auth-token-file=/etc/token"],
        guixBuildCoordinatorAgentDynamicAuthWithFile({ agentName: "anvil", tokenFile: "/etc/token" }),
      ],
    ];
    for (const [quotation, words, given] of ways) {
      seed.says(quotation, words.map((word) => word.replace(/=.*/, "=…")).join(" "), () =>
        assert.deepEqual(agentWords({ authentication: untyped(given) }).slice(2, 4), words),
      );
    }
    seed.says(
      "Les systèmes pour lesquels cet agent devrait récupérer les constructions. Le processus de l’agent utilisera le système actuel comme valeur par défaut.",
      "--system=… for each, and none by default",
      () => {
        const given = ["x86_64-linux", "i686-linux"];
        const own = agentWords({ authentication, systems: given });
        assert.deepEqual(own.slice(-2), ["--system=x86_64-linux", "--system=i686-linux"]);
        assert.ok(!agentWords({ authentication }).some((word) => word.startsWith("--system")));
      },
    );
    seed.says(
      "Le nombre de constructions qui peuvent tourner simultanément.",
      "--max-parallel-builds=N",
      () => {
        assert.ok(agentWords({ authentication }).includes("--max-parallel-builds=1"));
        assert.ok(agentWords({ authentication, maxParallelBuilds: 4 }).includes("--max-parallel-builds=4"));
      },
    );
    seed.says(
      "URL à partir desquelles essayer de récupérer les substituts pour les dérivations, si les dérivation ne sont pas déjà disponibles.",
      "all URLs are one word",
      () => {
        const derivationSubstituteUrls = ["https://a.example.org", "https://b.example.org"];
        const word = "--derivation-substitute-urls=https://a.example.org https://b.example.org";
        assert.ok(agentWords({ authentication, derivationSubstituteUrls }).includes(word));
      },
    );
    seed.says(
      "URL à partir desquelles essayer de chercher les substituts pour les entrées des constructions, si les éléments du dépôt des entrées ne sont pas déjà disponibles.",
      "all URLs are one word",
      () => {
        const nonDerivationSubstituteUrls = ["https://a.example.org", "https://b.example.org"];
        const word = "--non-derivation-substitute-urls=https://a.example.org https://b.example.org";
        assert.ok(agentWords({ authentication, nonDerivationSubstituteUrls }).includes(word));
      },
    );
    seed.says(
      "Le type de service pour un agent Guix Build Coordinator. Sa valeur doit être un guix-build-coordinator-agent-configuration.",
      "another value is refused",
      () => refuses(guixBuildCoordinatorAgentServiceType),
    );
  });

  describe("the script that submits builds", () => {
    seed.says(
      "Type de service pour le script guix-build-coordinator-queue-builds-from-guix-data-service. Sa valeur doit être un objet guix-build-coordinator-queue-builds-configuration.",
      "its command line, by default; another value is refused",
      () => {
        assert.deepEqual(queueWords({}), [
          filePath(
            fileAppend(
              guixBuildCoordinator,
              "/bin/guix-build-coordinator-queue-builds-from-guix-data-service",
            ),
          ),
          "--coordinator=http://localhost:8745",
          "--guix-data-service=https://data.guix.gnu.org",
          "--processed-commits-file=/var/cache/guix-build-coordinator-queue-builds/processed-commits",
        ]);
        refuses(guixBuildCoordinatorQueueBuildsServiceType);
      },
    );
    seed.says(
      "Les systèmes pour lesquels récupérer des dérivations à construire.",
      "--system=… for each",
      () =>
        assert.deepEqual(queueWords({ systems: ["x86_64-linux", "i686-linux"] }).slice(2, 4), [
          "--system=x86_64-linux",
          "--system=i686-linux",
        ]),
    );
    seed.says(
      "Une liste d’association de paires de systèmes et de cibles pour lesquelles chercher des dérivations à construire.",
      "--system-and-target=SYSTEM=TARGET for each",
      () =>
        assert.equal(
          queueWords({ systemsAndTargets: [["x86_64-linux", "aarch64-linux-gnu"]] })[2],
          "--system-and-target=x86_64-linux=aarch64-linux-gnu",
        ),
    );
  });

  describe("the data service", () => {
    const retriever = getmailRetrieverConfiguration({ server: "imap.example.org", username: "commits" });
    seed.says(
      "Sa valeur doit être un objet guix-data-service-configuration. Le service étend éventuellement le service getmail, car la liste de diffusion guix-commits est utilisée pour récupérer les changement dans le dépôt git de Guix.",
      "getmail runs only where the configuration says whence; another value is refused",
      () => {
        assert.deepEqual(valueIn(withDataService(), getmailServiceType), []);
        const services = withDataService({
          commitsGetmailRetrieverConfiguration: retriever,
          getmailIdleMailboxes: ["INBOX"],
        });
        const [one, ...others] = valueIn(services, getmailServiceType);
        assert.deepEqual(others, []);
        assert.equal(one?.name, "guix-data-service");
        assert.deepEqual(one?.idle, ["INBOX"]);
        assert.equal(one?.rcfile.retriever, retriever);
        assert.ok(shepherdServiceIn(services, "getmail-guix-data-service"));
        refuses(guixDataServiceType, [service(postgresqlServiceType), ...usual]);
      },
    );
    seed.says("Le port sur lequel lier le service web.", "--port=N", () => {
      assert.ok(wordsOf(withDataService(), "guix-data-service").includes("--port=8765"));
      assert.ok(wordsOf(withDataService({ port: 80 }), "guix-data-service").includes("--port=80"));
    });
    seed.says("L’hôte sur lequel lier le service web.", "--host=NAME", () =>
      assert.ok(wordsOf(withDataService(), "guix-data-service").includes("--host=127.0.0.1")),
    );
    seed.says(
      "Liste d’options supplémentaires de la ligne de commande pour guix-data-service.",
      "they come last",
      () => {
        const words = wordsOf(
          withDataService({ extraOptions: ["--narinfo-signing-key=/k"] }),
          "guix-data-service",
        );
        assert.equal(words.at(-1), "--narinfo-signing-key=/k");
      },
    );
    seed.says(
      "Liste d’options supplémentaires de la ligne de commande pour guix-data-service-process-jobs.",
      "they come after the program",
      () => {
        const services = withDataService({ extraProcessJobsOptions: ["--max-processes=2"] });
        assert.deepEqual(wordsOf(services, "guix-data-service-process-jobs"), [
          "/usr/local/bin/guix-data-service-process-jobs",
          "--max-processes=2",
        ]);
      },
    );
    seed.says(
      "Les données sont stockées dans une base PostgreSQL, et sont disponibles à travers une interface web.",
      "both services require postgres",
      () => {
        for (const name of ["guix-data-service", "guix-data-service-process-jobs"])
          assert.ok(shepherdServiceIn(withDataService(), name).requirement.includes("postgres"), name);
      },
    );
  });

  seed.hasNoOther("value of a type of services", 4, [/Sa valeur doit être .*?\./g]);
});

/** Composing a system fails where the service's value is no record of its configuration. */
function refuses<Value>(type: ServiceType<Value>, others: readonly Service[] = usual): void {
  assert.match(
    mistake(() => shepherdServiceIn([service(type, untyped({ user: "root" })), ...others], "root")),
    new RegExp(`service '${type.name}': the value: expected a record made by `),
  );
}
