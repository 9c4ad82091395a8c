// The parts of the spawn helper: the spec, what applies it, and the report to the keeper.
#ifndef SPAWN_H
#define SPAWN_H

#include "wire.h"

// The numbers of docs/keeper-protocol.md §5.
// clang-format off
enum {
  PROGRAM = 1, ARGUMENT, ENVIRONMENT, DIRECTORY, USER, GROUP, SUPPLEMENTARY_GROUP, SET_GROUPS, UMASK,
  LIMIT = 10, NICE, SCHEDULER, IO_PRIORITY, OOM_SCORE, NO_NEW_PRIVILEGES, BOUNDING_SET, AMBIENT_SET,
  INHERITABLE_SET, SECURE_BITS, SESSION = 20, TERMINAL, DESCRIPTOR, LISTEN, CGROUP, DEATH_SIGNAL, MARK,
  SOCKET_ENVIRONMENT, IGNORED_SIGNAL, PROCESSOR, PID_VARIABLE,
  NAMESPACE = 64, NETWORK_NAMESPACE, IPC_NAMESPACE, PROPAGATION, MOUNT, ROOT, PERSONALITY, FILTER, ATTRIBUTES
};
// clang-format on
enum { LIMIT_RESOURCE = 1, LIMIT_SOFT, LIMIT_HARD };
enum { SCHEDULER_POLICY = 1, SCHEDULER_PRIORITY, SCHEDULER_RESET };
enum { TERMINAL_NAME = 1, TERMINAL_PATH };
enum { SOURCE_TARGET = 1, SOURCE_NAME, SOURCE_PATH, SOURCE_FLAGS, SOURCE_MODE, SOURCE_OWN };
enum { LISTEN_NAME = 1, LISTEN_AS };
enum { MOUNT_KIND = 1, MOUNT_PATH, MOUNT_SOURCE, MOUNT_OPTIONS, MOUNT_OPTIONAL, MOUNT_RECURSIVE };
enum { OWN_MOUNTS = 1, OWN_NETWORK, OWN_IPC, OWN_UTS, OWN_USERS, OWN_CGROUPS, NAMESPACES };
enum { PROPAGATION_SLAVE, PROPAGATION_PRIVATE, PROPAGATION_SHARED };
enum { SESSION_NONE, SESSION_NEW, SESSION_GROUP };
enum { LISTEN_START = 3, PROCESSORS = 8192 };

struct fields {
  struct field *field;
  size_t count;
};

struct field {
  uint16_t tag;
  union {
    int64_t integer;
    char *text;
    struct bytes bytes;
    struct fields nested;
  };
};

struct spec {
  struct fields attributes;
  struct name {
    const char *text;
    int fd;
  } * names;
  size_t name_count;
  int own[3]; // where the keeper's standard descriptors are
  int null;   // /dev/null of the keeper, if the program's root may have none; or -1
};

// Reads and checks the whole spec before anything is applied.
struct spec spec_read(int fd);
// The descriptor that a name stands for.
int spec_descriptor(const struct spec *spec, const char *name);

// The first field with the tag after `previous` (NULL: at all), or NULL.
const struct field *next_field(const struct fields *fields, uint16_t tag, const struct field *previous);
#define foreach(FIELD, FIELDS, TAG)                                                                          \
  for (const struct field *FIELD = NULL; (FIELD = next_field(FIELDS, TAG, FIELD)) != NULL;)
size_t count_of(const struct fields *fields, uint16_t tag);
int64_t integer_of(const struct fields *fields, uint16_t tag, int64_t absent);
const char *text_of(const struct fields *fields, uint16_t tag, const char *absent);

// Moves what is still needed above the numbers that the program gets, closes those, and makes all else close
// on execution: from then on a target is free until it is filled.
void clear_descriptors(struct spec *spec);
void place_descriptors(const struct spec *spec);

// Whether the namespace with this number is to be one of its own.
bool has_namespace(const struct spec *spec, int number);

// Namespaces, mounts, the root directory, groups and the user namespace, in this order.
void confine(const struct spec *spec);
// Refuses what cannot be meant.
void check_confinement(const struct spec *spec);

void check_filters(const struct spec *spec);
// Fails where the kernel would load none for this process.
void expect_filters(const struct spec *spec);
// What follows must get past the filters.
void load_filters(const struct spec *spec);

void limit_capabilities(const struct spec *spec);
void set_groups(const struct spec *spec);
void set_user(const struct spec *spec);

struct program {
  const char *file; // NULL: the first argument, looked up in `path`
  const char *path;
  char **arguments, **environment;
};

// Makes all of it ready, so that no memory is needed once limits are in force.
struct program prepare_program(const struct spec *spec);
_Noreturn void execute_program(const struct program *program, const struct spec *spec);

// The report (§10). `require` fails with errno if the result is negative, and returns it otherwise.
void report_to(int fd);
void report_from(int lowest);
void report_execution(void);
_Noreturn void fail(const char *stage, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int require(int result, const char *stage, const char *format, ...) __attribute__((format(printf, 3, 4)));
// Memory that is kept until the program is executed.
void *allocate(size_t count, size_t size);

#endif
