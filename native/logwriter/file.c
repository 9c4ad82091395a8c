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

static int walk(const struct file *file, const char **stage, bool *as_user) {
  char path[PATH_MAX];
  if (file->path[0] != '/' || strlen(file->path) >= sizeof path) {
    errno = file->path[0] == '/' ? ENAMETOOLONG : EINVAL;
    return -1;
  }
  char *at = strcpy(path, file->path);
  int dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), links = 0, fd = -1;
  bool guarded = file->user && file->user->uid != 0 && geteuid() == 0;
  while (dir >= 0) {
    at += strspn(at, "/");
    size_t length = strcspn(at, "/");
    bool last = at[length] == '\0';
    at[length] = '\0';
    if (guarded && !*as_user && may_write(dir, file->user) && (last || !held(dir, at, file->user))) {
      *as_user = true; // even if it fails half-way
      if (!become(file->user))
        break;
    }
    if (last) {
      *stage = "open";
      int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
      fd = openat(dir, *at ? at : ".", flags, file->mode);
      break;
    }
    int next = descend(dir, at);
    struct stat st;
    if (next < 0 || fstat(next, &st) < 0) // which cannot fail on a descriptor that is open
      break;
    at += length + 1;
    if (!S_ISLNK(st.st_mode)) {
      close(dir);
      dir = next;
      continue;
    }
    bool followed = follow(next, path, at);
    close(next);
    if (!followed || (++links > 40 && (errno = ELOOP)))
      break;
    at = path;
    if (*at == '/') {
      close(dir);
      dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
  }
  int error = errno;
  if (dir >= 0)
    close(dir);
  errno = error;
  return fd;
}

int file_open(const struct file *file, const char **stage) {
  *stage = "directory";
  bool as_user = false;
  int fd = walk(file, stage, &as_user), error = errno;
  if (as_user)
    become_root();
  struct stat st;
  if (fd >= 0 && file_undoing && fstat(fd, &st) == 0)
    for (uint32_t i = 0; i < commit->places; i++) {
      const struct place *place = &commit->place[i];
      if (place->device == st.st_dev && place->inode == st.st_ino && place->size < (uint64_t)st.st_size &&
          ftruncate(fd, (off_t)place->size) < 0) {
        error = errno;
        *stage = "truncate";
        close(fd);
        fd = -1;
        break;
      }
    }
  errno = error;
  return fd;
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
