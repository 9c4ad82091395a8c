// The configuration of guix-daemon as a record, and what extensions add to it.

import { type Check, type Checks, check, checkValue } from "../../daemon/definition/check.js";
import { fields, isCount, listOf } from "../../daemon/definition/fields.js";
import { recordConstructor } from "../composition/record.js";
import { isWord, oneOf } from "../configuration-checks.js";
import { type FileLike, fileAppend, fileLikeCheck, isFileLike } from "../files/file-like.js";
import { guix } from "../files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "../files/software-package.js";
import { guixFields, orFalse, shownUri } from "./checks.js";
import { schemeFields } from "./scheme.js";

/**
 * What `guixConfiguration` makes. Fields without a remark are those of Guix 1.4, with its defaults; `false` stands for
 * nothing.
 */
export interface GuixConfiguration {
  /** Whose `bin` has guix-daemon; default `guix`. */
  readonly guix: SoftwarePackage;
  /** The group of the users that build; default `"guixbuild"`, with the number 30000. */
  readonly buildGroup: string;
  /** How many users build; default 10: guixbuilder01 to guixbuilder10. */
  readonly buildAccounts: number;
  /** Whether whoever signs with `authorizedKeys` is trusted, and nobody else; default true. False: it is left as it is. */
  readonly authorizeKey: boolean;
  /** Files with the public keys of trusted substitute servers; default: those of both servers that come with Guix. */
  readonly authorizedKeys: readonly FileLike[];
  /** Whether substitutes are fetched; default true. */
  readonly useSubstitutes: boolean;
  /** Whence; default `["https://ci.guix.gnu.org", "https://bordeaux.guix.gnu.org"]`. */
  readonly substituteUrls: readonly string[];
  /** Whether a key pair is made, with which others can verify what is built here; default true. */
  readonly generateSubstituteKey: boolean;
  /**
   * Directories that builds can read besides; default none. What a directory refers to in the store must be listed too: that
   * is not found out here.
   */
  readonly chrootDirectories: readonly FileLike[];
  /** Seconds of silence after which a build has failed; default 0: without a limit. */
  readonly maxSilentTime: number;
  /** Seconds after which a build has failed; default 0: without a limit. */
  readonly timeout: number;
  /** How logs of builds are compressed; default `"gzip"`. */
  readonly logCompression: "gzip" | "bzip2" | "none";
  /** Whether substitute servers of the local network are found and used; default false. */
  readonly discover: boolean;
  /** More words of the command; default none. */
  readonly extraOptions: readonly string[];
  /** Default `"/var/log/guix-daemon.log"`. */
  readonly logFile: string;
  /** The proxy through which it downloads: a URI of scheme http or https; default false. */
  readonly httpProxy: string | false;
  /** Where builds are carried out: an absolute name; default false: /tmp. */
  readonly tmpdir: string | false;
  /** Later than 1.4: whether builds are isolated; default `"default"`: as guix-daemon thinks fit. */
  readonly chroot: boolean | "default";
  /** Later than 1.4: whether it runs as root. Here it always does: true. */
  readonly privileged: true;
  /** Later than 1.4: what /etc/guix/channels.scm holds; default false: it is left as it is. */
  readonly channels: FileLike | false;
  /** Later than 1.4: machines that builds are offloaded to, Scheme source of a `build-machine` each; default none. */
  readonly buildMachines: readonly string[];
  /** Later than 1.4: more of its environment, `NAME=VALUE` each; default none. */
  readonly environment: readonly string[];
  /** Later than 1.4: permissions of the directory of its socket; default `0o755`: everybody may connect. */
  readonly socketDirectoryPermissions: number;
  /** Later than 1.4: the group of that directory; default false: root's. */
  readonly socketDirectoryGroup: string | false;
  /** Later than 1.4: the owner of that directory; default false: root. */
  readonly socketDirectoryUser: string | false;
  /**
   * Ours: where it is reached, a socket's absolute name; default `"/var/guix/daemon-socket/socket"`. It counts as started once
   * it answers there, and the actions speak to it there. It listens elsewhere where `extraOptions` say so (`--listen=`).
   */
  readonly socket: string;
}

/** What a service adds to the configuration of guix-daemon. Made by `guixExtension`. */
export interface GuixExtension {
  /** Put before those of the configuration; default none. */
  readonly authorizedKeys: readonly FileLike[];
  /** Put before those of the configuration; default none. */
  readonly substituteUrls: readonly string[];
  /** Put before those of the configuration; default none. */
  readonly chrootDirectories: readonly FileLike[];
  /** Later than 1.4: put before those of the configuration; default none. */
  readonly buildMachines: readonly string[];
}

const files = listOf<FileLike>(
  "a list of absolute file names, or files made by plainFile(…) and the like",
  isFileLike,
);
/** All URLs are one word of the command, with spaces between them. */
const { uris } = guixFields;

