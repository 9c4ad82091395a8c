// The descriptors by name: pipes, files and socket pairs; watching, passing, receiving. Sockets with
// addresses: sockets.c.
#include "keeper.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { FDS_MAX = 253, PASSED_MAX = 250 }; // in one message: the kernel's bound, the contract's

struct table descriptors = {.what = "descriptor", .record_size = sizeof(struct descriptor), .limit = 16384};

static int arm(struct descriptor *descriptor) {
  if (!watch(&descriptor->source, descriptor->fd, EPOLLIN | EPOLLONESHOT))
    return fail(errno, "watch descriptor %s", descriptor->entry.name);
  return 0;
}

struct descriptor *descriptor_find(struct bytes name) {
  struct descriptor *descriptor = (struct descriptor *)table_find(&descriptors, name);
  if (descriptor == NULL)
    missing("descriptor", name);
  return descriptor;
}

static bool reserved(struct bytes name) {
  return (name.length >= 10 && memcmp(name.at, "log/daemon", 10) == 0) ||
         (name.length >= 5 && memcmp(name.at, "slot/", 5) == 0);
}

static void remove_descriptor(struct descriptor *descriptor) {
  event_cancel(&descriptor->event);
  // Others may share the open file: closing it here would not end the watch.
  unwatch(&descriptor->source, descriptor->fd);
  if (descriptor->slot >= 0)
    slot_bind(descriptor->slot, NULL);
  if (descriptor->fd >= 0)
    close(descriptor->fd);
  free(descriptor->path);
  table_remove(&descriptors, &descriptor->entry);
}

// What a message on a socket brought. Its descriptors are the caller's to close.
struct received {
  ssize_t length;
  struct ucred sender;
  bool truncated;
  size_t count;
  int fds[FDS_MAX];
};

static void receive(int fd, int flags, struct received *got) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(FDS_MAX * sizeof(int))];
  } control;
  struct iovec data = {scratch, sizeof scratch};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  *got = (struct received){.length = recvmsg(fd, &message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC)};
  if (got->length < 0)
    return;
  got->truncated = (message.msg_flags & MSG_TRUNC) != 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
      memcpy(&got->sender, CMSG_DATA(c), sizeof got->sender);
    else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
      got->count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      memcpy(got->fds, CMSG_DATA(c), got->count * sizeof(int));
    }
}

// Looks at the next datagram and leaves it in the kernel's queue.
static void peek(int fd, struct received *got) {
  receive(fd, MSG_PEEK, got);
  for (size_t i = 0; i < got->count; i++)
    close(got->fds[i]);
}

static bool keeps_packets(const struct descriptor *descriptor) {
  int type = SOCK_STREAM;
  if (descriptor->kind == PAIR)
    getsockopt(descriptor->fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type});
  return type != SOCK_STREAM;
}

static void readable(struct source *source, uint32_t events) {
  (void)events;
  struct descriptor *descriptor = CONTAINER(source, struct descriptor, source);
  if (descriptor->kind != NOTIFY && !descriptor->packets) {
    event_raise(&descriptor->event, E_READABLE);
    return;
  }
  struct received got;
  pid_t parent;
  peek(descriptor->fd, &got);
  if (got.length < 0) {
    arm(descriptor);
    return;
  }
  // Now, while the sender most likely lives: later its number may be another's.
  if (got.sender.pid == 0 || !proc_stat(got.sender.pid, &parent, &descriptor->sender_start))
    descriptor->sender_start = 0;
  event_raise(&descriptor->event, E_DATAGRAM);
}

struct descriptor *descriptor_add(struct bytes name, enum descriptor_kind kind, int fd) {
  if (reserved(name) && fd != place.log)
    return fail(EPERM, "make descriptor %.*s: the name is the keeper's", SHOWN(name)), NULL;
  struct descriptor *descriptor = (struct descriptor *)table_add(&descriptors, name);
  if (descriptor == NULL)
    return NULL;
  descriptor->kind = kind;
  descriptor->fd = fd;
  descriptor->slot = -1;
  descriptor->daemon_fd = -1;
  descriptor->source.ready = readable;
  descriptor->packets = keeps_packets(descriptor);
  return descriptor;
}

static void resume(void *record) {
  struct descriptor *descriptor = record;
  descriptor->source.ready = readable;
  descriptor->packets = keeps_packets(descriptor);
  if (descriptor->slot >= 0) {
    int64_t waiting = slots[descriptor->slot].waiting;
    slot_bind(descriptor->slot, descriptor);
    slots[descriptor->slot].waiting = waiting;
  }
  // With an event pending, its acknowledgement arms it.
  if ((descriptor->watched || descriptor->kind == NOTIFY) && descriptor->event.number == 0 &&
      arm(descriptor) != 0)
    say("%s: %s", failure, strerror(errno));
}

