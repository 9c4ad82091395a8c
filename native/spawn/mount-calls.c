// The kernel's calls for mounts by descriptor. libc may be older than they are.
#include "mounts.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

int open_below(int root, const char *path, uint64_t flags) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags, .resolve = RESOLVE_IN_ROOT};
  return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

// Makes the last component of `path`, whose length is given, in a directory that is there.
static int make_last(int root, const char *path, size_t length, mode_t kind) {
  char *name = strndup(path, length), *slash = name == NULL ? NULL : strrchr(name, '/');
  if (slash == NULL)
    return -1;
  *slash = 0;
  int directory = open_below(root, slash == name ? "/" : name, O_DIRECTORY), result = -1;
  if (directory >= 0) {
    if (S_ISDIR(kind))
      result = mkdirat(directory, slash + 1, 0755);
    else
      result = mknodat(directory, slash + 1, S_IFREG | 0644, 0);
    if (result < 0 && errno == EEXIST)
      result = 0;
    int error = errno;
    close(directory);
    errno = error;
  }
  free(name);
  return result;
}

int open_or_make(int root, const char *path, mode_t kind) {
  int fd = open_below(root, path, 0);
  if (fd >= 0 || errno != ENOENT)
    return fd;
  for (size_t end = 0, start; start = end + strspn(path + end, "/"), path[start] != 0;) {
    end = start + strcspn(path + start, "/");
    bool last = path[end + strspn(path + end, "/")] == 0;
    if (make_last(root, path, end, last ? kind : S_IFDIR) < 0)
      return -1;
  }
  return open_below(root, path, 0);
}

int clone_mount(int at, const char *path, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  return (int)syscall(SYS_open_tree, at, path, flags);
}

int attach_mount(int mount, int place) {
  return (int)syscall(SYS_move_mount, mount, "", place, "",
                      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int set_attributes(int mount, uint64_t set, uint64_t clear) {
  struct mount_attr attributes = {.attr_set = set, .attr_clr = clear};
  return (int)syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
}

int set_propagation(unsigned long how) {
  return (int)syscall(SYS_mount, "none", "/", "none", MS_REC | how, NULL);
}

// Whether the word is an attribute of the mount and none of the file system.
static bool take_attribute(const char *word, uint64_t *attributes) {
  static const struct {
    const char *word;
    uint64_t set, clear;
  } known[] = {{"ro", MOUNT_ATTR_RDONLY, 0},
               {"rw", 0, MOUNT_ATTR_RDONLY},
               {"nosuid", MOUNT_ATTR_NOSUID, 0},
               {"suid", 0, MOUNT_ATTR_NOSUID},
               {"nodev", MOUNT_ATTR_NODEV, 0},
               {"dev", 0, MOUNT_ATTR_NODEV},
               {"noexec", MOUNT_ATTR_NOEXEC, 0},
               {"exec", 0, MOUNT_ATTR_NOEXEC},
               {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
               {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
               {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
               {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
               {"diratime", 0, MOUNT_ATTR_NODIRATIME}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(word, known[i].word) == 0) {
      *attributes = (*attributes & ~known[i].clear) | known[i].set;
      return true;
    }
  return false;
}

static int configure(int context, char *options, uint64_t *attributes) {
  for (char *rest = options, *word; (word = strsep(&rest, ",")) != NULL;) {
    if (*word == 0 || take_attribute(word, attributes))
      continue;
    char *value = strchr(word, '=');
    if (value != NULL)
      *value++ = 0;
    unsigned command = value == NULL ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    if (syscall(SYS_fsconfig, context, command, word, value, 0) < 0)
      return -1;
  }
  return (int)syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

int make_filesystem(const char *type, const char *options, uint64_t *attributes) {
  char *copy = strdup(options);
  int context = copy == NULL ? -1 : (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), mount = -1;
  if (context >= 0) {
    syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", type, 0); // only a name
    if (configure(context, copy, attributes) == 0)
      mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, *attributes & ~(uint64_t)MOUNT_ATTR_RDONLY);
    int error = errno;
    close(context);
    errno = error;
  }
  free(copy);
  return mount;
}

// Asks for nothing that only the file system knows: one that is served by some process may refuse root, or
// never answer.
static int ask(int fd, struct statx *answer) {
  return (int)syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, answer);
}

int is_mount_root(int fd) {
  struct statx answer;
  if (ask(fd, &answer) < 0)
    return -1;
  if ((answer.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0) {
    errno = ENOSYS;
    return -1;
  }
  return (answer.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

uint64_t mount_id(int fd) {
  struct statx answer;
  return ask(fd, &answer) < 0 ? 0 : answer.stx_mnt_id;
}
