// Opens sinks and streams as the daemon orders it.
#include "opening.h"
#include "output.h"
#include "route.h"
#include "slots.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// Descriptors that services leave to recent histories, to walks along a path and to old files.
enum { RESERVE = 32 };

static bool begun;
static int poller;

void open_watch(int its_poller) {
  poller = its_poller;
}

static char *copy_path(const char *path) {
  return *path ? strdup(path) : NULL;
}

static mode_t mode_of(const struct order *order) {
  return order->integer[MODE] ? (mode_t)order->integer[MODE] : 0640;
}

// The lowest free number is given first, so a high one tells how many there are. What runs already is taken
// over as long as there is any: where it had room before, it has now.
static bool has_room(const struct order *order) {
  struct rlimit most;
  return order->integer[KEEP] || order->pipe < RESERVE || getrlimit(RLIMIT_NOFILE, &most) < 0 ||
         (rlim_t)order->pipe < most.rlim_cur - RESERVE;
}

// Opens by path what must be open; the answer says why not.
static bool open_file(struct file *file, struct answer *answer) {
  const char *stage;
  int fd = file_open(file, &stage);
  if (fd < 0) {
    order_fail(answer, errno, "open", file->path);
    answer->stage = stage;
    return false;
  }
  if (file->fd >= 0)
    close(file->fd);
  file->fd = fd;
  return true;
}

// Who takes over what is running lives with a file that cannot be opened: it is tried again with each batch.
static bool keep_going(const struct order *order, struct file *file, struct answer *answer) {
  if (!order->integer[KEEP])
    return false;
  file->loss->error = answer->error;
  answer->error = 0;
  return true;
}

void open_sink(const struct order *order, struct answer *answer) {
  struct file file = {
      .path = copy_path(order->text[PATH]), .mode = mode_of(order), .loss = &commit->main_loss, .fd = -1};
  if (*order->text[PATH] && !file.path)
    order_fail(answer, ENOMEM, "open", order->text[PATH]);
  else if (!file.path || open_file(&file, answer) || keep_going(order, &file, answer)) {
    const char *syslog = order->text[SYSLOG_PATH];
    if (output_configure(order->outputs | (*syslog ? 1u << SYSLOG : 0), syslog)) {
      file_close(&main_sink.file);
      main_sink.file = file;
      main_sink.json = order->integer[FORMAT] == 1;
      return;
    }
    order_fail(answer, errno, "connect to system log", syslog);
  }
  file_close(&file);
}

void open_label(struct stream *stream, const struct order *order) {
  strcpy(stream->program, order->text[PROGRAM]);
  stream->pid = order->integer[PID];
}

static bool poll_stream(const struct stream *stream, uint32_t slot) {
  return stream->source == NOTHING ||
         epoll_ctl(poller, EPOLL_CTL_ADD, stream->pipe,
                   &(struct epoll_event){.events = EPOLLIN, .data.u64 = slot}) == 0;
}

void open_drop(int slot) {
  if (!streams[slot])
    return;
  // Closing is not enough: the keeper and the service have the same description open, so it would go on being
  // polled.
  epoll_ctl(poller, EPOLL_CTL_DEL, streams[slot]->pipe, NULL);
  stream_free(streams[slot]);
  streams[slot] = NULL;
}

// A regular file, for one, cannot; and what begin() cannot poll would be the end of every writer.
static bool can_be_polled(int fd) {
  return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &(struct epoll_event){0}) == 0 &&
         epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL) == 0;
}

// Whether the descriptor that came is what a stream of that source reads. Senders are known to us from now
// on.
static bool is_source(const struct order *order) {
  struct stat st, transfer;
  int type, on = 1;
  socklen_t size = sizeof type;
  switch ((enum source)order->integer[SOURCE]) {
  case NOTHING:
    return order->pipe < 0;
  case SOCKET:
    return getsockopt(order->pipe, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM &&
           setsockopt(order->pipe, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0;
  case KERNEL:
    // A read that blocks would block everything.
    return order->pipe >= 0 && fcntl(order->pipe, F_GETFL) & O_NONBLOCK && can_be_polled(order->pipe);
  default:
    return fstat(order->pipe, &st) == 0 && S_ISFIFO(st.st_mode) && fstat(TRANSFER, &transfer) == 0 &&
           (st.st_ino != transfer.st_ino || st.st_dev != transfer.st_dev);
  }
}

bool open_stream(struct order *order, struct answer *answer) {
  const char *name = order->text[NAME], *stage;
  if (!is_source(order)) {
    order_fail(answer, order->dropped ? EMFILE : EINVAL, "open the source of stream", name);
    return true;
  }
  if (!has_room(order)) {
    order_fail(answer, EMFILE, "open stream", name);
    return true;
  }
  int slot = slots_claim(name, strlen(name));
  if (slot < 0) {
    order_fail(answer, ENOSPC, "open stream", name);
    return true;
  }
  struct stream *stream = malloc(sizeof *stream);
  if (!stream) {
    order_fail(answer, ENOMEM, "open stream", name);
    return true;
  }
  *stream = (struct stream){.source = (enum source)order->integer[SOURCE],
                            .pipe = order->pipe,
                            .raw = order->integer[RAW_LINES] != 0,
                            .user = order->user};
  struct loss *loss = &commit->slots[slot].loss;
  stream->own = (struct file){.path = copy_path(order->text[PATH]),
                              .mode = mode_of(order),
                              .user = &stream->user,
                              .loss = loss,
                              .fd = -1};
  stream->recent = (struct file){.path = copy_path(order->text[RECENT_PATH]), .mode = 0640, .fd = -1};
  order->pipe = -1;
  open_label(stream, order);
  file_changed |= loss->error != 0; // a predecessor's, of which nobody may have told
  if ((*order->text[PATH] && !stream->own.path) || (*order->text[RECENT_PATH] && !stream->recent.path))
    order_fail(answer, ENOMEM, "open stream", name);
  else if (stream->own.path && !open_file(&stream->own, answer))
    keep_going(order, &stream->own, answer);
  if (answer->error) {
    stream_free(stream);
    if (!streams[slot])
      slots_release((uint32_t)slot);
    return true;
  }
  // It is opened when there is something to remember, and now only to cut off what was not saved.
  if (stream->recent.path && file_undoing) {
    int fd = file_open(&stream->recent, &stage);
    if (fd >= 0)
      close(fd);
  }
  // A stream that is open already goes on: what is left of a line stays in its slot.
  bool going = !streams[slot] || !begun || stream_drain((uint32_t)slot, false);
  open_drop(slot);
  // Rules that lead to it go on doing so: messages may come before the next rules do.
  if (stream->source != NOTHING)
    route_forget(slot);
  streams[slot] = stream;
  if (begun && !poll_stream(stream, (uint32_t)slot))
    order_fail(answer, errno, "watch the pipe of stream", name);
  if (stream->source == SOCKET)
    output_connect_syslog(); // it may be this one
  return going;
}

void open_again(struct answer *answer) {
  if (main_sink.file.path)
    open_file(&main_sink.file, answer);
  for (uint32_t i = 0; i < commit->end; i++)
    if (streams[i] && streams[i]->own.path)
      open_file(&streams[i]->own, answer);
}

bool open_begin(void) {
  if (begun)
    return true;
  if (!stream_begin())
    return false;
  begun = true;
  for (uint32_t i = 0; i < commit->end; i++)
    if (streams[i] && !poll_stream(streams[i], i))
      return false;
  return true;
}

bool open_begun(void) {
  return begun;
}
