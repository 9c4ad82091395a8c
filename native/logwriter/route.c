// Where the messages of the system log go: rules, evaluated in order, over files that are open as streams.
#include "route.h"
#include "slots.h"
#include <string.h>

enum { R_FACILITIES = 1, R_PRIORITIES, R_DESTINATION, R_STOP, R_TAG };
enum { FACILITIES = 24, PRIORITIES = 8 };

struct routes routes;
static int slots[MAX_DESTINATIONS], recent_slot = -1;

bool route_add_destination(struct routes *to, struct bytes name) {
  if (to->destinations == MAX_DESTINATIONS || name.length > MAX_NAME)
    return false;
  char *at = to->names[to->destinations++];
  memcpy(at, name.at, name.length);
  at[name.length] = '\0';
  return true;
}

bool route_add_rule(struct routes *to, struct bytes fields) {
  struct rule rule = {.facilities = (1u << FACILITIES) - 1, .priorities = 0xFF, .destination = -1};
  struct bytes value;
  uint16_t tag;
  int more;
  if (to->rules == MAX_RULES)
    return false;
  while ((more = wire_field(&fields, &tag, &value)) > 0) {
    int64_t integer = 0;
    if (tag == R_TAG) {
      if (value.length == 0 || value.length > MAX_TAG || memchr(value.at, '\0', value.length))
        return false;
      memcpy(rule.tag, value.at, value.length);
      rule.tag[value.length] = '\0';
      continue;
    }
    if (!wire_integer(value, &integer) || integer < 0 || integer >= INT64_C(1) << FACILITIES)
      return false;
    if (tag == R_FACILITIES)
      rule.facilities = (uint32_t)integer;
    else if (tag == R_PRIORITIES && integer < 1 << PRIORITIES)
      rule.priorities = (uint8_t)integer;
    else if (tag == R_DESTINATION && integer < MAX_DESTINATIONS)
      rule.destination = (int)integer;
    else if (tag == R_STOP)
      rule.stop = true;
    else
      return false;
  }
  to->rule[to->rules++] = rule;
  return more == 0;
}

static int find(const char *name) {
  int slot = slots_find(name, strlen(name));
  return slot >= 0 && streams[slot] && streams[slot]->source == NOTHING ? slot : -1;
}

bool route_set(const struct routes *from, const char *recent) {
  int found[MAX_DESTINATIONS];
  if (find(recent) < 0)
    return false;
  for (int i = 0; i < from->destinations; i++)
    if ((found[i] = find(from->names[i])) < 0)
      return false;
  for (int i = 0; i < from->rules; i++)
    if (from->rule[i].destination >= from->destinations)
      return false;
  routes = *from;
  recent_slot = find(recent);
  memcpy(slots, found, sizeof slots);
  return true;
}

void route_forget(int slot) {
  for (int i = 0; i < routes.destinations; i++)
    if (slots[i] == slot)
      slots[i] = -1;
  if (recent_slot == slot)
    recent_slot = -1;
}

bool route_known(void) {
  return recent_slot >= 0;
}

uint64_t route_find(const struct message *message) {
  uint64_t to = 0;
  for (int i = 0; i < routes.rules; i++) {
    const struct rule *rule = &routes.rule[i];
    size_t length = strlen(rule->tag);
    if (!(rule->facilities >> (message->priority >> 3) & 1) ||
        !(rule->priorities >> (message->priority & 7) & 1) ||
        (length > 0 && (length != message->tag.length || memcmp(rule->tag, message->tag.at, length) != 0)))
      continue;
    if (rule->destination >= 0)
      to |= UINT64_C(1) << rule->destination;
    if (rule->stop)
      break;
  }
  return to;
}

int route_slot(int destination) {
  return slots[destination];
}

int route_recent(void) {
  return recent_slot;
}
