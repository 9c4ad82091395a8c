#!/bin/sh
# Builds the native programs that the package brings, dist/linux-MACHINE for each of MACHINES, with their sums and with what they
# were made by (docs/packaging.md).
set -eu
cd "$(dirname -- "$(readlink -f -- "$0")")/.."
: "${MACHINES:=x86_64 aarch64}"

for machine in $MACHINES; do
  command -v "$machine-linux-gnu-gcc" >/dev/null || {
    cat >&2 <<TEXT
prebuilt: error: there is no compiler for $machine, $machine-linux-gnu-gcc.
Debian has it in gcc-$(echo "$machine" | tr _ -)-linux-gnu; or name the machines to build for: MACHINES=$(uname -m)
TEXT
    exit 1
  }
done
rm -rf dist/linux-* dist/SHA256SUMS dist/TOOLCHAIN.txt dist/C-LIBRARIES.txt
make --silent -C native prebuilt MACHINES="$MACHINES"
cd dist
for machine in $MACHINES; do
  "$machine-linux-gnu-gcc" --version | sed -n 1p
  "$machine-linux-gnu-ld" --version | sed -n 1p
  printf '#include <gnu/libc-version.h>\nglibc __GLIBC__ __GLIBC_MINOR__\n' | "$machine-linux-gnu-gcc" -E -P - | grep '^glibc'
  # With no command line, musl's loader says what it is and fails.
  if [ "$machine" = "$(uname -m)" ] && command -v musl-gcc >/dev/null; then
    "/lib/ld-musl-$machine.so.1" 2>&1 | sed -n 's/^Version/musl/p'
  fi
done >TOOLCHAIN.txt
sha256sum linux-*/* >SHA256SUMS
# What is linked statically is a copy of these libraries; their terms go with it.
for terms in /usr/share/doc/libc6-dev/copyright /usr/share/common-licenses/LGPL-2.1 /usr/share/doc/musl-tools/copyright; do
  [ -r "$terms" ] && cat "$terms"
done >C-LIBRARIES.txt || :
