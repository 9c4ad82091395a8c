// The type of the service that keeps, in the system directory, what a system was made from.

import { checkValue } from "../../daemon/definition/check.js";
import { sym } from "../../protocol/sexp.js";
import { writeSexp } from "../../protocol/sexp-writer.js";
import { version } from "../../protocol/version.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { type FileLike, fileLikeCheck, plainFile } from "../files/file-like.js";
import { type SystemEntry, systemServiceType } from "./system.js";

/** The name of the copy of the user's file in the system directory. */
export const configurationCopy = "configuration.ts";

/**
 * Of Guix's three files there is no `channels.scm`: what a channel is there is this software in its version here, which
 * `provenance` names in the place of the channels.
 */
function provenanceEntries(file: FileLike | undefined): readonly SystemEntry[] {
  const channel = [sym("channel"), [sym("name"), sym("shepherd-ts")], [sym("version"), version]];
  const provenance = [
    sym("provenance"),
    [sym("version"), 0],
    [sym("channels"), channel],
    [sym("configuration-file"), file === undefined ? false : configurationCopy],
  ];
  return [
    ["provenance", plainFile("provenance", `${writeSexp(provenance)}\n`)],
    ...(file === undefined
      ? []
      : [
          [
            configurationCopy,
            checkValue({ what: "service 'provenance'" }, file, fileLikeCheck, "its value"),
          ] satisfies SystemEntry,
        ]),
  ];
}

/**
 * Where a system comes from: its value is the file that the configuration was read from, or undefined. It cannot be
 * extended. `shepherd system` adds it by itself.
 */
export const provenanceServiceType = serviceType<FileLike | undefined>({
  name: "provenance",
  extensions: [serviceExtension(systemServiceType, provenanceEntries)],
  defaultValue: undefined,
  description:
    "Keep in the system directory what the system was made from: its configuration, and our version.",
});
