// Rotates files as they grow, between two batches: no size that is noted for a successor is that of a file
// which has another name by now.
#include "limit.h"
#include "rotate.h"
#include <errno.h>

enum { PATIENCE = 10 }; // seconds, after a failure

static uint64_t limit; // 0: none
static unsigned kept;

void limit_set(uint64_t size, unsigned keep) {
  limit = size;
  kept = keep;
}

int rotate_shared(struct file *file, unsigned keep, uint64_t larger, const char **stage) {
  struct stat old;
  int rotated = file_rotate(file, keep, larger, &old, stage);
  if (rotated <= 0)
    return rotated;
  file_let_go(&main_sink.file, &old);
  for (uint32_t i = 0; i < commit->end; i++)
    if (streams[i])
      file_let_go(&streams[i]->own, &old);
  return rotated;
}

void limit_check(uint32_t slot) {
  struct file *file = streams[slot]->own.path ? &streams[slot]->own : &main_sink.file;
  const char *stage;
  if (limit == 0 || !file->path || file->fd < 0 || file->size <= limit)
    return;
  struct timespec now = {0};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  if (now.tv_sec < file->rotated.retry)
    return;
  int result = rotate_shared(file, kept, limit, &stage), error = result < 0 ? errno : 0;
  if (result > 0 || error != file->rotated.error) {
    file->rotated.untold = true;
    file_changed = true;
  }
  file->rotated.error = error;
  file->rotated.retry = result > 0 ? 0 : now.tv_sec + PATIENCE;
}
