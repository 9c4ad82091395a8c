// Checks a request against the table of what it takes, so that whoever carries it out meets valid values
// only.
#include "schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum kind { INTEGER = 1, NAME, PATH, ANY_BYTES };

struct field {
  const char *name;
  enum kind kind;
  int64_t largest; // integer, or length in bytes
};

// A field means the same in every request but for 10, which is a version in hello.
static const struct field version = {"version", INTEGER, INT32_MAX};
// clang-format off
static const struct field fields[TAGS] = {
    [F_ID] = {"id", NAME, 255},                      [F_SPEC] = {"spec", ANY_BYTES, WIRE_FRAME_MAX},
    [F_PID] = {"pid", INTEGER, INT32_MAX},           [F_START] = {"start", INTEGER, INT64_MAX},
    [F_SIGNAL] = {"signal", INTEGER, 64},            [F_SCOPE] = {"scope", INTEGER, 2},
    [F_NAME] = {"name", NAME, 255},                  [F_UID] = {"uid", INTEGER, UINT32_MAX - 1LL},
    [F_GID] = {"gid", INTEGER, UINT32_MAX - 1LL},    [F_FAMILY] = {"family", INTEGER, 10},
    [F_PATH] = {"path", PATH, 4095},                 [F_PORT] = {"port", INTEGER, 65535},
    [F_TYPE] = {"type", INTEGER, 5},                 [F_BACKLOG] = {"backlog", INTEGER, INT32_MAX},
    [F_MODE] = {"mode", INTEGER, 07777},             [F_REUSEPORT] = {"reuseport", INTEGER, 1},
    [F_V6ONLY] = {"v6only", INTEGER, 1},             [F_SLOT] = {"slot", INTEGER, 7},
    [F_DAEMON] = {"daemon", INTEGER, 1},             [F_DIRECTORY_MODE] = {"directory-mode", INTEGER, 07777},
    [F_PEER] = {"peer", NAME, 255},                  [F_SIZE] = {"size", INTEGER, INT64_MAX},
    [F_FLAGS] = {"flags", INTEGER, INT32_MAX},       [F_UNLINK] = {"unlink", INTEGER, 1},
    [F_ON] = {"on", INTEGER, 1},                     [F_CONNECTION] = {"connection", NAME, 255},
    [F_THROUGH] = {"through", NAME, 255},            [F_DATA] = {"data", ANY_BYTES, WIRE_FRAME_MAX},
    [F_KEY] = {"key", NAME, 255},                    [F_VALUE] = {"value", ANY_BYTES, WIRE_FRAME_MAX},
    [F_CLOCK] = {"clock", INTEGER, 7},               [F_AT] = {"at", INTEGER, INT64_MAX},
    [F_KILL] = {"kill", NAME, 255},                  [F_EVENT] = {"event", INTEGER, INT64_MAX},
    [F_STORE] = {"store", NAME, 240},                [F_SILENCE] = {"silence", INTEGER, 1000000},
    [F_CULPRIT] = {"culprit", NAME, 255},            [F_ORPHANS] = {"orphans", INTEGER, 1},
    [F_GRACE] = {"grace", INTEGER, 1000000},         [F_DEATHS] = {"deaths", INTEGER, 64},
    [F_WINDOW] = {"window", INTEGER, 1000000},       [F_DEADLINE] = {"deadline", INTEGER, 1000000000},
    [F_HOW] = {"how", INTEGER, 4},                   [F_CODE] = {"code", INTEGER, 255},
    [F_WHY] = {"reason", ANY_BYTES, WIRE_FRAME_MAX}, [F_CGROUP] = {"cgroup", PATH, 4095},
    [F_FREEBIND] = {"freebind", INTEGER, 1},         [F_TRANSPARENT] = {"transparent", INTEGER, 1},
    [F_INTERFACE] = {"interface", NAME, 15},         [F_PROTOCOL] = {"protocol", INTEGER, 262},
    [F_FIFO] = {"fifo", INTEGER, 1},                 [F_LEVEL] = {"level", INTEGER, 300},
    [F_OPTION] = {"option", INTEGER, 300},           [F_AMOUNT] = {"amount", INTEGER, UINT32_MAX},
    [F_MARK] = {"mark", NAME, 4096},                 [F_INODE] = {"inode", INTEGER, INT64_MAX},
    [F_MODIFIED] = {"modified", INTEGER, INT64_MAX}, [F_CHANGED] = {"changed", INTEGER, INT64_MAX},
    [F_ABSENT] = {"absent", INTEGER, 1},             [F_TIMERS] = {"timers", NAME, 32},
    [F_CHILD] = {"child", NAME, 255},
    [F_AFTER] = {"after", ANY_BYTES, 4096},          [F_PLACE] = {"place", INTEGER, 4088},
};
// clang-format on

