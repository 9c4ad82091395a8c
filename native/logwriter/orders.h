// The daemon's orders: docs/log-writer.md §2.
#pragma once
#include <stdbool.h>

// Carries out all orders that are there; false when nobody can send one any more (errno 0), or nothing can go
// on.
bool orders_read(void);
