// The daemon's orders, and what it is told: docs/log-writer.md §2.
#include "orders.h"
#include "limit.h"
#include "output.h"
#include "pack.h"
#include "rotate.h"
#include "stream.h"
#include "syslog.h"
#include "wire.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ORDER = 1, ANSWER = 2, EVENT = 3, MESSAGE = 16384, MAX_DESCRIPTORS = 253 };
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
enum { COUNT_MS = 1000, LONGEST = 2000000 }; // seconds that are still milliseconds in an int
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

static const struct {
  uint16_t tag;
  bool text, list;
  uint32_t orders; // a bit for each order that may have it
} known[FIELDS] = {
    [PID] = {12, false, false, 1 << OPEN | 1 << LABEL},
    [NAME] = {20, true, false,
              1 << OPEN | 1 << LABEL | 1 << DRAIN | 1 << CLOSE | 1 << ROTATE | 1 << EXPIRE | 1 << CLAIM |
                  1 << ROUTE},
    [UID] = {21, false, false, 1 << OPEN | 1 << EXPIRE | 1 << CLAIM},
    [GID] = {22, false, false, 1 << OPEN | 1 << EXPIRE | 1 << CLAIM},
    [PATH] = {24, true, false, 1 << CONFIGURE | 1 << OPEN | 1 << EXPIRE | 1 << CLAIM},
    [MODE] = {28, false, false, 1 << CONFIGURE | 1 << OPEN},
    [GROUP] = {128, false, true, 1 << OPEN | 1 << EXPIRE | 1 << CLAIM},
    [RECENT_PATH] = {129, true, false, 1 << OPEN},
    [RAW_LINES] = {130, false, false, 1 << OPEN},
    [PROGRAM] = {131, true, false, 1 << OPEN | 1 << LABEL},
    [KEEP] = {132, false, false, 1 << OPEN | 1 << CONFIGURE},
    [OUTPUT] = {133, false, true, 1 << CONFIGURE},
    [FORMAT] = {134, false, false, 1 << CONFIGURE},
    [PARTIAL] = {135, false, false, 1 << DRAIN},
    [SYSLOG_PATH] = {136, true, false, 1 << CONFIGURE},
    [OLD_FILES] = {137, false, false, 1 << ROTATE | 1 << LIMIT | 1 << EXPIRE | 1 << PUBLISH},
    [LARGER] = {138, false, false, 1 << ROTATE | 1 << LIMIT | 1 << CLAIM},
    [BEFORE] = {139, false, false, 1 << EXPIRE},
    [SUFFIX] = {140, true, false, 1 << PUBLISH},
    [DESTINATION] = {150, true, true, 1 << ROUTE},
    [RULE] = {151, false, true, 1 << ROUTE},
    [HOST] = {152, true, false, 1 << ROUTE},
    [BURST] = {153, false, false, 1 << ROUTE},
    [SECONDS] = {154, false, false, 1 << ROUTE},
    [MARK] = {155, false, false, 1 << ROUTE},
    [SOURCE] = {156, false, false, 1 << OPEN},
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

static bool begun, last;
static int poller;
static uint8_t unsent[MESSAGE];
static size_t unsent_length;
static bool unsent_claim;
static struct packing packing; // what is claimed at last

// False if it must be tried again. If nobody is there to be told it counts as sent.
static bool transmit(const uint8_t *bytes, size_t length) {
  return send(CONTROL, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
}

// With the two descriptors of what is claimed.
static bool transmit_claim(const uint8_t *bytes, size_t length) {
  int fds[2] = {packing.from, packing.to};
  union {
    char bytes[CMSG_SPACE(sizeof fds)];
    struct cmsghdr header;
  } control = {.header = {CMSG_LEN(sizeof fds), SOL_SOCKET, SCM_RIGHTS}};
  memcpy(CMSG_DATA(&control.header), fds, sizeof fds);
  struct iovec vector = {(void *)bytes, length};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  return sendmsg(CONTROL, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
}

static void fail(struct answer *answer, int error, const char *what, const char *object) {
  answer->error = error;
  snprintf(answer->text, sizeof answer->text, "%s%s%s: %s", what, *object ? " " : "", object,
           strerror(error));
}

static bool known_suffix(const char *suffix) {
  for (int i = 0; i < SUFFIXES; i++)
    if (strcmp(suffix, old_suffixes[i]) == 0)
      return true;
  return false;
}

static bool decode_field(struct order *order, int field, struct bytes value) {
  int64_t integer = 0;
  if (field == RULE)
    return route_add_rule(&order->routes, value);
  if (known[field].text) {
    if (value.length == 0 || value.length >= PATH_MAX || memchr(value.at, '\0', value.length))
      return false;
    memcpy(order->text[field], value.at, value.length);
    order->text[field][value.length] = '\0';
    if (field == DESTINATION && !route_add_destination(&order->routes, value))
      return false;
  } else if (!wire_integer(value, &integer) || integer < 0 || (integer > UINT32_MAX && field != LARGER))
    return false;
  if (field == OUTPUT && (integer < 1 || integer > SYSLOG))
    return false;
  if (field == OUTPUT)
    order->outputs |= 1u << (integer - 1);
  if (field == GROUP && order->user.count == sizeof order->user.groups / sizeof *order->user.groups)
    return false;
  if (field == GROUP)
    order->user.groups[order->user.count++] = (gid_t)integer;
  order->integer[field] = integer;
  return true;
}

static void decode(struct order *order, struct bytes fields, struct answer *answer) {
  struct bytes value;
  uint16_t tag;
  unsigned seen = 0;
  int more;
  char what[32] = "understand order";
  if (order->type == 0 || order->type >= ORDERS) {
    fail(answer, ENOSYS, what, "");
    return;
  }
  while ((more = wire_field(&fields, &tag, &value)) > 0) {
    int field = 0;
    while (field < FIELDS && known[field].tag != tag)
      field++;
    snprintf(what, sizeof what, "understand field %u", tag);
    if (field == FIELDS || !(known[field].orders >> order->type & 1) ||
        (!known[field].list && (seen >> field & 1)) || !decode_field(order, field, value)) {
      more = -1;
      break;
    }
    seen |= 1u << field;
  }
  unsigned must = order->type == OPEN || order->type == LABEL || order->type == CLOSE || order->type == ROUTE
                      ? 1u << NAME
                  : order->type == ROTATE || order->type == PUBLISH || order->type == LIMIT ? 1u << OLD_FILES
                  : order->type == EXPIRE                                                   ? 1u << BEFORE
                                                                                            : 0;
  if (more < 0 || (seen & must) != must || strlen(order->text[NAME]) > MAX_NAME ||
      strlen(order->text[PROGRAM]) > MAX_PROGRAM || strpbrk(order->text[PROGRAM], "\r\n") ||
      order->integer[FORMAT] > 1 || order->integer[MODE] > 0777 || !known_suffix(order->text[SUFFIX]) ||
      ((seen >> OLD_FILES & 1) && order->integer[OLD_FILES] < 1) ||
      order->integer[OLD_FILES] > MOST_OLD_FILES || order->integer[SOURCE] >= SOURCES ||
      order->integer[SECONDS] > LONGEST || order->integer[MARK] > LONGEST ||
      strlen(order->text[HOST]) > MAX_HOST)
    fail(answer, EINVAL, what, "");
  order->user.uid = (uid_t)order->integer[UID];
  order->user.gid = (gid_t)order->integer[GID];
}

static char *copy_path(const char *path) {
  return *path ? strdup(path) : NULL;
}

static mode_t mode_of(const struct order *order) {
  return order->integer[MODE] ? (mode_t)order->integer[MODE] : 0640;
}

// Opens by path what must be open; the answer says why not.
static bool open_file(struct file *file, struct answer *answer) {
  const char *stage;
  int fd = file_open(file, &stage);
  if (fd < 0) {
    fail(answer, errno, "open", file->path);
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

static void configure(const struct order *order, struct answer *answer) {
  struct file file = {
      .path = copy_path(order->text[PATH]), .mode = mode_of(order), .loss = &commit->main_loss, .fd = -1};
  if (*order->text[PATH] && !file.path)
    fail(answer, ENOMEM, "open", order->text[PATH]);
  else if (!file.path || open_file(&file, answer) || keep_going(order, &file, answer)) {
    const char *syslog = order->text[SYSLOG_PATH];
    if (output_configure(order->outputs | (*syslog ? 1u << SYSLOG : 0), syslog, poller, EVENT_OUTPUT)) {
      file_close(&main_sink.file);
      main_sink.file = file;
      main_sink.json = order->integer[FORMAT] == 1;
      return;
    }
    fail(answer, errno, "connect to system log", syslog);
  }
  file_close(&file);
}

static void set_label(struct stream *stream, const struct order *order) {
  strcpy(stream->program, order->text[PROGRAM]);
  stream->pid = order->integer[PID];
}

static bool poll_stream(const struct stream *stream, uint32_t slot) {
  return stream->source == NOTHING ||
         epoll_ctl(poller, EPOLL_CTL_ADD, stream->pipe,
                   &(struct epoll_event){.events = EPOLLIN, .data.u64 = slot}) == 0;
}

static void drop_stream(int slot) {
  if (!streams[slot])
    return;
  // Closing is not enough: the keeper and the service have the same description open, so it would go on being
  // polled.
  epoll_ctl(poller, EPOLL_CTL_DEL, streams[slot]->pipe, NULL);
  route_forget(slot);
  stream_free(streams[slot]);
  streams[slot] = NULL;
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
    return order->pipe >= 0 && fcntl(order->pipe, F_GETFL) & O_NONBLOCK;
  default:
    return fstat(order->pipe, &st) == 0 && S_ISFIFO(st.st_mode) && fstat(TRANSFER, &transfer) == 0 &&
           (st.st_ino != transfer.st_ino || st.st_dev != transfer.st_dev);
  }
}

// Returns false only if nothing can go on.
static bool open_stream(struct order *order, struct answer *answer) {
  const char *name = order->text[NAME], *stage;
  if (!is_source(order)) {
    fail(answer, EINVAL, "open the pipe of stream", name);
    return true;
  }
  int slot = stream_slot(name, strlen(name), true);
  if (slot < 0) {
    fail(answer, ENOSPC, "open stream", name);
    return true;
  }
  struct stream *stream = malloc(sizeof *stream);
  if (!stream) {
    fail(answer, ENOMEM, "open stream", name);
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
  set_label(stream, order);
  file_changed = true; // a predecessor's loss may not have been told of
  if ((*order->text[PATH] && !stream->own.path) || (*order->text[RECENT_PATH] && !stream->recent.path))
    fail(answer, ENOMEM, "open stream", name);
  else if (stream->own.path && !open_file(&stream->own, answer))
    keep_going(order, &stream->own, answer);
  if (answer->error) {
    stream_free(stream);
    if (!streams[slot])
      commit_release((uint32_t)slot);
    return true;
  }
  if (stream->recent.path)
    stream->recent.fd = file_open(&stream->recent, &stage); // failing, it is tried again with each batch
  // A stream that is open already goes on: what is left of a line stays in its slot.
  bool going = !streams[slot] || !begun || stream_drain((uint32_t)slot, false);
  drop_stream(slot);
  streams[slot] = stream;
  if (begun && !poll_stream(stream, (uint32_t)slot))
    fail(answer, errno, "watch the pipe of stream", name);
  if (stream->source == SOCKET)
    output_connect_syslog(poller, EVENT_OUTPUT); // it may be this one
  return going;
}

// Takes all that there is of a stream whose end this is.
static bool close_source(uint32_t slot) {
  const struct stream *stream = streams[slot];
  int n = 1;
  // From here on whoever sends is told that nobody listens, so what waits comes to an end.
  if (stream->source == SOCKET && shutdown(stream->pipe, SHUT_RD) == 0)
    while (n > 0)
      n = stream_turn(slot);
  return n >= 0 && stream_drain(slot, true);
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

static void reopen(struct answer *answer) {
  if (main_sink.file.path)
    open_file(&main_sink.file, answer);
  for (uint32_t i = 0; i < commit->end; i++)
    if (streams[i] && streams[i]->own.path)
      open_file(&streams[i]->own, answer);
}

// How an order about files failed.
static void fail_at(struct answer *answer, const char *stage, const char *what, const char *path) {
  fail(answer, errno, what, path);
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
    fail(answer, EINVAL, "find all files of system log", order->text[NAME]);
}

// As if the daemon had been told of no trouble that there is now.
static void tell_again(struct told *told, const struct loss *loss) {
  if (loss->error)
    told->error = 0;
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

static bool begin(void) {
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

// Returns false only if nothing can go on.
static bool obey(struct order *order, struct answer *answer) {
  const char *name = order->text[NAME];
  int slot = *name ? stream_slot(name, strlen(name), false) : -1;
  if (slot >= 0 && !streams[slot])
    slot = -1; // a predecessor's
  // For orders about old files: those of a stream, of the main sink, or of another program's file.
  bool foreign = *order->text[PATH] != '\0';
  struct file others = {.path = order->text[PATH], .user = &order->user, .fd = -1};
  struct file *file = foreign ? &others : slot < 0 ? &main_sink.file : &streams[slot]->own;
  if (!begun && (order->type == DRAIN || order->type == CLOSE || order->type == ROTATE))
    fail(answer, EBUSY, order->type == ROTATE ? "rotate before begin" : "drain before begin", name);
  else if (slot < 0 && *name && order->type != OPEN && order->type != CLOSE)
    fail(answer, ENOENT, "find stream", name);
  else if (order->type == CONFIGURE)
    configure(order, answer);
  else if (order->type == OPEN)
    return open_stream(order, answer);
  else if (order->type == LABEL)
    set_label(streams[slot], order);
  else if (order->type == DRAIN)
    return drain(order, slot);
  else if (order->type == REOPEN)
    reopen(answer);
  else if (order->type == BEGIN)
    return begin();
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
    drop_stream(slot);
    commit_release((uint32_t)slot);
    return drained;
  }
  return true;
}

static bool send_answer(size_t length) {
  return unsent_claim ? transmit_claim(unsent, length) : transmit(unsent, length);
}

static void reply(const struct order *order, const struct answer *answer) {
  struct writer out = {unsent, 0, sizeof unsent, false};
  size_t frame = wire_open_frame(&out, ANSWER, order->tag), item = wire_open_item(&out, order->type);
  wire_put_integer(&out, T_ERRNO, answer->error);
  if (answer->error) {
    wire_put_string(&out, T_TEXT, answer->text);
    if (*order->text[PATH])
      wire_put_string(&out, T_PATH, order->text[PATH]);
    if (answer->stage)
      wire_put_string(&out, T_STAGE, answer->stage);
  } else if (*answer->made)
    wire_put_string(&out, T_PATH, answer->made);
  if (!answer->error && answer->count >= 0)
    wire_put_integer(&out, T_COUNT, answer->count);
  if (answer->claimed) {
    wire_put_integer(&out, T_UID, packing.uid);
    wire_put_integer(&out, T_GID, packing.gid);
  }
  wire_close(&out, item);
  wire_close_frame(&out, frame);
  unsent_claim = answer->claimed;
  unsent_length = send_answer(out.used) ? 0 : out.used;
}

// Takes the first of the descriptors that came with a message; no order has a use for more.
static int take_descriptor(struct msghdr *message) {
  int taken = -1;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
    for (size_t i = 0; c->cmsg_type == SCM_RIGHTS && CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      if (taken < 0)
        taken = fd;
      else
        close(fd);
    }
  return taken;
}

bool orders_begun(void) {
  return begun;
}

bool orders_last(void) {
  return last;
}

bool orders_read(int its_poller) {
  poller = its_poller;
  for (;;) {
    if (unsent_length > 0 && !send_answer(unsent_length))
      return true;
    unsent_length = 0;
    static uint8_t data[MESSAGE];
    static struct order order;
    union {
      char bytes[CMSG_SPACE(MAX_DESCRIPTORS * sizeof(int))];
      struct cmsghdr header;
    } control;
    struct iovec vector = {data, sizeof data};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(CONTROL, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0 && errno == EAGAIN)
      return true;
    if (length <= 0) {
      errno = 0;
      return false;
    }
    memset(&order, 0, sizeof order);
    struct answer answer = {.count = -1};
    struct bytes input = {data, (size_t)length}, fields;
    struct frame frame = {0};
    const char *wrong = "";
    order.pipe = take_descriptor(&message);
    if ((message.msg_flags & MSG_TRUNC) || wire_frame(&input, &frame, &wrong) <= 0 || frame.kind != ORDER ||
        input.length > 0 || wire_item(&frame.items, &order.type, &fields) <= 0 || frame.items.length > 0)
      fail(&answer, EINVAL, "understand message", "");
    else
      decode(&order, fields, &answer);
    order.tag = frame.tag;
    bool going = answer.error || obey(&order, &answer);
    if (order.pipe >= 0)
      close(order.pipe);
    if (!going)
      return false;
    reply(&order, &answer);
  }
}

// Tells of one destination if its error is not the one told before, or with `counting` if its count is not.
// Whether it did.
static bool report(struct told *told, const struct loss *loss, const char *name, const char *path,
                   bool counting) {
  if (loss->error)
    told->lines = loss->lines;
  bool news = told->error != loss->error;
  if (!news && (loss->error == 0 || told->counted == loss->lines))
    return false;
  if (!news && !counting) {
    file_changed = true; // it is due later
    return false;
  }
  uint8_t bytes[2 * PATH_MAX + 1024];
  char text[PATH_MAX + 128];
  struct writer out = {bytes, 0, sizeof bytes, false};
  size_t frame = wire_open_frame(&out, EVENT, 0), item = wire_open_item(&out, TROUBLE);
  snprintf(text, sizeof text, "write %s: %s", path, loss->error ? strerror(loss->error) : "works again");
  wire_put_string(&out, T_NAME, name);
  wire_put_integer(&out, T_ERRNO, loss->error);
  wire_put_string(&out, T_TEXT, text);
  wire_put_string(&out, T_PATH, path);
  wire_put_integer(&out, T_LOST, (int64_t)told->lines);
  wire_close(&out, item);
  wire_close_frame(&out, frame);
  if (!transmit(out.bytes, out.used)) {
    file_changed = true; // tried again as soon as there is room
    return false;
  }
  told->error = loss->error;
  told->counted = told->lines;
  return true;
}

// Tells that a file was rotated because of its size, or could not be.
static void report_rotation(struct file *file, const char *name) {
  struct rotated *rotated = &file->rotated;
  if (!rotated->untold)
    return;
  uint8_t bytes[2 * PATH_MAX + 1024];
  char text[PATH_MAX + 128];
  struct writer out = {bytes, 0, sizeof bytes, false};
  size_t frame = wire_open_frame(&out, EVENT, 0), item = wire_open_item(&out, ROTATED);
  snprintf(text, sizeof text, "rotate %s: %s", file->path, strerror(rotated->error));
  wire_put_string(&out, T_NAME, name);
  wire_put_integer(&out, T_ERRNO, rotated->error);
  wire_put_string(&out, T_TEXT, text);
  wire_put_string(&out, T_PATH, file->path);
  wire_close(&out, item);
  wire_close_frame(&out, frame);
  if (transmit(out.bytes, out.used))
    rotated->untold = false;
  else
    file_changed = true; // tried again as soon as there is room
}

int orders_report(int64_t now) {
  static const char *const names[OUTPUTS] = {"standard output", "standard error", "system log"};
  static int64_t count_at;
  bool counting = now >= count_at, changed = file_changed, told = false;
  file_changed = false;
  if (main_sink.file.path) {
    told |= report(&main_sink.told, &commit->main_loss, "", main_sink.file.path, counting);
    report_rotation(&main_sink.file, "");
  }
  for (int i = 0; i < OUTPUTS; i++)
    told |= report(&main_sink.output_told[i], &commit->ring[i].loss, "", names[i], counting);
  for (uint32_t i = 0; changed && i < commit->end; i++)
    if (streams[i] && streams[i]->own.path) {
      char name[MAX_NAME + 1] = {0};
      memcpy(name, commit->slots[i].name, commit->slots[i].name_length);
      told |= report(&streams[i]->told, &commit->slots[i].loss, name, streams[i]->own.path, counting);
      report_rotation(&streams[i]->own, name);
    }
  if (told)
    count_at = now + COUNT_MS;
  return file_changed ? COUNT_MS : -1;
}
