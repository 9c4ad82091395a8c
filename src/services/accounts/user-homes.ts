// The service `user-homes`: it makes the home directories of people, which are made when the system has its file systems and
// not at activation, because they may lie on one of those.

import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import { type Home, makeHomes } from "./homes.js";
import { homeDirectoryOf, type UserAccount } from "./records.js";

/** The home directories to make: those of ordinary accounts. Those of the system's own are made at activation. */
export function homesOf(users: readonly UserAccount[]): readonly Home[] {
  return users
    .filter(({ system, createHomeDirectory }) => !system && createHomeDirectory)
    .map((user) => ({ user: user.name, directory: homeDirectoryOf(user) }));
}

/** The one-shot service that makes them. */
export function userHomesService(homes: readonly Home[]): ShepherdService {
  return shepherdService({
    provision: ["user-homes"],
    requirement: ["file-systems"],
    oneShot: true,
    // Making what is missing can be done twice.
    retryable: true,
    start: async () => {
      await makeHomes({ root: "/" }, homes);
      return true;
    },
    documentation: "Create the home directories of users.",
  });
}
