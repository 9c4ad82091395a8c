#!/bin/sh
# Puts the GNU Shepherd of another release of Debian below a prefix, with the libraries of that release, so that this machine's stay as
# they are: bench/gnu-shepherd.sh PREFIX [SUITE]. Needs root, debootstrap, and a Debian mirror in apt's sources.
set -eu

prefix=$1
suite=${2:-forky}
home=$prefix/gnu-shepherd
root=$home/root

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 '/debian/*$')
mkdir -p "$home/bin" "$root"
debootstrap --variant=minbase --include=shepherd,guile-fibers "$suite" "$root" "$mirror" \
  /usr/share/debootstrap/scripts/sid

lib=$(dirname "$(find "$root/usr/lib" -path '*/guile/3.0' -prune | head -n 1)")
lib=${lib%/guile}
# Fibers looks for its library where it was installed, unless it believes that it is being built.
mkdir -p "$root/fibers"
ln -sfn "$lib/guile/3.0/extensions" "$root/fibers/.libs"

for program in shepherd herd; do
  cat >"$home/bin/$program" <<END
#!/bin/sh
export GUILE_LOAD_PATH=$root/usr/share/guile/site/3.0:$root/usr/share/guile/3.0
export GUILE_LOAD_COMPILED_PATH=$lib/guile/3.0/site-ccache:$lib/guile/3.0/ccache
export GUILE_EXTENSIONS_PATH=$lib/guile/3.0/extensions:$lib
export FIBERS_BUILD_DIR=$root/fibers
exec $root/usr/lib64/ld-linux-x86-64.so.2 --library-path $lib $lib/guile/3.0/bin/guile --no-auto-compile $root/usr/bin/$program "\$@"
END
  chmod 755 "$home/bin/$program"
done
"$home/bin/herd" --version | head -n 1
