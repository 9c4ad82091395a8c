// One-shot timers, one timerfd a clock, set to the earliest; a timer may kill a child when no daemon lives to
// do it.
#include "keeper.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct timer {
  struct entry entry;
  int clock, signal, scope;
  int64_t at;
  char *kill;
  struct event fired;
};

struct table timers = {.what = "timer", .record_size = sizeof(struct timer), .limit = 16384};

static struct clock {
  struct source source;
  clockid_t id;
  int fd;
  int64_t earliest;
} clocks[] = {{.id = CLOCK_REALTIME}, {.id = CLOCK_MONOTONIC}, {.id = CLOCK_BOOTTIME}};

static struct clock *clock_of(int64_t id) {
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
    if (clocks[i].id == id)
      return &clocks[i];
  return NULL;
}

static bool set(struct clock *clock, int64_t at) {
  // The real-time clock's is always armed: only an armed one tells that the clock was set. 0 would disarm.
  struct itimerspec time = {.it_value = timespec_of(at < 1 ? 1 : at)};
  if (at == NEVER && clock->id != CLOCK_REALTIME)
    time.it_value = (struct timespec){0};
  clock->earliest = at;
  int flags = TFD_TIMER_ABSTIME | (clock->id == CLOCK_REALTIME ? TFD_TIMER_CANCEL_ON_SET : 0);
  if (timerfd_settime(clock->fd, flags, &time, NULL) == 0)
    return true;
  if (errno != ECANCELED)
    return false;
  clock_was_set(); // since it was last armed: it is armed now all the same, and nothing else will tell
  return true;
}

static void expired(struct source *source, uint32_t events) {
  (void)events;
  struct clock *clock = CONTAINER(source, struct clock, source);
  uint64_t expirations;
  if (read(clock->fd, &expirations, sizeof expirations) < 0 && errno == ECANCELED)
    clock_was_set();
  int64_t time = now(clock->id), earliest = NEVER;
  for (struct entry *entry = timers.first; entry != NULL; entry = entry->next) {
    struct timer *timer = (struct timer *)entry;
    if (timer->clock != clock->id || timer->fired.number != 0)
      continue;
    if (timer->at > time) {
      earliest = timer->at < earliest ? timer->at : earliest;
      continue;
    }
    event_raise(&timer->fired, E_TIMER);
    // The child may have ended or been forgotten since: then there is nothing to kill.
    if (timer->kill != NULL)
      kill_child((struct bytes){(uint8_t *)timer->kill, strlen(timer->kill)}, timer->signal, timer->scope);
  }
  if (!set(clock, earliest))
    say("arm the timer of clock %d: %s", clock->id, strerror(errno));
}

// The clocks' own descriptors are kept as they are: armed, and aware of whether the time was set meanwhile.
static void resume(void *record) {
  struct clock *clock = record;
  clock->source.ready = expired;
  if (!watch(&clock->source, clock->fd, 1))
    say("watch the timer of clock %d: %s", clock->id, strerror(errno));
}

static const struct state_field clock_fields[] = {
    STATE(S_FD, 2, struct clock, fd), STATE(S_INTEGER, 3, struct clock, earliest), {0}};
const struct state_section clocks_state = {.fields = clock_fields,
                                           .records = clocks,
                                           .record_size = sizeof *clocks,
                                           .count = sizeof clocks / sizeof *clocks,
                                           .resume = resume};
static const struct state_field timer_fields[] = {STATE(S_INTEGER, 2, struct timer, clock),
                                                  STATE(S_INTEGER, 3, struct timer, signal),
                                                  STATE(S_INTEGER, 4, struct timer, scope),
                                                  STATE(S_INTEGER, 5, struct timer, at),
                                                  STATE(S_STRING, 6, struct timer, kill),
                                                  STATE(S_EVENT, 7, struct timer, fired),
                                                  {0}};
const struct state_section timers_state = {.fields = timer_fields, .table = &timers};

