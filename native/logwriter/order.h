// One order of the daemon's and its answer: docs/log-writer.md §2.
#pragma once
#include "route.h"
#include "spot.h"
#include "wire.h"
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum { ORDER = 1, ANSWER = 2, EVENT = 3, MESSAGE = 16384 };
enum { QUIET = 2 }; // a flag of an order's frame: only a failure is answered
enum {
  CONFIGURE = 1,
  OPEN,
  LABEL,
  DRAIN,
  CLOSE,
  REOPEN,
  BEGIN,
  ROTATE,
  TROUBLES,
  FINISH,
  LIMIT,
  EXPIRE,
  CLAIM,
  PUBLISH,
  ABANDON,
  ROUTE,
  ORDERS,
  TROUBLE = 128,
  ROTATED
};
// Of what is told to the daemon.
enum {
  T_ERRNO = 1,
  T_TEXT = 2,
  T_NAME = 20,
  T_UID = 21,
  T_GID = 22,
  T_PATH = 24,
  T_STAGE = 79,
  T_LOST = 80,
  T_COUNT = 83
};
// What an order may say.
enum {
  PID,
  NAME,
  UID,
  GID,
  PATH,
  MODE,
  GROUP,
  RECENT_PATH,
  RAW_LINES,
  PROGRAM,
  KEEP,
  OUTPUT,
  FORMAT,
  PARTIAL,
  SYSLOG_PATH,
  OLD_FILES,
  LARGER,
  BEFORE,
  SUFFIX,
  DESTINATION,
  RULE,
  HOST,
  BURST,
  SECONDS,
  MARK,
  SOURCE,
  FIELDS
};

// One order, decoded. Texts are terminated; "" is a field that is not there.
struct order {
  uint16_t type;
  uint32_t tag;
  char text[FIELDS][PATH_MAX];
  int64_t integer[FIELDS];
  struct user user;
  unsigned outputs;
  struct routes routes;
  bool dropped; // there was no descriptor left for its pipe
  int pipe;
};

// How an order ended.
struct answer {
  int error;
  const char *stage;
  char text[PATH_MAX + 128];
  char made[PATH_MAX + 8]; // the old file that an order has made, or that is claimed; "": none
  int64_t count;           // of removed files, or of bytes that are claimed; -1: neither
  bool claimed;            // two descriptors go along
};

// Reads the fields of an order whose type is known already; the answer says what cannot be understood.
void order_decode(struct order *order, struct bytes fields, struct answer *answer);
// The order has failed: `WHAT OBJECT: ERROR`.
void order_fail(struct answer *answer, int error, const char *what, const char *object);
