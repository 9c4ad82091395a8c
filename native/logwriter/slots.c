// An index of the names in the memory file: lists by hash, and one of the free slots. It is the process's
// own, and made anew by each.
#include "slots.h"
#include <string.h>
#include <sys/mman.h>

enum { BUCKETS = 4096 };
_Static_assert(MAX_STREAMS < UINT16_MAX, "a slot and one is a number in a list");

// All of them a slot and one; 0 is the end.
static uint16_t buckets[BUCKETS], next[MAX_STREAMS], unused;

static bool is_named(const struct slot *slot, const char *name, size_t length) {
  return slot->name_length == length && memcmp(slot->name, name, length) == 0;
}

// FNV-1a
static uint16_t *bucket_of(const char *name, size_t length) {
  uint32_t hash = 2166136261;
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ (unsigned char)name[i]) * 16777619;
  return &buckets[(hash ^ hash >> 16) % BUCKETS];
}

static void push(uint16_t *list, uint32_t slot) {
  next[slot] = *list;
  *list = (uint16_t)(slot + 1);
}

// The link that leads to the slot of that name, or ends the list.
static uint16_t *link_to(const char *name, size_t length) {
  uint16_t *link = bucket_of(name, length);
  while (*link && !is_named(&commit->slots[*link - 1], name, length))
    link = &next[*link - 1];
  return link;
}

void slots_read(void) {
  for (uint32_t slot = commit->end; slot-- > 0;) {
    const struct slot *its = &commit->slots[slot];
    push(its->name_length > 0 ? bucket_of(its->name, its->name_length) : &unused, slot);
  }
}

int slots_find(const char *name, size_t length) {
  return *link_to(name, length) - 1;
}

int slots_claim(const char *name, size_t length) {
  int found = slots_find(name, length);
  if (found >= 0 || (!unused && commit->end == MAX_STREAMS))
    return found;
  uint32_t slot = commit->end;
  if (unused) {
    slot = unused - 1u;
    unused = next[slot];
  }
  commit->slots[slot] = (struct slot){0};
  memcpy(commit->slots[slot].name, name, length);
  commit->slots[slot].name_length = (uint8_t)length; // last: it makes the slot used
  if (slot == commit->end)
    commit->end++;
  push(bucket_of(name, length), slot);
  return (int)slot;
}

void slots_release(uint32_t slot) {
  struct slot *its = &commit->slots[slot];
  uint16_t *link = bucket_of(its->name, its->name_length);
  while (*link && *link != slot + 1)
    link = &next[*link - 1];
  if (*link) {
    *link = next[slot];
    push(&unused, slot);
  }
  memset(its, 0, sizeof *its);
  madvise(commit->carry[slot], MAX_LINE, MADV_REMOVE); // failing, it costs only memory
}
