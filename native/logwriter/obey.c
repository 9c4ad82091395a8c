// What each order does: to streams, to old files, and to the rules of the system log.
#include "obey.h"
#include "limit.h"
#include "opening.h"
#include "rotate.h"
#include "slots.h"
#include "syslog.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct packing packing;
static bool last;

// Takes all that there is of a stream whose end this is.
static bool close_source(uint32_t slot) {
  const struct stream *stream = streams[slot];
  int n = 1;
  // From here on whoever sends is told that nobody listens, so what waits comes to an end.
  if (stream->source == SOCKET && shutdown(stream->pipe, SHUT_RD) == 0)
    while (n > 0)
      n = stream_turn(slot);
  if (n < 0 || !stream_drain(slot, true))
    return false;
  if (stream->source == SOCKET)
    syslog_last_words();
  return true;
}

// What comes this way makes files grow as well.
static bool drain_stream(uint32_t slot, bool partial) {
  if (!stream_drain(slot, partial))
    return false;
  if (streams[slot]->source == PIPE)
    limit_check(slot);
  else
    syslog_limit();
  return true;
}

static bool drain(const struct order *order, int slot) {
  if (slot >= 0)
    return drain_stream((uint32_t)slot, order->integer[PARTIAL]);
  for (uint32_t i = 0; i < commit->end; i++)
    if (streams[i] && !drain_stream(i, order->integer[PARTIAL]))
      return false;
  return true;
}

// How an order about files failed.
static void fail_at(struct answer *answer, const char *stage, const char *what, const char *path) {
  order_fail(answer, errno, what, path);
  answer->stage = stage;
}

// Between two batches, so that no place in the memory file is one of a file that gets another name.
static void rotate(const struct order *order, struct file *file, struct answer *answer) {
  const char *stage;
  unsigned keep = (unsigned)order->integer[OLD_FILES];
  int rotated = file->path ? rotate_shared(file, keep, (uint64_t)order->integer[LARGER], &stage) : 0;
  if (rotated < 0)
    fail_at(answer, stage, "rotate", file->path);
  else if (rotated > 0)
    snprintf(answer->made, sizeof answer->made, "%s.1", file->path);
}

static void expire(const struct order *order, const struct file *file, bool foreign, struct answer *answer) {
  const char *stage;
  if (!file->path)
    return;
  answer->count =
      file_expire(file, foreign, (unsigned)order->integer[OLD_FILES], (time_t)order->integer[BEFORE], &stage);
  if (answer->count < 0)
    fail_at(answer, stage, "remove old files of", file->path);
}

static void claim(const struct order *order, const struct file *file, bool foreign, struct answer *answer) {
  const char *stage;
  if (!file->path)
    return;
  int claimed = foreign ? pack_claim_foreign(file, (uint64_t)order->integer[LARGER], &packing, &stage)
                        : pack_claim(file, &packing, &stage);
  if (claimed < 0)
    fail_at(answer, stage, foreign ? "copy" : "compress old files of", file->path);
  if (claimed <= 0)
    return;
  answer->claimed = true;
  answer->count = (int64_t)packing.length;
  snprintf(answer->made, sizeof answer->made, "%s", packing.path);
}

static void publish(const struct order *order, struct answer *answer) {
  const char *stage, *made = pack_publish(order->text[SUFFIX], (unsigned)order->integer[OLD_FILES], &stage);
  if (made)
    snprintf(answer->made, sizeof answer->made, "%s", made);
  else
    fail_at(answer, stage, "put the compressed file in place of", packing.path);
}

static void route(const struct order *order, struct answer *answer) {
  struct syslog_options options = {.host = "localhost",
                                   .burst = (uint32_t)order->integer[BURST],
                                   .seconds = (uint32_t)order->integer[SECONDS],
                                   .mark = (uint32_t)order->integer[MARK]};
  if (*order->text[HOST])
    strcpy(options.host, order->text[HOST]);
  if (route_set(&order->routes, order->text[NAME]))
    syslog_configure(&options);
  else
    order_fail(answer, EINVAL, "find all files of system log", order->text[NAME]);
}

// The trouble that there is now is told again, or its end is if that comes first: the daemon may have
// forgotten what it was told, or get to know it only after it has asked.
static void tell_again(struct told *told, const struct loss *loss) {
  if (loss->error)
    told->error = UNKNOWN;
}

static void troubles(void) {
  tell_again(&main_sink.told, &commit->main_loss);
  for (int i = 0; i < OUTPUTS; i++)
    tell_again(&main_sink.output_told[i], &commit->ring[i].loss);
  for (uint32_t i = 0; i < commit->end; i++)
    if (streams[i])
      tell_again(&streams[i]->told, &commit->slots[i].loss);
  file_changed = true;
}

bool obey(struct order *order, struct answer *answer) {
  const char *name = order->text[NAME];
  int slot = *name ? slots_find(name, strlen(name)) : -1;
  if (slot >= 0 && !streams[slot])
    slot = -1; // a predecessor's
  // For orders about old files: those of a stream, of the main sink, or of another program's file.
  bool foreign = *order->text[PATH] != '\0';
  struct file others = {.path = order->text[PATH], .user = &order->user, .fd = -1};
  struct file *file = foreign ? &others : slot < 0 ? &main_sink.file : &streams[slot]->own;
  if (!open_begun() && (order->type == DRAIN || order->type == CLOSE || order->type == ROTATE))
    order_fail(answer, EBUSY, order->type == ROTATE ? "rotate before begin" : "drain before begin", name);
  else if (slot < 0 && *name && order->type != OPEN && order->type != CLOSE)
    order_fail(answer, ENOENT, "find stream", name);
  else if (order->type == CONFIGURE)
    open_sink(order, answer);
  else if (order->type == OPEN)
    return open_stream(order, answer);
  else if (order->type == LABEL)
    open_label(streams[slot], order);
  else if (order->type == DRAIN)
    return drain(order, slot);
  else if (order->type == REOPEN)
    open_again(answer);
  else if (order->type == BEGIN)
    return open_begin();
  else if (order->type == ROTATE)
    rotate(order, file, answer);
  else if (order->type == LIMIT)
    limit_set((uint64_t)order->integer[LARGER], (unsigned)order->integer[OLD_FILES]);
  else if (order->type == EXPIRE)
    expire(order, file, foreign, answer);
  else if (order->type == CLAIM)
    claim(order, file, foreign, answer);
  else if (order->type == PUBLISH)
    publish(order, answer);
  else if (order->type == ABANDON)
    pack_abandon();
  else if (order->type == ROUTE)
    route(order, answer);
  else if (order->type == TROUBLES)
    troubles();
  else if (order->type == FINISH)
    last = true;
  else if (slot >= 0) {
    bool drained = close_source((uint32_t)slot);
    route_forget(slot);
    open_drop(slot);
    slots_release((uint32_t)slot);
    return drained;
  }
  return true;
}

bool obeyed_last(void) {
  return last;
}
