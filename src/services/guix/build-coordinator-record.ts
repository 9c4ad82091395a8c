// The configuration of the Guix Build Coordinator, as a record.

import { type Checks, check } from "../../daemon/definition/check.js";
import { isCount, listOf } from "../../daemon/definition/fields.js";
import { recordConstructor } from "../composition/record.js";
import { isPort } from "../configuration-checks.js";
import { guile, guixBuildCoordinator } from "../files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "../files/software-package.js";
import type { CommandWord } from "../shepherd/constructors.js";
import { guixFields, orFalse } from "./checks.js";
import { isSymbol, schemeFields } from "./scheme.js";

/** What `guixBuildCoordinatorConfiguration` makes. Fields without a remark are Guix's, with the defaults of its manual. */
export interface BuildCoordinatorConfiguration {
  /** Whose Guile modules are used; default `guixBuildCoordinator`. */
  readonly package: SoftwarePackage;
  /** The user that runs it; default `"guix-build-coordinator"`. */
  readonly user: string;
  /** Its group; default `"guix-build-coordinator"`. */
  readonly group: string;
  /** Default `"sqlite:///var/lib/guix-build-coordinator/guix_build_coordinator.db"`. */
  readonly databaseUriString: string;
  /** Where it listens for agents; default `"http://0.0.0.0:8745"`. */
  readonly agentCommunicationUri: string;
  /**
   * Where it listens for those who submit builds; default `"http://127.0.0.1:8746"`. Nobody is asked who he is there:
   * whoever can connect can submit builds.
   */
  readonly clientCommunicationUri: string;
  /**
   * Scheme source of the procedure that takes the data store and writes the plan of which agent builds what; default
   * `"basic-build-allocation-strategy"`.
   */
  readonly allocationStrategy: string;
  /**
   * What is run on events: pairs of the event's name and Scheme source of a procedure, such as
   * `["build-success", "(lambda (coordinator build-id) …)"]`; default none. Those of the coordinator's own hooks that have
   * none of these names stay. The code becomes part of a file that everybody on the machine can read: what it needs of
   * secrets it should read from other files.
   */
  readonly hooks: readonly (readonly [name: string, code: string])[];
  /** The Guile that runs it; default `guile`, Debian's guile-3.0. */
  readonly guile: SoftwarePackage;
  /** Later than the manual: by how many threads the events of a hook are handled, pairs of name and number; default none. */
  readonly parallelHooks: readonly (readonly [name: string, threads: number])[];
  /** Later than the manual: whether, or at which port or socket, a Guile prompt listens; default false. */
  readonly listenRepl: boolean | number | string;
  /** Later than the manual: more of its environment, `NAME=VALUE` each, in the place of those of the same names; default none. */
  readonly extraEnvironmentVariables: readonly string[];
  /** Later than the manual: more arguments of `make-build-coordinator`, as Scheme source; default none. */
  readonly extraBuildCoordinatorArguments: readonly string[];
  /**
   * Ours: what is run instead of the generated Guile program, where there is no Guile: a program, which must write its pid
   * to /var/run/guix-build-coordinator/pid, and its arguments. Default false.
   */
  readonly command: readonly CommandWord[] | false;
}

const isPair = (value: unknown): value is readonly [unknown, unknown] =>
  Array.isArray(value) && value.length === 2;

const checks: Checks<BuildCoordinatorConfiguration> = {
  package: softwarePackageCheck,
  user: guixFields.account,
  group: guixFields.account,
  databaseUriString: guixFields.database,
  agentCommunicationUri: guixFields.listening,
  clientCommunicationUri: guixFields.listening,
  allocationStrategy: schemeFields.expression,
  hooks: listOf(
    "a list of [name, code]: the event's name, and Scheme source of one expression",
    (value) => isPair(value) && isSymbol(value[0]) && schemeFields.expression.matches(value[1]),
  ),
  guile: softwarePackageCheck,
  parallelHooks: listOf(
    "a list of [name, threads], the latter a number from 1 to 1000",
    (value) => isPair(value) && isSymbol(value[0]) && isCount(value[1]) && value[1] >= 1 && value[1] <= 1000,
  ),
  listenRepl: check<boolean | number | string>(
    "true, false, a port from 1 to 65535, or the absolute name of a socket",
    (value) => typeof value === "boolean" || isPort(value) || guixFields.path.matches(value),
  ),
  extraEnvironmentVariables: guixFields.environment,
  extraBuildCoordinatorArguments: schemeFields.expressions,
  command: orFalse(guixFields.command),
};

/**
 * The configuration of a build coordinator.
 *
 * @example guixBuildCoordinatorConfiguration({ agentCommunicationUri: "http://192.0.2.1:8745" })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const guixBuildCoordinatorConfiguration = recordConstructor<BuildCoordinatorConfiguration>(
  "guixBuildCoordinatorConfiguration",
  checks,
  {
    package: guixBuildCoordinator,
    user: "guix-build-coordinator",
    group: "guix-build-coordinator",
    databaseUriString: "sqlite:///var/lib/guix-build-coordinator/guix_build_coordinator.db",
    agentCommunicationUri: "http://0.0.0.0:8745",
    clientCommunicationUri: "http://127.0.0.1:8746",
    allocationStrategy: "basic-build-allocation-strategy",
    hooks: [],
    guile,
    parallelHooks: [],
    listenRepl: false,
    extraEnvironmentVariables: [],
    extraBuildCoordinatorArguments: [],
    command: false,
  },
);
