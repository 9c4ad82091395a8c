// The way of one batch: from the pipe, in phases that a successor can finish, to file, main sink and recent
// history.
#include "stream.h"
#include "output.h"
#include "recent.h"
#include "slots.h"
#include "syslog.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

// More than wait in a socket, usually: who goes on sending must not hold everybody else up.
enum { CHUNK = 1 << 20, RECENT_SEGMENT = 8192, DATAGRAMS_WAITING = 1024 };

struct main_sink main_sink = {.file = {.fd = -1}};
struct stream *streams[MAX_STREAMS];

static struct line lines[MAX_LINES];
static char chunk[CHUNK + 1];

// The line that tells of lost lines where they are missing.
static void make_notice(char notice[512], const struct loss *loss, const struct timespec *now,
                        enum style style) {
  char text[128];
  struct format format;
  int length = snprintf(text, sizeof text, "%" PRIu64 " lines lost: %s", loss->lines, strerror(loss->error));
  text_format(&format, style, now, "", "", 0);
  *text_put(notice, &format, (const unsigned char *)text, (size_t)length, false) = '\0';
}

static void append_file(struct file *file, const char *bytes, size_t length, const struct timespec *now,
                        enum style style) {
  if (file->loss->lines > 0 && !file->noted) {
    char notice[512];
    make_notice(notice, file->loss, now, style);
    file_append(file, notice, strlen(notice));
  }
  file_append(file, bytes, length);
}

static void append_chunk(struct stream *stream, size_t length, const struct timespec *now) {
  if (stream->own.path) {
    append_file(&stream->own, chunk, length, now, STAMPED);
    return;
  }
  enum style style = main_sink.json ? JSON : STAMPED;
  if (main_sink.file.path)
    append_file(&main_sink.file, chunk, length, now, style);
  for (int i = 0; i < OUTPUTS; i++)
    if (outputs[i].on) {
      char notice[512];
      make_notice(notice, &commit->ring[i].loss, now, style);
      output_append(i, chunk, length, notice);
    }
}

void stream_remember(struct stream *stream, const struct lines *batch) {
  const struct line *line = batch->line;
  size_t count = batch->count;
  struct format format;
  struct stat st;
  text_format(&format, RECENT, &batch->now, "", "", 0);
  size_t limit = RECENT_SEGMENT - format.length - 1, first = count;
  char *at = chunk, *end = chunk;
  // Backwards, as only the last lines can matter; a line may grow to three times its length by what is
  // replaced.
  for (size_t room = RECENT_SEGMENT; first > 0; first--) {
    size_t length = line[first - 1].length + format.length + 5;
    if (length > room)
      break;
    room -= length;
  }
  if (first == count)
    first--;
  bool gap = first > 0;
  for (; first < count; first++) {
    size_t length = line[first].length < limit ? line[first].length : limit;
    char *next = text_put(end, &format, batch->text + line[first].from, length, line[first].continued);
    if (next - end > RECENT_SEGMENT) {
      for (next = end + RECENT_SEGMENT - 1; (*next & 0xC0) == 0x80;)
        next--;
      *next++ = '\n';
    }
    end = next;
    for (; end - at > RECENT_SEGMENT; gap = true)
      at = (char *)memchr(at, '\n', (size_t)(end - at)) + 1;
  }
  struct file *file = &stream->recent;
  recent_open(file);
  if (file->fd >= 0 && fstat(file->fd, &st) == 0 && st.st_size + (end - at) > RECENT_SEGMENT) {
    char older[PATH_MAX];
    snprintf(older, sizeof older, "%s.1", file->path);
    if (!gap && rename(file->path, older) == 0) {
      close(file->fd);
      file->fd = -1;
      recent_open(file);
    } else if (ftruncate(file->fd, 0) < 0 || (unlink(older) < 0 && errno != ENOENT))
      return; // older lines, with lines missing after them, would only mislead; and it must stay bounded
  }
  if (file->fd < 0)
    return; // it is tried again with the next batch
  file_append(file, at, (size_t)(end - at));
  file_settle(file, 0);
}

