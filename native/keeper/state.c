// The keeper's state as bytes, for the keeper that takes its place: what each record is made of is said once,
// by its module, and both written and read by that.
#include "keeper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// FORMAT changes with any section or field below or in the modules, also with what one means. A keeper reads
// its own format and the older ones from OLDEST; what is absent from those is zero.
enum { OLDEST = 1, FORMAT = 2, HEADER = 16, ITEM_MAX = 3 << 20 };
static const char magic[8] = "SHEPKEEP";

// A section's number is its place here, from 1: only the end may grow. Slots come before what is bound to
// them.
static const struct state_section *const sections[] = {
    &place_state,    &daemon_state,  &deaths_state,  &slots_state,   &descriptors_state,
    &children_state, &ring_state,    &orphans_state, &notes_state,   &clocks_state,
    &timers_state,   &tallies_state, &events_state,  &requests_state};
enum { SECTIONS = sizeof sections / sizeof *sections, KEY = 1 };

static const struct state_field event_fields[] = {STATE(S_INTEGER, 1, struct event, number),
                                                  STATE(S_INTEGER, 2, struct event, at),
                                                  STATE(S_INTEGER, 3, struct event, since),
                                                  STATE(S_INTEGER, 4, struct event, type),
                                                  {0}};

static void *element(const struct state_section *section, size_t index) {
  return section->records != NULL ? (char *)section->records + index * section->record_size : NULL;
}

static void *member(const struct state_field *field, void *record) {
  return field->variable != NULL ? field->variable : (char *)record + field->offset;
}

static int64_t integer_at(const void *at, size_t size) {
  return size == 1 ? *(const uint8_t *)at : size == 4 ? *(const int32_t *)at : *(const int64_t *)at;
}

static void set_integer(void *at, size_t size, int64_t value) {
  if (size == 1)
    *(uint8_t *)at = (uint8_t)value;
  else if (size == 4)
    *(int32_t *)at = (int32_t)value;
  else
    *(int64_t *)at = value;
}

// What is zero is not written.
static void save(const struct state_field *field, void *record, struct writer *out) {
  for (; field->tag != 0; field++) {
    void *at = member(field, record);
    switch (field->kind) {
    case S_INTEGER:
    case S_FD:
      if (integer_at(at, field->size) != 0)
        wire_put_integer(out, field->tag, integer_at(at, field->size));
      break;
    case S_TEXT:
      if (*(const char *)at != 0)
        wire_put_string(out, field->tag, at);
      break;
    case S_STRING:
      if (*(char **)at != NULL)
        wire_put_string(out, field->tag, *(char **)at);
      break;
    case S_VALUE:
      wire_put_bytes(out, field->tag, ((struct owned *)at)->at, ((struct owned *)at)->length);
      break;
    case S_BUFFER:
      wire_put_bytes(out, field->tag, ((struct writer *)at)->bytes, ((struct writer *)at)->used);
      break;
    case S_EVENT:
      if (((struct event *)at)->number != 0) {
        size_t opened = wire_open_field(out, field->tag);
        save(event_fields, at, out);
        wire_close(out, opened);
      }
    }
  }
}

static bool load(const struct state_field *fields, void *record, struct bytes input);

static bool load_field(const struct state_field *field, void *at, struct bytes value) {
  int64_t integer;
  switch (field->kind) {
  case S_INTEGER:
  case S_FD:
    if (!wire_integer(value, &integer))
      return false;
    set_integer(at, field->size, integer);
    return true;
  case S_TEXT:
    string_of(value, at, field->size);
    return value.length < field->size;
  case S_STRING:
    return (*(char **)at = strndup((const char *)value.at, value.length)) != NULL;
  case S_VALUE:
    return owned_set(at, value);
  case S_BUFFER: {
    struct writer *buffer = at;
    buffer->used = 0;
    wire_put(buffer, value.at, value.length);
    return !buffer->overflowed;
  }
  case S_EVENT:
    if (!load(event_fields, at, value))
      return false;
    event_restore(at);
    return true;
  }
  return false;
}

static bool load(const struct state_field *fields, void *record, struct bytes input) {
  uint16_t tag;
  struct bytes value;
  int more;
  for (const struct state_field *field = fields; field->tag != 0; field++)
    if (field->kind == S_INTEGER || field->kind == S_FD)
      set_integer(member(field, record), field->size, 0);
  while ((more = wire_field(&input, &tag, &value)) > 0) {
    const struct state_field *field = fields;
    while (field->tag != 0 && field->tag != tag)
      field++;
    if (field->tag == 0 || !load_field(field, member(field, record), value))
      return false;
  }
  return more == 0;
}

// The record that an item begins with the key of: new in a table, the n-th of an array. Variables have none.
static bool take_record(const struct state_section *section, struct bytes *input, void **record) {
  uint16_t tag;
  struct bytes key;
  int64_t index;
  if (wire_field(input, &tag, &key) <= 0 || tag != KEY)
    return false;
  if (section->table != NULL)
    return (*record = table_add(section->table, key)) != NULL;
  if (!wire_integer(key, &index) || index < 0 || index >= (int64_t)section->count)
    return false;
  *record = element(section, (size_t)index);
  return true;
}

