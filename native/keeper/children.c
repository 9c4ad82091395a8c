// The processes: started through the spawn helper, adopted, signalled, reaped; and the orphans that nobody
// has claimed.
#include "keeper.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
  struct entry entry;
  struct child *same_bucket;
  pid_t pid;
  enum { BEING_SET_UP, RUNNING, ENDED } state;
  bool adopted;
  int status, setup_fd, setup_errno;
  char setup_stage[16]; // empty: it executed its program, or may still
  char *setup_text, *cgroup;
  struct owned next; // the request to stand by, empty: nobody does
  char *successor;   // who has taken its place
  int64_t start, spawned;
  struct rusage usage;
  struct source setup;
  struct event started, ended;
};

struct table children = {.what = "child", .record_size = sizeof(struct child), .limit = 16384};
bool orphans_wanted;
int64_t orphans_reaped;
struct setups setups;

static struct child *by_pid[1024];
static struct orphan { // a ring: a process that is adopted after it died is found here
  struct event event;
  int64_t start;
  pid_t pid; // 0: adopted
  int status;
} orphans[4096];
static int64_t orphans_lost;

enum { NEXT_MAX = 67108864 };
static size_t standing; // bytes of those that stand by

static const struct state_field orphan_fields[] = {STATE(S_EVENT, 2, struct orphan, event),
                                                   STATE(S_INTEGER, 3, struct orphan, start),
                                                   STATE(S_INTEGER, 4, struct orphan, pid),
                                                   STATE(S_INTEGER, 5, struct orphan, status),
                                                   {0}};
const struct state_section orphans_state = {
    .fields = orphan_fields, .records = orphans, .record_size = sizeof *orphans, .count = 4096};
static const struct state_field ring_fields[] = {STATE_OF(S_INTEGER, 2, orphans_wanted),
                                                 STATE_OF(S_INTEGER, 3, orphans_reaped),
                                                 STATE_OF(S_INTEGER, 4, orphans_lost),
                                                 {0}};
const struct state_section ring_state = {.fields = ring_fields, .count = 1};

static struct child **pid_link(pid_t pid) {
  struct child **link = &by_pid[(size_t)pid % (sizeof by_pid / sizeof *by_pid)];
  while (*link != NULL && (*link)->pid != pid)
    link = &(*link)->same_bucket;
  return link;
}

static void stop_setup(struct child *child) {
  if (child->setup_fd >= 0) {
    close(child->setup_fd); // which ends the watch: this end was nobody else's
    watch_closed(&child->setup);
  }
  child->setup_fd = -1;
}

static void dismiss(struct child *child) {
  standing -= child->next.length;
  free(child->next.at);
  child->next = (struct owned){0};
}

static void forget(struct child *child) {
  event_cancel(&child->started);
  event_cancel(&child->ended);
  stop_setup(child);
  free(child->cgroup);
  free(child->setup_text);
  dismiss(child);
  free(child->successor);
  table_remove(&children, &child->entry);
}

static void set_up_failed(struct child *child, int error, struct bytes stage, struct bytes object) {
  setups.failed++;
  child->setup_errno = error;
  string_of(stage, child->setup_stage, sizeof child->setup_stage);
  child->setup_text = strndup((const char *)object.at, object.length); // if there is no memory, errno must do
}

static struct bytes bytes_of(const char *string) {
  return (struct bytes){(const uint8_t *)string, strlen(string)};
}

// The helper's report is read when it is complete, its end of the pipe being closed: until then the pipe
// keeps it.
static void setup_over(struct source *source, uint32_t events) {
  (void)events;
  struct child *child = CONTAINER(source, struct child, setup);
  if (child->setup_fd < 0)
    return;
  ssize_t length = read(child->setup_fd, scratch, sizeof scratch);
  stop_setup(child);
  setups.waiting--;
  const uint8_t *at = scratch, *end = scratch + (length > 0 ? length : 0);
  bool executed = at < end && *at == 'E';
  at += executed;
  if (executed && at == end) {
    child->state = RUNNING;
    event_raise(&child->started, E_STARTED);
  } else if (end - at >= 8 && *at == 'F' && end - at >= 8 + at[5]) {
    const uint8_t *object = at + 8 + at[5];
    size_t said = (size_t)(object[-2] | object[-1] << 8), here = (size_t)(end - object);
    set_up_failed(child, at[1] | at[2] << 8, (struct bytes){at + 6, at[5]},
                  (struct bytes){object, said < here ? said : here});
  } else
    set_up_failed(child, ECANCELED, bytes_of("helper"), bytes_of(helper_path));
}

