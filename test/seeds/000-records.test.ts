// Seed 000, "Services Guix": every field of every record, with its default.

import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  guile,
  guixBuildCoordinator,
  guixBuildCoordinatorAgentConfiguration,
  guixBuildCoordinatorAgentDynamicAuth,
  guixBuildCoordinatorAgentDynamicAuthWithFile,
  guixBuildCoordinatorAgentPasswordAuth,
  guixBuildCoordinatorAgentPasswordFileAuth,
  guixBuildCoordinatorConfiguration,
  guixBuildCoordinatorQueueBuildsConfiguration,
  guixDataService,
  guixDataServiceConfiguration,
} from "../../src/services/system.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { Seed } from "./seed.js";

/** A record of the document: its fields, each with the text of its default, in their order. */
interface RecordTable {
  readonly name: string;
  readonly make: (given: never) => object;
  /** Fields without a default, and what a test gives for them. */
  readonly needed: Readonly<Record<string, unknown>>;
  readonly fields: readonly (readonly [name: string, text: string | undefined])[];
}

const uuid = "7f6d9d1e-4c0b-4f0e-9a53-2f6f0c9e1d11";
const passwordFile = "/etc/guix-build-coordinator/agent-password";
const authentication = guixBuildCoordinatorAgentPasswordFileAuth({ uuid, passwordFile });

const records: readonly RecordTable[] = [
  {
    name: "guix-build-coordinator-configuration",
    make: guixBuildCoordinatorConfiguration,
    needed: {},
    fields: [
      ["package", "guix-build-coordinator"],
      ["user", '"guix-build-coordinator"'],
      ["group", '"guix-build-coordinator"'],
      ["database-uri-string", '"sqlite:///var/lib/guix-build-coordinator/guix_build_coordinator.db"'],
      ["agent-communication-uri", '"http://0.0.0.0:8745"'],
      ["client-communication-uri", '"http://127.0.0.1:8746"'],
      ["allocation-strategy", "#~basic-build-allocation-strategy"],
      ["hooks", "’()"],
      ["guile", "guile-3.0-latest"],
    ],
  },
  {
    name: "guix-build-coordinator-agent-configuration",
    make: guixBuildCoordinatorAgentConfiguration,
    needed: { authentication },
    fields: [
      ["package", "guix-build-coordinator"],
      ["user", '"guix-build-coordinator-agent"'],
      ["coordinator", '"http://localhost:8745"'],
      ["authentification", undefined],
      ["systems", "#f"],
      ["max-parallel-builds", "1"],
      ["derivation-substitute-urls", "#f"],
      ["non-derivation-substitute-urls", "#f"],
    ],
  },
  {
    name: "guix-build-coordinator-agent-password-auth",
    make: guixBuildCoordinatorAgentPasswordAuth,
    needed: { uuid, password: "opensesame" },
    fields: [
      ["uuid", undefined],
      ["password", undefined],
    ],
  },
  {
    name: "guix-build-coordinator-agent-password-file-auth",
    make: guixBuildCoordinatorAgentPasswordFileAuth,
    needed: { uuid, passwordFile },
    fields: [
      ["uuid", undefined],
      ["password-file", undefined],
    ],
  },
  {
    name: "guix-build-coordinator-agent-dynamic-auth",
    make: guixBuildCoordinatorAgentDynamicAuth,
    needed: { agentName: "anvil", token: "opensesame" },
    fields: [
      ["agent-name", undefined],
      ["token", undefined],
    ],
  },
  {
    name: "guix-build-coordinator-agent-dynamic-auth-with-file",
    make: guixBuildCoordinatorAgentDynamicAuthWithFile,
    needed: { agentName: "anvil", tokenFile: "/etc/guix-build-coordinator/token" },
    fields: [
      ["agent-name", undefined],
      ["token-file", undefined],
    ],
  },
  {
    name: "guix-build-coordinator-queue-builds-configuration",
    make: guixBuildCoordinatorQueueBuildsConfiguration,
    needed: {},
    fields: [
      ["package", "guix-build-coordinator"],
      ["user", '"guix-build-coordinator-queue-builds"'],
      ["coordinator", '"http://localhost:8745"'],
      ["systems", "#f"],
      ["systems-and-targets", "#f"],
      ["guix-data-service", '"https://data.guix.gnu.org"'],
      ["processed-commits-file", '"/var/cache/guix-build-coordinator-queue-builds/processed-commits"'],
    ],
  },
  {
    name: "guix-data-service-configuration",
    make: guixDataServiceConfiguration,
    needed: {},
    fields: [
      ["package", "guix-data-service"],
      ["user", '"guix-data-service"'],
      ["group", '"guix-data-service"'],
      ["port", "8765"],
      ["host", '"127.0.0.1"'],
      ["getmail-idle-mailboxes", "#f"],
      ["commits-getmail-retriever-configuration", "#f"],
      ["extra-options", "’()"],
      ["extra-process-jobs-options", "’()"],
    ],
  },
];

/** What stands for packages of Guix here. */
const packages: Readonly<Record<string, unknown>> = {
  "guix-build-coordinator": guixBuildCoordinator,
  "guix-data-service": guixDataService,
  "guile-3.0-latest": guile,
};

/** What the text of a default in the document comes to here. */
function defaultOf(text: string): unknown {
  if (text === "#f") return false;
  if (text === "’()") return [];
  if (text.startsWith("#~")) return text.slice(2);
  if (text.startsWith('"') || /^\d+$/.test(text)) return JSON.parse(text);
  assert.ok(text in packages, `a package for ${text}`);
  return packages[text];
}

/** Fields have the same names here, in camelCase; one is misprinted in the document. */
function fieldOf(name: string): string {
  if (name === "authentification") return "authentication";
  return name.replace(/-./g, (pair) => pair.slice(1).toUpperCase());
}

describe("seed 000: records", () => {
  const seed = new Seed("000");

  for (const { name, make, needed, fields } of records) {
    describe(name, () => {
      const record = make(untyped(needed));
      for (const [field, text] of fields) {
        const ours = fieldOf(field);
        if (text !== undefined) {
          seed.says(`${field} (par défaut : ${text})`, `${ours} of ${name}`, () =>
            assert.deepEqual(Reflect.get(record, ours), defaultOf(text)),
          );
        } else {
          seed.says(`\n${field}\n`, `${ours} of ${name} has no default, and is missed`, () => {
            const { [ours]: _left, ...others } = needed;
            assert.match(
              mistake(() => make(untyped(others))),
              new RegExp(`field "${ours}" missing`),
            );
          });
        }
      }
    });
  }

  seed.hasRecords(
    Object.fromEntries(records.map(({ name, fields }) => [name, fields])),
    /^Type de données : (\S+)$/,
    /^([a-z0-9-]+)(?: \(par défaut : (.*)\))?$/,
  );
  seed.hasNoOther("default", 30, [/^.*par défaut : .*$/gm]);
});
