// Tells a new daemon all that the keeper holds, a part at a time as the channel drains. No request is applied
// meanwhile, so the tables hold still.
#include "keeper.h"

#include <sys/utsname.h>
#include <unistd.h>

static const struct {
  uint16_t type;
  const struct table *table;
  void (*put)(const struct entry *entry, struct writer *out);
} parts[] = {{65, &children, child_put},
             {66, &descriptors, descriptor_put},
             {67, &notes, note_put},
             {68, &timers, timer_put}};

enum { PARTS = sizeof parts / sizeof *parts, ENOUGH = 65536 };

static bool begun;
static int part;
static const struct entry *next;

void inventory_rewind(void) {
  begun = false;
  part = 0;
  next = NULL;
}

static void put_keeper(struct writer *out) {
  struct utsname system;
  wire_put_integer(out, F_VERSION, WIRE_VERSION);
  wire_put_integer(out, F_PID, getpid());
  wire_put_integer(out, F_AT, place.started);
  wire_put_integer(out, F_GENERATION, daemon_generation);
  for (int i = 0; i < SLOTS; i++) {
    if (slots[i].fd < 0)
      continue;
    size_t slot = wire_open_field(out, F_SLOT);
    wire_put_integer(out, F_SLOT_NUMBER, i);
    wire_put_integer(out, F_DAEMON_FD, SLOT_BASE + i);
    wire_put_integer(out, F_SLOT_FAMILY, slots[i].family);
    wire_close(out, slot);
  }
  const struct {
    enum field_tag tag;
    bool set;
  } flags[] = {{F_INIT, place.init},
               {F_INITIAL, place.initial},
               {F_RESCUE, daemon_rescue},
               {F_MANAGER, place.manager != NULL}};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    if (flags[i].set)
      wire_put_integer(out, flags[i].tag, 1);
  wire_put_string(out, F_RELEASE, uname(&system) == 0 ? system.release : "");
  wire_put_integer(out, F_STDIO, isatty(0) | isatty(1) << 1 | isatty(2) << 2);
  wire_put_string(out, F_BOOT, place.boot_id);
  wire_put_integer(out, F_REAPED, orphans_reaped);
}

bool inventory_send(struct writer *out) {
  if (part == PARTS)
    return false;
  size_t frame = wire_open_frame(out, 4, 0);
  if (!begun) {
    size_t item = wire_open_item(out, 64);
    put_keeper(out);
    wire_close(out, item);
    next = parts[0].table->first;
    begun = true;
  }
  while (part < PARTS && out->used - frame < ENOUGH) {
    if (next == NULL) {
      next = ++part < PARTS ? parts[part].table->first : NULL;
      continue;
    }
    size_t item = wire_open_item(out, parts[part].type);
    parts[part].put(next, out);
    wire_close(out, item);
    next = next->next;
  }
  wire_close_frame(out, frame);
  return true;
}