/** A proxy may ask for a password, which no message shows. */
export const proxyCheck: Check<string> = {
  ...check<string>(
    "a URI of scheme http or https, with a host, and a port from 1 to 65535 or none",
    (value) =>
      isWord(value) &&
      /^https?:\/\//.test(value) &&
      URL.canParse(value) &&
      new URL(value).host !== "" &&
      new URL(value).port !== "0",
  ),
  describe: shownUri,
};

/** The longest name of a socket that the kernel takes. */
const longestSocket = 107;

const checks: Checks<GuixConfiguration> = {
  guix: softwarePackageCheck,
  buildGroup: guixFields.account,
  buildAccounts: check<number>(
    "a number from 1 to 1000",
    (value) => isCount(value) && value >= 1 && value <= 1000,
  ),
  authorizeKey: fields.flag,
  authorizedKeys: files,
  useSubstitutes: fields.flag,
  substituteUrls: uris,
  generateSubstituteKey: fields.flag,
  chrootDirectories: files,
  maxSilentTime: guixFields.count,
  timeout: guixFields.count,
  logCompression: oneOf(["gzip", "bzip2", "none"]),
  discover: fields.flag,
  extraOptions: guixFields.options,
  logFile: fields.absoluteFile,
  httpProxy: orFalse(proxyCheck),
  tmpdir: orFalse(fields.absoluteFile),
  chroot: check('true, false or "default"', (value) => typeof value === "boolean" || value === "default"),
  privileged: check("true, as it can run as root only", (value) => value === true),
  channels: orFalse(fileLikeCheck),
  buildMachines: schemeFields.data,
  environment: guixFields.environment,
  socketDirectoryPermissions: check<number>(
    "permissions from 0 to 0o777",
    (value) => isCount(value) && value <= 0o777,
  ),
  socketDirectoryGroup: orFalse(guixFields.account),
  socketDirectoryUser: orFalse(guixFields.account),
  socket: check<string>(
    `an absolute file name of up to ${longestSocket} bytes`,
    (value) => fields.absoluteFile.matches(value) && Buffer.byteLength(value) <= longestSocket,
  ),
};

/**
 * The configuration of guix-daemon.
 *
 * @example guixConfiguration({ buildAccounts: 5, useSubstitutes: false })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const guixConfiguration = recordConstructor<GuixConfiguration>("guixConfiguration", checks, {
  guix,
  buildGroup: "guixbuild",
  buildAccounts: 10,
  authorizeKey: true,
  authorizedKeys: [
    fileAppend(guix, "/share/guix/ci.guix.gnu.org.pub"),
    fileAppend(guix, "/share/guix/bordeaux.guix.gnu.org.pub"),
  ],
  useSubstitutes: true,
  substituteUrls: ["https://ci.guix.gnu.org", "https://bordeaux.guix.gnu.org"],
  generateSubstituteKey: true,
  chrootDirectories: [],
  maxSilentTime: 0,
  timeout: 0,
  logCompression: "gzip",
  discover: false,
  extraOptions: [],
  logFile: "/var/log/guix-daemon.log",
  httpProxy: false,
  tmpdir: false,
  chroot: "default",
  privileged: true,
  channels: false,
  buildMachines: [],
  environment: [],
  socketDirectoryPermissions: 0o755,
  socketDirectoryGroup: false,
  socketDirectoryUser: false,
  socket: "/var/guix/daemon-socket/socket",
});

/**
 * What a service adds to the configuration of guix-daemon.
 *
 * @example simpleService("my-substitutes", guixServiceType, guixExtension({ substituteUrls: ["https://guix.example.org"] }))
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const guixExtension = recordConstructor<GuixExtension>(
  "guixExtension",
  {
    authorizedKeys: files,
    substituteUrls: uris,
    chrootDirectories: files,
    buildMachines: schemeFields.data,
  },
  { authorizedKeys: [], substituteUrls: [], chrootDirectories: [], buildMachines: [] },
);

/** All that was contributed, in the order in which it comes. */
export function composeGuixExtensions(contributions: readonly GuixExtension[]): GuixExtension {
  const checked = contributions.map((one) =>
    checkValue({ what: "service 'guix'" }, one, guixExtension.check, "an extension"),
  );
  return guixExtension({
    authorizedKeys: checked.flatMap(({ authorizedKeys }) => authorizedKeys),
    substituteUrls: checked.flatMap(({ substituteUrls }) => substituteUrls),
    chrootDirectories: checked.flatMap(({ chrootDirectories }) => chrootDirectories),
    buildMachines: checked.flatMap(({ buildMachines }) => buildMachines),
  });
}

/** The configuration with what was contributed before its own. */
export function extendGuix(own: GuixConfiguration, added: GuixExtension): GuixConfiguration {
  return guixConfiguration({
    ...own,
    authorizedKeys: [...added.authorizedKeys, ...own.authorizedKeys],
    substituteUrls: [...added.substituteUrls, ...own.substituteUrls],
    chrootDirectories: [...added.chrootDirectories, ...own.chrootDirectories],
    buildMachines: [...added.buildMachines, ...own.buildMachines],
  });
}