static const struct state_field fields[] = {STATE(S_INTEGER, 2, struct descriptor, kind),
                                            STATE(S_FD, 3, struct descriptor, fd),
                                            STATE(S_INTEGER, 4, struct descriptor, slot),
                                            STATE(S_INTEGER, 5, struct descriptor, daemon_fd),
                                            STATE(S_INTEGER, 6, struct descriptor, watched),
                                            STATE(S_INTEGER, 7, struct descriptor, inherited),
                                            STATE(S_INTEGER, 8, struct descriptor, bound),
                                            STATE(S_STRING, 9, struct descriptor, path),
                                            STATE(S_INTEGER, 10, struct descriptor, sender_start),
                                            STATE(S_EVENT, 11, struct descriptor, event),
                                            {0}};
const struct state_section descriptors_state = {.fields = fields, .table = &descriptors, .resume = resume};

int pipe_both_ways(int *writer) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0)
    return -1;
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
  int both = open(path, O_RDWR | O_CLOEXEC), error = errno;
  close(ends[0]);
  if (both < 0 || writer == NULL)
    close(ends[1]);
  else
    *writer = ends[1];
  errno = error;
  return both;
}

static int make_pipe(struct descriptor *descriptor, const struct request *r) {
  if ((descriptor->fd = pipe_both_ways(NULL)) < 0)
    return fail(errno, "make pipe %s", descriptor->entry.name);
  if (fchown(descriptor->fd, (uid_t)integer_or(r, F_UID, -1), (gid_t)integer_or(r, F_GID, -1)) < 0)
    return fail(errno, "give pipe %s to its user", descriptor->entry.name);
  return 0;
}

static int make_memory_file(struct descriptor *descriptor, const struct request *r) {
  char name[200];
  descriptor->fd = memfd_create(string_of(BYTES(r, F_NAME), name, sizeof name), MFD_CLOEXEC);
  if (descriptor->fd < 0 || ftruncate(descriptor->fd, INT(r, F_SIZE)) < 0)
    return fail(errno, "make memory file %s of %lld bytes", descriptor->entry.name,
                (long long)INT(r, F_SIZE));
  return 0;
}

// Makes a FIFO, or finds one; `made` tells which.
static int make_fifo(char *path, const struct request *r, bool *made) {
  mode_t mask = umask(0);
  int error = r->values[F_DIRECTORY_MODE].given ? make_parents(path, (mode_t)INT(r, F_DIRECTORY_MODE)) : 0;
  *made = error == 0 && mkfifo(path, (mode_t)integer_or(r, F_MODE, 0600)) == 0;
  if (error == 0 && !*made && errno != EEXIST)
    error = fail(errno, "make FIFO %.200s", path);
  umask(mask);
  return error;
}

// One that was there already may be another one's, who reads what is written to it: then it is not used.
static int own_fifo(int fd, const char *path, const struct request *r, bool made) {
  struct stat status;
  int64_t uid = integer_or(r, F_UID, -1), gid = integer_or(r, F_GID, -1);
  if (fstat(fd, &status) < 0)
    return fail(errno, "open FIFO %.200s", path);
  if (!S_ISFIFO(status.st_mode))
    return fail(EEXIST, "open FIFO %.200s: it is none", path);
  if (!made && status.st_uid != geteuid() && (int64_t)status.st_uid != uid)
    return fail(EEXIST, "open FIFO %.200s: it belongs to user %u", path, status.st_uid);
  if (fchown(fd, (uid_t)uid, (gid_t)gid) < 0 || fchmod(fd, (mode_t)integer_or(r, F_MODE, 0600)) < 0)
    return fail(errno, "give FIFO %.200s to its user", path);
  return 0;
}

static int make_open(struct descriptor *descriptor, const struct request *r) {
  char path[4096];
  bool fifo = integer_or(r, F_FIFO, 0), made = false;
  int flags = (int)INT(r, F_FLAGS) | (fifo ? O_NOFOLLOW : 0);
  string_of(BYTES(r, F_PATH), path, sizeof path);
  int error = fifo ? make_fifo(path, r, &made) : 0;
  if (error != 0)
    return error;
  // Non-blocking while it opens: a FIFO or a line without carrier must not hold the keeper up.
  descriptor->fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, (mode_t)integer_or(r, F_MODE, 0600));
  if (descriptor->fd < 0 || (!(flags & O_NONBLOCK) && fcntl(descriptor->fd, F_SETFL, flags) < 0))
    return fail(errno, "open %.200s", path);
  if (fifo && (error = own_fifo(descriptor->fd, path, r, made)) != 0)
    return error;
  if ((descriptor->path = strdup(path)) == NULL)
    return fail(ENOMEM, "open %.200s", path);
  descriptor->bound = fifo;
  return 0;
}