typedef bool visitor(const struct state_section *section, void *record, size_t index, void *context);

static bool each_record(visitor *visit, void *context) {
  for (size_t i = 0; i < SECTIONS; i++) {
    const struct state_section *section = sections[i];
    if (section->table != NULL) {
      for (struct entry *entry = section->table->first; entry != NULL; entry = entry->next)
        if (!visit(section, entry, 0, context))
          return false;
    } else
      for (size_t n = 0; n < section->count; n++)
        if (!visit(section, element(section, n), n, context))
          return false;
  }
  return true;
}

struct saving {
  struct writer item;
  int file;
  uint32_t items;
};

static bool write_all(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(fd, bytes, length);
    if (written <= 0)
      return false;
    bytes += written;
    length -= (size_t)written;
  }
  return true;
}

static uint16_t number_of(const struct state_section *section) {
  uint16_t number = 0;
  while (sections[number++] != section)
    ;
  return number;
}

static bool save_record(const struct state_section *section, void *record, size_t index, void *context) {
  struct saving *saving = context;
  struct writer *item = &saving->item;
  item->used = 0;
  size_t opened = wire_open_item(item, number_of(section));
  if (section->table != NULL)
    wire_put_string(item, KEY, ((struct entry *)record)->name);
  else
    wire_put_integer(item, KEY, (int64_t)index);
  size_t key = item->used;
  save(section->fields, record, item);
  wire_close(item, opened);
  if (item->overflowed)
    return errno = E2BIG, false;
  if (item->used == key && section->table == NULL && section->count > 1)
    return true; // an element that is not in use
  saving->items++;
  return write_all(saving->file, item->bytes, item->used);
}

int state_save(void) {
  uint8_t header[HEADER];
  struct saving saving = {{malloc(ITEM_MAX), 0, ITEM_MAX, false}, memfd_create("keeper", MFD_CLOEXEC), 0};
  events_mark();
  bool saved = saving.item.bytes != NULL && saving.file >= 0 &&
               lseek(saving.file, HEADER, SEEK_SET) == HEADER && each_record(save_record, &saving);
  struct writer out = {header, 0, sizeof header, false};
  wire_put(&out, magic, sizeof magic);
  wire_put_u32(&out, FORMAT);
  wire_put_u32(&out, saving.items);
  saved = saved && pwrite(saving.file, header, sizeof header, 0) == sizeof header;
  int error = errno;
  free(saving.item.bytes);
  if (!saved && saving.file >= 0)
    close(saving.file);
  errno = error;
  return saved ? saving.file : -1;
}

static bool load_items(struct bytes input, uint32_t items) {
  uint16_t type;
  struct bytes fields;
  int more;
  for (; (more = wire_item(&input, &type, &fields)) > 0; items--) {
    const struct state_section *section = type > 0 && type <= SECTIONS ? sections[type - 1] : NULL;
    void *record;
    if (section == NULL || items == 0 || !take_record(section, &fields, &record) ||
        !load(section->fields, record, fields))
      return fail(EPROTONOSUPPORT, "read a record of kind %u of the keeper's state", type), false;
  }
  return (more == 0 && items == 0) ||
         (fail(EPROTONOSUPPORT, "read the keeper's state: it is cut off"), false);
}

static uint32_t number_at(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

bool state_load(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0 || status.st_size < HEADER)
    return fail(EPROTONOSUPPORT, "read the keeper's state: there is none"), false;
  size_t size = (size_t)status.st_size;
  uint8_t *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED)
    return fail(errno, "map the keeper's state"), false;
  uint32_t format = number_at(bytes + 8), items = number_at(bytes + 12);
  bool loaded = memcmp(bytes, magic, sizeof magic) == 0 && format >= OLDEST && format <= FORMAT
                    ? load_items((struct bytes){bytes + HEADER, size - HEADER}, items) && events_sort()
                    : (fail(EPROTONOSUPPORT, "read the keeper's state: its format is unknown"), false);
  munmap(bytes, size);
  return loaded;
}

static bool flag_descriptors(const struct state_section *section, void *record, size_t index, void *context) {
  (void)index;
  for (const struct state_field *field = section->fields; field->tag != 0; field++) {
    int fd = field->kind == S_FD ? *(int *)member(field, record) : -1;
    if (fd > 2 && fcntl(fd, F_SETFD, *(int *)context) < 0)
      return fail(errno, "keep descriptor %d", fd), false;
  }
  return true;
}

bool state_keep_descriptors(bool keep) {
  return each_record(flag_descriptors, &(int){keep ? 0 : FD_CLOEXEC});
}

static bool resume_record(const struct state_section *section, void *record, size_t index, void *context) {
  (void)index, (void)context;
  if (section->resume != NULL)
    section->resume(record);
  return true;
}

void state_resume(void) {
  if (!state_keep_descriptors(false))
    say("%s: %s", failure, strerror(errno));
  each_record(resume_record, NULL);
}
