// Where the messages of the system log go: rules, evaluated in order, over files that are open as streams.
#pragma once
#include "stream.h"
#include "syslog-message.h"
#include "wire.h"

enum { MAX_RULES = 64, MAX_DESTINATIONS = 60 };
// Of one batch: each destination and its recent history, and that of all messages.
_Static_assert(2 * MAX_DESTINATIONS + 1 <= MAX_PLACES, "every file that a batch is appended to has a place");

struct rule {
  uint32_t facilities; // a bit for each
  uint8_t priorities;  // a bit for each
  bool stop;           // rules after it are not looked at
  int destination;     // an index; -1: none, the message is in the recent history anyway
  char tag[MAX_TAG + 1];
};

struct routes {
  int destinations; // how many
  char names[MAX_DESTINATIONS][MAX_NAME + 1];
  int rules;
  struct rule rule[MAX_RULES];
};

extern struct routes routes;

// Adds what an order says; false if there is no room for it, or it cannot be understood.
bool route_add_destination(struct routes *to, struct bytes name);
bool route_add_rule(struct routes *to, struct bytes fields);
// Puts these in force; false if one names a stream that is none, or a rule a destination that is none.
bool route_set(const struct routes *from, const char *recent);
// Before a stream is gone.
void route_forget(int slot);
// Whether there are any.
bool route_known(void);
// A bit for each destination of the message.
uint64_t route_find(const struct message *message);
// The slot of a destination, -1 if its stream is gone; that of the recent history.
int route_slot(int destination);
int route_recent(void);
