// Where a file is: its directory, entered as whoever may do something there, and its name in it.
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// Whose service it is; uid 0 where that does not matter.
struct user {
  uid_t uid;
  gid_t gid, groups[32];
  size_t count;
};

struct spot {
  int dir;
  bool as_user;
  const char *name;
  char path[PATH_MAX];
};

// Walks to the directory of `path`, making what is missing of it. From the first directory on that the user
// could change, everything is done with that user's ids, until the spot is left. False with errno; to be left
// in any case.
bool spot_enter(const char *path, const struct user *user, struct spot *spot);
// The same for a file that somebody else has made: root does nothing in, or beyond, a directory that anybody
// else may write (EPERM).
bool spot_enter_guarded(const char *path, const struct user *owner, struct spot *spot);
// Leaves errno as it is.
void spot_leave(const struct spot *spot);
// Opens the file to append to it, creating it; -1 with errno.
int spot_open(const struct spot *spot, mode_t mode);
