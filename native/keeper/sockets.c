// Sockets with an address: listeners, notify sockets, and what they accept.
#include "keeper.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

union address {
  struct sockaddr any;
  struct sockaddr_un local;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

// `ADDRESS%INTERFACE`, where the address means something on that network interface only.
static bool parse_ipv6(const char *text, struct sockaddr_in6 *address) {
  char host[INET6_ADDRSTRLEN];
  const char *scope = strchr(text, '%');
  size_t length = scope == NULL ? strlen(text) : (size_t)(scope - text);
  if (length >= sizeof host)
    return false;
  memcpy(host, text, length);
  host[length] = 0;
  if (scope != NULL && (address->sin6_scope_id = if_nametoindex(scope + 1)) == 0) {
    char *end;
    unsigned long number = strtoul(scope + 1, &end, 10);
    if (scope[1] == 0 || *end != 0 || number == 0 || number > UINT32_MAX)
      return false;
    address->sin6_scope_id = (uint32_t)number;
  }
  return inet_pton(AF_INET6, host, &address->sin6_addr) == 1;
}

// 0 where the address cannot be one of its family: fail() says why.
static socklen_t parse_address(int family, const char *text, uint16_t port, union address *address) {
  *address = (union address){.any.sa_family = (sa_family_t)family};
  size_t length = strlen(text);
  if (family == AF_UNIX) {
    if (length >= sizeof address->local.sun_path)
      return fail(ENAMETOOLONG, "bind %.120s…", text), 0;
    memcpy(address->local.sun_path, text, length);
    if (text[0] != '@')
      return sizeof address->local;
    address->local.sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  }
  address->v4.sin_port = htons(port); // at the same place in both
  if (family == AF_INET && inet_pton(AF_INET, text, &address->v4.sin_addr) == 1)
    return sizeof address->v4;
  if (family == AF_INET6 && parse_ipv6(text, &address->v6))
    return sizeof address->v6;
  return fail(EINVAL, "bind %.120s: no address of family %d", text, family), 0;
}

static bool nobody_answers(const union address *address, int type) {
  struct stat status;
  if (lstat(address->local.sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
    return false;
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  bool refused = fd >= 0 && connect(fd, &address->any, sizeof address->local) < 0 && errno == ECONNREFUSED;
  if (fd >= 0)
    close(fd);
  return refused;
}

int make_parents(char *path, mode_t mode) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = 0;
    if (mkdir(path, mode) < 0 && errno != EEXIST)
      return fail(errno, "make directory %s", path);
    *slash = '/';
  }
  return 0;
}

// A stale socket file, one at which nobody answers, is replaced.
static int bind_fresh(int fd, int type, const union address *address) {
  if (bind(fd, &address->any, sizeof address->local) == 0)
    return 0;
  int error = errno;
  if (error == EADDRINUSE && nobody_answers(address, type) && unlink(address->local.sun_path) == 0)
    error = bind(fd, &address->any, sizeof address->local) == 0 ? 0 : errno;
  return error != 0 ? fail(error, "bind %s", address->local.sun_path) : 0;
}

static int bind_path(int fd, int type, const struct request *r, union address *address, bool *bound) {
  mode_t mask = umask(0);
  int error = 0;
  if (r->values[F_DIRECTORY_MODE].given)
    error = make_parents(address->local.sun_path, (mode_t)INT(r, F_DIRECTORY_MODE));
  // A bind obeys the umask: so the file has its mode from the first instant.
  umask((mode_t)(r->values[F_MODE].given ? 0777 & ~INT(r, F_MODE) : mask));
  if (error == 0)
    error = bind_fresh(fd, type, address);
  umask(mask);
  *bound = error == 0;
  if (error == 0 &&
      lchown(address->local.sun_path, (uid_t)integer_or(r, F_UID, -1), (gid_t)integer_or(r, F_GID, -1)) < 0)
    return fail(errno, "give %s to its user", address->local.sun_path);
  return error;
}

static bool set_option(int fd, int level, int option, int64_t value) {
  return setsockopt(fd, level, option, &(int){(int)value}, sizeof(int)) == 0;
}

// With these a socket may be bound to an address that this machine does not have, or not yet.
static bool set_foreign(int fd, int family, const struct request *r) {
  bool is_v4 = family == AF_INET;
  int level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
  return (!integer_or(r, F_FREEBIND, 0) || set_option(fd, level, is_v4 ? IP_FREEBIND : IPV6_FREEBIND, 1)) &&
         (!integer_or(r, F_TRANSPARENT, 0) ||
          set_option(fd, level, is_v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1));
}

static bool bind_to_interface(int fd, const struct request *r) {
  struct bytes name = BYTES(r, F_INTERFACE);
  return !r->values[F_INTERFACE].given ||
         setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.at, (socklen_t)name.length) == 0;
}

static bool set_options(int fd, int family, const struct request *r) {
  if (r->type == R_NOTIFY_SOCKET)
    return set_option(fd, SOL_SOCKET, SO_PASSCRED, 1);
  return family == AF_UNIX ||
         (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
          (!integer_or(r, F_REUSEPORT, 0) || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
          (!r->values[F_V6ONLY].given || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, INT(r, F_V6ONLY))) &&
          set_foreign(fd, family, r) && bind_to_interface(fd, r));
}

