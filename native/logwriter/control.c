// Carries messages and descriptors between the daemon and us; what they say is the business of others.
#include "control.h"
#include "commit.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_DESCRIPTORS = 253 }; // of one message

bool control_send(const uint8_t *bytes, size_t length, const int fds[2]) {
  union {
    char bytes[CMSG_SPACE(2 * sizeof *fds)];
    struct cmsghdr header;
  } control = {.header = {CMSG_LEN(2 * sizeof *fds), SOL_SOCKET, SCM_RIGHTS}};
  struct iovec vector = {(void *)bytes, length};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  if (fds) {
    memcpy(CMSG_DATA(&control.header), fds, 2 * sizeof *fds);
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
  }
  return sendmsg(CONTROL, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
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

ssize_t control_receive(uint8_t *bytes, size_t size, int *fd, bool *whole, bool *dropped) {
  union {
    char bytes[CMSG_SPACE(MAX_DESCRIPTORS * sizeof(int))];
    struct cmsghdr header;
  } control;
  struct iovec vector = {bytes, size};
  struct msghdr message = {
      .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length = recvmsg(CONTROL, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  *fd = length > 0 ? take_descriptor(&message) : -1;
  *whole = !(message.msg_flags & MSG_TRUNC);
  *dropped = message.msg_flags & MSG_CTRUNC;
  return length;
}
