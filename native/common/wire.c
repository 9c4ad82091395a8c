// Encodes and decodes frames, items and fields (docs/keeper-protocol.md, section 2).
#include "wire.h"

#include <string.h>

static uint16_t read_u16(const uint8_t *at) {
  return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t read_u32(const uint8_t *at) {
  return (uint32_t)read_u16(at) | (uint32_t)read_u16(at + 2) << 16;
}

static void skip(struct bytes *input, size_t length) {
  input->at += length;
  input->length -= length;
}

int wire_frame(struct bytes *input, struct frame *frame, const char **wrong) {
  if (input->length < 4)
    return 0;
  uint32_t length = read_u32(input->at);
  if (length < WIRE_FRAME_HEADER - 4 || length > WIRE_FRAME_MAX) {
    *wrong = "the length of a frame is out of range";
    return -1;
  }
  // The version is judged as soon as it is there: a stranger on the line may never complete a frame.
  if (input->length > 4 && input->at[4] != WIRE_VERSION) {
    *wrong = "the version of a frame is unknown";
    return -1;
  }
  if (input->length - 4 < length)
    return 0;
  const uint8_t *at = input->at;
  *frame = (struct frame){at[5], read_u16(at + 6), read_u32(at + 8), {at + WIRE_FRAME_HEADER, length - 8}};
  skip(input, 4 + (size_t)length);
  return 1;
}

int wire_item(struct bytes *input, uint16_t *type, struct bytes *fields) {
  if (input->length == 0)
    return 0;
  if (input->length < 8)
    return -1;
  uint32_t length = read_u32(input->at);
  if (length < 4 || length > input->length - 4 || read_u16(input->at + 6) != 0)
    return -1;
  *type = read_u16(input->at + 4);
  *fields = (struct bytes){input->at + 8, length - 4};
  skip(input, 4 + (size_t)length);
  return 1;
}

int wire_field(struct bytes *input, uint16_t *tag, struct bytes *value) {
  if (input->length == 0)
    return 0;
  if (input->length < 8 || read_u16(input->at + 2) != 0)
    return -1;
  uint32_t length = read_u32(input->at + 4);
  if (length > input->length - 8)
    return -1;
  *tag = read_u16(input->at);
  *value = (struct bytes){input->at + 8, length};
  skip(input, 8 + (size_t)length);
  return 1;
}

bool wire_integer(struct bytes value, int64_t *integer) {
  if (value.length != 8)
    return false;
  *integer = (int64_t)((uint64_t)read_u32(value.at) | (uint64_t)read_u32(value.at + 4) << 32);
  return true;
}

void wire_put(struct writer *out, const void *bytes, size_t length) {
  if (out->overflowed || length > out->size - out->used) {
    out->overflowed = true;
    return;
  }
  if (length > 0)
    memcpy(out->bytes + out->used, bytes, length);
  out->used += length;
}

void wire_put_u16(struct writer *out, uint16_t value) {
  wire_put(out, (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8)}, 2);
}

void wire_put_u32(struct writer *out, uint32_t value) {
  wire_put_u16(out, (uint16_t)value);
  wire_put_u16(out, (uint16_t)(value >> 16));
}

void wire_put_bytes(struct writer *out, uint16_t tag, const void *bytes, size_t length) {
  wire_put_u32(out, tag);
  wire_put_u32(out, (uint32_t)length);
  wire_put(out, bytes, length);
}

void wire_put_string(struct writer *out, uint16_t tag, const char *string) {
  wire_put_bytes(out, tag, string, strlen(string));
}

void wire_put_integer(struct writer *out, uint16_t tag, int64_t value) {
  wire_put_u32(out, tag);
  wire_put_u32(out, 8);
  wire_put_u32(out, (uint32_t)value);
  wire_put_u32(out, (uint32_t)((uint64_t)value >> 32));
}

size_t wire_open_frame(struct writer *out, uint8_t kind, uint32_t tag) {
  size_t opened = out->used;
  wire_put_u32(out, 0);
  wire_put(out, (uint8_t[]){WIRE_VERSION, kind, 0, 0}, 4);
  wire_put_u32(out, tag);
  return opened;
}

size_t wire_open_item(struct writer *out, uint16_t type) {
  size_t opened = out->used;
  wire_put_u32(out, 0);
  wire_put_u32(out, type);
  return opened;
}

size_t wire_open_field(struct writer *out, uint16_t tag) {
  wire_put_u32(out, tag);
  size_t opened = out->used;
  wire_put_u32(out, 0);
  return opened;
}

void wire_close(struct writer *out, size_t opened) {
  if (out->overflowed)
    return;
  struct writer length = {out->bytes + opened, 0, 4, false};
  wire_put_u32(&length, (uint32_t)(out->used - opened - 4));
}

void wire_close_frame(struct writer *out, size_t opened) {
  wire_close(out, opened);
  if (out->overflowed)
    *out = (struct writer){out->bytes, opened, out->size, false};
}
