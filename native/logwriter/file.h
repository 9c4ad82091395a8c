// Files that lines are appended to, so that a batch is in them whole, or not at all.
#pragma once
#include "commit.h"
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

// Whose service it is; uid 0 where that does not matter.
struct user {
  uid_t uid;
  gid_t gid, groups[32];
  size_t count;
};

struct file {
  char *path; // NULL: there is none
  mode_t mode;
  const struct user *user;
  struct loss *loss;  // in the memory file; NULL for a recent history
  int fd;             // -1: not open
  bool noted, failed; // in this batch
  uint64_t before;
  time_t retry; // monotonic: not before then, after a failure
};

extern bool file_changed; // a loss began or ended: somebody may have to be told
extern bool file_undoing; // until begin, what a predecessor appended and did not save is cut off

// Opens by path, creating what is missing; -1 with errno, and the stage that failed.
int file_open(const struct file *file, const char **stage);
void file_close(struct file *file);
// FILE becomes FILE.1, and older ones up to FILE.keep move up; what is appended from now on goes to a new
// FILE. 1 with what FILE was, 0 if there is none or nothing in it, -1 with errno and the stage that failed.
int file_rotate(struct file *file, unsigned keep, struct stat *old, const char **stage);
// If the file is the one that was rotated, it is opened anew before it is appended to.
void file_let_go(struct file *file, const struct stat *old);
// Appends to the file for the current batch. After a failure the file is as it was before, and the rest is
// ignored.
void file_append(struct file *file, const char *bytes, size_t length);
// Ends the batch: counts its lines if they failed.
void file_settle(struct file *file, size_t lines);