// How a request takes a field: exactly once unless it says otherwise.
enum { MAYBE = 0x100, LIST = 0x200, TAG = 0xff };

static const struct {
  const char *name;
  uint16_t takes[20]; // up to the first 0
} requests[REQUEST_TYPES] = {
    [R_HELLO] = {"hello", {F_VERSION}},
    [R_SPAWN] = {"spawn", {F_ID, F_SPEC, F_MARK | MAYBE}},
    [R_ADOPT] = {"adopt", {F_ID, F_PID, F_START, F_CGROUP | MAYBE}},
    [R_SIGNAL_CHILD] = {"signal child", {F_ID, F_SIGNAL, F_SCOPE}},
    [R_SIGNAL_PROCESS] = {"signal process", {F_PID, F_START, F_SIGNAL}},
    [R_PIPE] = {"pipe", {F_NAME, F_UID | MAYBE, F_GID | MAYBE}},
    [R_LISTEN] = {"listen",
                  {F_NAME, F_FAMILY, F_PATH, F_PORT | MAYBE, F_TYPE, F_BACKLOG | MAYBE, F_MODE | MAYBE,
                   F_UID | MAYBE, F_GID | MAYBE, F_REUSEPORT | MAYBE, F_V6ONLY | MAYBE, F_SLOT | MAYBE,
                   F_DAEMON | MAYBE, F_DIRECTORY_MODE | MAYBE, F_FREEBIND | MAYBE, F_TRANSPARENT | MAYBE,
                   F_INTERFACE | MAYBE, F_PROTOCOL | MAYBE}},
    [R_SOCKET_PAIR] = {"socket pair", {F_NAME, F_PEER, F_TYPE}},
    [R_MEMORY_FILE] = {"memory file", {F_NAME, F_SIZE}},
    [R_OPEN] = {"open",
                {F_NAME, F_PATH, F_FLAGS, F_MODE | MAYBE, F_FIFO | MAYBE, F_UID | MAYBE, F_GID | MAYBE,
                 F_DIRECTORY_MODE | MAYBE}},
    [R_NOTIFY_SOCKET] = {"notify socket", {F_NAME, F_PATH, F_MODE | MAYBE, F_UID | MAYBE, F_GID | MAYBE}},
    [R_CLOSE] = {"close", {F_NAME, F_UNLINK | MAYBE}},
    [R_WATCH] = {"watch", {F_NAME, F_ON}},
    [R_ACCEPT] = {"accept", {F_NAME, F_CONNECTION}},
    [R_PASS] = {"pass", {F_THROUGH, F_NAME | MAYBE | LIST, F_DATA}},
    [R_PUT_NOTE] = {"put note", {F_KEY, F_VALUE}},
    [R_DELETE_NOTE] = {"delete note", {F_KEY}},
    [R_ARM_TIMER] = {"arm timer", {F_ID, F_CLOCK, F_AT, F_KILL | MAYBE, F_SIGNAL | MAYBE, F_SCOPE | MAYBE}},
    [R_DISARM_TIMER] = {"disarm timer", {F_ID}},
    [R_ACKNOWLEDGE] = {"acknowledge", {F_EVENT, F_STORE | MAYBE}},
    [R_CONFIGURE] = {"configure",
                     {F_SILENCE | MAYBE, F_CULPRIT | MAYBE, F_ORPHANS | MAYBE, F_GRACE | MAYBE,
                      F_DEATHS | MAYBE, F_WINDOW | MAYBE}},
    [R_BEGIN_SHUTDOWN] = {"begin shutdown", {F_DEADLINE, F_HOW, F_CODE | MAYBE}},
    [R_FINISH] = {"finish", {F_HOW, F_CODE | MAYBE, F_GRACE | MAYBE}},
    [R_RELAUNCH] = {"relaunch", {F_WHY | MAYBE}},
    [R_HIBERNATE] = {"hibernate", {0}},
    [R_REPLACE_KEEPER] = {"replace keeper", {F_PATH | MAYBE}},
    [R_TELL_MANAGER] = {"tell manager", {F_DATA}},
    [R_SET_OPTION] = {"set option", {F_NAME, F_LEVEL, F_OPTION, F_AMOUNT | MAYBE, F_VALUE | MAYBE}},
    [R_EXPECT_FILE] = {"expect file",
                       {F_PATH, F_INODE | MAYBE, F_SIZE | MAYBE, F_MODIFIED | MAYBE, F_CHANGED | MAYBE,
                        F_DATA | MAYBE, F_ABSENT | MAYBE}},
    [R_EXPECT_ENVIRONMENT] = {"expect environment", {F_DATA, F_VALUE, F_PATH}},
    [R_AWAIT_STARTED] = {"await started", {0}},
    [R_MAKE_DIRECTORY] = {"make directory", {F_PATH, F_MODE | MAYBE}},
    [R_END_CHILDREN] = {"end children", {F_ID | LIST, F_SIGNAL, F_SCOPE, F_CLOCK, F_AT, F_TIMERS}},
    [R_STAND_BY] = {"stand by",
                    {F_CHILD, F_ID, F_SPEC, F_MARK | MAYBE, F_THROUGH | MAYBE, F_DATA | MAYBE | LIST,
                     F_AFTER | MAYBE, F_PLACE | MAYBE}},
    [R_STAND_DOWN] = {"stand down", {F_CHILD}},
};

