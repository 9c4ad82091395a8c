// Whose substitutes guix-daemon trusts: an access control list that a script makes of files with public keys, which may come
// with packages and thus are not there before the system is activated.

import { type PlainFile, plainFile } from "../files/file-like.js";

/** What /etc/guix/acl is a link to. */
const list = "/var/lib/shepherd/guix/acl";

const text = `#!/bin/sh
# Makes the list of trusted keys of guix-daemon from the files with public keys that are the arguments.
set -eu
umask 022
list=${list}
link=/etc/guix/acl
mkdir -p "\${list%/*}" /etc/guix
{
  echo '(acl'
  for key do
    if ! grep -q 'public-key' "$key"; then
      echo "$key: there is no public key in it" >&2
      exit 1
    fi
    echo ' (entry'
    cat "$key"
    echo '  (tag (guix import)))'
  done
  echo ')'
} > "$list.new"
mv -f "$list.new" "$list"
if [ -L "$link" ] && [ "$(readlink "$link")" = "$list" ]; then
  exit 0
fi
# What somebody else has put there is kept.
if [ -e "$link" ] || [ -L "$link" ]; then
  mv -f "$link" "$link.bak"
fi
ln -s "$list" "$link"
`;

/** The script; its arguments are the names of the files with keys. */
export const aclScript: PlainFile = plainFile("authorize-guix-keys", text, { mode: 0o555 });
