// A /dev that has no hardware in it.
#include "mounts.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

static void put_clone(int dev, int old, const char *name, bool recursive) {
  int mount = require(clone_mount(old, name, recursive), "mount", "devices /dev/%s", name);
  int place = require(openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), "mount", "devices /dev/%s", name);
  require(attach_mount(mount, place), "mount", "devices /dev/%s", name);
  close(place);
  close(mount);
}

// The same device, or where we may not make one (in a user namespace), the very same node.
static void put_node(int dev, int old, const char *name) {
  struct stat stat;
  if (fstatat(old, name, &stat, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
    return;
  if (S_ISLNK(stat.st_mode)) {
    char target[PATH_MAX + 1] = "";
    require((int)readlinkat(old, name, target, PATH_MAX), "mount", "devices /dev/%s", name);
    require(symlinkat(target, dev, name), "mount", "devices /dev/%s", name);
    return;
  }
  bool device = S_ISCHR(stat.st_mode) || S_ISBLK(stat.st_mode);
  if (device && mknodat(dev, name, stat.st_mode, stat.st_rdev) == 0) {
    require(fchownat(dev, name, stat.st_uid, stat.st_gid, 0), "mount", "devices /dev/%s", name);
    return;
  }
  if (device && errno != EPERM)
    fail("mount", errno, "devices /dev/%s", name);
  require(mknodat(dev, name, S_IFREG, 0), "mount", "devices /dev/%s", name);
  put_clone(dev, old, name, false);
}

static void put_directory(int dev, int old, const char *name) {
  struct stat stat;
  if (fstatat(old, name, &stat, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(stat.st_mode))
    return;
  require(mkdirat(dev, name, 0755), "mount", "devices /dev/%s", name);
  put_clone(dev, old, name, true);
}

void fill_devices(int dev, int old) {
  static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "log"};
  static const char *const directories[] = {"pts", "shm", "mqueue", "hugepages"};
  static const struct {
    const char *name, *target;
  } links[] = {{"fd", "/proc/self/fd"},
               {"stdin", "/proc/self/fd/0"},
               {"stdout", "/proc/self/fd/1"},
               {"stderr", "/proc/self/fd/2"},
               {"core", "/proc/kcore"}};
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    put_node(dev, old, nodes[i]);
  for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
    put_directory(dev, old, directories[i]);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++)
    require(symlinkat(links[i].target, dev, links[i].name), "mount", "devices /dev/%s", links[i].name);
}
