// Feeds the system log whatever libFuzzer thinks of as a message: what it makes of it must fit, be on one
// line, and hold every piece that was not left out on purpose.
#include "../logwriter/syslog-message.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(struct piece piece, const uint8_t *data, size_t size) {
  return piece.length == 0 || (piece.at >= data && piece.at + piece.length <= data + size);
}

static void check(const struct message *message, const uint8_t *data, size_t size, const char *from) {
  unsigned char *out = malloc(4 * size + MESSAGE_EXTRA);
  size_t pieces = message->text.length + message->app.length + message->process.length + message->data.length;
  assert(out && message->priority >= 0 && message->priority <= LAST_PRIORITY &&
         message->tag.length <= MAX_TAG);
  assert(is_within(message->text, data, size) && is_within(message->app, data, size) &&
         is_within(message->process, data, size) && is_within(message->data, data, size) && pieces <= size);
  size_t put = (size_t)(message_put(out, message, "localhost", from) - out);
  assert(put <= 4 * size + MESSAGE_EXTRA && memcmp(out, "localhost ", 10) == 0);
  for (size_t i = 0; i < put; i++)
    assert(out[i] == '\t' || (out[i] >= ' ' && out[i] != 0x7F));
  free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // In memory of exactly that size: what is read beyond it is seen.
  uint8_t *copy = malloc(size);
  if (size > 0)
    memcpy(copy, data, size);
  struct message message = message_parse(copy, size, "node.example.org");
  assert(is_within(message.tag, copy, size));
  check(&message, copy, size, "");
  message = message_parse_kernel(copy, size);
  check(&message, copy, size, "linux: ");
  free(copy);
  return 0;
}