int make_descriptor(const struct request *r) {
  struct descriptor *descriptor = descriptor_add(BYTES(r, F_NAME), OTHER, -1);
  if (descriptor == NULL)
    return errno;
  int error = 0;
  switch (r->type) {
  case R_PIPE:
    descriptor->kind = PIPE_END;
    error = make_pipe(descriptor, r);
    break;
  case R_MEMORY_FILE:
    descriptor->kind = MEMORY;
    error = make_memory_file(descriptor, r);
    break;
  case R_OPEN:
    error = make_open(descriptor, r);
    break;
  default:
    descriptor->kind = r->type == R_LISTEN ? LISTENER : NOTIFY;
    if ((error = make_socket(descriptor, r)) == 0 && r->type == R_NOTIFY_SOCKET)
      error = arm(descriptor);
  }
  if (error != 0) {
    if (descriptor->bound)
      unlink(descriptor->path);
    remove_descriptor(descriptor);
  }
  return error;
}

int socket_pair(const struct request *r) {
  struct bytes names[2] = {BYTES(r, F_NAME), BYTES(r, F_PEER)};
  int fds[2];
  if (socketpair(AF_UNIX, (int)INT(r, F_TYPE) | SOCK_CLOEXEC, 0, fds) < 0)
    return fail(errno, "make socket pair %.*s", SHOWN(names[0]));
  struct descriptor *near = descriptor_add(names[0], PAIR, fds[0]);
  if (near != NULL && descriptor_add(names[1], PAIR, fds[1]) != NULL)
    return 0;
  int error = errno;
  if (near != NULL)
    remove_descriptor(near);
  else
    close(fds[0]);
  close(fds[1]);
  return error;
}

int close_descriptor(const struct request *r) {
  struct descriptor *descriptor = descriptor_find(BYTES(r, F_NAME));
  if (descriptor == NULL)
    return errno;
  if (reserved(BYTES(r, F_NAME)))
    return fail(EPERM, "close %s: it is the keeper's", descriptor->entry.name);
  int error = 0;
  if (integer_or(r, F_UNLINK, 0) && descriptor->bound && unlink(descriptor->path) < 0 && errno != ENOENT)
    error = fail(errno, "unlink %.200s", descriptor->path);
  remove_descriptor(descriptor);
  return error;
}

int watch_descriptor(const struct request *r) {
  struct descriptor *descriptor = descriptor_find(BYTES(r, F_NAME));
  if (descriptor == NULL)
    return errno;
  if (descriptor->kind == NOTIFY || descriptor->slot >= 0)
    return fail(EINVAL, "watch descriptor %s: the keeper does already", descriptor->entry.name);
  if (INT(r, F_ON) == descriptor->watched)
    return 0;
  descriptor->watched = INT(r, F_ON) && arm(descriptor) == 0;
  if (INT(r, F_ON))
    return descriptor->watched ? 0 : errno;
  event_cancel(&descriptor->event);
  unwatch(&descriptor->source, descriptor->fd);
  return 0;
}

int pass(const struct request *r) {
  struct descriptor *through = descriptor_find(BYTES(r, F_THROUGH));
  if (through == NULL)
    return errno;
  struct bytes rest = r->fields, name, data = BYTES(r, F_DATA);
  if (data.length == 0)
    return fail(EINVAL, "pass through %s: an empty message carries nothing", through->entry.name);
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(PASSED_MAX * sizeof(int))];
  } control = {0};
  uint16_t tag;
  size_t count = 0;
  while (wire_field(&rest, &tag, &name) > 0) {
    if (tag != F_NAME)
      continue;
    const struct descriptor *passed = descriptor_find(name);
    if (passed == NULL)
      return errno;
    if (count == PASSED_MAX)
      return fail(E2BIG, "pass through %s: more than %d descriptors", through->entry.name, PASSED_MAX);
    memcpy(CMSG_DATA(&control.header) + count++ * sizeof(int), &passed->fd, sizeof(int));
  }
  // The C libraries disagree about the types of these lengths.
  control.header.cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  struct iovec iov = {(void *)data.at, data.length};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = &control;
    message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
  }
  ssize_t sent = sendmsg(through->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0)
    return fail(errno, "pass %zu descriptors through %s", count, through->entry.name);
  return (size_t)sent == data.length
             ? 0
             : fail(EMSGSIZE, "pass through %s: %zd bytes went", through->entry.name, sent);
}

