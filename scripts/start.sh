#!/bin/sh
# Boots the example system in the foreground, as PID 1 of a namespace of its own; ctrl-C ends it.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
directory=$(mktemp -d "${TMPDIR:-/tmp}/shepherd-example.XXXXXX")
socket=$directory/socket
# It must know where it may write, in whichever directory we were started.
export EXAMPLE_DIRECTORY="$directory"

# The first ctrl-C comes twice, from the terminal and from npm. We wait for the system's end and leave then.
trap : INT TERM HUP
trap 'rm -rf -- "$directory"' EXIT

namespace="unshare --pid --fork --mount-proc --kill-child"
if [ "$(id -u)" -ne 0 ]; then
  namespace="$namespace --user --map-root-user"
fi
if ! $namespace true 2>/dev/null; then
  echo "No PID namespace can be made here, so the example runs as a child subreaper and not as PID 1."
  namespace=
fi

cat <<TEXT
The example system starts. In another terminal:

  export SHEPHERD_SOCKET=$socket
  $here/bin/herd status
  $here/bin/herd status clock
  $here/bin/herd greet greeter Ada
  $here/bin/herd stop web

Press ctrl-C to end it.

TEXT

status=0
# unshare ignores what the terminal sends; the keeper is in our process group and gets it directly.
$namespace "$here/bin/shepherd" --config="$here/examples/system.ts" --socket="$socket" "$@" || status=$?
exit "$status"
