// Reads orders, has them carried out, and answers each.
#include "orders.h"
#include "control.h"
#include "obey.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static uint8_t unsent[MESSAGE];
static size_t unsent_length;
static bool unsent_claim;

static bool send_answer(size_t length) {
  return control_send(unsent, length, unsent_claim ? (int[]){packing.from, packing.to} : NULL);
}

static void reply(const struct order *order, const struct answer *answer) {
  struct writer out = {unsent, 0, sizeof unsent, false};
  size_t frame = wire_open_frame(&out, ANSWER, order->tag), item = wire_open_item(&out, order->type);
  wire_put_integer(&out, T_ERRNO, answer->error);
  if (answer->error) {
    wire_put_string(&out, T_TEXT, answer->text);
    if (*order->text[PATH])
      wire_put_string(&out, T_PATH, order->text[PATH]);
    if (answer->stage)
      wire_put_string(&out, T_STAGE, answer->stage);
  } else if (*answer->made)
    wire_put_string(&out, T_PATH, answer->made);
  if (!answer->error && answer->count >= 0)
    wire_put_integer(&out, T_COUNT, answer->count);
  if (answer->claimed) {
    wire_put_integer(&out, T_UID, packing.uid);
    wire_put_integer(&out, T_GID, packing.gid);
  }
  wire_close(&out, item);
  wire_close_frame(&out, frame);
  unsent_claim = answer->claimed;
  unsent_length = send_answer(out.used) ? 0 : out.used;
}

bool orders_read(void) {
  for (;;) {
    if (unsent_length > 0 && !send_answer(unsent_length))
      return true;
    unsent_length = 0;
    static uint8_t data[MESSAGE];
    static struct order order;
    int fd;
    bool whole, dropped;
    ssize_t length = control_receive(data, sizeof data, &fd, &whole, &dropped);
    if (length < 0 && errno == EAGAIN)
      return true;
    if (length <= 0) {
      errno = 0;
      return false;
    }
    memset(&order, 0, sizeof order);
    struct answer answer = {.count = -1};
    struct bytes input = {data, (size_t)length}, fields;
    struct frame frame = {0};
    const char *wrong = "";
    order.pipe = fd;
    order.dropped = dropped;
    if (!whole || wire_frame(&input, &frame, &wrong) <= 0 || frame.kind != ORDER || input.length > 0 ||
        wire_item(&frame.items, &order.type, &fields) <= 0 || frame.items.length > 0)
      order_fail(&answer, EINVAL, "understand message", "");
    else
      order_decode(&order, fields, &answer);
    order.tag = frame.tag;
    bool going = answer.error || obey(&order, &answer);
    if (order.pipe >= 0)
      close(order.pipe);
    if (!going)
      return false;
    if (answer.error || !(frame.flags & QUIET))
      reply(&order, &answer);
  }
}
