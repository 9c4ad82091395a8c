// Writing everything, wherever it goes.
#include "herd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int output_failure;
static bool is_closed[STDERR_FILENO + 1];

void write_all(int descriptor, const uint8_t *bytes, size_t length) {
  while (length > 0 && !is_closed[descriptor]) {
    ssize_t count = write(descriptor, bytes, length);
    if (count >= 0) {
      bytes += count;
      length -= (size_t)count;
    } else if (errno == EAGAIN)
      // Someone who shares the terminal or pipe made it non-blocking.
      poll(&(struct pollfd){.fd = descriptor, .events = POLLOUT}, 1, -1);
    else if (errno != EINTR) {
      is_closed[descriptor] = true;
      if (descriptor == STDOUT_FILENO && errno != EPIPE)
        output_failure = errno;
    }
  }
}

bool send_all(int connection, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = send(connection, bytes, length, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR)
      return false;
    if (count > 0) {
      bytes += count;
      length -= (size_t)count;
    }
  }
  return true;
}

void complain(const char *what, const char *name, int error) {
  static uint8_t bytes[8192];
  const bool colour = isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;
  const char *const parts[] = {
      "herd: ", colour ? "\x1b[1;31merror\x1b[0m" : "error", ": ", what, name, ": ", strerror(error), "\n"};
  struct writer out = {bytes, 0, sizeof bytes, false};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    wire_put(&out, parts[i], strlen(parts[i]));
  write_all(STDERR_FILENO, out.bytes, out.used);
}
