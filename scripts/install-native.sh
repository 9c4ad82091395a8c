#!/bin/sh
# npm's install script: has dist/native be programs that run on this machine, those which the package brings for it or else ones
# that are built from its sources. Without it (npm's --ignore-scripts), the package's own are found when shepherd starts.
set -eu
cd "$(dirname -- "$(readlink -f -- "$0")")/.."
machine=$(uname -m)
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)

# The launcher leaves --version to the client in Node.
export SHEPHERD_NODE="${npm_node_execpath:-node}"

# Whether the programs of a directory are all there, run here, and are of this version. The keeper, whose command line is settled,
# says nothing of its version.
runs() {
  for program in spawn logwriter herd; do
    [ "$("dist/$1/$program" --version 2>/dev/null)" = "$program (shepherd-ts) $version" ] || return 1
  done
  case $("dist/$1/keeper" 2>&1) in "usage: keeper "*) ;; *) return 1 ;; esac
}

# A clone is built by other means.
[ -e dist/shepherd.cjs ] || exit 0

if runs native; then
  exit 0
fi
if [ "${SHEPHERD_BUILD_FROM_SOURCE:-}" != 1 ] && runs "linux-$machine"; then
  rm -rf dist/native
  ln -s "linux-$machine" dist/native
  exit 0
fi

missing=
for tool in make "${CC:-cc}"; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -z "$missing" ]; then
  rm -rf dist/native
  # A later compiler may warn of what ours does not.
  if make --silent -C native WERROR= && runs native; then
    exit 0
  fi
  reason="they could not be built: see above"
else
  reason="they cannot be built, for want of:$missing"
fi
cat >&2 <<TEXT
shepherd-ts: the package has no programs that run on this machine ($machine), and $reason.
Install a C compiler, make and the C library's headers:
  Debian, Ubuntu:  apt-get install gcc make libc6-dev
  Fedora:          dnf install gcc make glibc-devel
  Alpine:          apk add gcc make musl-dev linux-headers
then run: npm rebuild shepherd-ts
TEXT
exit 1
