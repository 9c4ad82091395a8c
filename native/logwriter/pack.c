// What is being compressed: from the claim of a file to the name of what was made of it.
#include "pack.h"
#include "rotate.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAST_LINE = 1 << 16, MEANWHILE = 1 << 20 };

// The file's stream may be gone when the draft is ready: so path and user are the claim's own.
static struct claim {
  char path[PATH_MAX];
  struct user user;
  bool foreign;
  int from, to; // -1: nothing is claimed. While they are open nobody else's file gets their inodes' numbers.
  struct stat source, draft;
  uint64_t length;
} claim = {.from = -1, .to = -1};

static bool enter(struct spot *spot) {
  const struct user *user = claim.user.uid || claim.foreign ? &claim.user : NULL;
  return claim.foreign ? spot_enter_guarded(claim.path, user, spot) : spot_enter(claim.path, user, spot);
}

static bool same(const struct stat *a, const struct stat *b) {
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool unchanged(const struct stat *now) {
  const struct stat *then = &claim.source;
  return now->st_size == then->st_size && now->st_mtim.tv_sec == then->st_mtim.tv_sec &&
         now->st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

static void remove_draft(const struct spot *spot) {
  char name[NAME_MAX + 1];
  struct stat st;
  int error = errno;
  if (old_draft(name, spot->name) && fstatat(spot->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      same(&st, &claim.draft))
    unlinkat(spot->dir, name, 0);
  errno = error;
}

static void release(void) {
  int error = errno;
  claim.draft = (struct stat){0};
  if (claim.from >= 0)
    close(claim.from);
  if (claim.to >= 0)
    close(claim.to);
  claim.from = claim.to = -1;
  errno = error;
}

void pack_abandon(void) {
  struct spot spot;
  if (claim.to < 0)
    return;
  if (enter(&spot))
    remove_draft(&spot);
  spot_leave(&spot);
  release();
}

static void begin(const struct file *file, bool foreign) {
  pack_abandon();
  strcpy(claim.path, file->path);
  claim.user = file->user ? *file->user : (struct user){0};
  claim.foreign = foreign;
}

// False with errno if it cannot be opened, or is none that may be touched.
static bool open_source(const struct spot *spot, const char *name, int flags) {
  claim.from = openat(spot->dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (claim.from < 0 || fstat(claim.from, &claim.source) < 0)
    return false;
  if (S_ISREG(claim.source.st_mode) && claim.source.st_nlink == 1)
    return true;
  errno = EMLINK;
  return false;
}

// With the owner and the mode of what it is made from, or nobody's who could not read that.
static bool open_draft(const struct spot *spot) {
  char name[NAME_MAX + 1];
  if (!old_draft(name, spot->name) || (unlinkat(spot->dir, name, 0) < 0 && errno != ENOENT))
    return false;
  claim.to = openat(spot->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (claim.to < 0 || fstat(claim.to, &claim.draft) < 0) // which cannot fail on a descriptor that is open
    return false;
  mode_t mode = claim.source.st_mode & 0777;
  if (fchown(claim.to, claim.source.st_uid, claim.source.st_gid) < 0)
    mode &= 0600;
  return fchmod(claim.to, mode) == 0;
}

static int claimed(const char *name, struct packing *packing) {
  packing->from = claim.from;
  packing->to = claim.to;
  packing->length = claim.length;
  packing->uid = claim.source.st_uid;
  packing->gid = claim.source.st_gid;
  const char *slash = strrchr(claim.path, '/');
  snprintf(packing->path, sizeof packing->path, "%.*s%s", (int)(slash + 1 - claim.path), claim.path, name);
  return 1;
}

// Whether it is a file that has no compressed one beside it, be that its own or another one's.
static bool claimable(const struct spot *spot, unsigned n) {
  struct stat st;
  if (!old_find(spot, n, "", &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1)
    return false;
  old_drop_double(spot, n);
  for (int i = 1; i < SUFFIXES; i++)
    if (old_find(spot, n, old_suffixes[i], &st))
      return false;
  return true;
}

// From the oldest on; one that cannot be had is no reason to leave the others as they are.
static int claim_in(const struct spot *spot, struct packing *packing, const char **stage) {
  char name[NAME_MAX + 1];
  int error = 0;
  for (unsigned n = MOST_OLD_FILES; n > 0; n--) {
    if (!claimable(spot, n) || !old_name(name, spot->name, n, ""))
      continue;
    *stage = "open";
    bool opened = open_source(spot, name, O_RDONLY);
    if (opened) {
      claim.length = (uint64_t)claim.source.st_size;
      *stage = "create";
      if (open_draft(spot))
        return claimed(name, packing);
    }
    error = errno;
    remove_draft(spot);
    release();
    if (opened)
      break; // no other draft could be made either
  }
  errno = error;
  return error ? -1 : 0;
}

int pack_claim(const struct file *file, struct packing *packing, const char **stage) {
  struct spot spot;
  *stage = "directory";
  begin(file, false);
  int result = enter(&spot) ? claim_in(&spot, packing, stage) : -1;
  spot_leave(&spot);
  return result;
}

// Up to which whole lines go; all of it if the last one has no end that is near.
static bool whole_lines(void) {
  static char end[LAST_LINE];
  uint64_t size = (uint64_t)claim.source.st_size, from = size > sizeof end ? size - sizeof end : 0;
  ssize_t n = pread(claim.from, end, sizeof end, (off_t)from);
  if (n < 0)
    return false;
  const char *last = memrchr(end, '\n', (size_t)n);
  claim.length = last ? from + (uint64_t)(last + 1 - end) : size;
  return true;
}

static int claim_foreign_in(const struct spot *spot, uint64_t larger, struct packing *packing,
                            const char **stage) {
  struct stat st;
  *stage = "open";
  if (fstatat(spot->dir, spot->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT ? 0 : -1;
  if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || (uint64_t)st.st_size <= larger)
    return 0;
  if (open_source(spot, spot->name, O_RDWR) && whole_lines()) {
    *stage = "create";
    if (open_draft(spot))
      return claimed(spot->name, packing);
  }
  remove_draft(spot);
  release();
  return -1;
}

int pack_claim_foreign(const struct file *file, uint64_t larger, struct packing *packing,
                       const char **stage) {
  struct spot spot;
  *stage = "directory";
  begin(file, true);
  int result = enter(&spot) ? claim_foreign_in(&spot, larger, packing, stage) : -1;
  spot_leave(&spot);
  return result;
}

// Takes away what was copied, and leaves what has come since: first copied to the file's beginning, so that a
// kill in between loses nothing. What is written between the last look and the cut is lost.
static bool cut(void) {
  static char meanwhile[MEANWHILE];
  size_t length = 0;
  for (;;) {
    ssize_t n =
        pread(claim.from, meanwhile + length, sizeof meanwhile - length, (off_t)(claim.length + length));
    if (n < 0)
      return false;
    if (n == 0)
      break;
    length += (size_t)n;
    if (length == sizeof meanwhile) {
      errno = EFBIG;
      return false;
    }
    for (ssize_t at = 0, written; at < n; at += written)
      if ((written = pwrite(claim.from, meanwhile + length - n + at, (size_t)(n - at),
                            (off_t)(length - (size_t)n) + at)) < 0)
        return false;
  }
  return ftruncate(claim.from, (off_t)length) == 0;
}

// The number under which the claimed file is now; 0 if it has none any more.
static unsigned number(const struct spot *spot) {
  struct stat st;
  for (unsigned n = 1; n <= MOST_OLD_FILES; n++)
    if (old_find(spot, n, "", &st) && same(&st, &claim.source))
      return n;
  return 0;
}

// Whether another program's file is still the one that was copied, and has not grown out of hand since.
static bool still_foreign(const struct spot *spot) {
  struct stat st;
  return fstatat(spot->dir, spot->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && same(&st, &claim.source) &&
         (uint64_t)st.st_size >= claim.length && (uint64_t)st.st_size - claim.length < MEANWHILE;
}

// Whether file and draft are what they were when they were claimed.
static bool holds(const struct spot *spot, const char *draft) {
  struct stat st;
  if (fstatat(spot->dir, draft, &st, AT_SYMLINK_NOFOLLOW) == 0 && same(&st, &claim.draft) &&
      fstat(claim.from, &st) == 0 && st.st_nlink == 1 &&
      (claim.foreign ? still_foreign(spot) : unchanged(&st)))
    return true;
  errno = ESTALE;
  return false;
}

// The draft has the time of what it was made from: expiry goes by it, and a double is known by it.
static bool put(const struct spot *spot, const char *draft, const char *name) {
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, claim.source.st_mtim};
  struct stat st;
  if (fstatat(spot->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
    errno = EEXIST;
    return false;
  }
  return utimensat(spot->dir, draft, times, AT_SYMLINK_NOFOLLOW) == 0 &&
         renameat(spot->dir, draft, spot->dir, name) == 0;
}

static bool publish_in(const struct spot *spot, const char *suffix, unsigned keep, char name[NAME_MAX + 1],
                       const char **stage) {
  char draft[NAME_MAX + 1], plain[NAME_MAX + 1];
  *stage = "rename";
  if (!old_draft(draft, spot->name) || !holds(spot, draft))
    return false;
  if (claim.foreign) {
    if (!old_move_up(spot, keep) || !old_name(name, spot->name, 1, suffix) || !put(spot, draft, name))
      return false;
    *stage = "cut";
    return cut();
  }
  unsigned n = number(spot);
  if (n == 0) {
    errno = ESTALE;
    return false;
  }
  if (!old_name(name, spot->name, n, suffix) || !old_name(plain, spot->name, n, "") ||
      !put(spot, draft, name))
    return false;
  *stage = "remove";
  return unlinkat(spot->dir, plain, 0) == 0;
}

const char *pack_publish(const char *suffix, unsigned keep, const char **stage) {
  static char path[PATH_MAX + 8];
  char name[NAME_MAX + 1];
  struct spot spot;
  *stage = "directory";
  if (claim.to < 0) {
    errno = ESTALE;
    return NULL;
  }
  bool entered = enter(&spot), published = entered && publish_in(&spot, suffix, keep, name, stage);
  if (entered && !published)
    remove_draft(&spot);
  spot_leave(&spot);
  release();
  const char *slash = strrchr(claim.path, '/');
  snprintf(path, sizeof path, "%.*s%s", (int)(slash + 1 - claim.path), claim.path, published ? name : "");
  return published ? path : NULL;
}