// The buffer is for what the daemon passes on: of what nobody has read yet no more than a quarter may be
// ours.
static int tell_one(const struct descriptor *through, struct bytes message) {
  int unread = 0, buffer = 0;
  socklen_t size = sizeof buffer;
  if (ioctl(through->fd, TIOCOUTQ, &unread) < 0 ||
      getsockopt(through->fd, SOL_SOCKET, SO_SNDBUF, &buffer, &size) < 0 || unread > buffer / 4)
    return fail(EAGAIN, "tell %s", through->entry.name);
  ssize_t sent = send(through->fd, message.at, message.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent == (ssize_t)message.length ? 0
                                         : fail(sent < 0 ? errno : EMSGSIZE, "tell %s", through->entry.name);
}

int tell(const struct request *r) {
  if (!r->values[F_THROUGH].given)
    return 0;
  struct descriptor *through = descriptor_find(BYTES(r, F_THROUGH));
  if (through == NULL)
    return errno;
  struct bytes rest = r->fields, data;
  uint16_t tag;
  int error = 0;
  while (error == 0 && wire_field(&rest, &tag, &data) > 0)
    if (tag == F_DATA)
      error = tell_one(through, data);
  return error;
}

void tell_after(const struct request *r, pid_t pid) {
  struct bytes after = BYTES(r, F_AFTER);
  struct descriptor *through = after.length > 0 ? descriptor_find(BYTES(r, F_THROUGH)) : NULL;
  if (through == NULL)
    return;
  uint8_t message[4096];
  memcpy(message, after.at, after.length);
  for (size_t i = 0; r->values[F_PLACE].given && i < 8; i++)
    message[(size_t)INT(r, F_PLACE) + i] = (uint8_t)((uint64_t)pid >> 8 * i);
  tell_one(through, (struct bytes){message, after.length}); // whoever learns of it has the pid told again
}

void descriptor_put(const struct entry *entry, struct writer *out) {
  const struct descriptor *descriptor = (const struct descriptor *)entry;
  wire_put_string(out, F_NAME, entry->name);
  wire_put_integer(out, F_KIND, descriptor->kind);
  if (descriptor->path != NULL)
    wire_put_string(out, F_PATH, descriptor->path);
  if (descriptor->watched)
    wire_put_integer(out, F_ON, 1);
  if (descriptor->daemon_fd >= 0)
    wire_put_integer(out, F_DAEMON_FD, descriptor->daemon_fd);
}

void descriptor_put_event(const struct event *event, struct writer *out) {
  const struct descriptor *descriptor = CONTAINER(event, struct descriptor, event);
  wire_put_string(out, F_NAME, descriptor->entry.name);
  if (event->type == E_READABLE)
    return;
  struct received got;
  peek(descriptor->fd, &got);
  wire_put_bytes(out, F_DATA, scratch, got.length > 0 ? (size_t)got.length : 0);
  wire_put_integer(out, F_PID, got.sender.pid);
  wire_put_integer(out, F_UID, got.sender.uid);
  wire_put_integer(out, F_GID, got.sender.gid);
  wire_put_integer(out, F_START, descriptor->sender_start);
  wire_put_integer(out, F_DESCRIPTORS, (int64_t)got.count);
  if (got.truncated)
    wire_put_integer(out, F_TRUNCATED, 1);
}

static struct bytes stored_name(char *buffer, size_t size, struct bytes prefix, size_t i) {
  int length = snprintf(buffer, size, "%.*s.%zu", (int)prefix.length, (const char *)prefix.at, i);
  return (struct bytes){(uint8_t *)buffer, (size_t)length};
}

int descriptor_acknowledged(struct event *event, struct bytes store) {
  struct descriptor *descriptor = CONTAINER(event, struct descriptor, event);
  if (event->type == E_DATAGRAM) {
    struct received got;
    char name[256];
    int error = 0;
    // Checked before the datagram is consumed: after that nothing could be undone.
    if (store.length > 0)
      peek(descriptor->fd, &got);
    if (reserved(store))
      return fail(EPERM, "store descriptors %.*s: the name is the keeper's", SHOWN(store));
    if (store.length > 0 && got.count > descriptors.limit - descriptors.count)
      return fail(ENOSPC, "store descriptors %.*s: there are %zu", SHOWN(store), descriptors.count);
    for (size_t i = 0; store.length > 0 && i < got.count; i++)
      if (table_find(&descriptors, stored_name(name, sizeof name, store, i)) != NULL)
        return fail(EEXIST, "store descriptor %s: the name is taken", name);
    receive(descriptor->fd, 0, &got);
    event_cancel(event);
    for (size_t i = 0; i < got.count; i++)
      if (store.length == 0)
        close(got.fds[i]);
      else if (descriptor_add(stored_name(name, sizeof name, store, i), OTHER, got.fds[i]) == NULL) {
        error = errno;
        close(got.fds[i]);
      }
    int armed = arm(descriptor);
    return error != 0 ? error : armed;
  }
  event_cancel(event);
  return descriptor->watched ? arm(descriptor) : 0;
}
