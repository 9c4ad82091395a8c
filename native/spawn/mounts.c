// What is done to the program's own mount namespace (docs/keeper-protocol.md §5, attributes 67 to 69).
//
// Everything is put in its place first, and the flags are set when that is done: so nothing hinders the
// making of what is missing, and a bind shows what its source was before all this.
#include "mounts.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAFE = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

char *path_of(const struct mounts *mounts, int fd) {
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "self/fd/%d", fd);
  ssize_t length = require((int)readlinkat(mounts->proc, link, path, sizeof path), "mount", "/proc/%s", link);
  if (length == sizeof path)
    fail("mount", ENAMETOOLONG, "/proc/%s", link);
  char *copy = allocate((size_t)length + 1, 1);
  memcpy(copy, path, (size_t)length);
  return copy;
}

static bool is_missing(int fd) {
  return fd < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static bool is_optional(const struct fields *action) {
  return count_of(action, MOUNT_OPTIONAL) > 0;
}

// Without the path of the root itself, which is `/` then.
static const char *strip_base(const struct mounts *mounts, const char *path) {
  size_t length = strlen(mounts->base);
  if (length == 1)
    return path;
  return path[length] == 0 ? "/" : path + length;
}

// Notes what is mounted at a place now, and goes on with the new root if that is the place.
static void note(struct mounts *mounts, int kind, int place, int mount, uint64_t own) {
  const char *path = strip_base(mounts, path_of(mounts, place));
  mounts->placed[mounts->count++] = (struct placed){kind, path, own};
  if (mount < 0)
    return;
  if (strcmp(path, "/") == 0) {
    close(mounts->root);
    mounts->root = mount;
    mounts->moved = true;
  } else
    close(mount);
}

// Puts `mount` on what is at `path`; kind 0: there must be something.
static void cover(struct mounts *mounts, const struct fields *action, int mount, mode_t kind, uint64_t own,
                  const char *what) {
  const char *path = text_of(action, MOUNT_PATH, "/dev");
  int place = kind == 0 || (is_optional(action) && integer_of(action, MOUNT_KIND, 0) != MOUNT_BIND)
                  ? open_below(mounts->root, path, 0)
                  : open_or_make(mounts->root, path, kind);
  if (is_missing(place) && is_optional(action)) {
    close(mount);
    return;
  }
  require(place, "mount", "%s %s", what, path);
  require(attach_mount(mount, place), "mount", "%s %s", what, path);
  note(mounts, (int)integer_of(action, MOUNT_KIND, 0), place, mount, own);
  close(place);
}

static void put_bind(struct mounts *mounts, const struct fields *action, int source) {
  struct stat stat;
  if (source < 0)
    return; // optional, and not there
  require(fstat(source, &stat), "mount", "bind %s", text_of(action, MOUNT_SOURCE, ""));
  cover(mounts, action, source, stat.st_mode & S_IFMT, 0, "bind");
}

static void put_filesystem(struct mounts *mounts, const struct fields *action, const char *type,
                           uint64_t attributes) {
  const char *options = text_of(action, MOUNT_OPTIONS, "");
  int mount = require(make_filesystem(type, options, &attributes), "mount", "%s %s%s%s", type,
                      text_of(action, MOUNT_PATH, ""), *options == 0 ? "" : ": ", options);
  cover(mounts, action, mount, S_IFDIR, attributes & MOUNT_ATTR_RDONLY, type);
}

static void put_devices(struct mounts *mounts, const struct fields *action) {
  uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_STRICTATIME;
  int old = require(open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC), "mount", "devices /dev");
  int dev = require(make_filesystem("tmpfs", "mode=0755,size=4m,nr_inodes=64k", &attributes), "mount",
                    "devices /dev");
  int place = require(dup(dev), "mount", "devices /dev");
  cover(mounts, action, dev, S_IFDIR, MOUNT_ATTR_RDONLY, "devices");
  fill_devices(place, old);
  close(place);
  close(old);
}

