// The encoding of docs/keeper-protocol.md: a reader that never looks past its input, a writer that never
// outgrows its buffer.
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_VERSION = 1, WIRE_FRAME_HEADER = 12, WIRE_FRAME_MAX = 1048576 };

// Borrowed bytes: whoever holds the buffer outlives them.
struct bytes {
  const uint8_t *at;
  size_t length;
};

struct frame {
  uint8_t kind;
  uint16_t flags;
  uint32_t tag;
  struct bytes items;
};

// Each takes one element from the front of `input`: 1, 0 when there is none (or, for a frame, not all of it
// yet), -1 when it is malformed.
int wire_frame(struct bytes *input, struct frame *frame, const char **wrong);
int wire_item(struct bytes *input, uint16_t *type, struct bytes *fields);
int wire_field(struct bytes *input, uint16_t *tag, struct bytes *value);
bool wire_integer(struct bytes value, int64_t *integer);

// What does not fit is not written and sets `overflowed`; a frame closed after that is taken back whole.
struct writer {
  uint8_t *bytes;
  size_t used, size;
  bool overflowed;
};

void wire_put(struct writer *out, const void *bytes, size_t length);
void wire_put_u16(struct writer *out, uint16_t value);
void wire_put_u32(struct writer *out, uint32_t value);
void wire_put_integer(struct writer *out, uint16_t tag, int64_t value);
void wire_put_bytes(struct writer *out, uint16_t tag, const void *bytes, size_t length);
void wire_put_string(struct writer *out, uint16_t tag, const char *string);
// The openers return what wire_close needs to fill the length in.
size_t wire_open_frame(struct writer *out, uint8_t kind, uint32_t tag);
size_t wire_open_item(struct writer *out, uint16_t type);
size_t wire_open_field(struct writer *out, uint16_t tag);
void wire_close(struct writer *out, size_t opened);
void wire_close_frame(struct writer *out, size_t opened);

#endif