static void resume(void *record) {
  struct child *child = record;
  child->setup.ready = setup_over;
  if (child->state != ENDED)
    *pid_link(child->pid) = child;
  standing += child->next.length;
  setups.waiting += child->setup_fd >= 0;
  if (child->setup_fd >= 0 && !watch(&child->setup, child->setup_fd, EPOLLHUP))
    say("watch the start of child %s: it is read at its end", child->entry.name);
}

static const struct state_field child_fields[] = {STATE(S_INTEGER, 2, struct child, pid),
                                                  STATE(S_INTEGER, 3, struct child, state),
                                                  STATE(S_INTEGER, 4, struct child, adopted),
                                                  STATE(S_INTEGER, 5, struct child, status),
                                                  STATE(S_FD, 6, struct child, setup_fd),
                                                  STATE(S_INTEGER, 7, struct child, setup_errno),
                                                  STATE(S_TEXT, 8, struct child, setup_stage),
                                                  STATE(S_STRING, 9, struct child, setup_text),
                                                  STATE(S_STRING, 10, struct child, cgroup),
                                                  STATE(S_INTEGER, 11, struct child, start),
                                                  STATE(S_INTEGER, 12, struct child, spawned),
                                                  STATE(S_INTEGER, 13, struct child, usage.ru_utime.tv_sec),
                                                  STATE(S_INTEGER, 14, struct child, usage.ru_utime.tv_usec),
                                                  STATE(S_INTEGER, 15, struct child, usage.ru_stime.tv_sec),
                                                  STATE(S_INTEGER, 16, struct child, usage.ru_stime.tv_usec),
                                                  STATE(S_INTEGER, 17, struct child, usage.ru_maxrss),
                                                  STATE(S_EVENT, 18, struct child, started),
                                                  STATE(S_EVENT, 19, struct child, ended),
                                                  STATE(S_VALUE, 20, struct child, next),
                                                  STATE(S_STRING, 21, struct child, successor),
                                                  {0}};
const struct state_section children_state = {.fields = child_fields, .table = &children, .resume = resume};

static int hand_over(struct handed *handed, struct bytes name) {
  const struct descriptor *descriptor = descriptor_find(name);
  if (descriptor == NULL)
    return errno;
  for (size_t i = 0; i < handed->count; i++) // as its output and its errors, for one
    if (handed->fds[i] == descriptor->fd)
      return 0;
  if (handed->count == sizeof handed->fds / sizeof *handed->fds)
    return fail(E2BIG, "hand over descriptor %.*s: there are too many", SHOWN(name));
  wire_put_u32(&handed->names, (uint32_t)name.length);
  wire_put(&handed->names, name.at, name.length);
  handed->fds[handed->count] = descriptor->fd;
  wire_put_u32(&handed->names, (uint32_t)helper_number(handed, handed->count++));
  return handed->names.overflowed ? fail(E2BIG, "hand over descriptor %.*s: too many names", SHOWN(name)) : 0;
}

// Collects the descriptors which the spec names; everything else in it is the helper's business.
static int read_spec(struct bytes spec, struct handed *handed, struct bytes *cgroup) {
  static const uint16_t name_in[] = {[21] = 1, [22] = 2, [23] = 1}; // terminal, descriptor, listen
  uint16_t tag, inner_tag;
  struct bytes value, inner;
  int more, error = 0;
  while (error == 0 && (more = wire_field(&spec, &tag, &value)) != 0) {
    if (more < 0)
      return fail(EINVAL, "spawn: the fields of spec do not fill it");
    if (tag == 24)
      *cgroup = value;
    if (tag == 27)
      error = hand_over(handed, value);
    if (tag >= sizeof name_in / sizeof *name_in || name_in[tag] == 0)
      continue;
    while (error == 0 && (more = wire_field(&value, &inner_tag, &inner)) != 0)
      if (more < 0)
        return fail(EINVAL, "spawn: the fields of attribute %u do not fill it", tag);
      else if (inner_tag == name_in[tag])
        error = hand_over(handed, inner);
  }
  return error;
}

