// What the definitions say that the supervisor makes for itself: none of them asks for more.

export const plain = {
  requirement: [],
  oneShot: false,
  transient: false,
  respawn: false,
  respawnLimit: false,
  respawnDelay: 0,
  retryable: false,
} as const;
