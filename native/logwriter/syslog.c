// The system log: what sockets and the kernel's log have brought, on its way to the files that rules name.
#include "syslog.h"
#include "limit.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

// Room for a batch of datagrams, or for all lines of the kernel's that a read and the rest of a line can
// make.
enum { BODIES = DATAGRAMS * MAX_BODY };
_Static_assert(BODIES > 4 * (MAX_LINE + KERNEL_READ) + (KERNEL_READ + 1) * MESSAGE_EXTRA, "a batch has room");

static struct syslog_options options = {.host = "localhost"};
static int64_t heard_at; // when a message came last
static unsigned char bodies[BODIES];
static struct line composed[MAX_LINES], chosen[MAX_LINES];
static uint64_t destinations[MAX_LINES]; // of each line that is composed

static int64_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void syslog_configure(const struct syslog_options *chosen_options) {
  options = *chosen_options;
  rate_set(options.burst, options.seconds);
  heard_at = milliseconds();
}

// Adds a message as line `index` at `at`; returns where the next one can be.
static unsigned char *compose(unsigned char *at, size_t index, const struct message *message,
                              const char *from) {
  unsigned char *end = message_put(at, message, options.host, from);
  composed[index] = (struct line){(uint32_t)(at - bodies), (uint32_t)(end - at), false};
  destinations[index] = route_find(message);
  return end;
}

static struct ucred sender_of(int index) {
  struct ucred sender = {0, (uid_t)-1, (gid_t)-1};
  const struct cmsghdr *header = &commit->credentials[index].header;
  if (commit->received[index].msg_hdr.msg_controllen >= CMSG_LEN(sizeof sender) &&
      header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS)
    memcpy(&sender, CMSG_DATA(header), sizeof sender);
  return sender;
}

static bool is_allowed(int index, const struct message *message) {
  // Once only: a successor that does this batch again must not count it again.
  if (commit->verdict[index] == UNDECIDED) {
    struct ucred sender = sender_of(index);
    // What we say ourselves, as the daemon's system logger, was said to us by those whom we made wait for us.
    bool allowed = sender.pid == getpid() || rate_allow(sender.pid, sender.uid, message->tag, milliseconds());
    commit->verdict[index] = allowed ? LOGGED : SUPPRESSED;
  }
  return commit->verdict[index] != SUPPRESSED;
}

static void compose_datagrams(struct lines *batch) {
  static struct utsname names;
  unsigned char *at = bodies;
  uname(&names);
  for (int i = 0, count = commit_received(); i < count; i++) {
    size_t length = commit->received[i].msg_len;
    struct message message =
        message_parse(commit->datagram[i], length < MAX_MESSAGE ? length : MAX_MESSAGE, names.nodename);
    if (length > 0 && is_allowed(i, &message))
      at = compose(at, batch->count++, &message, "");
  }
}

static void compose_lines(struct lines *batch) {
  unsigned char *at = bodies;
  for (size_t i = 0; i < batch->count; i++) {
    struct message message = message_parse_kernel(batch->text + batch->line[i].from, batch->line[i].length);
    at = compose(at, i, &message, "linux: ");
  }
}

void syslog_compose(struct lines *batch) {
  heard_at = milliseconds();
  if (commit->how == RECEIVED)
    compose_datagrams(batch);
  else
    compose_lines(batch);
  batch->text = bodies;
  batch->line = composed;
}

static void write_to(int destination, const struct lines *batch) {
  struct lines its = {bodies, chosen, 0, batch->now};
  int slot = route_slot(destination);
  for (size_t i = 0; i < batch->count; i++)
    if (destinations[i] >> destination & 1)
      chosen[its.count++] = composed[i];
  if (its.count > 0 && slot >= 0)
    stream_write(streams[slot], "", &its);
}

void syslog_write(struct stream *source, const struct lines *batch) {
  if (!route_known()) {
    stream_write(source, source->program, batch);
    return;
  }
  for (int i = 0; i < routes.destinations; i++)
    write_to(i, batch);
  struct stream *recent = streams[route_recent()];
  if (recent->recent.path)
    stream_remember(recent, batch);
}

void syslog_limit(void) {
  for (int i = 0; i < routes.destinations; i++)
    if (route_slot(i) >= 0)
      limit_check((uint32_t)route_slot(i));
}

// Logs a message of our own, as if it had been received.
static void say(uint32_t slot, const char *text) {
  commit_compose(slot, text);
  stream_deliver(slot);
}

// Any of the sources: a message of our own is a batch of one of them.
static int any_source(void) {
  for (uint32_t i = 0; i < commit->end; i++)
    if (streams[i] && (streams[i]->source == SOCKET || streams[i]->source == KERNEL))
      return (int)i;
  return -1;
}

static void tell_suppressed(uint32_t slot, const struct sender *sender) {
  char text[MAX_TAG + 128], tag[MAX_TAG + 1];
  snprintf(tag, sizeof tag, "%.*s", MAX_TAG, *sender->tag ? sender->tag : "a program");
  if (sender->pid > 0)
    snprintf(text, sizeof text, "<%d>%" PRIu32 " messages of %s[%" PRId32 "] suppressed", SYSLOG_WARNING,
             sender->suppressed, tag, sender->pid);
  else
    snprintf(text, sizeof text, "<%d>%" PRIu32 " messages of %s, user %" PRIu32 ", suppressed",
             SYSLOG_WARNING, sender->suppressed, tag, sender->uid);
  // Killed in between, a successor says it again.
  say(slot, text);
  rate_told(sender);
}

void syslog_last_words(void) {
  int slot = route_known() ? any_source() : -1;
  const struct sender *sender;
  while (slot >= 0 && (sender = rate_next(INT64_MAX)))
    tell_suppressed((uint32_t)slot, sender);
}

int syslog_tick(int64_t now) {
  int slot = route_known() ? any_source() : -1;
  if (slot < 0)
    return -1;
  const struct sender *sender;
  while ((sender = rate_next(now)))
    tell_suppressed((uint32_t)slot, sender);
  int due = rate_due(now);
  if (options.mark == 0)
    return due;
  int64_t left = heard_at + (int64_t)options.mark * 1000 - now;
  if (left <= 0) {
    char text[32];
    snprintf(text, sizeof text, "<%d>-- MARK --", SYSLOG_INFO);
    say((uint32_t)slot, text);
    left = (int64_t)options.mark * 1000;
  }
  return due < 0 || left < due ? (int)left : due;
}
