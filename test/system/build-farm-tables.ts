// What the specification says of the services of examples/build-farm.ts: how their programs are run, which accounts and
// directories they have. Where it leaves something open, the remark says what we do.

/** How a program is run. */
export interface ExpectedProgram {
  readonly service: string;
  /** The base name of the program that stands in for it, or of the real one. */
  readonly program: string;
  /** `HASH` stands for what the name of a file in the store of files begins with. */
  readonly argv: readonly string[];
  /** Without the mark by which the supervisor finds a service's processes. */
  readonly environment: readonly string[];
  readonly user: string;
  readonly group: string;
  /** In the order of their names. */
  readonly groups: readonly string[];
  readonly directory: string;
  readonly umask: string;
  /** Undefined: the supervisor's own log. */
  readonly logFile: string | undefined;
  readonly pidFile: string | undefined;
  readonly requirement: readonly string[];
  readonly documentation: string;
}

/** Nothing is said of these: as the supervisor has them itself. */
const unsaid = { directory: "/", umask: "0022", pidFile: undefined } as const;

const coordinatorLogs = "/var/log/guix-build-coordinator";
const dataServiceLogs = "/var/log/guix-data-service";

export const recordedPrograms: readonly ExpectedProgram[] = [
  {
    ...unsaid,
    service: "guix-build-coordinator",
    // The interpreter of the generated program, which takes no arguments.
    program: "guile",
    argv: [
      "/usr/bin/guile",
      "--no-auto-compile",
      "/var/lib/shepherd/files/HASH-start-guix-build-coordinator",
    ],
    environment: ["LC_ALL=en_US.utf8", "PATH=/run/current-system/profile/bin"],
    user: "guix-build-coordinator",
    group: "guix-build-coordinator",
    groups: ["guix-build-coordinator"],
    directory: "/var/lib/guix-build-coordinator",
    logFile: `${coordinatorLogs}/coordinator.log`,
    pidFile: "/var/run/guix-build-coordinator/pid",
    requirement: ["networking"],
    documentation: "Guix Build Coordinator",
  },
  {
    ...unsaid,
    service: "guix-build-coordinator-agent",
    program: "guix-build-coordinator-agent",
    argv: [
      "/usr/local/bin/guix-build-coordinator-agent",
      "--coordinator=http://localhost:8745",
      "--uuid=7c6f1a52-3f0e-4f57-9d39-0f5f1c1b3a10",
      "--password-file=/etc/guix-build-coordinator/agent-password",
      "--max-parallel-builds=2",
      "--system=x86_64-linux",
    ],
    environment: ["XDG_CACHE_HOME=/var/cache/guix-build-coordinator-agent", "LC_ALL=en_US.utf8"],
    user: "guix-build-coordinator-agent",
    // In Guix it stays in root's groups.
    group: "nogroup",
    groups: ["nogroup"],
    logFile: `${coordinatorLogs}/agent.log`,
    requirement: ["networking"],
    documentation: "Guix Build Coordinator Agent",
  },
  {
    ...unsaid,
    service: "guix-build-coordinator-queue-builds",
    program: "guix-build-coordinator-queue-builds-from-guix-data-service",
    argv: [
      "/usr/local/bin/guix-build-coordinator-queue-builds-from-guix-data-service",
      "--coordinator=http://localhost:8746",
      "--system=x86_64-linux",
      "--guix-data-service=http://localhost:8765",
      "--processed-commits-file=/var/cache/guix-build-coordinator-queue-builds/processed-commits",
    ],
    environment: ["LC_ALL=en_US.utf8"],
    user: "guix-build-coordinator-queue-builds",
    group: "nogroup",
    groups: ["nogroup"],
    logFile: `${coordinatorLogs}/queue-builds.log`,
    requirement: ["networking"],
    documentation: "Guix Build Coordinator queue builds from Guix Data Service",
  },
  {
    ...unsaid,
    service: "guix-data-service",
    program: "guix-data-service",
    argv: [
      "/usr/local/bin/guix-data-service",
      "--pid-file=/var/run/guix-data-service/pid",
      "--port=8765",
      "--host=127.0.0.1",
      "--update-database",
    ],
    environment: ["LC_ALL=en_US.UTF-8"],
    user: "guix-data-service",
    group: "guix-data-service",
    groups: ["guix-data-service"],
    directory: "/var/lib/guix-data-service",
    logFile: `${dataServiceLogs}/web.log`,
    pidFile: "/var/run/guix-data-service/pid",
    requirement: ["postgres", "networking"],
    documentation: "Guix Data Service web server",
  },
  {
    ...unsaid,
    service: "guix-data-service-process-jobs",
    program: "guix-data-service-process-jobs",
    argv: ["/usr/local/bin/guix-data-service-process-jobs", "--max-processes=2"],
    environment: [
      "HOME=/var/lib/guix-data-service",
      "GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt",
      "LC_ALL=en_US.UTF-8",
    ],
    user: "guix-data-service",
    group: "guix-data-service",
    groups: ["guix-data-service"],
    // Unsaid: as that of the web server.
    directory: "/var/lib/guix-data-service",
    logFile: `${dataServiceLogs}/process-jobs.log`,
    requirement: ["postgres", "networking", "guix-data-service"],
    documentation: "Guix Data Service process jobs",
  },
];

