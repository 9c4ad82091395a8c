// The type of the service for links that programs expect at fixed places, such as `/bin/sh`.

import { DefinitionError, fail, show } from "../../daemon/definition/check.js";
import { type ActivationSnippet, symlinkStep } from "../activation/steps.js";
import { type Service, serviceExtension, serviceType, simpleService } from "../composition/service-type.js";
import { type FileLike, filePath } from "../files/file-like.js";
import { activationServiceType } from "./activation.js";
import { append, concatenate } from "./lists.js";

/** A link at `target` to a file. */
export type SpecialFile = readonly [target: string, file: FileLike];

function activation(files: readonly SpecialFile[]): readonly ActivationSnippet[] {
  const steps = files.map((pair) => {
    const of = { what: "service 'special-files'" };
    if (!Array.isArray(pair) || pair.length !== 2)
      fail(of, `expected a pair [absolute file name, file], got ${show(pair)}`);
    const [target, file] = pair;
    const step = symlinkStep(target, file);
    // Debian has most of these already, as files of their own.
    if (filePath(file) === target)
      throw new DefinitionError(`${of.what}: ${show(target)} would be a link to itself`);
    return step;
  });
  return [{ name: "special-files", steps }];
}

/**
 * Links at places that programs expect. Its value and its contributions are lists of `[target, file]`.
 *
 * @example service(specialFilesServiceType, [["/bin/bash", fileAppend(bash, "/bin/bash")]])
 */
export const specialFilesServiceType = serviceType<
  readonly SpecialFile[],
  readonly SpecialFile[],
  readonly SpecialFile[]
>({
  name: "special-files",
  extensions: [serviceExtension(activationServiceType, activation)],
  compose: concatenate,
  extend: append,
  description: "Make links at places that programs expect, such as /bin/sh or /usr/bin/env.",
});

/**
 * A service that adds one such link.
 *
 * @example extraSpecialFile("/usr/bin/python", fileAppend(python, "/bin/python3"))
 */
export function extraSpecialFile(target: string, file: FileLike): Service<readonly SpecialFile[]> {
  return simpleService(`special-file-${target}`, specialFilesServiceType, [[target, file]]);
}
