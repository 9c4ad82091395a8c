// The daemon's own durable state: bytes by key.
#include "keeper.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 262144, VALUES_MAX = 67108864 };

struct note {
  struct entry entry;
  struct owned value;
};

struct table notes = {.what = "note", .record_size = sizeof(struct note), .limit = 65536};
static size_t stored;

bool owned_set(struct owned *owned, struct bytes bytes) {
  uint8_t *copy = malloc(bytes.length + 1);
  if (copy == NULL)
    return false;
  if (bytes.length > 0)
    memcpy(copy, bytes.at, bytes.length);
  free(owned->at);
  *owned = (struct owned){copy, bytes.length};
  return true;
}

static void resume(void *record) {
  stored += ((struct note *)record)->value.length;
}

static const struct state_field fields[] = {STATE(S_VALUE, 2, struct note, value), {0}};
const struct state_section notes_state = {.fields = fields, .table = &notes, .resume = resume};

struct bytes note_value(const char *key) {
  const struct note *note =
      (const struct note *)table_find(&notes, (struct bytes){(const uint8_t *)key, strlen(key)});
  return note != NULL ? (struct bytes){note->value.at, note->value.length} : (struct bytes){NULL, 0};
}

int put_note(const struct request *r) {
  struct bytes key = BYTES(r, F_KEY), value = BYTES(r, F_VALUE);
  struct note *note = (struct note *)table_find(&notes, key);
  size_t replaced = note != NULL ? note->value.length : 0;
  if (value.length > VALUE_MAX || stored - replaced + value.length > VALUES_MAX)
    return fail(ENOSPC, "put note %.*s: %zu bytes are too many", SHOWN(key), value.length);
  struct owned fresh = {0};
  if (!owned_set(&fresh, value))
    return fail(ENOMEM, "put note %.*s", SHOWN(key));
  if (note == NULL && (note = (struct note *)table_add(&notes, key)) == NULL)
    return free(fresh.at), errno;
  free(note->value.at);
  note->value = fresh;
  stored = stored - replaced + value.length;
  return 0;
}

int delete_note(const struct request *r) {
  struct note *note = (struct note *)table_find(&notes, BYTES(r, F_KEY));
  if (note == NULL)
    return missing("note", BYTES(r, F_KEY));
  stored -= note->value.length;
  free(note->value.at);
  table_remove(&notes, &note->entry);
  return 0;
}

void note_put(const struct entry *entry, struct writer *out) {
  const struct note *note = (const struct note *)entry;
  wire_put_string(out, F_KEY, entry->name);
  wire_put_bytes(out, F_VALUE, note->value.at, note->value.length);
}