const char *request_name(uint16_t type) {
  return type < REQUEST_TYPES ? requests[type].name : NULL;
}

// The bits with which a request takes `tag`, 0 if it does not.
static uint16_t taken(uint16_t type, uint16_t tag) {
  for (const uint16_t *take = requests[type].takes; *take != 0; take++)
    if ((*take & TAG) == tag)
      return *take;
  return 0;
}

static const char *misfit(const struct field *field, struct value *value) {
  if (field->kind == INTEGER) {
    if (!wire_integer(value->bytes, &value->integer))
      return "is no integer";
    return value->integer < 0 || value->integer > field->largest ? "is out of range" : NULL;
  }
  if ((int64_t)value->bytes.length > field->largest)
    return "is too long";
  if (field->kind == ANY_BYTES)
    return NULL;
  if (value->bytes.length == 0)
    return "is empty";
  return memchr(value->bytes.at, 0, value->bytes.length) != NULL ? "contains NUL" : NULL;
}

int request_parse(uint16_t type, struct bytes input, struct request *request, char *wrong, size_t size) {
  const char *name = request_name(type);
  if (name == NULL)
    return snprintf(wrong, size, "request %u is unknown", type), ENOSYS;
  *request = (struct request){.type = type, .fields = input};
  uint16_t tag;
  struct bytes bytes;
  int more;
  while ((more = wire_field(&input, &tag, &bytes)) > 0) {
    uint16_t take = taken(type, tag);
    if (take == 0)
      return snprintf(wrong, size, "%s: field %u is unknown", name, tag), EINVAL;
    const struct field *field = type == R_HELLO ? &version : &fields[tag];
    struct value *value = &request->values[tag];
    if (value->given && !(take & LIST))
      return snprintf(wrong, size, "%s: field %s is repeated", name, field->name), EINVAL;
    *value = (struct value){true, 0, bytes};
    const char *misfits = misfit(field, value);
    if (misfits != NULL)
      return snprintf(wrong, size, "%s: field %s %s", name, field->name, misfits), EINVAL;
  }
  if (more < 0)
    return snprintf(wrong, size, "%s: its fields do not fill it", name), EINVAL;
  for (const uint16_t *take = requests[type].takes; *take != 0; take++)
    if (!(*take & MAYBE) && !request->values[*take & TAG].given)
      return snprintf(wrong, size, "%s: field %s is missing", name,
                      type == R_HELLO ? version.name : fields[*take & TAG].name),
             EINVAL;
  return 0;
}
