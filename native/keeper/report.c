// What every module needs to say what went wrong, when it is, and who a process is.
#include "keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char failure[256];

int fail(int error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure, sizeof failure, format, arguments);
  va_end(arguments);
  errno = error;
  return error;
}

int missing(const char *what, struct bytes name) {
  return fail(ENOENT, "there is no %s %.*s", what, SHOWN(name));
}

static int voice = 2;

// An open file of the keeper's own, which does not block: between a look whether standard error takes
// something and the write, others who share it may fill it. (A regular file never fills so, and has an offset
// to share; a socket cannot be opened again.)
void voice_open(void) {
  struct stat status;
  if (fstat(2, &status) < 0 || !(S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)))
    return;
  int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0)
    voice = fd;
}

bool voice_write(const void *bytes, size_t length, int patience) {
  for (const char *at = bytes, *end = at + length; at < end;) {
    if (poll(&(struct pollfd){.fd = voice, .events = POLLOUT}, 1, patience) != 1)
      return false;
    ssize_t written = write(voice, at, (size_t)(end - at));
    if (written <= 0)
      return false;
    at += written;
  }
  return true;
}

// A reader that has stopped (a full pipe, a console under ^S) costs the message, never the keeper.
void say(const char *format, ...) {
  char line[1280] = "keeper: ";
  va_list arguments;
  va_start(arguments, format);
  int length = 8 + vsnprintf(line + 8, sizeof line - 9, format, arguments);
  va_end(arguments);
  size_t end = length < (int)sizeof line - 1 ? (size_t)length : sizeof line - 2;
  for (size_t i = 0; i < end; i++) // what is quoted may hold terminal controls
    if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
      line[i] = '?';
  line[end++] = '\n';
  voice_write(line, end, 0); // failing, there is nowhere left to say it
}

int64_t now(clockid_t clock) {
  struct timespec time = {0};
  clock_gettime(clock, &time); // fails only for clocks that do not exist
  return time.tv_sec * SECOND + time.tv_nsec;
}

struct timespec timespec_of(int64_t nanoseconds) {
  return (struct timespec){.tv_sec = nanoseconds / SECOND, .tv_nsec = nanoseconds % SECOND};
}

size_t proc_read(int directory, const char *path, char *text, size_t size) {
  int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
  if (fd >= 0)
    close(fd);
  text[length > 0 ? length : 0] = 0;
  return length > 0 ? (size_t)length : 0;
}

// The directory of the processes, or -1. Of another PID namespace it would tell of another process, and
// another one may be mounted over it at any time: what was found to be our own is kept.
static int processes(void) {
  static int kept = -1;
  char own[16];
  if (kept >= 0)
    return kept;
  int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : readlinkat(fd, "self", own, sizeof own - 1);
  own[length > 0 ? length : 0] = 0;
  if (atoi(own) == getpid())
    return kept = fd;
  if (fd >= 0)
    close(fd);
  return -1;
}

bool proc_stat(pid_t pid, pid_t *parent, int64_t *start) {
  char path[32], text[1024];
  int directory = processes();
  if (directory < 0)
    return false;
  snprintf(path, sizeof path, "%d/stat", pid);
  const char *at = proc_read(directory, path, text, sizeof text) > 0 ? strrchr(text, ')')
                                                                     : NULL; // the name may hold anything
  unsigned long long ticks;
  if (at == NULL ||
      sscanf(at, ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", parent,
             &ticks) != 2)
    return false;
  *start = (int64_t)ticks;
  return true;
}

char *string_of(struct bytes bytes, char *buffer, size_t size) {
  size_t length = bytes.length < size ? bytes.length : size - 1;
  if (length > 0)
    memcpy(buffer, bytes.at, length);
  buffer[length] = 0;
  return buffer;
}
