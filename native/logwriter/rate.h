// How much each sender may log: so many messages in so many seconds, then its messages are only counted.
#pragma once
#include "syslog-message.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SENDERS = 256 };

// One sender: a process or, where that is gone before its message was read, its user. In the memory file.
struct sender {
  uint64_t start; // of the process, in clock ticks since boot; 0: it is a user
  int32_t pid;    // 0: it is a user
  uint32_t uid;
  int64_t window;      // when its time began, in monotonic milliseconds; 0: the entry is free
  uint32_t counted;    // messages since then
  uint32_t suppressed; // of these, and not told of yet
  char tag[MAX_TAG + 1];
};

// So many messages in so many seconds; 0: as many as there are.
void rate_set(uint32_t burst, uint32_t seconds);
// Counts a message; whether it is to be logged. `pid` 0 is not known.
bool rate_allow(pid_t pid, uid_t uid, struct piece tag, int64_t now);
// In how many milliseconds something is to be told, -1: nothing is.
int rate_due(int64_t now);
// The next sender of whom it is to be told how much was suppressed; NULL if there is none. It is as if none
// had been, once rate_told was called.
const struct sender *rate_next(int64_t now);
void rate_told(const struct sender *sender);
