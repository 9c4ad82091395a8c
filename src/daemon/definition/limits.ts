// Names of resource limits, as in setrlimit(2) without RLIMIT_ and in lower case, and the kernel's numbers.

export const resourceNumbers: Readonly<Record<string, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
};

/** The most respawns that a limit can count: a service remembers the times of no more. */
export const mostRespawns = 100;
