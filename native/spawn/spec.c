// What a child is to be given: the spec as the daemon sent it, checked, and the descriptors its names stand
// for.
#include "mounts.h"
#include "spawn.h"
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TARGET = 1024 * 1024, NESTED_TAGS = 8 };
enum kind { INTEGER = 1, TEXT, NESTED, BYTES, KIND = 7, LIST = 8, NEEDED = 16 };

// What is allowed under one tag: a schema is an array of these, with the tag as index.
struct rule {
  const char *name;
  int kind;
  int64_t low, high;
  const struct rule *nested;
};

#define MAX_ID (UINT32_MAX - 1LL) // the kernel takes the highest number as "unchanged"
#define ANY INT64_MIN, INT64_MAX

// clang-format off
static const struct rule limit_schema[NESTED_TAGS] = {
    [LIMIT_RESOURCE] = {"limit resource", INTEGER | NEEDED, 0, INT_MAX, 0},
    [LIMIT_SOFT] = {"soft limit", INTEGER | NEEDED, ANY, 0}, [LIMIT_HARD] = {"hard limit", INTEGER | NEEDED, ANY, 0},
}, scheduler_schema[NESTED_TAGS] = {
    [SCHEDULER_POLICY] = {"scheduler policy", INTEGER | NEEDED, 0, INT_MAX, 0},
    [SCHEDULER_PRIORITY] = {"scheduler priority", INTEGER | NEEDED, INT_MIN, INT_MAX, 0},
    [SCHEDULER_RESET] = {"scheduler reset-on-fork", INTEGER, 1, 1, 0},
}, terminal_schema[NESTED_TAGS] = {
    [TERMINAL_NAME] = {"terminal name", TEXT, 0, 0, 0}, [TERMINAL_PATH] = {"terminal path", TEXT, 0, 0, 0},
}, descriptor_schema[NESTED_TAGS] = {
    [SOURCE_TARGET] = {"descriptor target", INTEGER | NEEDED, 0, MAX_TARGET, 0},
    [SOURCE_NAME] = {"descriptor name", TEXT, 0, 0, 0},
    [SOURCE_PATH] = {"descriptor path", TEXT, 0, 0, 0},
    [SOURCE_FLAGS] = {"descriptor flags", INTEGER, 0, INT_MAX, 0},
    [SOURCE_MODE] = {"descriptor mode", INTEGER, 0, 07777, 0},
    [SOURCE_OWN] = {"own descriptor", INTEGER, 0, 2, 0},
}, listen_schema[NESTED_TAGS] = {
    [LISTEN_NAME] = {"listen name", TEXT | NEEDED, 0, 0, 0}, [LISTEN_AS] = {"listen as", TEXT | NEEDED, 0, 0, 0},
}, mount_schema[NESTED_TAGS] = {
    [MOUNT_KIND] = {"mount kind", INTEGER | NEEDED, MOUNT_BIND, MOUNT_DEVICES, 0},
    [MOUNT_PATH] = {"mount path", TEXT, 0, 0, 0}, [MOUNT_SOURCE] = {"mount source", TEXT, 0, 0, 0},
    [MOUNT_OPTIONS] = {"mount options", TEXT, 0, 0, 0}, [MOUNT_OPTIONAL] = {"optional mount", INTEGER, 1, 1, 0},
    [MOUNT_RECURSIVE] = {"recursive mount", INTEGER, 1, 1, 0},
}, spec_schema[ATTRIBUTES] = {
    [PROGRAM] = {"program", TEXT, 0, 0, 0},             [ARGUMENT] = {"argument", TEXT | LIST | NEEDED, 0, 0, 0},
    [ENVIRONMENT] = {"environment", TEXT | LIST, 0, 0, 0}, [DIRECTORY] = {"directory", TEXT, 0, 0, 0},
    [USER] = {"uid", INTEGER, 0, MAX_ID, 0},            [GROUP] = {"gid", INTEGER, 0, MAX_ID, 0},
    [SUPPLEMENTARY_GROUP] = {"group", INTEGER | LIST, 0, MAX_ID, 0}, [SET_GROUPS] = {"set groups", INTEGER, 1, 1, 0},
    [UMASK] = {"umask", INTEGER, 0, 0777, 0},           [LIMIT] = {"limit", NESTED | LIST, 0, 0, limit_schema},
    [NICE] = {"nice", INTEGER, -20, 19, 0},             [SCHEDULER] = {"scheduler", NESTED, 0, 0, scheduler_schema},
    [IO_PRIORITY] = {"io priority", INTEGER, 0, UINT16_MAX, 0},
    [OOM_SCORE] = {"oom score adjustment", INTEGER, -1000, 1000, 0},
    [NO_NEW_PRIVILEGES] = {"no new privileges", INTEGER, 1, 1, 0},
    [BOUNDING_SET] = {"capability bounding set", INTEGER, ANY, 0},
    [AMBIENT_SET] = {"ambient capabilities", INTEGER, ANY, 0},
    [INHERITABLE_SET] = {"inheritable capabilities", INTEGER, ANY, 0},
    [SECURE_BITS] = {"secure bits", INTEGER, 0, UINT32_MAX, 0},
    [SESSION] = {"session", INTEGER, SESSION_NONE, SESSION_GROUP, 0},
    [TERMINAL] = {"terminal", NESTED, 0, 0, terminal_schema},
    [DESCRIPTOR] = {"descriptor", NESTED | LIST, 0, 0, descriptor_schema},
    [LISTEN] = {"listen", NESTED | LIST, 0, 0, listen_schema}, [CGROUP] = {"cgroup", TEXT, 0, 0, 0},
    [DEATH_SIGNAL] = {"parent death signal", INTEGER, 1, INT_MAX, 0}, [MARK] = {"mark", TEXT, 0, 0, 0},
    [SOCKET_ENVIRONMENT] = {"socket environment", TEXT, 0, 0, 0},
    [IGNORED_SIGNAL] = {"ignored signal", INTEGER | LIST, 1, INT_MAX, 0},
    [PROCESSOR] = {"processor", INTEGER | LIST, 0, PROCESSORS - 1, 0},
    [PID_VARIABLE] = {"pid variable", TEXT, 0, 0, 0},
    [NAMESPACE] = {"namespace", INTEGER | LIST, OWN_MOUNTS, OWN_CGROUPS, 0},
    [NETWORK_NAMESPACE] = {"network namespace", TEXT, 0, 0, 0}, [IPC_NAMESPACE] = {"ipc namespace", TEXT, 0, 0, 0},
    [PROPAGATION] = {"mount propagation", INTEGER, PROPAGATION_SLAVE, PROPAGATION_SHARED, 0},
    [MOUNT] = {"mount", NESTED | LIST, 0, 0, mount_schema}, [ROOT] = {"root directory", TEXT, 0, 0, 0},
    [PERSONALITY] = {"personality", INTEGER, 0, UINT32_MAX - 1LL, 0},
    [FILTER] = {"system call filter", BYTES | LIST, 0, 0, 0},
};
// clang-format on

