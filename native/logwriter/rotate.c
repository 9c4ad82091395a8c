// Numbers old files, in the one directory that a spot has led to and as the user that it has become: so root
// renames and removes nothing where the service's user could have put something else.
#include "rotate.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

const char *const old_suffixes[SUFFIXES] = {"", ".gz", ".zst"};

bool old_name(char name[NAME_MAX + 1], const char *base, unsigned n, const char *suffix) {
  int length = n == 0 ? snprintf(name, NAME_MAX + 1, "%s%s", base, suffix)
                      : snprintf(name, NAME_MAX + 1, "%s.%u%s", base, n, suffix);
  if (length <= NAME_MAX)
    return true;
  errno = ENAMETOOLONG;
  return false;
}

bool old_draft(char name[NAME_MAX + 1], const char *base) {
  return old_name(name, base, 0, ".compressing");
}

bool old_find(const struct spot *spot, unsigned n, const char *suffix, struct stat *st) {
  char name[NAME_MAX + 1];
  return old_name(name, spot->name, n, suffix) && fstatat(spot->dir, name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool taken(const struct spot *spot, unsigned n) {
  struct stat st;
  for (int i = 0; i < SUFFIXES; i++)
    if (old_find(spot, n, old_suffixes[i], &st))
      return true;
  return false;
}

// What is gone already is as well.
static bool remove_old(const struct spot *spot, unsigned n, const char *suffix) {
  char name[NAME_MAX + 1];
  return old_name(name, spot->name, n, suffix) && (unlinkat(spot->dir, name, 0) == 0 || errno == ENOENT);
}

void old_drop_double(const struct spot *spot, unsigned n) {
  struct stat plain, packed;
  if (!old_find(spot, n, "", &plain) || !S_ISREG(plain.st_mode))
    return;
  for (int i = 1; i < SUFFIXES; i++)
    if (old_find(spot, n, old_suffixes[i], &packed) && S_ISREG(packed.st_mode) &&
        packed.st_mtim.tv_sec == plain.st_mtim.tv_sec && packed.st_mtim.tv_nsec == plain.st_mtim.tv_nsec)
      remove_old(spot, n, old_suffixes[i]);
}

static bool move_up(const struct spot *spot, unsigned n, const char *suffix) {
  char before[NAME_MAX + 1], after[NAME_MAX + 1];
  return old_name(before, spot->name, n, suffix) && old_name(after, spot->name, n + 1, suffix) &&
         renameat(spot->dir, before, spot->dir, after) == 0;
}

// From the top down, so that whoever is killed between two of these has overwritten nothing. The first number
// that is free ends it: what a rotation that was cut short has left open is filled, and no file pays for
// that.
bool old_move_up(const struct spot *spot, unsigned keep) {
  unsigned gap = 1;
  while (gap <= MOST_OLD_FILES && taken(spot, gap))
    gap++;
  if (gap > keep && gap > 1) {
    // The oldest one goes, and not a newer one whose number happens to be `keep`.
    gap--;
    for (int i = 0; i < SUFFIXES; i++)
      if (!remove_old(spot, gap, old_suffixes[i]))
        return false;
  }
  for (unsigned n = gap - 1; n > 0; n--) {
    old_drop_double(spot, n);
    for (int i = 0; i < SUFFIXES; i++)
      if (!move_up(spot, n, old_suffixes[i]) && errno != ENOENT)
        return false;
  }
  return true;
}

static int rotate_in(const struct spot *spot, const struct file *file, unsigned keep, const char **stage) {
  char first[NAME_MAX + 1];
  *stage = "rename";
  if (!old_move_up(spot, keep) || !old_name(first, spot->name, 1, "") ||
      renameat(spot->dir, spot->name, spot->dir, first) < 0)
    return -1;
  *stage = "open";
  int fd = spot_open(spot, file->mode), error = errno;
  if (fd < 0)
    renameat(spot->dir, first, spot->dir, spot->name); // failing, the lines go on into what is FILE.1 now
  errno = error;
  return fd;
}

int file_rotate(struct file *file, unsigned keep, uint64_t larger, struct stat *old, const char **stage) {
  struct spot spot;
  *stage = "directory";
  int result = spot_enter(file->path, file->user, &spot) ? 0 : -1;
  if (result == 0 && fstatat(spot.dir, spot.name, old, AT_SYMLINK_NOFOLLOW) < 0) {
    *stage = "open";
    result = errno == ENOENT ? 0 : -1;
  } else if (result == 0 && S_ISREG(old->st_mode) && old->st_nlink == 1 && (uint64_t)old->st_size > larger) {
    int fd = rotate_in(&spot, file, keep, stage);
    result = fd < 0 ? -1 : 1;
    if (fd >= 0 && file->fd >= 0)
      close(file->fd);
    if (fd >= 0) {
      file->fd = fd;
      file->size = 0; // or it would be taken for too large still, until something is appended
    }
  }
  spot_leave(&spot);
  return result;
}

static bool has_expired(const struct stat *st, unsigned n, unsigned keep, time_t before) {
  return S_ISREG(st->st_mode) && (st->st_mtim.tv_sec < before || (keep > 0 && n > keep));
}

static int expire_in(const struct spot *spot, unsigned keep, time_t before) {
  char draft[NAME_MAX + 1];
  struct stat st;
  int removed = 0, error = 0;
  if (old_draft(draft, spot->name) && unlinkat(spot->dir, draft, 0) < 0 && errno != ENOENT)
    error = errno;
  for (unsigned n = 1; n <= MOST_OLD_FILES; n++)
    for (int i = 0; i < SUFFIXES; i++) {
      if (!old_find(spot, n, old_suffixes[i], &st) || !has_expired(&st, n, keep, before))
        continue;
      if (remove_old(spot, n, old_suffixes[i]))
        removed++;
      else
        error = errno;
    }
  errno = error;
  return error ? -1 : removed;
}

int file_expire(const struct file *file, bool guarded, unsigned keep, time_t before, const char **stage) {
  struct spot spot;
  *stage = "directory";
  bool entered =
      guarded ? spot_enter_guarded(file->path, file->user, &spot) : spot_enter(file->path, file->user, &spot);
  int removed = -1;
  if (entered) {
    *stage = "remove";
    removed = expire_in(&spot, keep, before);
  }
  spot_leave(&spot);
  return removed;
}
