// The slots: sockets made before each daemon, which it shares under a fixed number, so that what is bound by
// one daemon is inherited by the next. They also tell when connections wait for a daemon that does not come.
#include "keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct slot slots[SLOTS];

static void connected(struct source *source, uint32_t events) {
  (void)events;
  struct slot *slot = CONTAINER(source, struct slot, source);
  if (slot->waiting == 0)
    slot->waiting = now(CLOCK_MONOTONIC);
}

static void resume(void *record) {
  ((struct slot *)record)->source.ready = connected;
}

// What is bound to them comes with the descriptors.
static const struct state_field fields[] = {STATE(S_INTEGER, 2, struct slot, family),
                                            STATE(S_FD, 3, struct slot, fd),
                                            STATE(S_INTEGER, 4, struct slot, waiting),
                                            {0}};
const struct state_section slots_state = {
    .fields = fields, .records = slots, .record_size = sizeof *slots, .count = SLOTS, .resume = resume};

void slots_renew(void) {
  for (int i = 0; i < SLOTS; i++) {
    struct slot *slot = &slots[i];
    if (slot->bound != NULL)
      continue;
    if (slot->family != 0 && slot->fd >= 0) // the last daemon may have done anything to it
      close(slot->fd);
    slot->source.ready = connected;
    slot->family = i < 4 ? AF_UNIX : i < 6 ? AF_INET : AF_INET6;
    slot->fd = socket(slot->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  }
}

void slot_bind(int number, const struct descriptor *descriptor) {
  struct slot *slot = &slots[number];
  slot->bound = descriptor;
  slot->waiting = 0;
  if (descriptor == NULL) {
    unwatch(&slot->source, slot->fd);
    slot->fd = -1;
  }
  // Edge-triggered: one event when a connection comes, none while it waits.
  else if (!watch(&slot->source, slot->fd, EPOLLIN | EPOLLET))
    say("watch slot %d: its silence will go unnoticed", number);
}

int64_t slots_waiting(void) {
  int64_t oldest = NEVER;
  for (int i = 0; i < SLOTS; i++)
    if (slots[i].waiting != 0 && slots[i].waiting < oldest)
      oldest = slots[i].waiting;
  return oldest;
}

int64_t slots_sample(void) {
  for (int i = 0; i < SLOTS; i++) {
    struct slot *slot = &slots[i];
    if (slot->waiting == 0)
      continue;
    if (slot->bound == NULL || poll(&(struct pollfd){.fd = slot->fd, .events = POLLIN}, 1, 0) != 1)
      slot->waiting = 0;
  }
  return slots_waiting();
}