bool timers_open(void) {
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    clocks[i].source.ready = expired;
    clocks[i].fd = timerfd_create(clocks[i].id, TFD_CLOEXEC | TFD_NONBLOCK);
    if (clocks[i].fd < 0 || !watch(&clocks[i].source, clocks[i].fd, 1) || !set(&clocks[i], NEVER))
      return false;
  }
  return true;
}

static int arm(struct bytes id, struct clock *clock, int64_t at, struct bytes kill, int signal, int scope) {
  char *victim = NULL;
  if (kill.length > 0 && (victim = strndup((const char *)kill.at, kill.length)) == NULL)
    return fail(ENOMEM, "arm timer %.*s", SHOWN(id));
  struct timer *timer = (struct timer *)table_find(&timers, id);
  if (timer == NULL && (timer = (struct timer *)table_add(&timers, id)) == NULL)
    return free(victim), errno;
  event_cancel(&timer->fired);
  free(timer->kill);
  timer->clock = clock->id;
  timer->at = at;
  timer->kill = victim;
  timer->signal = signal;
  timer->scope = scope;
  if (at < clock->earliest && !set(clock, at))
    return fail(errno, "arm timer %.*s", SHOWN(id));
  return 0;
}

int arm_timer(const struct request *r) {
  struct bytes id = BYTES(r, F_ID);
  struct clock *clock = clock_of(INT(r, F_CLOCK));
  if (clock == NULL)
    return fail(EINVAL, "arm timer %.*s: clock %lld is unknown", SHOWN(id), (long long)INT(r, F_CLOCK));
  return arm(id, clock, INT(r, F_AT), BYTES(r, F_KILL), (int)integer_or(r, F_SIGNAL, SIGKILL),
             (int)integer_or(r, F_SCOPE, 1));
}

static int arm_to_kill(const struct request *r, struct clock *clock, struct bytes id) {
  struct bytes prefix = BYTES(r, F_TIMERS);
  uint8_t name[255];
  if (prefix.length + id.length > sizeof name)
    return fail(ENAMETOOLONG, "arm the timer of child %.*s", SHOWN(id));
  memcpy(name, prefix.at, prefix.length);
  memcpy(name + prefix.length, id.at, id.length);
  struct bytes timer = {name, prefix.length + id.length};
  return arm(timer, clock, INT(r, F_AT), id, SIGKILL, (int)INT(r, F_SCOPE));
}

// Each whatever becomes of the others; the last failure is told.
int end_children(const struct request *r) {
  struct clock *clock = clock_of(INT(r, F_CLOCK));
  if (clock == NULL)
    return fail(EINVAL, "end children: clock %lld is unknown", (long long)INT(r, F_CLOCK));
  struct bytes rest = r->fields, id;
  uint16_t tag;
  int last = 0;
  while (wire_field(&rest, &tag, &id) > 0) {
    if (tag != F_ID || !child_lives(id))
      continue;
    int armed = arm_to_kill(r, clock, id), told = kill_child(id, (int)INT(r, F_SIGNAL), 1);
    last = told != 0 ? told : armed != 0 ? armed : last;
  }
  return last;
}

static void forget(struct timer *timer) {
  event_cancel(&timer->fired);
  free(timer->kill);
  table_remove(&timers, &timer->entry);
}

int disarm_timer(const struct request *r) {
  struct timer *timer = (struct timer *)table_find(&timers, BYTES(r, F_ID));
  if (timer == NULL)
    return missing("timer", BYTES(r, F_ID));
  forget(timer); // its timerfd may go off for nothing, and is set anew then
  return 0;
}

void timer_put(const struct entry *entry, struct writer *out) {
  const struct timer *timer = (const struct timer *)entry;
  wire_put_string(out, F_ID, entry->name);
  wire_put_integer(out, F_CLOCK, timer->clock);
  wire_put_integer(out, F_AT, timer->at);
  if (timer->kill != NULL)
    wire_put_string(out, F_KILL, timer->kill);
}

void timer_put_event(const struct event *event, struct writer *out) {
  wire_put_string(out, F_ID, CONTAINER(event, struct timer, fired)->entry.name);
}

void timer_acknowledged(struct event *event) {
  forget(CONTAINER(event, struct timer, fired));
}
