// Outputs: each has a ring in the memory file, which is filled by batches and emptied as the descriptor takes
// it.
#include "output.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct output outputs[OUTPUTS] = {{-1, false}, {-1, false}};

// Others share the descriptor we were given, and O_NONBLOCK with it: so open it anew where that can be done.
// A regular file must not be, since its offset is shared; nor a pty's master, since that gives another pty.
static int open_again(int fd) {
  struct stat st;
  if (fstat(fd, &st) < 0)
    return -1;
  if (S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev != makedev(5, 2))) {
    char path[32];
    sprintf(path, "/proc/self/fd/%d", fd);
    int again = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (again >= 0)
      return again;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  return fd;
}

void output_configure(unsigned on, int poller, uint64_t event) {
  for (int i = 0; i < OUTPUTS; i++) {
    outputs[i].on = on >> i & 1;
    if (outputs[i].on && outputs[i].fd < 0 && (outputs[i].fd = open_again(i + 1)) >= 0)
      // Edge-triggered: we write until it takes no more. A regular file is refused, and always takes all.
      epoll_ctl(poller, EPOLL_CTL_ADD, outputs[i].fd,
                &(struct epoll_event){.events = EPOLLOUT | EPOLLET, .data.u64 = event});
  }
}

static ssize_t emit(int fd, const void *bytes, size_t length) {
  ssize_t n = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return n < 0 && errno == ENOTSOCK ? write(fd, bytes, length) : n;
}

static uint64_t count_lines(const char *bytes, size_t length) {
  uint64_t lines = 0;
  for (const char *end = bytes + length; (bytes = memchr(bytes, '\n', (size_t)(end - bytes))); bytes++)
    lines++;
  return lines;
}

void output_append(int index, const char *bytes, size_t length, const char *notice) {
  struct ring *ring = &commit->ring[index];
  uint64_t *head = &commit->ring_next[index];
  if (ring->loss.lines > 0) {
    // All that waits has to go out before the gap is told of, and the gap before what follows it.
    if (*head == ring->tail && emit(outputs[index].fd, notice, strlen(notice)) > 0)
      ring->loss = (struct loss){0};
    else {
      ring->loss.lines += count_lines(bytes, length);
      return;
    }
  }
  size_t room = RING - (size_t)(*head - ring->tail), take = length;
  if (take > room) {
    const char *end = memrchr(bytes, '\n', room);
    take = end ? (size_t)(end + 1 - bytes) : 0;
    ring->loss = (struct loss){count_lines(bytes + take, length - take), EAGAIN};
  }
  size_t at = *head % RING, first = take < RING - at ? take : RING - at;
  memcpy(commit->ring_text[index] + at, bytes, first);
  memcpy(commit->ring_text[index], bytes + first, take - first);
  *head += take;
}

bool output_flush(int index) {
  struct ring *ring = &commit->ring[index];
  while (outputs[index].fd >= 0 && ring->tail < ring->head) {
    const char *text = (const char *)commit->ring_text[index];
    size_t at = ring->tail % RING, waiting = (size_t)(ring->head - ring->tail);
    size_t length = waiting < RING - at ? waiting : RING - at;
    ssize_t n = emit(outputs[index].fd, text + at, length);
    if (n < 0 && errno == EAGAIN)
      return false;
    if (n < 0) {
      // It is gone, or will take none of this: nobody must wait for it.
      ring->loss = (struct loss){
          ring->loss.lines + count_lines(text + at, length) + count_lines(text, waiting - length), errno};
      ring->tail = ring->head;
      break;
    }
    ring->tail += (uint64_t)n;
  }
  return true;
}