static int collect(struct bytes spec, struct handed *handed, struct bytes *cgroup, bool low) {
  handed->names = (struct writer){scratch, 4, sizeof scratch, false};
  handed->count = 0;
  handed->low = low;
  int error = read_spec(spec, handed, cgroup);
  return error == 0 && low && handed->count > HANDED_LOW ? collect(spec, handed, cgroup, false) : error;
}

static bool set_cgroup(struct child *child, struct bytes cgroup) {
  return cgroup.length == 0 || (child->cgroup = strndup((const char *)cgroup.at, cgroup.length)) != NULL;
}

// The mark of this keeper's processes, as an attribute of the spec: what was recorded cannot know our start.
static void put_mark(struct bytes mark, struct writer *out) {
  char start[16];
  size_t at = sizeof start;
  int64_t left = place.started;
  do
    start[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[left % 36];
  while ((left /= 36) > 0);
  size_t field = wire_open_field(out, 26);
  wire_put(out, start + at, sizeof start - at);
  wire_put(out, mark.at, mark.length);
  wire_close(out, field);
}

static int start(struct child *child, struct bytes spec, struct bytes mark) {
  static struct handed handed;
  struct bytes cgroup = {0};
  int error = collect(spec, &handed, &cgroup, helper_prefers_low());
  if (error != 0)
    return error;
  struct writer count = {scratch, 0, 4, false};
  wire_put_u32(&count, (uint32_t)handed.count);
  if (cgroup.length >= PATH_MAX)
    return fail(ENAMETOOLONG, "spawn %s: the path of its cgroup", child->entry.name);
  if (!set_cgroup(child, cgroup))
    return fail(ENOMEM, "spawn %s", child->entry.name);
  int report[2] = {-1, -1}, memory = memfd_create("spec", MFD_CLOEXEC);
  // What follows the names in the scratch is the mark.
  struct writer marked = {scratch + handed.names.used, 0, sizeof scratch - handed.names.used, false};
  if (mark.length > 0)
    put_mark(mark, &marked);
  struct iovec parts[] = {
      {scratch, handed.names.used}, {(void *)spec.at, spec.length}, {marked.bytes, marked.used}};
  ssize_t length = (ssize_t)(handed.names.used + spec.length + marked.used);
  if (marked.overflowed)
    error = fail(E2BIG, "spawn %s: its mark is too long", child->entry.name);
  else if (memory < 0 || pwritev(memory, parts, 3, 0) != length)
    error = fail(errno, "spawn %s: write its specification", child->entry.name);
  else if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0)
    error = fail(errno, "spawn %s: make a pipe", child->entry.name);
  else if (child->setup_fd = report[0], !watch(&child->setup, report[0], EPOLLHUP))
    error = fail(errno, "spawn %s: watch its pipe", child->entry.name);
  else if ((child->pid = helper_start(&handed, memory, report[1])) < 0)
    error = fail(errno, "spawn %s: make a process", child->entry.name);
  if (memory >= 0)
    close(memory);
  if (report[1] >= 0)
    close(report[1]);
  return error;
}

int spawn(const struct request *r) {
  struct child *child = (struct child *)table_add(&children, BYTES(r, F_ID));
  if (child == NULL)
    return errno;
  child->setup.ready = setup_over;
  child->setup_fd = -1;
  int error = start(child, BYTES(r, F_SPEC), BYTES(r, F_MARK));
  if (error != 0)
    return forget(child), error;
  pid_t parent;
  if (!proc_stat(child->pid, &parent, &child->start))
    child->start = 0;
  child->spawned = now(CLOCK_REALTIME);
  *pid_link(child->pid) = child;
  setups.waiting++;
  wire_put_integer(r->out, F_PID, child->pid);
  wire_put_integer(r->out, F_START, child->start);
  return 0;
}

