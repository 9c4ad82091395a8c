// The packages that service definitions use, at the places where Debian installs them; what Debian lacks is looked for
// below /usr/local. Another place is another value: `softwarePackage({ ...tor, prefix: "/opt/tor" })`.

import { softwarePackage } from "./software-package.js";

/** The supervisor itself. In `shepherdConfiguration` it stands for the one that activates the system, wherever that is. */
export const shepherd = softwarePackage({
  name: "shepherd",
  prefix: "/usr/local",
  programs: ["shepherd", "herd"],
});

export const bash = softwarePackage({ name: "bash", programs: ["bash"] });
export const coreutils = softwarePackage({ name: "coreutils", programs: ["ls", "cat", "cp", "mv", "rm"] });
/** Debian's inetutils-syslogd. */
export const inetutils = softwarePackage({ name: "inetutils", programs: ["sbin/syslogd"] });
export const gnuTar = softwarePackage({ name: "tar" });
export const gzip = softwarePackage({ name: "gzip" });

export const tor = softwarePackage({ name: "tor" });
export const nginx = softwarePackage({ name: "nginx", programs: ["sbin/nginx"] });
/** Debian's redis-server. */
export const redis = softwarePackage({ name: "redis", programs: ["redis-server", "redis-cli"] });
/** Debian's openssh-server and openssh-client. */
export const openssh = softwarePackage({ name: "openssh", programs: ["sbin/sshd", "ssh", "ssh-keygen"] });
/** Debian 12's postgresql-15. */
export const postgresql = softwarePackage({
  name: "postgresql",
  prefix: "/usr/lib/postgresql/15",
  programs: ["postgres", "initdb", "pg_ctl", "psql"],
});
/** Debian's dbus-daemon and dbus-bin. */
export const dbus = softwarePackage({ name: "dbus", programs: ["dbus-daemon", "dbus-send", "dbus-uuidgen"] });
export const udev = softwarePackage({ name: "udev", programs: ["udevadm"] });
/** Debian's getmail6. */
export const getmail = softwarePackage({ name: "getmail" });
/** Debian's libcap2-bin. */
export const libcap = softwarePackage({ name: "libcap", programs: ["sbin/setcap", "sbin/getcap"] });

/** Debian's guix, or Guix's own installer. */
export const guix = softwarePackage({ name: "guix", programs: ["guix", "guix-daemon"] });
/** Debian's guile-3.0. */
export const guile = softwarePackage({ name: "guile" });
export const guixBuildCoordinator = softwarePackage({
  name: "guix-build-coordinator",
  prefix: "/usr/local",
  programs: [
    "guix-build-coordinator",
    "guix-build-coordinator-agent",
    "guix-build-coordinator-queue-builds-from-guix-data-service",
  ],
});
export const guixDataService = softwarePackage({
  name: "guix-data-service",
  prefix: "/usr/local",
  programs: [
    "guix-data-service",
    "guix-data-service-process-jobs",
    "guix-data-service-process-branch-updated-email",
  ],
});
