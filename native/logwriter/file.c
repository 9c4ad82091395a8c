// Opens log files without trusting any directory that a service's user may write, and appends to them.
#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_changed;
bool file_undoing;

// Whether the user may put something else where a name of this directory was. Its owner can make it writable.
static bool may_write(int dir, const struct user *user) {
  struct stat st;
  if (fstat(dir, &st) < 0 || st.st_uid == user->uid || (st.st_mode & S_IWOTH))
    return true;
  bool member = st.st_gid == user->gid;
  for (size_t i = 0; i < user->count; i++)
    member |= st.st_gid == user->groups[i];
  return member && (st.st_mode & S_IWGRP);
}

// Whether that user cannot put something else where this directory is: in a sticky directory only its owner
// can.
static bool held(int dir, const char *name, const struct user *user) {
  struct stat st, its;
  return fstat(dir, &st) == 0 && (st.st_mode & S_ISVTX) && st.st_uid != user->uid &&
         fstatat(dir, name, &its, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(its.st_mode) &&
         its.st_uid != user->uid;
}

static bool become(const struct user *user) {
  if (setgroups(user->count, user->groups) < 0)
    return false;
  setfsgid(user->gid);
  setfsuid(user->uid); // last: with it the right to override permissions goes
  if ((uid_t)setfsuid((uid_t)-1) == user->uid && (gid_t)setfsgid((gid_t)-1) == user->gid)
    return true;
  errno = EPERM;
  return false;
}

static void become_root(void) {
  setfsuid(0);
  setfsgid(0);
  if (setgroups(0, NULL) < 0)
    abort(); // it worked before, and going on with a user's groups is no choice
}

// Replaces the link at the front of the path that is still to be walked by where it points to.
static bool follow(int link, char path[PATH_MAX], const char *rest) {
  char next[PATH_MAX];
  ssize_t length = readlinkat(link, "", next, sizeof next);
  if (length < 0)
    return false;
  if ((size_t)length + strlen(rest) + 2 > sizeof next) {
    errno = ENAMETOOLONG;
    return false;
  }
  next[length] = '/';
  strcpy(next + length + 1, rest);
  strcpy(path, next);
  return true;
}

// Opens the directory `name` in `dir`, creating it if there is none. A link is returned as such.
static int descend(int dir, const char *name) {
  int next = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (next < 0 && errno == ENOENT && (mkdirat(dir, name, 0755) == 0 || errno == EEXIST))
    next = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  return next;
}

// Where a file is: its directory, entered as whoever may do something there, and its name in it.
struct spot {
  int dir;
  bool as_user;
  const char *name;
  char path[PATH_MAX];
};

// False with errno; to be left in any case.
static bool walk(const struct file *file, struct spot *spot) {
  spot->dir = -1;
  spot->as_user = false;
  if (file->path[0] != '/' || strlen(file->path) >= sizeof spot->path) {
    errno = file->path[0] == '/' ? ENAMETOOLONG : EINVAL;
    return false;
  }
  char *at = strcpy(spot->path, file->path);
  int links = 0;
  bool guarded = file->user && file->user->uid != 0 && geteuid() == 0;
  spot->dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  while (spot->dir >= 0) {
    at += strspn(at, "/");
    size_t length = strcspn(at, "/");
    bool last = at[length] == '\0';
    at[length] = '\0';
    if (guarded && !spot->as_user && may_write(spot->dir, file->user) &&
        (last || !held(spot->dir, at, file->user))) {
      spot->as_user = true; // even if it fails half-way
      if (!become(file->user))
        return false;
    }
    spot->name = *at ? at : ".";
    if (last)
      return true;
    int next = descend(spot->dir, at);
    struct stat st;
    if (next < 0 || fstat(next, &st) < 0) // which cannot fail on a descriptor that is open
      return false;
    at += length + 1;
    if (!S_ISLNK(st.st_mode)) {
      close(spot->dir);
      spot->dir = next;
      continue;
    }
    bool followed = follow(next, spot->path, at);
    int error = errno;
    close(next);
    errno = error;
    if (!followed)
      return false;
    if (++links > 40) {
      errno = ELOOP;
      return false;
    }
    at = spot->path;
    if (*at == '/') {
      close(spot->dir);
      spot->dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
  }
  return false;
}

// Leaves errno as it is.
static void leave(const struct spot *spot) {
  int error = errno;
  if (spot->dir >= 0)
    close(spot->dir);
  if (spot->as_user)
    become_root();
  errno = error;
}

static int open_in(const struct spot *spot, mode_t mode) {
  int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  return openat(spot->dir, spot->name, flags, mode);
}

int file_open(const struct file *file, const char **stage) {
  struct spot spot;
  struct stat st;
  int fd = -1;
  *stage = "directory";
  if (walk(file, &spot)) {
    *stage = "open";
    fd = open_in(&spot, file->mode);
  }
  leave(&spot);
  if (fd >= 0 && file_undoing && fstat(fd, &st) == 0)
    for (uint32_t i = 0; i < commit->places; i++) {
      const struct place *place = &commit->place[i];
      if (place->device == st.st_dev && place->inode == st.st_ino && place->size < (uint64_t)st.st_size &&
          ftruncate(fd, (off_t)place->size) < 0) {
        int error = errno;
        close(fd);
        errno = error;
        *stage = "truncate";
        return -1;
      }
    }
  return fd;
}

// The name of the n-th old file, false if it is too long; 0 is the file itself.
static bool old_name(char name[NAME_MAX + 1], const char *base, unsigned n) {
  int length =
      n == 0 ? snprintf(name, NAME_MAX + 1, "%s", base) : snprintf(name, NAME_MAX + 1, "%s.%u", base, n);
  if (length <= NAME_MAX)
    return true;
  errno = ENAMETOOLONG;
  return false;
}

static bool rename_old(const struct spot *spot, unsigned from, unsigned to) {
  char before[NAME_MAX + 1], after[NAME_MAX + 1];
  return old_name(before, spot->name, from) && old_name(after, spot->name, to) &&
         renameat(spot->dir, before, spot->dir, after) == 0;
}

// The first number that is free, or else the highest. A rotation that was cut short leaves a gap, and filling
// it costs no file its life.
static unsigned first_gap(const struct spot *spot, unsigned keep) {
  char name[NAME_MAX + 1];
  struct stat st;
  unsigned n = 1;
  while (n < keep && old_name(name, spot->name, n) && fstatat(spot->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
    n++;
  return n;
}

// From the top down, so that whoever is killed between two of these has overwritten nothing.
static int rotate_in(const struct spot *spot, const struct file *file, unsigned keep, const char **stage) {
  *stage = "rename";
  for (unsigned n = first_gap(spot, keep); n > 0; n--)
    if (!rename_old(spot, n - 1, n))
      return -1;
  *stage = "open";
  int fd = open_in(spot, file->mode), error = errno;
  if (fd < 0)
    rename_old(spot, 1, 0); // failing, the lines go on into what is FILE.1 now
  errno = error;
  return fd;
}

int file_rotate(struct file *file, unsigned keep, struct stat *old, const char **stage) {
  struct spot spot;
  *stage = "directory";
  int result = walk(file, &spot) ? 0 : -1;
  if (result == 0 && fstatat(spot.dir, spot.name, old, AT_SYMLINK_NOFOLLOW) < 0) {
    *stage = "open";
    result = errno == ENOENT ? 0 : -1;
  } else if (result == 0 && S_ISREG(old->st_mode) && old->st_size > 0) {
    int fd = rotate_in(&spot, file, keep, stage);
    result = fd < 0 ? -1 : 1;
    if (fd >= 0 && file->fd >= 0)
      close(file->fd);
    if (fd >= 0)
      file->fd = fd;
  }
  leave(&spot);
  return result;
}

void file_let_go(struct file *file, const struct stat *old) {
  struct stat st;
  if (file->fd < 0 || fstat(file->fd, &st) < 0 || st.st_dev != old->st_dev || st.st_ino != old->st_ino)
    return;
  close(file->fd);
  file->fd = -1;
}

void file_close(struct file *file) {
  if (file->fd >= 0)
    close(file->fd);
  free(file->path);
  file->path = NULL;
  file->fd = -1;
}

static time_t seconds(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec;
}

// From here on the next writer would cut off what is appended.
static bool note(struct file *file) {
  const char *stage;
  struct stat st;
  // A disk that is nearly full would otherwise take every other batch, and each would be a change to report.
  if (file->loss && file->loss->lines > 0 && seconds() < file->retry) {
    errno = file->loss->error;
    return false;
  }
  file->retry = seconds() + 2;
  if (file->fd < 0)
    file->fd = file_open(file, &stage);
  if (file->fd < 0 || fstat(file->fd, &st) < 0)
    return false;
  file->before = (uint64_t)st.st_size;
  if (S_ISREG(st.st_mode)) {
    commit->place[commit->places] = (struct place){st.st_dev, st.st_ino, file->before};
    atomic_fetch_add_explicit(&commit->places, 1, memory_order_release);
  }
  return file->noted = true;
}

static bool append(struct file *file, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t n = write(file->fd, bytes, length);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    bytes += n;
    length -= (size_t)n;
  }
  return true;
}

void file_append(struct file *file, const char *bytes, size_t length) {
  if (file->failed || ((file->noted || note(file)) && append(file, bytes, length)))
    return;
  file->failed = true;
  if (file->loss) {
    file->loss->error = errno;
    file_changed = true;
  }
  // It is a regular file if this matters, and then cutting it off needs no space.
  // Nothing is said of it on standard error, where a reader who stopped would hold every stream up.
  if (file->noted && ftruncate(file->fd, (off_t)file->before) < 0 && errno != EINVAL && file->loss)
    file->loss->error = errno;
}

void file_settle(struct file *file, size_t lines) {
  struct loss *loss = file->loss;
  if (loss && file->failed)
    loss->lines += lines;
  else if (loss && file->noted && loss->error) {
    *loss = (struct loss){0};
    file_changed = true;
  }
  file->noted = file->failed = false;
}
