// Files that lines are appended to, so that a batch is in them whole, or not at all.
#pragma once
#include "commit.h"
#include "spot.h"
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

// What became of a file that had grown too large.
struct rotated {
  bool untold;
  int error;    // 0: it was rotated
  time_t retry; // monotonic: not tried again before then, after a failure
};

struct file {
  char *path; // NULL: there is none
  mode_t mode;
  const struct user *user;
  struct loss *loss;  // in the memory file; NULL for a recent history
  int fd;             // -1: not open
  bool noted, failed; // in this batch
  uint64_t before;
  time_t retry;           // monotonic: not before then, after a failure
  uint64_t size;          // as far as is known
  struct rotated rotated; // by its size, and of which the daemon is still to be told
};

extern bool file_changed; // a loss began or ended: somebody may have to be told
extern bool file_undoing; // until begin, what a predecessor appended and did not save is cut off

// Opens by path, creating what is missing; -1 with errno, and the stage that failed.
int file_open(const struct file *file, const char **stage);
void file_close(struct file *file);
// If the file is the one that was rotated, it is opened anew before it is appended to.
void file_let_go(struct file *file, const struct stat *old);
// Appends to the file for the current batch. After a failure the file is as it was before, and the rest is
// ignored.
void file_append(struct file *file, const char *bytes, size_t length);
// Ends the batch: counts its lines if they failed.
void file_settle(struct file *file, size_t lines);
