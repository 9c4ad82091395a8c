// Which mounts become read-only or closed to execution: each by the last action that its place is at or
// below.
#include "mounts.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Whether `path` is `above` or below it.
static bool is_within(const char *path, const char *above) {
  size_t length = strlen(above);
  if (length == 1)
    return true;
  return strncmp(path, above, length) == 0 && (path[length] == 0 || path[length] == '/');
}

struct change {
  uint64_t set, clear;
};

static struct change change_of(const struct mounts *mounts, const char *path) {
  struct change change = {0, 0};
  for (const struct placed *placed = mounts->placed; placed < mounts->placed + mounts->count; placed++) {
    if (!is_within(path, placed->path))
      continue;
    if (placed->kind == MOUNT_READ_ONLY)
      change.set |= MOUNT_ATTR_RDONLY;
    else if (placed->kind == MOUNT_READ_WRITE)
      change.set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
    else if (placed->kind == MOUNT_NO_EXEC)
      change = (struct change){change.set | MOUNT_ATTR_NOEXEC, change.clear & ~(uint64_t)MOUNT_ATTR_NOEXEC};
    else if (placed->kind == MOUNT_EXEC)
      change = (struct change){change.set & ~(uint64_t)MOUNT_ATTR_NOEXEC, change.clear | MOUNT_ATTR_NOEXEC};
    else // something new, which nothing before was about
      change = (struct change){strcmp(path, placed->path) == 0 ? placed->own_attributes : 0, 0};
  }
  return change;
}

// The kernel writes space, tab, newline and backslash as three octal digits.
static void unescape(char *text) {
  char *to = text;
  for (char *from = text; *from != 0; to++)
    if (*from == '\\' && strspn(from + 1, "01234567") >= 3) {
      *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
      from += 4;
    } else
      *to = *from++;
  *to = 0;
}

static void set_flags_of(const struct mounts *mounts, uint64_t id, const char *path) {
  if (!is_within(path, mounts->base))
    return;
  if (strlen(mounts->base) > 1)
    path = path[strlen(mounts->base)] == 0 ? "/" : path + strlen(mounts->base);
  struct change change = change_of(mounts, path);
  if (change.set == 0 && change.clear == 0)
    return;
  int fd = open_below(mounts->root, path, O_NOFOLLOW);
  // What another mount covers cannot be reached by anybody.
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
    return;
  require(fd, "mount", "%s", path);
  if (mount_id(fd) == id)
    require(set_attributes(fd, change.set, change.clear), "mount", "%s %s",
            (change.set & MOUNT_ATTR_RDONLY) != 0 ? "read-only" : "execution at", path);
  close(fd);
}

void set_flags(const struct mounts *mounts) {
  if (mounts->count == 0)
    return;
  int fd =
      require(openat(mounts->proc, "self/mountinfo", O_RDONLY | O_CLOEXEC), "mount", "/proc/self/mountinfo");
  FILE *file = fdopen(fd, "r");
  require(file == NULL ? -1 : 0, "mount", "/proc/self/mountinfo");
  // All is read before the first change, which would move what is still to be read.
  char *text = NULL;
  size_t size = 0;
  ssize_t length = getdelim(&text, &size, 0, file);
  if (length < 0 && ferror(file))
    fail("mount", errno, "/proc/self/mountinfo");
  fclose(file);
  for (char *rest = text, *line; length > 0 && (line = strsep(&rest, "\n")) != NULL;) {
    // 36 35 98:0 /root /place …
    char *fields[5] = {0};
    for (size_t i = 0; i < 5; i++)
      fields[i] = strsep(&line, " ");
    if (fields[4] == NULL)
      continue;
    unescape(fields[4]);
    set_flags_of(mounts, strtoull(fields[0], NULL, 10), fields[4]);
  }
  free(text);
}