int adopt(const struct request *r) {
  struct bytes id = BYTES(r, F_ID);
  pid_t pid = (pid_t)INT(r, F_PID), parent;
  if (pid == daemon_pid || *pid_link(pid) != NULL)
    return fail(EEXIST, "adopt process %d as %.*s: it is a child already", pid, SHOWN(id));
  struct orphan *orphan = orphans;
  while (orphan < orphans + 4096 && (orphan->pid != pid || orphan->start != INT(r, F_START)))
    orphan++;
  bool dead = pid > 0 && orphan < orphans + 4096;
  siginfo_t info = {0};
  if (!dead && (pid == 0 || waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0))
    return fail(kill(pid, 0) < 0 && errno == ESRCH ? ESRCH : ECHILD,
                "adopt process %d as %.*s: it is no child of the keeper", pid, SHOWN(id));
  int64_t start = 0;
  if (!dead && proc_stat(pid, &parent, &start) && start != INT(r, F_START))
    return fail(ESRCH, "adopt process %d as %.*s: it started at %lld", pid, SHOWN(id), (long long)start);
  struct child *child = (struct child *)table_add(&children, id);
  if (child == NULL)
    return errno;
  child->setup_fd = -1;
  if (!set_cgroup(child, BYTES(r, F_CGROUP)))
    return forget(child), fail(ENOMEM, "adopt process %d as %.*s", pid, SHOWN(id));
  child->pid = pid;
  child->start = INT(r, F_START);
  child->spawned = now(CLOCK_REALTIME);
  child->adopted = true;
  child->state = dead ? ENDED : RUNNING;
  if (dead) {
    child->status = orphan->status;
    orphan->pid = 0;
    event_cancel(&orphan->event);
    event_raise(&child->ended, E_ENDED);
  } else
    *pid_link(pid) = child;
  wire_put_integer(r->out, F_ALIVE, !dead);
  return 0;
}

// In a cgroup: everything at once where the kernel can, else each member.
static int signal_cgroup(const char *cgroup, int number) {
  char path[4200];
  snprintf(path, sizeof path, "%s/cgroup.kill", cgroup);
  int fd = number == SIGKILL ? open(path, O_WRONLY | O_CLOEXEC) : -1;
  ssize_t written = fd < 0 ? -1 : write(fd, "1", 1);
  if (fd >= 0)
    close(fd);
  if (written == 1)
    return 0;
  snprintf(path, sizeof path, "%s/cgroup.procs", cgroup);
  FILE *members = fopen(path, "re");
  if (members == NULL)
    return fail(errno, "open %.200s", path);
  pid_t pid;
  while (fscanf(members, "%d", &pid) == 1)
    if (pid > 1 && pid != getpid() && pid != daemon_pid)
      kill(pid, number); // it may be gone
  fclose(members);
  return 0;
}

int kill_child(struct bytes id, int number, int scope) {
  const struct child *child = (const struct child *)table_find(&children, id);
  if (child == NULL)
    return missing("child", id);
  // KILL is for a child too that has not joined its cgroup yet, or has left it.
  if (scope == 2 && child->cgroup != NULL) {
    int error = signal_cgroup(child->cgroup, number);
    if (number != SIGKILL || child->state == ENDED)
      return error;
  }
  if (child->state == ENDED) // its pid may be another process's by now
    return fail(ESRCH, "signal child %s: it has ended", child->entry.name);
  pid_t target = scope > 0 && getpgid(child->pid) == child->pid ? -child->pid : child->pid;
  return kill(target, number) < 0 ? fail(errno, "send signal %d to child %s", number, child->entry.name) : 0;
}

bool child_lives(struct bytes id) {
  const struct child *child = (const struct child *)table_find(&children, id);
  return child != NULL && child->state != ENDED;
}

int signal_child(const struct request *r) {
  return kill_child(BYTES(r, F_ID), (int)INT(r, F_SIGNAL), (int)INT(r, F_SCOPE));
}

void children_signal(int number) {
  for (struct entry *entry = children.first; entry != NULL; entry = entry->next)
    kill_child(bytes_of(entry->name), number, 1);
}

