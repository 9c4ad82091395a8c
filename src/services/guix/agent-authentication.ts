// How an agent of the Guix Build Coordinator proves who it is: the four kinds of records that Guix has, and what becomes of
// each on the agent's command line.

import { type Check, check } from "../../daemon/definition/check.js";
import { type RecordConstructor, recordConstructor } from "../composition/record.js";
import { kindOf, type Secret, secretCheck, withSecrets } from "../secret.js";
import { guixFields } from "./checks.js";

/** By the agent's UUID and a password. Made by `guixBuildCoordinatorAgentPasswordAuth`. */
export interface AgentPasswordAuth {
  /** The agent's UUID, which the coordinator has made and keeps in its database. */
  readonly uuid: string;
  /** A text becomes a `Secret`, which nothing of ours shows. */
  readonly password: Secret;
}

/** By the agent's UUID and a password in a file. Made by `guixBuildCoordinatorAgentPasswordFileAuth`. */
export interface AgentPasswordFileAuth {
  /** The agent's UUID, which the coordinator has made and keeps in its database. */
  readonly uuid: string;
  /**
   * An absolute name. At each start it must be a regular file that the agent's user can read, and that is open to nobody but
   * that user and root: such as 0400, and the agent's user as its owner.
   */
  readonly passwordFile: string;
}

/** By a name and a token, which the coordinator has made. Made by `guixBuildCoordinatorAgentDynamicAuth`. */
export interface AgentDynamicAuth {
  /** The agent's name; the coordinator makes an agent of that name where it has none. */
  readonly agentName: string;
  /** A text becomes a `Secret`, which nothing of ours shows. */
  readonly token: Secret;
}

/** By a name and a token in a file. Made by `guixBuildCoordinatorAgentDynamicAuthWithFile`. */
export interface AgentDynamicAuthWithFile {
  /** The agent's name; the coordinator makes an agent of that name where it has none. */
  readonly agentName: string;
  /** As `passwordFile` of `AgentPasswordFileAuth`. */
  readonly tokenFile: string;
}

export type AgentAuthentication =
  | AgentPasswordAuth
  | AgentPasswordFileAuth
  | AgentDynamicAuth
  | AgentDynamicAuthWithFile;

/** What a constructor is given: a text, or a secret, where its record has a secret. */
type Texts<Fields> = {
  readonly [field in keyof Fields]: Fields[field] extends Secret ? string | Secret : Fields[field];
};

/** A constructor whose record has a secret, which is given as a text or as a secret. */
export interface SecretRecordConstructor<Fields extends object>
  extends Pick<RecordConstructor<Fields, keyof Fields>, "isInstance" | "check"> {
  /** @throws DefinitionError that names the place, the record, the field and what was expected, and never the secret */
  (given: Texts<Fields>): Readonly<Fields>;
}

const makePassword = recordConstructor<AgentPasswordAuth, "uuid" | "password">(
  "guixBuildCoordinatorAgentPasswordAuth",
  { uuid: guixFields.word, password: secretCheck },
  {},
);

const makeToken = recordConstructor<AgentDynamicAuth, "agentName" | "token">(
  "guixBuildCoordinatorAgentDynamicAuth",
  { agentName: guixFields.line, token: secretCheck },
  {},
);

/**
 * Authentication by a UUID and a password. The password stands on the agent's command line, where others on the machine can
 * see it: one in a file is safer.
 *
 * @example guixBuildCoordinatorAgentPasswordAuth({ uuid: "7f6d9d1e-…", password: "…" })
 * @throws DefinitionError that names the place, the field and what was expected, and never the password
 */
export const guixBuildCoordinatorAgentPasswordAuth: SecretRecordConstructor<AgentPasswordAuth> =
  Object.assign(
    (given: Texts<AgentPasswordAuth>) =>
      makePassword(
        withSecrets<AgentPasswordAuth>("guixBuildCoordinatorAgentPasswordAuth", given, "password"),
      ),
    { isInstance: makePassword.isInstance, check: makePassword.check },
  );

/**
 * Authentication by a UUID and a password in a file.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const guixBuildCoordinatorAgentPasswordFileAuth = recordConstructor<
  AgentPasswordFileAuth,
  "uuid" | "passwordFile"
>("guixBuildCoordinatorAgentPasswordFileAuth", { uuid: guixFields.word, passwordFile: guixFields.path }, {});

/**
 * Authentication by a name and a token. The token stands on the agent's command line, where others on the machine can see
 * it: one in a file is safer.
 *
 * @throws DefinitionError that names the place, the field and what was expected, and never the token
 */
export const guixBuildCoordinatorAgentDynamicAuth: SecretRecordConstructor<AgentDynamicAuth> = Object.assign(
  (given: Texts<AgentDynamicAuth>) =>
    makeToken(withSecrets<AgentDynamicAuth>("guixBuildCoordinatorAgentDynamicAuth", given, "token")),
  { isInstance: makeToken.isInstance, check: makeToken.check },
);

/**
 * Authentication by a name and a token in a file.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const guixBuildCoordinatorAgentDynamicAuthWithFile = recordConstructor<
  AgentDynamicAuthWithFile,
  "agentName" | "tokenFile"
>(
  "guixBuildCoordinatorAgentDynamicAuthWithFile",
  { agentName: guixFields.line, tokenFile: guixFields.path },
  {},
);

const kinds = [
  guixBuildCoordinatorAgentPasswordAuth,
  guixBuildCoordinatorAgentPasswordFileAuth,
  guixBuildCoordinatorAgentDynamicAuth,
  guixBuildCoordinatorAgentDynamicAuthWithFile,
] as const;

/** A field that holds a record of one of the four kinds; what is none is not shown, as there may be a password in it. */
export const agentAuthentication: Check<AgentAuthentication> = {
  ...check<AgentAuthentication>(
    "a record made by guixBuildCoordinatorAgentPasswordAuth(…), …PasswordFileAuth(…), …DynamicAuth(…) or …DynamicAuthWithFile(…)",
    (value) => kinds.some((kind) => kind.isInstance(value)),
  ),
  describe: kindOf,
};

/** What a way of authentication adds to the agent's command, and what of it nobody is to see. */
export interface AuthenticationWords {
  readonly words: readonly string[];
  readonly secrets: readonly string[];
  readonly secretFiles: readonly string[];
}

export function authenticationWords(authentication: AgentAuthentication): AuthenticationWords {
  if ("password" in authentication)
    return bySecret(`--uuid=${authentication.uuid}`, "--password=", authentication.password);
  if ("passwordFile" in authentication)
    return byFile(`--uuid=${authentication.uuid}`, "--password-file=", authentication.passwordFile);
  if ("token" in authentication)
    return bySecret(`--name=${authentication.agentName}`, "--dynamic-auth-token=", authentication.token);
  return byFile(`--name=${authentication.agentName}`, "--dynamic-auth-token-file=", authentication.tokenFile);
}

function bySecret(who: string, option: string, value: Secret): AuthenticationWords {
  const text = value.reveal();
  return { words: [who, `${option}${text}`], secrets: [text], secretFiles: [] };
}

function byFile(who: string, option: string, file: string): AuthenticationWords {
  return { words: [who, `${option}${file}`], secrets: [], secretFiles: [file] };
}
