// Decodes orders: which fields each may have, and which values. Nothing is changed by an order that is wrong.
#include "order.h"
#include "rotate.h"
#include "stream.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 2000000 }; // seconds that are still milliseconds in an int

static const struct {
  uint16_t tag;
  bool text, list;
  uint32_t orders; // a bit for each order that may have it
} known[FIELDS] = {
    [PID] = {12, false, false, 1 << OPEN | 1 << LABEL},
    [NAME] = {20, true, false,
              1 << OPEN | 1 << LABEL | 1 << DRAIN | 1 << CLOSE | 1 << ROTATE | 1 << EXPIRE | 1 << CLAIM |
                  1 << ROUTE},
    [UID] = {21, false, false, 1 << OPEN | 1 << EXPIRE | 1 << CLAIM},
    [GID] = {22, false, false, 1 << OPEN | 1 << EXPIRE | 1 << CLAIM},
    [PATH] = {24, true, false, 1 << CONFIGURE | 1 << OPEN | 1 << EXPIRE | 1 << CLAIM},
    [MODE] = {28, false, false, 1 << CONFIGURE | 1 << OPEN},
    [GROUP] = {128, false, true, 1 << OPEN | 1 << EXPIRE | 1 << CLAIM},
    [RECENT_PATH] = {129, true, false, 1 << OPEN},
    [RAW_LINES] = {130, false, false, 1 << OPEN},
    [PROGRAM] = {131, true, false, 1 << OPEN | 1 << LABEL},
    [KEEP] = {132, false, false, 1 << OPEN | 1 << CONFIGURE},
    [OUTPUT] = {133, false, true, 1 << CONFIGURE},
    [FORMAT] = {134, false, false, 1 << CONFIGURE},
    [PARTIAL] = {135, false, false, 1 << DRAIN},
    [SYSLOG_PATH] = {136, true, false, 1 << CONFIGURE},
    [OLD_FILES] = {137, false, false, 1 << ROTATE | 1 << LIMIT | 1 << EXPIRE | 1 << PUBLISH},
    [LARGER] = {138, false, false, 1 << ROTATE | 1 << LIMIT | 1 << CLAIM},
    [BEFORE] = {139, false, false, 1 << EXPIRE},
    [SUFFIX] = {140, true, false, 1 << PUBLISH},
    [DESTINATION] = {150, true, true, 1 << ROUTE},
    [RULE] = {151, false, true, 1 << ROUTE},
    [HOST] = {152, true, false, 1 << ROUTE},
    [BURST] = {153, false, false, 1 << ROUTE},
    [SECONDS] = {154, false, false, 1 << ROUTE},
    [MARK] = {155, false, false, 1 << ROUTE},
    [SOURCE] = {156, false, false, 1 << OPEN},
};

void order_fail(struct answer *answer, int error, const char *what, const char *object) {
  answer->error = error;
  snprintf(answer->text, sizeof answer->text, "%s%s%s: %s%s", what, *object ? " " : "", object,
           strerror(error),
           error == EMFILE ? " (their number has a hard limit: ulimit -Hn, LimitNOFILE=)" : "");
}

static bool known_suffix(const char *suffix) {
  for (int i = 0; i < SUFFIXES; i++)
    if (strcmp(suffix, old_suffixes[i]) == 0)
      return true;
  return false;
}

static bool decode_field(struct order *order, int field, struct bytes value) {
  int64_t integer = 0;
  if (field == RULE)
    return route_add_rule(&order->routes, value);
  if (known[field].text) {
    if (value.length == 0 || value.length >= PATH_MAX || memchr(value.at, '\0', value.length))
      return false;
    memcpy(order->text[field], value.at, value.length);
    order->text[field][value.length] = '\0';
    if (field == DESTINATION && !route_add_destination(&order->routes, value))
      return false;
  } else if (!wire_integer(value, &integer) || integer < 0 || (integer > UINT32_MAX && field != LARGER))
    return false;
  if (field == OUTPUT && (integer < 1 || integer > SYSLOG))
    return false;
  if (field == OUTPUT)
    order->outputs |= 1u << (integer - 1);
  if (field == GROUP && order->user.count == sizeof order->user.groups / sizeof *order->user.groups)
    return false;
  if (field == GROUP)
    order->user.groups[order->user.count++] = (gid_t)integer;
  order->integer[field] = integer;
  return true;
}

void order_decode(struct order *order, struct bytes fields, struct answer *answer) {
  struct bytes value;
  uint16_t tag;
  unsigned seen = 0;
  int more;
  char what[32] = "understand order";
  if (order->type == 0 || order->type >= ORDERS) {
    order_fail(answer, ENOSYS, what, "");
    return;
  }
  while ((more = wire_field(&fields, &tag, &value)) > 0) {
    int field = 0;
    while (field < FIELDS && known[field].tag != tag)
      field++;
    snprintf(what, sizeof what, "understand field %u", tag);
    if (field == FIELDS || !(known[field].orders >> order->type & 1) ||
        (!known[field].list && (seen >> field & 1)) || !decode_field(order, field, value)) {
      more = -1;
      break;
    }
    seen |= 1u << field;
  }
  unsigned must = order->type == OPEN || order->type == LABEL || order->type == CLOSE || order->type == ROUTE
                      ? 1u << NAME
                  : order->type == ROTATE || order->type == PUBLISH || order->type == LIMIT ? 1u << OLD_FILES
                  : order->type == EXPIRE                                                   ? 1u << BEFORE
                                                                                            : 0;
  if (more < 0 || (seen & must) != must || strlen(order->text[NAME]) > MAX_NAME ||
      strlen(order->text[PROGRAM]) > MAX_PROGRAM || strpbrk(order->text[PROGRAM], "\r\n") ||
      order->integer[FORMAT] > 1 || order->integer[MODE] > 0777 || !known_suffix(order->text[SUFFIX]) ||
      ((seen >> OLD_FILES & 1) && order->integer[OLD_FILES] < 1) ||
      order->integer[OLD_FILES] > MOST_OLD_FILES || order->integer[SOURCE] >= SOURCES ||
      order->integer[SECONDS] > LONGEST || order->integer[MARK] > LONGEST ||
      strlen(order->text[HOST]) > MAX_HOST)
    order_fail(answer, EINVAL, what, "");
  order->user.uid = (uid_t)order->integer[UID];
  order->user.gid = (gid_t)order->integer[GID];
}
