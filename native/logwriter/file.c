// Opens log files, and appends to them what a next writer can cut off again.
#include "file.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool file_changed;
bool file_undoing;

// Cuts off what the predecessor's last batch has appended. A file of two names was noted twice: where it
// began is the smallest of the sizes.
static bool undo(int fd) {
  struct stat st;
  if (fstat(fd, &st) < 0)
    return true;
  uint64_t size = (uint64_t)st.st_size;
  for (uint32_t i = 0; i < commit->places; i++) {
    const struct place *place = &commit->place[i];
    if (place->device == st.st_dev && place->inode == st.st_ino && place->size < size)
      size = place->size;
  }
  return size == (uint64_t)st.st_size || ftruncate(fd, (off_t)size) == 0;
}

int file_open(const struct file *file, const char **stage) {
  struct spot spot;
  int fd = -1;
  *stage = "directory";
  if (spot_enter(file->path, file->user, &spot)) {
    *stage = "open";
    fd = spot_open(&spot, file->mode);
  }
  spot_leave(&spot);
  if (fd >= 0 && file_undoing && !undo(fd)) {
    int error = errno;
    close(fd);
    errno = error;
    *stage = "truncate";
    return -1;
  }
  return fd;
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
  file->before = file->size = (uint64_t)st.st_size;
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
    file->size += (uint64_t)n;
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
