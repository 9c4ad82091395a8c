// systemd-tmpfiles, for systems that have none: what packages' scripts call.

import { applyTmpfiles } from "../tmpfiles/apply.js";
import { flag, readCommandLine, tell, usualOptions } from "./files-command.js";
import { UsageError } from "./options.js";
import { sourceFrom } from "./standard-input.js";
import type { Surroundings } from "./systemctl.js";

const texts = { type: "string", multiple: true } as const;

const known = {
  ...usualOptions,
  create: flag,
  clean: flag,
  remove: flag,
  boot: flag,
  graceful: flag,
  user: flag,
  prefix: texts,
  "exclude-prefix": texts,
} as const;

const helpText = `systemd-tmpfiles [OPTIONS...] [CONFIGURATION FILE...]

Create, remove and clean files as the files of tmpfiles.d say.

Options: --create --remove --clean --boot --graceful --prefix=PATH --exclude-prefix=PATH --root=DIRECTORY
`;

/** As systemd's: 65 for mistakes in files, 73 where something could not be done. */
const statuses = { invalid: 65, cannotCreate: 73 } as const;

export async function tmpfilesCommand(surroundings: Surroundings): Promise<number> {
  const { environment, errors } = surroundings;
  const line = readCommandLine(surroundings, known, helpText);
  if (line === undefined) return 0;
  const { values, positionals } = line;
  const operations = {
    create: values.create === true,
    remove: values.remove === true,
    clean: values.clean === true,
  };
  if (!Object.values(operations).includes(true))
    throw new UsageError("You need to specify at least one of --clean, --create, or --remove.");
  if (values.user === true)
    throw new UsageError("Option '--user' is not supported: only the system's files are.");
  const sources = await Promise.all(positionals.map(sourceFrom));
  const { diagnostics, isInvalid, hasFailed } = await applyTmpfiles({
    ...operations,
    boot: values.boot === true,
    graceful: values.graceful === true,
    root: values.root ?? "/",
    prefixes: values.prefix ?? [],
    excludedPrefixes: values["exclude-prefix"] ?? [],
    credentials: environment.CREDENTIALS_DIRECTORY,
    ...(sources.length === 0 ? {} : { sources }),
  });
  tell(errors, diagnostics);
  if (isInvalid) return statuses.invalid;
  return hasFailed ? statuses.cannotCreate : 0;
}