int set_socket_option(const struct request *r) {
  const struct descriptor *descriptor = descriptor_find(BYTES(r, F_NAME));
  if (descriptor == NULL)
    return errno;
  int level = (int)INT(r, F_LEVEL), option = (int)INT(r, F_OPTION), error;
  if (r->values[F_AMOUNT].given == r->values[F_VALUE].given)
    return fail(EINVAL, "set option %d of level %d: either an amount or a value", option, level);
  struct bytes value = BYTES(r, F_VALUE);
  if (r->values[F_AMOUNT].given)
    error = set_option(descriptor->fd, level, option, INT(r, F_AMOUNT)) ? 0 : errno;
  else
    error = setsockopt(descriptor->fd, level, option, value.at, (socklen_t)value.length) == 0 ? 0 : errno;
  return error == 0 ? 0
                    : fail(error, "set option %d of level %d of %s", option, level, descriptor->entry.name);
}

int make_socket(struct descriptor *descriptor, const struct request *r) {
  int family = (int)integer_or(r, F_FAMILY, AF_UNIX), type = (int)integer_or(r, F_TYPE, SOCK_DGRAM);
  int slot = (int)integer_or(r, F_SLOT, -1), error = 0;
  char text[4096];
  union address address;
  socklen_t length = parse_address(family, string_of(BYTES(r, F_PATH), text, sizeof text),
                                   (uint16_t)integer_or(r, F_PORT, 0), &address);
  if (length == 0)
    return errno;
  if (slot >= 0 && (slots[slot].bound != NULL || slots[slot].fd < 0 || slots[slot].family != family ||
                    type != SOCK_STREAM))
    return fail(EBUSY, "bind slot %d: it is taken, or of another family or type", slot);
  int protocol = (int)integer_or(r, F_PROTOCOL, 0);
  int fd = slot >= 0 ? slots[slot].fd : socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (fd < 0 || !set_options(fd, family, r))
    error = fail(errno, "make a socket for %.120s", text);
  else if (length == sizeof address.local && (descriptor->path = strdup(text)) == NULL)
    error = fail(ENOMEM, "bind %.120s", text);
  else if (family == AF_UNIX && text[0] != '@')
    error = bind_path(fd, type, r, &address, &descriptor->bound);
  else if (bind(fd, &address.any, length) < 0)
    error = fail(errno, "bind %.120s port %d", text, (int)integer_or(r, F_PORT, 0));
  if (slot >= 0 && error != 0 && !descriptor->bound)
    return error; // the slot is as it was
  descriptor->fd = fd;
  if (slot >= 0)
    slot_bind(descriptor->slot = slot, descriptor);
  if (error != 0)
    return error;
  length = sizeof address;
  if (type != SOCK_DGRAM && listen(fd, (int)integer_or(r, F_BACKLOG, SOMAXCONN)) < 0)
    return fail(errno, "listen on %.120s", text);
  if (getsockname(fd, &address.any, &length) < 0)
    return fail(errno, "ask for the address of %.120s", text);
  descriptor->inherited = integer_or(r, F_DAEMON, 0);
  if (slot >= 0)
    descriptor->daemon_fd = SLOT_BASE + slot;
  if (family == AF_UNIX)
    wire_put_string(r->out, F_PATH, text);
  else
    wire_put_integer(r->out, F_PORT, ntohs(address.v4.sin_port));
  return 0;
}

// Writes one end's address as text, and its port.
static void put_end(struct writer *out, const union address *end, socklen_t length, enum field_tag name,
                    enum field_tag port) {
  char text[INET6_ADDRSTRLEN];
  if (end->any.sa_family == AF_UNIX) {
    size_t path =
        length > offsetof(struct sockaddr_un, sun_path) ? length - offsetof(struct sockaddr_un, sun_path) : 0;
    if (path > 0 && end->local.sun_path[0] != 0) // an abstract name is not for people
      wire_put_bytes(out, name, end->local.sun_path, strnlen(end->local.sun_path, path));
    return;
  }
  const void *address = end->any.sa_family == AF_INET ? (const void *)&end->v4.sin_addr : &end->v6.sin6_addr;
  if (inet_ntop(end->any.sa_family, address, text, sizeof text) == NULL)
    return;
  wire_put_string(out, name, text);
  wire_put_integer(out, port, ntohs(end->v4.sin_port));
}

int accept_connection(const struct request *r) {
  const struct descriptor *listener = descriptor_find(BYTES(r, F_NAME));
  if (listener == NULL)
    return errno;
  // Whoever shares the listener may have made it blocking, and then a client that has gone would hold the
  // keeper up.
  int flags = fcntl(listener->fd, F_GETFL);
  if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(listener->fd, F_SETFL, flags | O_NONBLOCK) < 0))
    return fail(errno, "accept at %s: make it non-blocking", listener->entry.name);
  struct descriptor *connection = descriptor_add(BYTES(r, F_CONNECTION), CONNECTION, -1);
  if (connection == NULL)
    return errno;
  union address remote, local;
  socklen_t remote_length = sizeof remote, local_length = sizeof local;
  int fd = accept4(listener->fd, &remote.any, &remote_length, SOCK_CLOEXEC);
  if (fd < 0) {
    int error = fail(errno, "accept at %s", listener->entry.name);
    table_remove(&descriptors, &connection->entry);
    return error;
  }
  connection->fd = fd;
  if (getsockname(fd, &local.any, &local_length) == 0)
    put_end(r->out, &local, local_length, F_LOCAL, F_PORT);
  put_end(r->out, &remote, remote_length, F_REMOTE, F_REMOTE_PORT);
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (remote.any.sa_family == AF_UNIX && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0) {
    wire_put_integer(r->out, F_PID, peer.pid);
    wire_put_integer(r->out, F_UID, peer.uid);
    wire_put_integer(r->out, F_GID, peer.gid);
  }
  return 0;
}