static void make_inaccessible(struct mounts *mounts, const struct fields *action) {
  const char *path = text_of(action, MOUNT_PATH, "");
  struct stat stat;
  int place = open_below(mounts->root, path, 0);
  if (is_missing(place) && is_optional(action))
    return;
  require(place, "mount", "inaccessible %s", path);
  require(fstat(place, &stat), "mount", "inaccessible %s", path);
  int mount = require(make_cover(mounts, stat.st_mode), "mount", "inaccessible %s", path);
  require(attach_mount(mount, place), "mount", "inaccessible %s", path);
  note(mounts, MOUNT_INACCESSIBLE, place, mount, 0);
  close(place);
}

// Flags belong to a mount, so the path becomes one.
static void make_mount(struct mounts *mounts, const struct fields *action, int kind) {
  const char *path = text_of(action, MOUNT_PATH, "");
  int place = open_below(mounts->root, path, 0), mount = -1;
  if (is_missing(place) && is_optional(action))
    return;
  require(place, "mount", "%s", path);
  if (require(is_mount_root(place), "mount", "%s", path) == 0) {
    mount = require(clone_mount(place, "", true), "mount", "%s", path);
    require(attach_mount(mount, place), "mount", "%s", path);
  }
  note(mounts, kind, place, mount, 0);
  close(place);
}

static void put(struct mounts *mounts, const struct fields *action, int source) {
  int kind = (int)integer_of(action, MOUNT_KIND, 0);
  switch (kind) {
  case MOUNT_BIND:
    put_bind(mounts, action, source);
    break;
  case MOUNT_INACCESSIBLE:
    make_inaccessible(mounts, action);
    break;
  case MOUNT_TMPFS:
    put_filesystem(mounts, action, "tmpfs", 0);
    break;
  case MOUNT_PROC:
    put_filesystem(mounts, action, "proc", SAFE);
    break;
  case MOUNT_MQUEUE:
    put_filesystem(mounts, action, "mqueue", SAFE);
    break;
  case MOUNT_DEVICES:
    put_devices(mounts, action);
    break;
  default:
    make_mount(mounts, action, kind);
  }
}

// A copy of what a bind shows, taken before any path of the keeper's is covered; -1: it is not there and may
// be so.
static int take_source(const struct fields *action) {
  const char *source = text_of(action, MOUNT_SOURCE, NULL);
  if (source == NULL)
    return -1;
  int fd = clone_mount(AT_FDCWD, source, count_of(action, MOUNT_RECURSIVE) > 0);
  if (is_missing(fd) && is_optional(action))
    return -1;
  return require(fd, "mount", "bind %s", source);
}

// The root must be a mount of its own, to become the root of all.
static void open_root(const struct spec *spec, struct mounts *mounts) {
  const char *path = text_of(&spec->attributes, ROOT, "/");
  mounts->root = require(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), "root", "%s", path);
  mounts->base = path_of(mounts, mounts->root);
  mounts->moved = strcmp(mounts->base, "/") != 0;
  if (!mounts->moved)
    return;
  int mount = require(clone_mount(mounts->root, "", true), "root", "%s", path);
  require(attach_mount(mount, mounts->root), "root", "%s", path);
  close(mounts->root);
  mounts->root = mount;
}

void change_mounts(const struct spec *spec, int proc) {
  const struct fields *attributes = &spec->attributes;
  int propagation = (int)integer_of(attributes, PROPAGATION, PROPAGATION_SLAVE);
  size_t count = count_of(attributes, MOUNT), next = 0;
  struct mounts mounts = {.proc = proc, .shadow = -1, .placed = allocate(count, sizeof *mounts.placed)};
  int *sources = allocate(count, sizeof *sources);
  mode_t mask = umask(0);
  // Nothing that happens here may be seen outside.
  require(set_propagation(propagation == PROPAGATION_PRIVATE ? MS_PRIVATE : MS_SLAVE), "mount",
          "propagation");
  foreach (action, attributes, MOUNT)
    sources[next++] = take_source(&action->nested);
  open_root(spec, &mounts);
  next = 0;
  foreach (action, attributes, MOUNT)
    put(&mounts, &action->nested, sources[next++]);
  set_flags(&mounts);
  remove_shadow(&mounts);
  if (mounts.moved)
    change_root(mounts.root);
  close(mounts.root);
  if (propagation == PROPAGATION_SHARED)
    require(set_propagation(MS_SHARED), "mount", "propagation");
  umask(mask);
}
