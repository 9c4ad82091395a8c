// Feeds the keeper's decoder whatever libFuzzer thinks of: frames, items, requests, and the nested fields of
// a value.
#include "../keeper/schema.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_fields(struct bytes fields, int depth) {
  uint16_t tag;
  struct bytes value;
  int64_t integer;
  while (wire_field(&fields, &tag, &value) > 0) {
    assert(wire_integer(value, &integer) == (value.length == 8));
    if (depth > 0)
      read_fields(value, depth - 1);
  }
}

static void read_items(struct bytes items) {
  static struct request request;
  char wrong[128];
  uint16_t type;
  struct bytes fields;
  while (wire_item(&items, &type, &fields) > 0) {
    if (request_parse(type, fields, &request, wrong, sizeof wrong) == 0)
      assert(request_name(type) != 0 && request.type == type);
    read_fields(fields, 2);
  }
}

// What was decoded and is encoded again must decode to the same.
static void round_trip(const struct frame *frame) {
  static uint8_t buffer[WIRE_FRAME_MAX + 4];
  struct writer out = {buffer, 0, sizeof buffer, false};
  size_t opened = wire_open_frame(&out, frame->kind, frame->tag);
  wire_put(&out, frame->items.at, frame->items.length);
  wire_close_frame(&out, opened);
  struct bytes again = {buffer, out.used};
  struct frame copy;
  const char *wrong;
  assert(wire_frame(&again, &copy, &wrong) == 1 && again.length == 0);
  assert(copy.kind == frame->kind && copy.tag == frame->tag && copy.items.length == frame->items.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct bytes input = {data, size};
  struct frame frame;
  const char *wrong;
  while (wire_frame(&input, &frame, &wrong) > 0) {
    read_items(frame.items);
    round_trip(&frame);
  }
  // Few random inputs are whole frames: what follows is tried as items and as fields too.
  read_items(input);
  read_fields(input, 2);
  return 0;
}
