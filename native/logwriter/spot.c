// Walks to a log file without trusting any directory that a service's user may write.
#include "spot.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

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

// Whether nobody but root can put something else where a name of this directory was; where only owners can
// (a sticky directory), the name must be root's too.
static bool only_roots(int dir, const char *name) {
  struct stat st, its;
  if (fstat(dir, &st) < 0 || st.st_uid != 0)
    return false;
  bool shared = (st.st_mode & S_IWOTH) || ((st.st_mode & S_IWGRP) && st.st_gid != 0);
  return !shared ||
         ((st.st_mode & S_ISVTX) && fstatat(dir, name, &its, AT_SYMLINK_NOFOLLOW) == 0 && its.st_uid == 0);
}

static bool walk(const char *path, const struct user *user, bool strict, struct spot *spot) {
  spot->dir = -1;
  spot->as_user = false;
  if (path[0] != '/' || strlen(path) >= sizeof spot->path) {
    errno = path[0] == '/' ? ENAMETOOLONG : EINVAL;
    return false;
  }
  char *at = strcpy(spot->path, path);
  int links = 0;
  bool root = geteuid() == 0, guarded = root && user && user->uid != 0;
  strict &= root;
  spot->dir = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  while (spot->dir >= 0) {
    at += strspn(at, "/");
    size_t length = strcspn(at, "/");
    bool last = at[length] == '\0';
    at[length] = '\0';
    if (guarded && !spot->as_user && may_write(spot->dir, user) && (last || !held(spot->dir, at, user))) {
      spot->as_user = true; // even if it fails half-way
      if (!become(user))
        return false;
    }
    if (strict && !spot->as_user && !only_roots(spot->dir, at)) {
      errno = EPERM;
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

bool spot_enter(const char *path, const struct user *user, struct spot *spot) {
  return walk(path, user, false, spot);
}

bool spot_enter_guarded(const char *path, const struct user *owner, struct spot *spot) {
  return walk(path, owner, true, spot);
}

void spot_leave(const struct spot *spot) {
  int error = errno;
  if (spot->dir >= 0)
    close(spot->dir);
  if (spot->as_user)
    become_root();
  errno = error;
}

int spot_open(const struct spot *spot, mode_t mode) {
  int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  return openat(spot->dir, spot->name, flags, mode);
}
