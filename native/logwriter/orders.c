// The daemon's orders, and what it is told: docs/log-writer.md §2.
#include "orders.h"
#include "output.h"
#include "stream.h"
#include "wire.h"
#include <errno.h>
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
  ORDERS,
  TROUBLE = 128
};
enum { MOST_OLD_FILES = 1000, COUNT_MS = 1000 };
enum { T_ERRNO = 1, T_TEXT = 2, T_NAME = 20, T_PATH = 24, T_STAGE = 79, T_LOST = 80 };
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
  FIELDS
};

static const struct {
  uint16_t tag;
  bool text, list;
  uint16_t orders; // a bit for each order that may have it
} known[FIELDS] = {
    [PID] = {12, false, false, 1 << OPEN | 1 << LABEL},
    [NAME] = {20, true, false, 1 << OPEN | 1 << LABEL | 1 << DRAIN | 1 << CLOSE | 1 << ROTATE},
    [UID] = {21, false, false, 1 << OPEN},
    [GID] = {22, false, false, 1 << OPEN},
    [PATH] = {24, true, false, 1 << CONFIGURE | 1 << OPEN},
    [MODE] = {28, false, false, 1 << CONFIGURE | 1 << OPEN},
    [GROUP] = {128, false, true, 1 << OPEN},
    [RECENT_PATH] = {129, true, false, 1 << OPEN},
    [RAW_LINES] = {130, false, false, 1 << OPEN},
    [PROGRAM] = {131, true, false, 1 << OPEN | 1 << LABEL},
    [KEEP] = {132, false, false, 1 << OPEN | 1 << CONFIGURE},
    [OUTPUT] = {133, false, true, 1 << CONFIGURE},
    [FORMAT] = {134, false, false, 1 << CONFIGURE},
    [PARTIAL] = {135, false, false, 1 << DRAIN},
    [SYSLOG_PATH] = {136, true, false, 1 << CONFIGURE},
    [OLD_FILES] = {137, false, false, 1 << ROTATE},
};

// One order, decoded. Texts are terminated; "" is a field that is not there.
struct order {
  uint16_t type;
  uint32_t tag;
  char text[FIELDS][PATH_MAX];
  int64_t integer[FIELDS];
  struct user user;
  unsigned outputs;
  int pipe;
};

// How an order ended.
struct answer {
  int error;
  const char *stage;
  char text[PATH_MAX + 128];
  char made[PATH_MAX + 2]; // the old file that a rotation has made; "": none
};

static bool begun, last;
static int poller;
static uint8_t unsent[MESSAGE];
static size_t unsent_length;

// False if it must be tried again. If nobody is there to be told it counts as sent.
static bool transmit(const uint8_t *bytes, size_t length) {
  return send(CONTROL, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
}

static void fail(struct answer *answer, int error, const char *what, const char *object) {
  answer->error = error;
  snprintf(answer->text, sizeof answer->text, "%s%s%s: %s", what, *object ? " " : "", object,
           strerror(error));
}

static bool decode_field(struct order *order, int field, struct bytes value) {
  int64_t integer = 0;
  if (known[field].text) {
    if (value.length == 0 || value.length >= PATH_MAX || memchr(value.at, '\0', value.length))
      return false;
    memcpy(order->text[field], value.at, value.length);
    order->text[field][value.length] = '\0';
  } else if (!wire_integer(value, &integer) || integer < 0 || integer > UINT32_MAX)
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
  unsigned must = order->type == OPEN || order->type == LABEL || order->type == CLOSE ? 1u << NAME
                  : order->type == ROTATE                                             ? 1u << OLD_FILES
                                                                                      : 0;
  if (more < 0 || (seen & must) != must || strlen(order->text[NAME]) > MAX_NAME ||
      strlen(order->text[PROGRAM]) > MAX_PROGRAM || strpbrk(order->text[PROGRAM], "\r\n") ||
      order->integer[FORMAT] > 1 || order->integer[MODE] > 0777 ||
      (order->type == ROTATE && order->integer[OLD_FILES] < 1) || order->integer[OLD_FILES] > MOST_OLD_FILES)
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
      copy_path(order->text[PATH]), mode_of(order), NULL, &commit->main_loss, -1, false, false, 0, 0};
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
  return epoll_ctl(poller, EPOLL_CTL_ADD, stream->pipe,
                   &(struct epoll_event){.events = EPOLLIN, .data.u64 = slot}) == 0;
}

