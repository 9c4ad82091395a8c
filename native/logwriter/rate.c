// How much each sender may log: so many messages in so many seconds, then its messages are only counted. A
// table of fixed size: with more senders than it has room for, whoever has said nothing for longest is
// forgotten.
#include "rate.h"
#include "commit.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t burst;
static int64_t interval; // milliseconds

void rate_set(uint32_t messages, uint32_t seconds) {
  burst = messages;
  interval = (int64_t)seconds * 1000;
}

// When a process began, in clock ticks; 0 if it is gone.
static uint64_t start_of(pid_t pid) {
  char path[32], text[512];
  sprintf(path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0)
    return 0;
  text[length] = '\0';
  const char *at = strrchr(text, ')'); // the name before it may hold anything
  for (int field = 2; at && field < 22; field++)
    at = strchr(at + 1, ' ');
  return at ? strtoull(at, NULL, 10) : 0;
}

static struct sender *find(pid_t pid, uint64_t start, uid_t uid) {
  for (struct sender *one = commit->senders; one < commit->senders + SENDERS; one++)
    if (one->window != 0 && one->pid == pid && (pid == 0 ? one->uid == uid : !start || one->start == start))
      return one;
  return NULL;
}

static struct sender *add(pid_t pid, uint64_t start, uid_t uid, int64_t now) {
  struct sender *oldest = commit->senders;
  for (struct sender *one = commit->senders; one < commit->senders + SENDERS; one++) {
    bool silent = one->suppressed == 0, its = oldest->suppressed == 0;
    // Who is still to be told of stays before who is not.
    if (silent != its ? silent : one->window < oldest->window)
      oldest = one;
  }
  *oldest = (struct sender){.start = start, .pid = pid, .uid = uid, .window = now};
  return oldest;
}

// A number may be another process's by now; that costs a look into /proc, and is done where it matters.
static struct sender *identify(pid_t pid, uid_t uid, int64_t now) {
  struct sender *sender = pid > 0 ? find(pid, 0, uid) : NULL;
  if (sender && now - sender->window < interval && sender->counted < burst)
    return sender;
  uint64_t start = pid > 0 ? start_of(pid) : 0;
  if (start == 0 && sender)
    return sender; // it has ended since, and these were its last words
  if (start == 0)
    pid = 0;
  sender = find(pid, start, uid);
  return sender ? sender : add(pid, start, uid, now);
}

bool rate_allow(pid_t pid, uid_t uid, struct piece tag, int64_t now) {
  if (burst == 0)
    return true;
  struct sender *sender = identify(pid, uid, now);
  if (now - sender->window >= interval) {
    sender->window = now;
    sender->counted = 0;
  }
  if (sender->counted < burst) {
    sender->counted++;
    return true;
  }
  if (sender->suppressed++ == 0) {
    size_t length = tag.length < MAX_TAG ? tag.length : MAX_TAG;
    memcpy(sender->tag, tag.at, length);
    sender->tag[length] = '\0';
  }
  return false;
}

// Whether the time in which its messages were suppressed is.
static bool is_over(const struct sender *sender, int64_t now) {
  return now - sender->window >= interval || sender->counted < burst || burst == 0;
}

int rate_due(int64_t now) {
  int64_t due = -1;
  for (const struct sender *one = commit->senders; one < commit->senders + SENDERS; one++)
    if (one->suppressed > 0) {
      int64_t left = is_over(one, now) ? 0 : one->window + interval - now;
      due = due < 0 || left < due ? left : due;
    }
  return (int)due;
}

const struct sender *rate_next(int64_t now) {
  for (const struct sender *one = commit->senders; one < commit->senders + SENDERS; one++)
    if (one->suppressed > 0 && is_over(one, now))
      return one;
  return NULL;
}

void rate_told(const struct sender *sender) {
  commit->senders[sender - commit->senders].suppressed = 0;
}
