// The answer: messages, each of which is carried out once all of it is there, so that a daemon that dies in
// the midst of one has shown nothing of it.
#include "herd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool receive(int connection, uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = recv(connection, bytes, length, 0);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

// Makes room for `length` bytes more.
static bool reserve(struct writer *out, size_t length, size_t most) {
  size_t wanted = out->used + length;
  if (wanted <= out->size)
    return true;
  if (wanted > most)
    return false;
  size_t size = wanted < 4096 ? 4096 : 2 * wanted;
  if (size > most)
    size = most;
  uint8_t *bytes = realloc(out->bytes, size);
  if (bytes == NULL)
    return false;
  out->bytes = bytes;
  out->size = size;
  return true;
}

// Should the daemon be lost, what was shown must not be shown again. The client forgets as much.
static void remember(struct request *request, struct bytes line) {
  if (request->lines == MOST_LINES || !reserve(&request->shown, line.length + 8, MOST_REMEMBERED))
    return;
  wire_put_bytes(&request->shown, L_SHOWN, line.at, line.length);
  request->lines++;
}

// The exit status, -1 where there is more to come, -2 for what is not understood.
static int carry_out(struct bytes message, struct request *request) {
  uint16_t tag;
  struct bytes value;
  int64_t status = -1;
  int left;
  while ((left = wire_field(&message, &tag, &value)) > 0)
    switch (tag) {
    case A_OUTPUT:
      write_all(STDOUT_FILENO, value.at, value.length);
      break;
    case A_ERRORS:
      write_all(STDERR_FILENO, value.at, value.length);
      break;
    case A_SHOWN:
      remember(request, value);
      break;
    case A_LINE: // with its newline
      if (value.length == 0)
        return -2;
      remember(request, (struct bytes){value.at, value.length - 1});
      write_all(STDOUT_FILENO, value.at, value.length);
      break;
    case A_STATUS:
      if (!wire_integer(value, &status) || status < 0 || status > 255)
        return -2;
      break;
    default:
      return -2;
    }
  return left < 0 ? -2 : (int)status;
}

int copy_answer(int connection, struct request *request) {
  struct writer message = {0};
  for (;;) {
    uint8_t header[4];
    if (!receive(connection, header, sizeof header))
      return -1;
    uint32_t length = (uint32_t)header[0] | (uint32_t)header[1] << 8 | (uint32_t)header[2] << 16 |
                      (uint32_t)header[3] << 24;
    if (!reserve(&message, length, MOST_ANSWER) || !receive(connection, message.bytes, length))
      return -1;
    int status = carry_out((struct bytes){message.bytes, length}, request);
    if (status != -1)
      return status == -2 ? -1 : status;
  }
}
