// send-log SOCKET: sends standard input as one datagram. send-log SOCKET PREFIX FIRST LAST: sends one
// datagram for each number, the prefix before it, and blocks while the socket's queue is full; then it lives
// until the end of standard input. A socket whose name begins with @ is an abstract one.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int give_up(const char *what) {
  perror(what);
  return 1;
}

int main(int argc, char **argv) {
  static char bytes[1 << 17];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (argc < 2 || strlen(argv[1]) >= sizeof address.sun_path)
    return 2;
  strcpy(address.sun_path, argv[1]);
  socklen_t size = sizeof address;
  if (*argv[1] == '@') {
    *address.sun_path = '\0';
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(argv[1]));
  }
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, size) < 0)
    return give_up("connect");
  if (argc < 5) {
    size_t length = fread(bytes, 1, sizeof bytes, stdin);
    return send(fd, bytes, length, 0) < 0 ? give_up("send") : 0;
  }
  for (long i = atol(argv[3]), last = atol(argv[4]); i <= last; i++) {
    int length = snprintf(bytes, sizeof bytes, "%s%ld", argv[2], i);
    if (send(fd, bytes, (size_t)length, 0) < 0) {
      fprintf(stderr, "%ld: ", i);
      return give_up("send");
    }
  }
  while (read(0, bytes, sizeof bytes) > 0)
    ;
  return 0;
}
