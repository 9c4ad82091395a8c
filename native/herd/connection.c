// Finds the daemon, and hears whether it is one that we can speak with.
#include "herd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// The rule of src/protocol/socket-path.ts, and what stands beside that socket. False where it has no room.
static bool address_of(const struct line *line, struct sockaddr_un *address) {
  char *path = address->sun_path;
  const int size = sizeof address->sun_path;
  const char *chosen = line->socket != NULL ? line->socket : getenv("SHEPHERD_SOCKET");
  int length;
  if (chosen != NULL)
    length = *chosen == '\0' ? size : snprintf(path, (size_t)size, "%s.herd", chosen);
  else if (getuid() == 0)
    length = snprintf(path, (size_t)size, "/run/shepherd/socket.herd");
  else {
    const char *directory = getenv("XDG_RUNTIME_DIR");
    if (directory != NULL && directory[0] == '/')
      length = snprintf(path, (size_t)size, "%s/shepherd/socket.herd", directory);
    else
      length = snprintf(path, (size_t)size, "/run/user/%lu/shepherd/socket.herd", (unsigned long)getuid());
  }
  return length < size;
}

// The daemon shows times in its own zone, and writes what it likes to our terminal: it is to be in ours, and
// root's or our own.
static bool is_trusted(int connection) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
    return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

// What the zone is known by, as the daemon says it: that of TZ, or the system's at a time.
static bool zone_key(char *key, size_t size) {
  const char *zone = getenv("TZ");
  struct stat file;
  int length;
  if (zone != NULL)
    length = snprintf(key, size, "TZ=%s", zone);
  else if (stat("/etc/localtime", &file) == 0)
    length = snprintf(key, size, "localtime %lld%09ld %lld", (long long)file.st_mtim.tv_sec,
                      file.st_mtim.tv_nsec, (long long)file.st_size);
  else
    length = snprintf(key, size, "localtime none");
  return length >= 0 && (size_t)length < size;
}

static int64_t milliseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

// Whether exactly these bytes come in time.
static bool hears(int connection, const uint8_t *expected, size_t length) {
  uint8_t heard[512];
  int64_t deadline = milliseconds() + HELLO_WITHIN;
  for (size_t have = 0; have < length;) {
    ssize_t count = recv(connection, heard, length - have, MSG_DONTWAIT);
    if (count > 0) {
      if (memcmp(heard, expected + have, (size_t)count) != 0)
        return false;
      have += (size_t)count;
      continue;
    }
    if (count == 0 || (errno != EAGAIN && errno != EINTR))
      return false;
    int64_t left = deadline - milliseconds();
    if (left <= 0)
      return false;
    poll(&(struct pollfd){.fd = connection, .events = POLLIN}, 1, (int)left);
  }
  return true;
}

static bool says_hello(int connection) {
  char zone[256];
  uint8_t bytes[512];
  if (!zone_key(zone, sizeof zone))
    return false;
  struct writer hello = {bytes, 0, sizeof bytes, false};
  wire_put(&hello, "SHEPHERD", 8);
  wire_put_u32(&hello, 1); // the protocol's number
  wire_put_u32(&hello, (uint32_t)strlen(zone));
  wire_put(&hello, zone, strlen(zone));
  return !hello.overflowed && hears(connection, hello.bytes, hello.used);
}

int reach_daemon(const struct line *line) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (!address_of(line, &address))
    return -1;
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connection < 0)
    return -1;
  if (connect(connection, (struct sockaddr *)&address, sizeof address) < 0 || !is_trusted(connection) ||
      !says_hello(connection) || fcntl(connection, F_SETFL, 0) < 0) {
    close(connection);
    return -1;
  }
  return connection;
}
