// The daemon's orders, and what it is told: docs/log-writer.md §2.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { EVENT_CONTROL = 1 << 20, EVENT_SIGNAL, EVENT_OUTPUT }; // below: a stream's slot

// Carries out all orders that are there; false when nobody can send one any more, or nothing can go on
// (errno).
bool orders_read(int poller);
// Tells the daemon of each destination whose state has changed, and how many lines are lost once a second at
// most. In how many milliseconds something is left to be told; -1: nothing is.
int orders_report(int64_t now);
// Whether the daemon has ordered all that it is going to: nothing is to be waited for at the end.
bool orders_last(void);
// Whether the pipes are read yet.
bool orders_begun(void);