static char *copy_text(struct bytes bytes, const char *what) {
  char *text = allocate(bytes.length + 1, 1);
  memcpy(text, bytes.at, bytes.length);
  if (strlen(text) != bytes.length)
    fail("attribute", EINVAL, "%s: contains a NUL", what);
  return text;
}

// A copy is aligned.
static struct bytes copy_bytes(struct bytes bytes) {
  uint8_t *copy = allocate(bytes.length, 1);
  memcpy(copy, bytes.at, bytes.length);
  return (struct bytes){copy, bytes.length};
}

static struct fields parse(struct bytes input, const struct rule *schema, uint16_t tags, const char *what);

static struct field parse_value(uint16_t tag, struct bytes value, const struct rule *rule) {
  struct field field = {.tag = tag};
  if ((rule->kind & KIND) == TEXT)
    field.text = copy_text(value, rule->name);
  else if ((rule->kind & KIND) == BYTES)
    field.bytes = copy_bytes(value);
  else if ((rule->kind & KIND) == NESTED)
    field.nested = parse(value, rule->nested, NESTED_TAGS, rule->name);
  else if (!wire_integer(value, &field.integer))
    fail("attribute", EINVAL, "%s: not an integer", rule->name);
  else if (field.integer < rule->low || field.integer > rule->high)
    fail("attribute", EINVAL, "%s: %" PRId64 " is out of range", rule->name, field.integer);
  return field;
}

