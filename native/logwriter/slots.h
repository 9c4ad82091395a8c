// Which slot of the memory file is whose, found in constant time however many there are.
#pragma once
#include "commit.h"

// Finds out what a predecessor has left: once, before the others.
void slots_read(void);
// The slot of that name; -1 if there is none.
int slots_find(const char *name, size_t length);
// The same, but a free one becomes its slot; -1 if none is free.
int slots_claim(const char *name, size_t length);
// Frees a slot, and what a stream leaves behind in it.
void slots_release(uint32_t slot);
