// A machine for supervisors that must have one: a root directory over ours, whose changes are dropped.

import type { Command } from "./peers/peer.js";

/** The script that makes it and executes `command` in it. `shared` is seen inside as it is. */
export function boxScript(directory: string, shared: string, furnish: string, command: Command): string {
  const words = command.map((word) => `'${word}'`).join(" ");
  return `set -e
D=${directory}/box ROOT=${directory}/box/root
mkdir -p $D/upper $D/work $ROOT
mount -t overlay overlay -o lowerdir=/,upperdir=$D/upper,workdir=$D/work $ROOT
mount -t proc proc $ROOT/proc
mount -t tmpfs tmpfs $ROOT/run
mount -t tmpfs tmpfs $ROOT/dev
for name in null zero full random urandom; do
  : >$ROOT/dev/$name
  mount --bind /dev/$name $ROOT/dev/$name
done
: >$ROOT/dev/console
mount --bind /dev/null $ROOT/dev/console
ln -s /proc/self/fd $ROOT/dev/fd
mkdir $ROOT/dev/shm $ROOT/dev/pts
# A directory that nothing is mounted on would be mounted over by some, with what is shared below it.
mount -t tmpfs tmpfs $ROOT/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts $ROOT/dev/pts
ln -s pts/ptmx $ROOT/dev/ptmx
mkdir -p $ROOT${shared}
mount --bind ${shared} $ROOT${shared}
${furnish}
cd $ROOT
mkdir -p .old
pivot_root . .old
umount -l /.old
exec ${words}
`;
}
