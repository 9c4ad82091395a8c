// Messages of the system log: what is in one, and how it looks on one line.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { MAX_TAG = 48, MAX_HOST = 64, MAX_MESSAGE = 65536 };
// A byte of a message becomes four at most, and this much stands before and after its text.
enum { MESSAGE_EXTRA = MAX_HOST + 64, MAX_BODY = 4 * MAX_MESSAGE + MESSAGE_EXTRA };
enum { KERN = 0, USER_NOTICE = 13, SYSLOG_INFO = 46, SYSLOG_WARNING = 44, LAST_PRIORITY = 191 };

// A piece of a message.
struct piece {
  const unsigned char *at;
  size_t length;
};

struct message {
  int priority;      // facility * 8 + severity
  struct piece tag;  // who says it, without its pid; may be empty
  struct piece text; // with the tag before it, unless `app` has that
  // Of RFC 5424: what stands before and after the text, where it is not empty.
  struct piece app, process, data;
};

// Reads a datagram of RFC 3164 or 5424, or anything else, which is text then. Never fails.
struct message message_parse(const unsigned char *bytes, size_t length, const char *node);
// Reads a line of the kernel's log.
struct message message_parse_kernel(const unsigned char *line, size_t length);
// Writes `HOST TEXT`, at most MAX_BODY bytes, with `from` before the text; control characters become #ooo.
// Returns its end.
unsigned char *message_put(unsigned char *at, const struct message *message, const char *host,
                           const char *from);
