// A bounded hash table of records by name. Each record is one allocation, its name included.
#include "keeper.h"

#include <stdlib.h>
#include <string.h>

static struct entry **bucket(const struct table *table, struct bytes name) {
  uint32_t hash = 2166136261; // FNV-1a
  for (size_t i = 0; i < name.length; i++)
    hash = (hash ^ name.at[i]) * 16777619;
  size_t count = sizeof table->buckets / sizeof *table->buckets;
  return (struct entry **)&table->buckets[hash % count];
}

struct entry *table_find(const struct table *table, struct bytes name) {
  struct entry *entry = *bucket(table, name);
  while (entry != NULL &&
         (strlen(entry->name) != name.length || memcmp(entry->name, name.at, name.length) != 0))
    entry = entry->chain;
  return entry;
}

struct entry *table_add(struct table *table, struct bytes name) {
  if (table_find(table, name) != NULL)
    return fail(EEXIST, "make %s %.*s: the name is taken", table->what, SHOWN(name)), NULL;
  if (table->count == table->limit)
    return fail(ENOSPC, "make %s %.*s: there are %zu", table->what, SHOWN(name), table->limit), NULL;
  struct entry *entry = calloc(1, table->record_size + name.length + 1);
  if (entry == NULL)
    return fail(ENOMEM, "make %s %.*s", table->what, SHOWN(name)), NULL;
  entry->name = memcpy((char *)entry + table->record_size, name.at, name.length);
  struct entry **chain = bucket(table, name);
  entry->chain = *chain;
  *chain = entry;
  entry->previous = table->last;
  *(table->last != NULL ? &table->last->next : &table->first) = entry;
  table->last = entry;
  table->count++;
  return entry;
}

void table_remove(struct table *table, struct entry *entry) {
  struct entry **link = bucket(table, (struct bytes){(uint8_t *)entry->name, strlen(entry->name)});
  while (*link != entry)
    link = &(*link)->chain;
  *link = entry->chain;
  *(entry->previous != NULL ? &entry->previous->next : &table->first) = entry->next;
  *(entry->next != NULL ? &entry->next->previous : &table->last) = entry->previous;
  table->count--;
  free(entry);
}