int signal_process(const struct request *r) {
  pid_t pid = (pid_t)INT(r, F_PID), parent;
  int64_t start;
  if (pid <= 1 || pid == getpid() || pid == daemon_pid)
    return fail(EPERM, "signal process %d: not the keeper, the daemon or init", pid);
  // The descriptor first: what it refers to cannot change between the comparison and the signal.
  int fd = (int)syscall(SYS_pidfd_open, pid, 0), error = 0;
  if (fd < 0)
    return fail(errno, "signal process %d", pid);
  if (!proc_stat(pid, &parent, &start) || start != INT(r, F_START))
    error = fail(ESRCH, "signal process %d: it did not start at %lld", pid, (long long)INT(r, F_START));
  else if (syscall(SYS_pidfd_send_signal, fd, (int)INT(r, F_SIGNAL), NULL, 0) < 0)
    error = fail(errno, "send signal %d to process %d", (int)INT(r, F_SIGNAL), pid);
  close(fd);
  return error;
}

static void orphan_reaped(pid_t pid, int64_t start, int status) {
  struct orphan *orphan = &orphans[orphans_reaped++ % 4096];
  orphans_lost += orphan->event.number != 0;
  event_cancel(&orphan->event);
  orphan->pid = pid;
  orphan->start = start;
  orphan->status = status;
  if (orphans_wanted)
    event_raise(&orphan->event, E_ORPHAN);
}

// Whether a number is that of a process, or of a group or a session in which somebody is. Only the owner of a
// file, whom nobody ever asks for here, is looked up whatever the number is of; older kernels take every one.
static bool number_taken(pid_t number) {
  static int probe = -1;
  if (probe < 0)
    probe = eventfd(0, EFD_CLOEXEC);
  bool taken = probe < 0 || fcntl(probe, F_SETOWN, number) == 0 || errno != ESRCH;
  if (probe >= 0)
    fcntl(probe, F_SETOWN, 0);
  return taken;
}

int stand_by(const struct request *r) {
  struct child *child = (struct child *)table_find(&children, BYTES(r, F_CHILD));
  if (child == NULL)
    return missing("child", BYTES(r, F_CHILD));
  if (child->state == ENDED)
    return fail(ESRCH, "stand by for child %s: it has ended", child->entry.name);
  if (child->cgroup != NULL)
    return fail(EINVAL, "stand by for child %s: others may be in its cgroup", child->entry.name);
  if (table_find(&children, BYTES(r, F_ID)) != NULL)
    return fail(EEXIST, "stand by for child %s: there is a child %.*s", child->entry.name,
                SHOWN(BYTES(r, F_ID)));
  bool tells = r->values[F_DATA].given || r->values[F_AFTER].given;
  if (tells != r->values[F_THROUGH].given)
    return fail(EINVAL, "stand by for child %s: messages go through something, or there are none",
                child->entry.name);
  if (r->values[F_PLACE].given && (size_t)INT(r, F_PLACE) + 8 > BYTES(r, F_AFTER).length)
    return fail(EINVAL, "stand by for child %s: the place of the pid is none in the message",
                child->entry.name);
  if (standing - child->next.length + r->fields.length > NEXT_MAX)
    return fail(ENOSPC, "stand by for child %s: all that stand by are too much", child->entry.name);
  struct owned fresh = {0};
  if (!owned_set(&fresh, r->fields))
    return fail(ENOMEM, "stand by for child %s", child->entry.name);
  dismiss(child);
  child->next = fresh;
  standing += fresh.length;
  return 0;
}

int stand_down(const struct request *r) {
  struct child *child = (struct child *)table_find(&children, BYTES(r, F_CHILD));
  if (child == NULL)
    return missing("child", BYTES(r, F_CHILD));
  dismiss(child);
  return 0;
}

// Whoever stands by takes the place of a child that has run and has left nobody behind. What fails is left to
// the daemon, which is told of the end without a successor.
static void succeed(struct child *child) {
  static struct request request;
  int signal;
  char wrong[sizeof failure];
  uint8_t result[64];
  struct writer out = {result, 0, sizeof result, false};
  struct bytes next = {child->next.at, child->next.length};
  if (next.length == 0 || ending_begun() || events_fatal_since(&signal) != NEVER ||
      number_taken(child->pid) || request_parse(R_STAND_BY, next, &request, wrong, sizeof wrong) != 0)
    return;
  struct bytes id = BYTES(&request, F_ID);
  request.out = &out;
  child->successor = strndup((const char *)id.at, id.length);
  if (child->successor != NULL && tell(&request) == 0 && spawn(&request) == 0) {
    tell_after(&request, ((struct child *)table_find(&children, id))->pid);
    return;
  }
  free(child->successor);
  child->successor = NULL;
}

