// What systemd 252 takes where a unit says nothing of how its processes run.

export const defaultUmask = 0o022;