void stream_write(struct stream *stream, const char *name, const struct lines *batch) {
  struct format format;
  enum style style = stream->own.path ? STAMPED : stream->raw ? RAW : main_sink.json ? JSON : TEXT;
  text_format(&format, style, &batch->now, name, stream->program, stream->pid);
  char *at = chunk;
  for (size_t i = 0; i < batch->count; i++) {
    const struct line *line = &batch->line[i];
    at = text_put(at, &format, batch->text + line->from, line->length, line->continued);
    if (i + 1 == batch->count || at > chunk + CHUNK - MAX_FORMATTED) {
      append_chunk(stream, (size_t)(at - chunk), &batch->now);
      at = chunk;
    }
  }
  if (stream->recent.path && (!stream->own.path || stream->own.failed))
    stream_remember(stream, batch);
  file_settle(stream->own.path ? &stream->own : &main_sink.file, batch->count);
}

static void deliver(struct stream *stream, bool whole) {
  struct slot *slot = &commit->slots[commit->slot];
  struct rest rest = slot->rest;
  uint32_t from = MAX_LINE - rest.length;
  memcpy(commit->text + from, commit->carry[commit->slot], rest.length);
  bool raw = stream->raw || stream->source == KERNEL;
  struct lines batch = {commit->text, lines, 0, {0}};
  if (commit->how != RECEIVED)
    batch.count = text_split(commit->text, &from, MAX_LINE + commit->taken, raw, whole, &rest, lines);
  if (stream->source == SOCKET || stream->source == KERNEL)
    syslog_compose(&batch);
  clock_gettime(CLOCK_REALTIME, &batch.now);
  for (int i = 0; i < OUTPUTS; i++)
    commit->ring_next[i] = commit->ring[i].head;
  if (batch.count > 0) {
    char name[MAX_NAME + 1];
    memcpy(name, slot->name, slot->name_length);
    name[slot->name_length] = '\0';
    commit_phase(WRITING);
    if (stream->source == SOCKET || stream->source == KERNEL)
      syslog_write(stream, &batch);
    else
      stream_write(stream, name, &batch);
  }
  commit->next = rest;
  commit->rest_at = from;
  commit_phase(SAVING);
  commit_save();
}

void stream_deliver(uint32_t slot) {
  deliver(streams[slot], false);
}

static int take(uint32_t slot) {
  const struct stream *stream = streams[slot];
  if (stream->source == SOCKET)
    return commit_receive(slot, stream->pipe);
  if (stream->source == KERNEL)
    return commit_read(slot, stream->pipe);
  commit_begin(slot, SPLICED);
  return commit_take(stream->pipe);
}

int stream_turn(uint32_t slot) {
  int n = take(slot);
  if (n > 0)
    deliver(streams[slot], false);
  return n;
}

static void flush_partial(struct stream *stream, uint32_t slot) {
  if (commit->slots[slot].rest.length == 0)
    return;
  commit_begin(slot, SPLICED);
  deliver(stream, true);
}

bool stream_drain(uint32_t slot, bool partial) {
  enum source source = streams[slot]->source;
  int left = DATAGRAMS_WAITING, n = 1;
  if (source == NOTHING)
    return true;
  if (source == PIPE && ioctl(streams[slot]->pipe, FIONREAD, &left) < 0)
    return false;
  for (; left > 0 && n > 0; left -= n)
    n = stream_turn(slot);
  if (source == KERNEL && n < 0)
    n = 0; // it is at its end
  if (partial && n >= 0)
    flush_partial(streams[slot], slot);
  return n >= 0;
}

// A stream that was not announced again: its last words go to the main sink under its name.
static struct stream *orphan(uint32_t slot) {
  static struct stream stream;
  const struct slot *its = &commit->slots[slot];
  stream = (struct stream){.pipe = -1, .own.fd = -1, .recent.fd = -1};
  stream.source = commit->how == RECEIVED ? SOCKET : commit->how == READ ? KERNEL : PIPE;
  memcpy(stream.program, its->name, its->name_length);
  return &stream;
}

bool stream_begin(void) {
  uint32_t slot = commit->slot;
  file_undoing = false;
  if (commit->phase == SAVING)
    commit_save();
  if (commit->phase != IDLE) {
    commit->places = 0; // all that could be cut off is
    commit_phase(TAKING);
    if (!commit_take_rest())
      return false;
    if (commit->taken > 0 || commit_received() > 0)
      deliver(streams[slot] ? streams[slot] : orphan(slot), false);
    commit_phase(IDLE);
  }
  for (slot = 0; slot < commit->end; slot++)
    if (commit->slots[slot].name_length > 0 && !streams[slot]) {
      flush_partial(orphan(slot), slot);
      slots_release(slot);
    }
  return true;
}

void stream_free(struct stream *stream) {
  if (stream->pipe >= 0)
    close(stream->pipe);
  file_close(&stream->own);
  recent_close(&stream->recent);
  free(stream);
}