static void child_reaped(struct child *child, int status) {
  *pid_link(child->pid) = child->same_bucket;
  setup_over(&child->setup, 0); // now the report is complete, and its event comes before this one
  bool ran = child->state == RUNNING;
  child->state = ENDED;
  child->status = status;
  event_raise(&child->ended, E_ENDED);
  if (ran)
    succeed(child); // whose own events come after that
  dismiss(child);
}

void children_reap(void) {
  for (int i = 0; i < 1024; i++) {
    siginfo_t info = {0};
    struct rusage usage;
    pid_t parent;
    int64_t start = 0;
    int status;
    // A look before the wait: while it is a zombie /proc still tells when it started.
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
      return;
    struct child *child = *pid_link(info.si_pid);
    if (child == NULL)
      proc_stat(info.si_pid, &parent, &start);
    if (wait4(info.si_pid, &status, WNOHANG, &usage) != info.si_pid)
      continue;
    if (child != NULL) {
      child->usage = usage;
      child_reaped(child, status);
    } else if (!daemon_reaped(info.si_pid, status))
      orphan_reaped(info.si_pid, start, status);
  }
  raise(SIGCHLD); // there may be more: let others have their turn first
}

void child_put(const struct entry *entry, struct writer *out) {
  const struct child *child = (const struct child *)entry;
  wire_put_string(out, F_ID, entry->name);
  wire_put_integer(out, F_PID, child->pid);
  wire_put_integer(out, F_START, child->start);
  wire_put_integer(out, F_STATE, child->state);
  wire_put_integer(out, F_AT, child->spawned);
  if (child->cgroup != NULL)
    wire_put_string(out, F_CGROUP, child->cgroup);
  if (child->adopted)
    wire_put_integer(out, F_ADOPTED, 1);
  if (child->next.length > 0)
    wire_put_integer(out, F_STANDS_BY, 1);
}

void child_put_event(const struct event *event, struct writer *out) {
  if (event->type == E_ORPHAN) {
    const struct orphan *orphan = CONTAINER(event, struct orphan, event);
    wire_put_integer(out, F_PID, orphan->pid);
    wire_put_integer(out, F_START, orphan->start);
    wire_put_integer(out, F_STATUS, orphan->status);
    wire_put_integer(out, F_LOST, orphans_lost);
    return;
  }
  const struct child *child = event->type == E_STARTED ? CONTAINER(event, struct child, started)
                                                       : CONTAINER(event, struct child, ended);
  wire_put_string(out, F_ID, child->entry.name);
  wire_put_integer(out, F_PID, child->pid);
  if (event->type == E_STARTED)
    return;
  wire_put_integer(out, F_STATUS, child->status);
  wire_put_integer(out, F_USER, child->usage.ru_utime.tv_sec * 1000000 + child->usage.ru_utime.tv_usec);
  wire_put_integer(out, F_SYSTEM, child->usage.ru_stime.tv_sec * 1000000 + child->usage.ru_stime.tv_usec);
  wire_put_integer(out, F_MEMORY, child->usage.ru_maxrss);
  if (!number_taken(child->pid))
    wire_put_integer(out, F_ALONE, 1);
  if (child->successor != NULL) {
    const struct child *successor = (const struct child *)table_find(&children, bytes_of(child->successor));
    wire_put_string(out, F_SUCCESSOR, child->successor);
    wire_put_integer(out, F_SUCCESSOR_PID, successor != NULL ? successor->pid : 0);
    wire_put_integer(out, F_SUCCESSOR_START, successor != NULL ? successor->start : 0);
  }
  if (child->setup_stage[0] != 0) {
    wire_put_string(out, F_STAGE, child->setup_stage);
    wire_put_integer(out, F_ERRNO, child->setup_errno);
    wire_put_string(out, F_TEXT, child->setup_text != NULL ? child->setup_text : "");
  }
}

void child_acknowledged(struct event *event) {
  forget(CONTAINER(event, struct child, ended));
}