/** Of programs that are there for real. */
export const realPrograms: readonly Omit<ExpectedProgram, "environment">[] = [
  {
    ...unsaid,
    service: "tor",
    program: "tor",
    argv: ["/usr/bin/tor", "-f", "/var/lib/shepherd/files/HASH-torrc"],
    user: "tor",
    group: "tor",
    groups: ["tor"],
    logFile: undefined,
    requirement: ["user-processes", "loopback", "syslogd"],
    documentation: "Run the Tor anonymous network overlay.",
  },
  {
    ...unsaid,
    service: "postgres",
    program: "postgres",
    argv: [
      "/usr/lib/postgresql/15/bin/postgres",
      "-D",
      "/var/lib/postgresql/data",
      "--config-file=/var/lib/shepherd/files/HASH-postgresql.conf",
      "-p",
      "5432",
    ],
    user: "postgres",
    group: "postgres",
    groups: ["postgres", "ssl-cert"],
    // The server goes there, and lets nobody else see what it writes.
    directory: "/var/lib/postgresql/data",
    umask: "0077",
    logFile: "/var/log/postgresql/postgresql.log",
    requirement: ["user-processes", "loopback", "syslogd"],
    documentation: "Run the PostgreSQL daemon.",
  },
];

/** Of whom, in which group, for what, at home where, with which shell. */
export const accounts: readonly (readonly [
  name: string,
  group: string,
  comment: string,
  home: string,
  shell: string,
])[] = [
  [
    "guix-build-coordinator",
    "guix-build-coordinator",
    "Guix Build Coordinator user",
    "/var/lib/guix-build-coordinator",
    "/usr/sbin/nologin",
  ],
  [
    "guix-build-coordinator-agent",
    "nogroup",
    "Guix Build Coordinator agent user",
    "/var/empty",
    "/usr/sbin/nologin",
  ],
  [
    "guix-build-coordinator-queue-builds",
    "nogroup",
    "Guix Build Coordinator queue-builds user",
    "/var/empty",
    "/usr/sbin/nologin",
  ],
  [
    "guix-data-service",
    "guix-data-service",
    "Guix Data Service user",
    "/var/lib/guix-data-service",
    "/usr/sbin/nologin",
  ],
  ["tor", "tor", "Tor daemon user", "/var/empty", "/usr/sbin/nologin"],
  ["ludo", "users", "", "/home/ludo", "/bin/bash"],
];

/** Permissions, owner and group. */
export const directories: readonly (readonly [path: string, mode: string, owner: string, group: string])[] = [
  ["/var/lib/guix-build-coordinator", "755", "guix-build-coordinator", "guix-build-coordinator"],
  ["/var/log/guix-build-coordinator", "755", "root", "root"],
  ["/var/run/guix-build-coordinator", "755", "guix-build-coordinator", "guix-build-coordinator"],
  ["/var/cache/guix-build-coordinator-agent", "755", "guix-build-coordinator-agent", "nogroup"],
  ["/var/cache/guix-build-coordinator-queue-builds", "755", "guix-build-coordinator-queue-builds", "nogroup"],
  ["/var/lib/guix-data-service", "755", "guix-data-service", "guix-data-service"],
  ["/var/log/guix-data-service", "755", "root", "root"],
  ["/var/run/guix-data-service", "755", "guix-data-service", "guix-data-service"],
  ["/var/lib", "755", "root", "root"],
  ["/var/run/tor", "750", "tor", "tor"],
  ["/var/lib/tor", "700", "tor", "tor"],
  ["/var/lib/tor/hidden-services/coordinator", "700", "tor", "tor"],
  ["/var/empty", "555", "root", "root"],
  ["/home/ludo", "700", "ludo", "users"],
];
