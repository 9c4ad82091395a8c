// The pending events in order of their numbers: raised, sent to each new daemon, acknowledged one by one.
#include "keeper.h"

#include <signal.h>
#include <stdlib.h>

static struct event *first, *last, *unsent;
static uint64_t next_number = 1, unsent_number;

static const struct state_field position_fields[] = {
    STATE_OF(S_INTEGER, 2, next_number), STATE_OF(S_INTEGER, 3, unsent_number), {0}};
const struct state_section events_state = {.fields = position_fields, .count = 1};

// An event that may come again while it is pending: its occurrences are counted, and those that came after
// the daemon was told make a new event when the told ones are acknowledged.
static struct tally {
  struct event event;
  int number;
  pid_t pid;
  uid_t uid;
  int64_t count, told;
} tallies[65]; // by signal; 0, which is none, is the setting of the clock

static const struct state_field tally_fields[] = {STATE(S_EVENT, 2, struct tally, event),
                                                  STATE(S_INTEGER, 3, struct tally, number),
                                                  STATE(S_INTEGER, 4, struct tally, pid),
                                                  STATE(S_INTEGER, 5, struct tally, uid),
                                                  STATE(S_INTEGER, 6, struct tally, count),
                                                  STATE(S_INTEGER, 7, struct tally, told),
                                                  {0}};
const struct state_section tallies_state = {
    .fields = tally_fields, .records = tallies, .record_size = sizeof *tallies, .count = 65};

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

void events_mark(void) {
  unsent_number = unsent != NULL ? unsent->number : next_number;
}

// In any order, and a list in one direction, until they are sorted.
void event_restore(struct event *event) {
  event->next = first;
  first = event;
}

static int by_number(const void *one, const void *other) {
  uint64_t a = (*(struct event *const *)one)->number, b = (*(struct event *const *)other)->number;
  return (a > b) - (a < b);
}

bool events_sort(void) {
  size_t found = 0, i = 0;
  for (struct event *event = first; event != NULL; event = event->next)
    found++;
  struct event **sorted = malloc((found + 1) * sizeof(struct event *));
  if (sorted == NULL)
    return fail(ENOMEM, "sort the events"), false;
  for (struct event *event = first; event != NULL; event = event->next)
    sorted[i++] = event;
  qsort(sorted, found, sizeof *sorted, by_number);
  first = last = unsent = NULL;
  for (i = 0; i < found; i++) {
    sorted[i]->previous = last;
    sorted[i]->next = NULL;
    *(last != NULL ? &last->next : &first) = sorted[i];
    last = sorted[i];
    if (unsent == NULL && last->number >= unsent_number)
      unsent = last;
  }
  free(sorted);
  return true;
}

static void count(struct tally *tally, enum event_type type) {
  tally->count++;
  if (tally->event.number == 0)
    event_raise(&tally->event, type);
}

void signal_received(int number, pid_t pid, uid_t uid) {
  tallies[number].number = number;
  tallies[number].pid = pid;
  tallies[number].uid = uid;
  count(&tallies[number], E_SIGNAL);
}

void clock_was_set(void) {
  count(&tallies[0], E_CLOCK);
}

int64_t events_fatal_since(int *number) {
  static const int fatal[] = {SIGTERM, SIGINT, SIGHUP, SIGPWR};
  int64_t since = NEVER;
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
    const struct event *event = &tallies[fatal[i]].event;
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