static struct fields parse(struct bytes input, const struct rule *schema, uint16_t tags, const char *what) {
  struct fields fields = {.count = 0};
  fields.field = allocate(input.length / 8, sizeof *fields.field); // no field is shorter than its header
  bool seen[ATTRIBUTES] = {false};
  uint16_t tag;
  struct bytes value;
  int found;
  while ((found = wire_field(&input, &tag, &value)) > 0) {
    if (tag >= tags || schema[tag].name == NULL)
      fail("attribute", ENOSYS, "%s: attribute %u is unknown", what, tag);
    if (seen[tag] && (schema[tag].kind & LIST) == 0)
      fail("attribute", EINVAL, "%s: repeated", schema[tag].name);
    seen[tag] = true;
    fields.field[fields.count++] = parse_value(tag, value, &schema[tag]);
  }
  if (found < 0)
    fail("attribute", EINVAL, "%s: malformed field", what);
  for (tag = 0; tag < tags; tag++)
    if ((schema[tag].kind & NEEDED) != 0 && !seen[tag])
      fail("attribute", EINVAL, "%s: missing", schema[tag].name);
  return fields;
}

static struct bytes take(struct bytes *input, size_t size) {
  if (input->length < size)
    fail("helper", EINVAL, "the spec is truncated");
  struct bytes taken = {input->at, size};
  *input = (struct bytes){input->at + size, input->length - size};
  return taken;
}

static uint32_t take_u32(struct bytes *input) {
  uint32_t value;
  memcpy(&value, take(input, sizeof value).at, sizeof value);
  return le32toh(value);
}

struct spec spec_read(int fd) {
  struct stat stat;
  require(fstat(fd, &stat), "helper", "examine the spec");
  size_t size = (size_t)stat.st_size;
  void *memory = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  require(memory == MAP_FAILED ? -1 : 0, "helper", "map the spec");
  close(fd);
  struct bytes input = {memory, size};
  struct spec spec = {.name_count = take_u32(&input)};
  if (spec.name_count > input.length / 8)
    fail("helper", EINVAL, "the spec is truncated");
  spec.names = allocate(spec.name_count, sizeof *spec.names);
  for (struct name *name = spec.names; name < spec.names + spec.name_count; name++) {
    name->text = copy_text(take(&input, take_u32(&input)), "name");
    name->fd = (int)take_u32(&input);
  }
  spec.attributes = parse(input, spec_schema, ATTRIBUTES, "spec");
  return spec;
}

int spec_descriptor(const struct spec *spec, const char *name) {
  for (size_t i = 0; i < spec->name_count; i++)
    if (strcmp(spec->names[i].text, name) == 0)
      return spec->names[i].fd;
  fail("descriptor", ENOENT, "%s", name);
}

const struct field *next_field(const struct fields *fields, uint16_t tag, const struct field *previous) {
  const struct field *end = fields->field + fields->count;
  for (const struct field *field = previous == NULL ? fields->field : previous + 1; field < end; field++)
    if (field->tag == tag)
      return field;
  return NULL;
}

size_t count_of(const struct fields *fields, uint16_t tag) {
  size_t count = 0;
  foreach (field, fields, tag)
    count++;
  return count;
}

int64_t integer_of(const struct fields *fields, uint16_t tag, int64_t absent) {
  const struct field *field = next_field(fields, tag, NULL);
  return field == NULL ? absent : field->integer;
}

const char *text_of(const struct fields *fields, uint16_t tag, const char *absent) {
  const struct field *field = next_field(fields, tag, NULL);
  return field == NULL ? absent : field->text;
}
