// Mounts what the first process of a machine finds missing.
#include "keeper.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static bool is_mounted(const char *path) {
  struct stat here, above;
  char parent[64];
  snprintf(parent, sizeof parent, "%s/..", path);
  return stat(path, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev;
}

static void mount_missing(const char *type, const char *path, unsigned long flags, const char *options) {
  if (is_mounted(path))
    return;
  if (mkdir(path, 0755) < 0 && errno != EEXIST)
    say("make directory %s: %s", path, strerror(errno));
  if (mount(type, path, type, flags, options) < 0)
    say("mount %s on %s: %s", type, path, strerror(errno));
}

enum { SAFE = MS_NOSUID | MS_NODEV };

void mount_proc(void) {
  mount_missing("proc", "/proc", SAFE | MS_NOEXEC, NULL);
}

void mount_essentials(void) {
  mount_proc();
  mount_missing("sysfs", "/sys", SAFE | MS_NOEXEC, NULL);
  mount_missing("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
  mount_missing("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=0620,ptmxmode=0666");
  mount_missing("tmpfs", "/dev/shm", SAFE, "mode=1777");
  mount_missing("tmpfs", "/run", SAFE, "mode=0755");
  mount_missing("cgroup2", "/sys/fs/cgroup", SAFE | MS_NOEXEC, NULL);
}
