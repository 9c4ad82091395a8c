// The pending events in order of their numbers: raised, sent to each new daemon, acknowledged one by one.
#include "keeper.h"

#include <signal.h>

static struct event *first, *last, *unsent;
static uint64_t next_number = 1;

// An event that may come again while it is pending: its occurrences are counted, and those that came after
// the daemon was told make a new event when the told ones are acknowledged.
static struct tally {
  struct event event;
  int number;
  pid_t pid;
  uid_t uid;
  int64_t count, told;
} signals[65], clock_set;

void event_raise(struct event *event, enum event_type type) {
  *event = (struct event){last, NULL, next_number++, now(CLOCK_REALTIME), now(CLOCK_MONOTONIC), type};
  *(last != NULL ? &last->next : &first) = event;
  last = event;
  if (unsent == NULL)
    unsent = event;
}

void event_cancel(struct event *event) {
  if (event->number == 0)
    return;
  *(event->previous != NULL ? &event->previous->next : &first) = event->next;
  *(event->next != NULL ? &event->next->previous : &last) = event->previous;
  if (unsent == event)
    unsent = event->next;
  event->number = 0;
}

const struct event *events_oldest(void) {
  return first;
}

void events_rewind(void) {
  unsent = first;
}

static void count(struct tally *tally, enum event_type type) {
  tally->count++;
  if (tally->event.number == 0)
    event_raise(&tally->event, type);
}

void signal_received(int number, pid_t pid, uid_t uid) {
  signals[number].number = number;
  signals[number].pid = pid;
  signals[number].uid = uid;
  count(&signals[number], E_SIGNAL);
}

void clock_was_set(void) {
  count(&clock_set, E_CLOCK);
}

int64_t events_fatal_since(int *number) {
  static const int fatal[] = {SIGTERM, SIGINT, SIGHUP, SIGPWR};
  int64_t since = NEVER;
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
    const struct event *event = &signals[fatal[i]].event;
    if (event->number != 0 && event->since < since) {
      since = event->since;
      *number = fatal[i];
    }
  }
  return since;
}

bool events_send(struct writer *out) {
  struct event *event = unsent;
  if (event == NULL)
    return false;
  unsent = event->next;
  size_t frame = wire_open_frame(out, 3, 0), item = wire_open_item(out, (uint16_t)event->type);
  wire_put_integer(out, F_EVENT, (int64_t)event->number);
  wire_put_integer(out, F_AT, event->at);
  if (event->type <= E_ORPHAN)
    child_put_event(event, out);
  else if (event->type <= E_DATAGRAM)
    descriptor_put_event(event, out);
  else if (event->type == E_TIMER)
    timer_put_event(event, out);
  else if (event->type == E_RESTARTED)
    daemon_put_event(out);
  else {
    struct tally *tally = CONTAINER(event, struct tally, event);
    tally->told = tally->count;
    if (event->type == E_SIGNAL) {
      wire_put_integer(out, F_SIGNAL, tally->number);
      wire_put_integer(out, F_PID, tally->pid);
      wire_put_integer(out, F_UID, tally->uid);
      wire_put_integer(out, F_COUNT, tally->count);
    }
  }
  wire_close(out, item);
  wire_close_frame(out, frame);
  return true;
}

int acknowledge(const struct request *r) {
  struct event *event = first; // acknowledged in about the order in which they were sent, so it is near
  while (event != NULL && event->number != (uint64_t)INT(r, F_EVENT))
    event = event->next;
  if (event == NULL)
    return fail(ENOENT, "acknowledge %lld: no such event is pending", (long long)INT(r, F_EVENT));
  enum event_type type = event->type;
  if (r->values[F_STORE].given && type != E_DATAGRAM)
    return fail(EINVAL, "acknowledge %lld: only a datagram has descriptors to store",
                (long long)INT(r, F_EVENT));
  if (type == E_READABLE || type == E_DATAGRAM)
    return descriptor_acknowledged(event, BYTES(r, F_STORE));
  event_cancel(event);
  if (type == E_ENDED)
    child_acknowledged(event);
  else if (type == E_TIMER)
    timer_acknowledged(event);
  else if (type == E_SIGNAL || type == E_CLOCK) {
    struct tally *tally = CONTAINER(event, struct tally, event);
    tally->count -= tally->told;
    tally->told = 0;
    if (tally->count > 0)
      event_raise(event, type);
  }
  return 0;
}