static void drop_stream(int slot) {
  if (!streams[slot])
    return;
  // Closing is not enough: the keeper and the service have the same description open, so it would go on being
  // polled.
  epoll_ctl(poller, EPOLL_CTL_DEL, streams[slot]->pipe, NULL);
  stream_free(streams[slot]);
  streams[slot] = NULL;
}

// Returns false only if nothing can go on.
static bool open_stream(struct order *order, struct answer *answer) {
  struct stat pipe, transfer;
  const char *name = order->text[NAME], *stage;
  if (fstat(order->pipe, &pipe) < 0 || !S_ISFIFO(pipe.st_mode) || fstat(TRANSFER, &transfer) < 0 ||
      (pipe.st_ino == transfer.st_ino && pipe.st_dev == transfer.st_dev)) {
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
  *stream = (struct stream){.pipe = order->pipe, .raw = order->integer[RAW_LINES] != 0, .user = order->user};
  struct loss *loss = &commit->slots[slot].loss;
  stream->own = (struct file){
      copy_path(order->text[PATH]), mode_of(order), &stream->user, loss, -1, false, false, 0, 0};
  stream->recent =
      (struct file){copy_path(order->text[RECENT_PATH]), 0640, NULL, NULL, -1, false, false, 0, 0};
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
  return going;
}

static bool drain(const struct order *order, int slot) {
  if (slot >= 0)
    return stream_drain((uint32_t)slot, order->integer[PARTIAL]);
  for (uint32_t i = 0; i < commit->end; i++)
    if (streams[i] && !stream_drain(i, order->integer[PARTIAL]))
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

// Between two batches, so that no place in the memory file is one of a file that gets another name.
static void rotate(struct file *file, unsigned keep, struct answer *answer) {
  struct stat old;
  const char *stage;
  int rotated = file->path ? file_rotate(file, keep, &old, &stage) : 0;
  if (rotated < 0) {
    fail(answer, errno, "rotate", file->path);
    answer->stage = stage;
  }
  if (rotated <= 0)
    return;
  file_let_go(&main_sink.file, &old);
  for (uint32_t i = 0; i < commit->end; i++)
    if (streams[i])
      file_let_go(&streams[i]->own, &old);
  snprintf(answer->made, sizeof answer->made, "%s.1", file->path);
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
  if (!begun && (order->type == DRAIN || order->type == CLOSE || order->type == ROTATE))
    fail(answer, EBUSY, order->type == ROTATE ? "rotate before begin" : "drain before begin", name);
  else if (slot < 0 && *name && (order->type == LABEL || order->type == DRAIN || order->type == ROTATE))
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
    rotate(slot < 0 ? &main_sink.file : &streams[slot]->own, (unsigned)order->integer[OLD_FILES], answer);
  else if (order->type == TROUBLES)
    troubles();
  else if (order->type == FINISH)
    last = true;
  else if (slot >= 0) {
    bool drained = stream_drain((uint32_t)slot, true);
    drop_stream(slot);
    commit_release((uint32_t)slot);
    return drained;
  }
  return true;
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
  wire_close(&out, item);
  wire_close_frame(&out, frame);
  unsent_length = transmit(out.bytes, out.used) ? 0 : out.used;
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
    if (unsent_length > 0 && !transmit(unsent, unsent_length))
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
    struct answer answer = {0};
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

int orders_report(int64_t now) {
  static const char *const names[OUTPUTS] = {"standard output", "standard error", "system log"};
  static int64_t count_at;
  bool counting = now >= count_at, changed = file_changed, told = false;
  file_changed = false;
  if (main_sink.file.path)
    told |= report(&main_sink.told, &commit->main_loss, "", main_sink.file.path, counting);
  for (int i = 0; i < OUTPUTS; i++)
    told |= report(&main_sink.output_told[i], &commit->ring[i].loss, "", names[i], counting);
  for (uint32_t i = 0; changed && i < commit->end; i++)
    if (streams[i] && streams[i]->own.path) {
      char name[MAX_NAME + 1] = {0};
      memcpy(name, commit->slots[i].name, commit->slots[i].name_length);
      told |= report(&streams[i]->told, &commit->slots[i].loss, name, streams[i]->own.path, counting);
    }
  if (told)
    count_at = now + COUNT_MS;
  return file_changed ? COUNT_MS : -1;
}
