// The requests of docs/keeper-protocol.md as data: which fields each takes, and what a field may hold.
#ifndef SCHEMA_H
#define SCHEMA_H

#include "wire.h"

// The numbers of the contract, to be compared with its tables.
// clang-format off
enum request_type {
  R_HELLO = 1, R_SPAWN, R_ADOPT, R_SIGNAL_CHILD, R_SIGNAL_PROCESS, R_PIPE, R_LISTEN, R_SOCKET_PAIR, R_MEMORY_FILE,
  R_OPEN, R_NOTIFY_SOCKET, R_CLOSE, R_WATCH, R_ACCEPT, R_PASS, R_PUT_NOTE, R_DELETE_NOTE, R_ARM_TIMER,
  R_DISARM_TIMER, R_ACKNOWLEDGE, R_CONFIGURE, R_BEGIN_SHUTDOWN, R_FINISH, R_RELAUNCH, R_HIBERNATE,
  R_REPLACE_KEEPER, R_TELL_MANAGER, R_SET_OPTION, R_EXPECT_FILE, R_EXPECT_ENVIRONMENT, R_AWAIT_STARTED,
  R_MAKE_DIRECTORY, R_END_CHILDREN, R_STAND_BY, R_STAND_DOWN, REQUEST_TYPES
};

enum field_tag {
  F_ERRNO = 1, F_TEXT, F_SLOT_NUMBER = 1, F_DAEMON_FD, F_SLOT_FAMILY,
  F_ID = 10, F_VERSION = 10 /* in hello */, F_SPEC, F_PID, F_START, F_ALIVE, F_SIGNAL, F_SCOPE,
  F_NAME = 20, F_UID, F_GID, F_FAMILY, F_PATH, F_PORT, F_TYPE, F_BACKLOG, F_MODE, F_REUSEPORT,
  F_V6ONLY = 30, F_SLOT, F_DAEMON, F_DIRECTORY_MODE, F_PEER, F_SIZE, F_FLAGS, F_UNLINK, F_ON, F_CONNECTION,
  F_LOCAL = 40, F_REMOTE, F_REMOTE_PORT, F_THROUGH, F_DATA, F_KEY, F_VALUE, F_CLOCK, F_AT, F_KILL,
  F_EVENT = 50, F_STORE, F_SILENCE, F_CULPRIT, F_ORPHANS, F_GRACE, F_DEATHS, F_WINDOW, F_DEADLINE, F_HOW,
  F_CODE = 60, F_WHY, F_INIT, F_INITIAL, F_GENERATION, F_RESCUE, F_MANAGER, F_RELEASE, F_STDIO, F_BOOT,
  F_REAPED = 70, F_STATE, F_CGROUP, F_ADOPTED, F_KIND, F_STATUS, F_USER, F_SYSTEM, F_MEMORY, F_STAGE,
  F_LOST = 80, F_DESCRIPTORS, F_TRUNCATED, F_COUNT, F_REASON, F_FREEBIND, F_TRANSPARENT, F_INTERFACE, F_PROTOCOL, F_FIFO,
  F_LEVEL = 90, F_OPTION, F_AMOUNT, F_MARK, F_INODE, F_MODIFIED, F_CHANGED, F_ABSENT, F_TIMERS, F_CHILD, F_AFTER, F_PLACE, TAGS
};
enum { F_ALONE = 110, F_SUCCESSOR, F_SUCCESSOR_PID, F_SUCCESSOR_START, F_STANDS_BY }; // of no request
// clang-format on

struct request {
  enum request_type type;
  bool last;           // of its frame
  struct writer *out;  // takes the fields of the result
  struct bytes fields; // all of them, for the one that is a list
  struct value {
    bool given;
    int64_t integer;
    struct bytes bytes;
  } values[TAGS];
};

// The request's name, or NULL for an unknown type.
const char *request_name(uint16_t type);
// Fills `request` in, or says in `wrong` what is the matter: 0 or an errno.
int request_parse(uint16_t type, struct bytes fields, struct request *request, char *wrong, size_t size);

#endif
