// A build farm in one container: a coordinator that hands builds out, an agent that carries them out, a data service that
// knows what there is to build, and what these need. Its ENTRYPOINT:
//
//   shepherd system boot /etc/build-farm.ts
//
// The programs of Guix's are looked for below /usr/local; Debian has postgresql, tor and guile-3.0.

import {
  activationServiceType,
  baseServices,
  baseUserAccounts,
  directoryStep,
  guixBuildCoordinatorAgentConfiguration,
  guixBuildCoordinatorAgentPasswordFileAuth,
  guixBuildCoordinatorAgentServiceType,
  guixBuildCoordinatorConfiguration,
  guixBuildCoordinatorQueueBuildsConfiguration,
  guixBuildCoordinatorQueueBuildsServiceType,
  guixBuildCoordinatorServiceType,
  guixDataServiceConfiguration,
  guixDataServiceType,
  operatingSystem,
  postgresqlRole,
  postgresqlRoleServiceType,
  postgresqlServiceType,
  runStep,
  service,
  simpleService,
  torConfiguration,
  torHiddenService,
  torServiceType,
  userAccount,
} from "shepherd-ts/system";

const agent = "guix-build-coordinator-agent";
const agentPassword = "/etc/guix-build-coordinator/agent-password";

export default operatingSystem({
  hostName: "build-farm",
  issue: "The build farm. Whoever works here knows why.\n",
  users: [userAccount({ name: "ludo", group: "users", supplementaryGroups: ["tor"] }), ...baseUserAccounts],

  services: [
    // Who builds what. Agents connect to port 8745, and clients of this machine to 8746: nobody asks these who they are.
    service(
      guixBuildCoordinatorServiceType,
      guixBuildCoordinatorConfiguration({
        // Scheme, as in Guix. The coordinator's own hooks for other events stay.
        hooks: [
          [
            "build-failure",
            '(lambda (build-coordinator build-id) (format #t "build ~a has failed~%" build-id))',
          ],
        ],
      }),
    ),

    // Who builds. How it proves who it is has no default; a password in a file is seen in no list of processes.
    service(
      guixBuildCoordinatorAgentServiceType,
      guixBuildCoordinatorAgentConfiguration({
        authentication: guixBuildCoordinatorAgentPasswordFileAuth({
          uuid: "7c6f1a52-3f0e-4f57-9d39-0f5f1c1b3a10",
          passwordFile: agentPassword,
        }),
        maxParallelBuilds: 2,
        systems: ["x86_64-linux"],
      }),
    ),
    // Whoever runs the container mounts the password where only root can read it; the agent gets a copy of its own. Accounts
    // are made before steps of the user's are carried out.
    simpleService("agent-password", activationServiceType, [
      {
        name: "agent-password",
        steps: [
          directoryStep("/etc/guix-build-coordinator", { mode: 0o755 }),
          runStep([
            "/usr/bin/install",
            "--mode=0400",
            `--owner=${agent}`,
            "/run/secrets/agent-password",
            agentPassword,
          ]),
        ],
      },
    ]),

    // What is to be built: whatever our own data service learns of. The default is the port of agents, where the coordinator
    // takes no builds.
    service(
      guixBuildCoordinatorQueueBuildsServiceType,
      guixBuildCoordinatorQueueBuildsConfiguration({
        coordinator: "http://localhost:8746",
        guixDataService: "http://localhost:8765",
        systems: ["x86_64-linux"],
      }),
    ),

    // What there is. Its user is one of the database, too: that is how the two know each other.
    service(
      guixDataServiceType,
      guixDataServiceConfiguration({ extraProcessJobsOptions: ["--max-processes=2"] }),
    ),
    service(postgresqlServiceType),
    simpleService("data-service-role", postgresqlRoleServiceType, [
      postgresqlRole({ name: "guix-data-service", createDatabase: true }),
    ]),

    // Agents elsewhere reach the coordinator through Tor: `cat /var/lib/tor/hidden-services/coordinator/hostname` tells its name.
    service(torServiceType, torConfiguration({ controlSocket: true })),
    torHiddenService("coordinator", [[80, "127.0.0.1:8745"]]),

    // The loopback interface, the network, the system log, its rotation, and commands at times and in the background.
    ...baseServices,
  ],
});
