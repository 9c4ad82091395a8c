// Carries out orders that are understood.
#pragma once
#include "order.h"
#include "pack.h"

extern struct packing packing; // what is claimed at last

// Returns false only if nothing can go on.
bool obey(struct order *order, struct answer *answer);
// Whether the daemon has ordered all that it is going to: nothing is to be waited for at the end.
bool obeyed_last(void);
