// Recent histories are opened when there is something to remember, and few of them are open: each descriptor
// is a service less.
#include "recent.h"
#include <errno.h>
#include <unistd.h>

enum { OPEN = 512 };

// Those that are open, in the order in which they were opened, from `oldest` on.
static struct file *files[OPEN];
static size_t oldest;

static void let_go(size_t place) {
  struct file *file = files[place];
  files[place] = NULL;
  if (file && file->fd >= 0) {
    close(file->fd);
    file->fd = -1;
  }
}

static void forget(const struct file *file) {
  for (size_t i = 0; i < OPEN; i++)
    if (files[i] == file)
      files[i] = NULL;
}

// Whether there was one that could be closed.
static bool let_go_oldest(void) {
  for (size_t i = 0; i < OPEN; i++) {
    size_t place = (oldest + i) % OPEN;
    bool open = files[place] && files[place]->fd >= 0;
    let_go(place);
    if (open)
      return true;
  }
  return false;
}

void recent_open(struct file *file) {
  const char *stage;
  if (file->fd >= 0)
    return;
  forget(file); // it was closed since to begin another segment
  do
    file->fd = file_open(file, &stage);
  while (file->fd < 0 && (errno == EMFILE || errno == ENFILE) && let_go_oldest());
  if (file->fd < 0)
    return;
  let_go(oldest);
  files[oldest] = file;
  oldest = (oldest + 1) % OPEN;
}

void recent_close(struct file *file) {
  if (file->path)
    forget(file);
  file_close(file);
}
