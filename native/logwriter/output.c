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
#include <sys/un.h>
#include <unistd.h>

enum { DATAGRAM = 8192 }; // what system loggers take of one message

struct output outputs[OUTPUTS] = {{-1, false}, {-1, false}, {-1, false}};
static int poller;
static uint64_t event; // what the poller says of all of them
static char syslog_path[sizeof((struct sockaddr_un *)0)->sun_path];

// Its socket; or, where no logger listens, the kernel's log or the console, which take a line for each write
// as well.
static int open_syslog(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  int error = errno;
  close(fd);
  fd = -1;
  if (strcmp(path, "/dev/log") == 0 && (fd = open("/dev/kmsg", O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
    fd = open("/dev/console", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  errno = error;
  return fd;
}

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

// Edge-triggered: we write until it takes no more. A regular file is refused, and always takes all.
static void use(int index, int fd) {
  outputs[index].fd = fd;
  epoll_ctl(poller, EPOLL_CTL_ADD, fd,
            &(struct epoll_event){.events = EPOLLOUT | EPOLLET, .data.u64 = event});
}

static bool connect_syslog(const char *path) {
  int fd = open_syslog(path);
  if (fd < 0)
    return false;
  if (outputs[SYSLOG].fd >= 0)
    close(outputs[SYSLOG].fd);
  use(SYSLOG, fd);
  return true;
}

void output_connect_syslog(void) {
  if (outputs[SYSLOG].on)
    connect_syslog(syslog_path);
}

void output_watch(int its_poller, uint64_t its_event) {
  poller = its_poller;
  event = its_event;
}

bool output_configure(unsigned on, const char *syslog) {
  if (on >> SYSLOG & 1) {
    if (!connect_syslog(syslog))
      return false;
    strcpy(syslog_path, syslog);
  }
  for (int i = 0; i < OUTPUTS; i++) {
    outputs[i].on = on >> i & 1;
    int fd = i != SYSLOG && outputs[i].on && outputs[i].fd < 0 ? open_again(i + 1) : -1;
    if (fd >= 0)
      use(i, fd);
  }
  return true;
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

// Takes the next line of a ring, without its end; the length that it has there.
static size_t next_line(const struct ring *ring, char *line, size_t size, size_t *length) {
  const char *text = (const char *)commit->ring_text[SYSLOG];
  size_t taken = 0;
  *length = 0;
  while (ring->tail + taken < ring->head) {
    char c = text[(ring->tail + taken++) % RING];
    if (c == '\n')
      break;
    if (*length < size)
      line[(*length)++] = c;
  }
  return taken;
}

// A datagram for each line: facility daemon, priority information, our keeper's name and number; the logger
// stamps it.
static bool flush_syslog(void) {
  struct ring *ring = &commit->ring[SYSLOG];
  enum { STAMP = 20 };
  char line[DATAGRAM], message[DATAGRAM + 64];
  while (outputs[SYSLOG].fd >= 0 && ring->tail < ring->head) {
    size_t length, taken = next_line(ring, line, sizeof line, &length);
    size_t skip = length > STAMP && line[4] == '-' && line[10] == ' ' ? STAMP : 0;
    int n = snprintf(message, sizeof message, "<30>shepherd[%d]: %.*s", getppid(), (int)(length - skip),
                     line + skip);
    bool sent = emit(outputs[SYSLOG].fd, message, (size_t)n) >= 0;
    if (!sent && errno == EAGAIN)
      return false;
    if (!sent && (errno == ECONNREFUSED || errno == ENOTCONN || errno == ECONNRESET)) {
      // The logger was started anew, and has another socket under the same name.
      sent = connect_syslog(syslog_path) && emit(outputs[SYSLOG].fd, message, (size_t)n) >= 0;
      if (!sent && errno == EAGAIN)
        return false;
    }
    if (!sent)
      ring->loss = (struct loss){ring->loss.lines + 1, errno};
    ring->tail += taken;
  }
  return true;
}

bool output_flush(int index) {
  if (index == SYSLOG)
    return flush_syslog();
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
