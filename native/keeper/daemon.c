// The daemon: started, talked to, watched for silence, started again. Whatever happens to it, nothing else is
// touched.
#include "keeper.h"
#include "trim.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

// What was done within TOGETHER is told together.
#define TOGETHER (SECOND / 1000)
// The output may grow by one whole frame beyond FULL: what is produced is produced only below it.
enum { FULL = 65536, FIRST_FREE = SLOT_BASE + SLOTS, INHERITED_MAX = 256 };
enum reason { DIED, SILENT, MALFORMED, RELAUNCHED, WOKEN };

struct policy policy = {.silence = 30 * SECOND, .grace = 5 * SECOND, .window = 60 * SECOND, .deaths = 5};
pid_t daemon_pid;
bool daemon_greeted, daemon_rescue;
int64_t daemon_due, daemon_generation = -1;

static char **program, **environment, **environment_end;
static int control = -1;
static uint32_t interest;
static int64_t awake; // since when the keeper itself has run without a break
static bool deaf;     // nothing more is read from this daemon: it hung up, or talked nonsense
static int64_t born, hung_up, deaths[64];
static uint8_t input_bytes[WIRE_FRAME_MAX + 4], output_bytes[FULL + WIRE_FRAME_MAX + 4];
static size_t input_start;
static struct writer input = {input_bytes, 0, sizeof input_bytes, false};
static struct writer output = {output_bytes, 0, sizeof output_bytes, false};

// Why a daemon is followed by another: of the one that lives, and of the one before, which its successor is
// told.
static struct departure {
  enum reason reason;
  int status;
  int64_t deaths;
  char text[1024];
} leaving, told;
static struct event restarted;

static const struct state_field daemon_fields[] = {STATE_OF(S_INTEGER, 2, policy.silence),
                                                   STATE_OF(S_INTEGER, 3, policy.grace),
                                                   STATE_OF(S_INTEGER, 4, policy.window),
                                                   STATE_OF(S_INTEGER, 5, policy.deaths),
                                                   STATE_OF(S_TEXT, 6, policy.culprit),
                                                   STATE_OF(S_INTEGER, 7, daemon_pid),
                                                   STATE_OF(S_INTEGER, 8, daemon_greeted),
                                                   STATE_OF(S_INTEGER, 9, daemon_rescue),
                                                   STATE_OF(S_INTEGER, 10, daemon_due),
                                                   STATE_OF(S_INTEGER, 11, daemon_generation),
                                                   STATE_OF(S_FD, 12, control),
                                                   STATE_OF(S_INTEGER, 13, deaf),
                                                   STATE_OF(S_INTEGER, 14, born),
                                                   STATE_OF(S_INTEGER, 15, hung_up),
                                                   STATE_OF(S_INTEGER, 16, awake),
                                                   STATE_OF(S_INTEGER, 17, input_start),
                                                   STATE_OF(S_BUFFER, 18, input),
                                                   STATE_OF(S_BUFFER, 19, output),
                                                   STATE_OF(S_INTEGER, 20, leaving.reason),
                                                   STATE_OF(S_INTEGER, 21, leaving.status),
                                                   STATE_OF(S_INTEGER, 22, leaving.deaths),
                                                   STATE_OF(S_TEXT, 23, leaving.text),
                                                   STATE_OF(S_INTEGER, 24, told.reason),
                                                   STATE_OF(S_INTEGER, 25, told.status),
                                                   STATE_OF(S_INTEGER, 26, told.deaths),
                                                   STATE_OF(S_TEXT, 27, told.text),
                                                   STATE_OF(S_EVENT, 28, restarted),
                                                   {0}};
const struct state_section daemon_state = {.fields = daemon_fields, .count = 1};
static const struct state_field death_fields[] = {{2, S_INTEGER, 0, sizeof *deaths, NULL}, {0}};
const struct state_section deaths_state = {
    .fields = death_fields, .records = deaths, .record_size = sizeof *deaths, .count = 64};

static void end_daemon(enum reason reason) {
  leaving.reason = reason;
  if (daemon_pid != 0)
    kill(daemon_pid, SIGKILL); // it is our child and not reaped: this cannot fail or hit another
}

static void ready(struct source *source, uint32_t events);
static struct source from_daemon = {.ready = ready};

static void stop_listening(void) {
  deaf = true;
  unwatch(&from_daemon, control);
}

static void malformed(const char *wrong) {
  say("the daemon talks nonsense and is started again: %s", wrong);
  snprintf(leaving.text, sizeof leaving.text, "%s", wrong);
  stop_listening();
  end_daemon(MALFORMED);
}

static void hang_up(void) {
  stop_listening();
  hung_up = now(CLOCK_MONOTONIC);
}

static bool apply_frame(void) {
  struct bytes rest = {input.bytes + input_start, input.used - input_start};
  const char *wrong;
  int applied = requests_apply(&rest, &output, &wrong);
  input_start = input.used - rest.length;
  if (applied < 0)
    malformed(wrong);
  if (applied <= 0 && input_start > 0) {
    memmove(input.bytes, rest.at, rest.length);
    input.used = rest.length;
    input_start = 0;
  }
  ending_tick(); // finish takes effect after its frame, and so does replace keeper
  int error = replace_now();
  if (error != 0)
    requests_take_back(&output, error);
  return applied > 0;
}

static bool receive(void) {
  ssize_t length = read(control, input.bytes + input.used, input.size - input.used);
  input.used += length > 0 ? (size_t)length : 0;
  return length > 0;
}

static void ready(struct source *source, uint32_t events) {
  (void)source;
  // What a dead daemon had still sent is read when it is reaped.
  if ((events & EPOLLIN && input.used < input.size && !receive() && errno != EAGAIN) ||
      events & (EPOLLHUP | EPOLLERR))
    hang_up();
}

static void flush(void) {
  ssize_t sent = output.used > 0 ? send(control, output.bytes, output.used, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
  if (sent < 0 && errno != EAGAIN)
    hang_up();
  if (sent > 0)
    memmove(output.bytes, output.bytes + sent, output.used -= (size_t)sent);
}

static bool hello_waits(void) {
  struct bytes rest = {input.bytes + input_start, input.used - input_start}, fields;
  struct frame frame;
  const char *wrong;
  uint16_t type;
  return wire_frame(&rest, &frame, &wrong) > 0 && wire_item(&frame.items, &type, &fields) > 0 &&
         type == R_HELLO;
}

// One thing that fills the output: the inventory before the result of hello, requests before events.
static bool step(void) {
  if (!daemon_greeted && hello_waits() && inventory_send(&output))
    return true;
  return apply_frame() || (daemon_greeted && !deaf && events_send(&output));
}

void daemon_work(void) {
  // What it finds is what the record has left: it is answered once that is done.
  if (daemon_pid == 0 || deaf || record_replays())
    return;
  flush();
  // Ends only with nothing left to do, or with output that its socket does not take now: else nobody wakes
  // us.
  for (bool more = true; more && !deaf && output.used <= FULL; flush()) {
    int64_t since = now(CLOCK_MONOTONIC);
    do
      more = step();
    while (more && !deaf && output.used <= FULL && now(CLOCK_MONOTONIC) - since < TOGETHER);
  }
  uint32_t wanted =
      (output.used <= FULL && input.used < input.size ? EPOLLIN : 0) | (output.used > 0 ? EPOLLOUT : 0);
  if (!deaf && wanted != interest && !watch(&from_daemon, control, wanted))
    hang_up();
  interest = wanted;
}

int daemon_greets(const struct request *r) {
  if (INT(r, F_VERSION) < WIRE_VERSION)
    return fail(EPROTONOSUPPORT, "hello: version %lld is none", (long long)INT(r, F_VERSION));
  daemon_greeted = true;
  events_rewind();
  wire_put_integer(r->out, F_VERSION, WIRE_VERSION);
  return 0;
}

int relaunch(const struct request *r) {
  leaving.reason = RELAUNCHED;
  string_of(BYTES(r, F_WHY), leaving.text, sizeof leaving.text);
  return 0;
}

int hibernate(const struct request *r) {
  (void)r;
  if (events_oldest() != NULL)
    return fail(EBUSY, "hibernate: event %lld is not acknowledged", (long long)events_oldest()->number);
  leaving.reason = WOKEN;
  return 0;
}

void daemon_put_event(struct writer *out) {
  wire_put_integer(out, F_STATUS, told.status);
  wire_put_integer(out, F_REASON, told.reason);
  wire_put_string(out, F_TEXT, told.text);
  wire_put_integer(out, F_DEATHS, told.deaths);
  wire_put_integer(out, F_GENERATION, daemon_generation);
}

void daemon_part(void) {
  if (daemon_pid == 0)
    return;
  flush();
  shutdown(control, SHUT_RDWR);
}

// Decides when the next daemon starts, and in which mode.
static void plan_next(int status) {
  int64_t time = now(CLOCK_MONOTONIC);
  // Without any window each death would be the first, and the next start at once.
  int64_t window = policy.window > 0 ? policy.window : SECOND;
  enum { REMEMBERED = sizeof deaths / sizeof *deaths };
  // A start that was asked for is a normal one: whoever asks has repaired what was wrong.
  if (time - born >= window || leaving.reason == RELAUNCHED) {
    daemon_rescue = false;
    memset(deaths, 0, sizeof deaths);
  }
  if (leaving.reason < RELAUNCHED) {
    memmove(deaths + 1, deaths, sizeof deaths - sizeof *deaths);
    deaths[0] = time;
  }
  leaving.status = status;
  leaving.deaths = 0;
  while (leaving.deaths < REMEMBERED && deaths[leaving.deaths] != 0 && time - deaths[leaving.deaths] < window)
    leaving.deaths++;
  daemon_due = leaving.reason == WOKEN ? NEVER : time;
  if (leaving.reason >= RELAUNCHED)
    return;
  if (policy.deaths > 0 && leaving.deaths >= policy.deaths)
    daemon_rescue = true;
  if (leaving.deaths >= 2) // at once, then 0.1 s, doubled up to 5 s
    daemon_due += leaving.deaths >= 8 ? 5 * SECOND : SECOND / 10 << (leaving.deaths - 2);
}

// Carries out what a dead daemon had sent. A keeper that is replaced by one of its frames goes on here with
// the rest.
static void bury(void) {
  while (leaving.reason != MALFORMED) {
    output.used = 0;
    if (!apply_frame() && !receive())
      break;
  }
  close(control);
  control = -1;
  output.used = input.used = input_start = 0;
  daemon_greeted = false;
  plan_next(leaving.status);
  if (leaving.reason == WOKEN)
    trim_program();
}

bool daemon_reaped(pid_t pid, int status) {
  if (pid != daemon_pid)
    return false;
  daemon_pid = 0; // from here on the number may be another's
  leaving.status = status;
  // Nobody can add to what it had sent: so that this ends, even if it gave its end of the channel away.
  shutdown(control, SHUT_RD);
  unwatch(&from_daemon, control);
  bury();
  return true;
}

void daemon_resume(bool returned) {
  if (returned)
    requests_take_back(
        &output, fail(ENOEXEC, "replace keeper: the new program could not go on and handed its work back"));
  interest = EPOLLIN;
  if (daemon_pid != 0 && !deaf && !watch(&from_daemon, control, interest))
    hang_up();
  if (daemon_pid == 0 && control >= 0)
    bury();
}

struct move {
  int from, to;
};

// In the new process: only system calls. It gets exactly the descriptors of `moves`.
static _Noreturn void execute(struct move *moves, int count, int report) {
  bool moved = true;
  for (int i = 0; i < count; i++) // out of the way first: a source may be another's target
    moved = moved && (moves[i].from = fcntl(moves[i].from, F_DUPFD_CLOEXEC, FIRST_FREE + count)) >= 0;
  report = moved ? fcntl(report, F_DUPFD_CLOEXEC, FIRST_FREE + count) : report;
  for (int i = 0; i < count; i++)
    moved = moved && dup2(moves[i].from, moves[i].to) >= 0;
  if (moved) {
    setsid();
    child_reset();
    for (int number = 1; number <= SIGRTMAX; number++)
      signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvpe(program[0], program, environment);
  }
  int error = errno;
  _exit(write(report, &error, sizeof error) < 0 ? 126 : 127);
}

static __attribute__((noinline)) pid_t launch(struct move *moves, int count, int report) {
  pid_t pid = vfork();
  if (pid == 0)
    execute(moves, count, report);
  return pid;
}

static int plan_descriptors(struct move *moves, int channel) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC), count = 0;
  moves[count++] = (struct move){null < 0 ? 0 : null, 0};
  moves[count++] = (struct move){place.log_writer, 1};
  moves[count++] = (struct move){place.log_writer, 2};
  moves[count++] = (struct move){channel, 3};
  for (int i = 0; i < SLOTS; i++)
    if (slots[i].fd >= 0)
      moves[count++] = (struct move){slots[i].fd, SLOT_BASE + i};
  int next = FIRST_FREE;
  for (struct entry *entry = descriptors.first; entry != NULL; entry = entry->next) {
    struct descriptor *descriptor = (struct descriptor *)entry;
    if (descriptor->slot >= 0)
      continue;
    bool room = descriptor->inherited && next < FIRST_FREE + INHERITED_MAX;
    descriptor->daemon_fd = room ? next++ : -1;
    if (room)
      moves[count++] = (struct move){descriptor->fd, descriptor->daemon_fd};
  }
  return count;
}

static bool failed_to_start(int error) {
  use_reserve(false);
  snprintf(leaving.text, sizeof leaving.text, "start %s: %s", program[0], strerror(error));
  say("%s", leaving.text);
  leaving.reason = DIED;
  plan_next(0);
  return false;
}

// What is on its way between the two holds nobody up while there is much of it, as when everything stops.
// Where we may not ask for as much there is less.
static void widen(int channel) {
  const int size = 1 << 20;
  if (setsockopt(channel, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
    setsockopt(channel, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

bool daemon_start(void) {
  static struct move moves[4 + SLOTS + INHERITED_MAX];
  static char generation[48];
  int channel[2], report[2], error = 0;
  born = now(CLOCK_MONOTONIC); // whatever fails: a start that does is a short life, not the end of a long one
  use_reserve(true);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
    return failed_to_start(errno);
  widen(channel[0]);
  widen(channel[1]);
  if (pipe2(report, O_CLOEXEC) < 0) {
    error = errno;
    close(channel[0]);
    close(channel[1]);
    return failed_to_start(error);
  }
  slots_renew();
  int count = plan_descriptors(moves, channel[1]), null = moves[0].from;
  snprintf(generation, sizeof generation, "SHEPHERD_GENERATION=%lld", (long long)daemon_generation + 1);
  environment_end[0] = generation;
  environment_end[1] = daemon_rescue ? "SHEPHERD_RESCUE=1" : NULL;
  pid_t pid = launch(moves, count, report[1]);
  error = pid < 0 ? errno : 0;
  close(channel[1]);
  close(report[1]);
  if (null > 2)
    close(null);
  if (pid > 0 && read(report[0], &error, sizeof error) == sizeof error)
    waitpid(pid, NULL, 0); // it could not execute and has exited
  close(report[0]);
  if (error != 0) {
    close(channel[0]);
    return failed_to_start(error);
  }
  use_reserve(false);
  fcntl(channel[0], F_SETFL, O_NONBLOCK);
  control = channel[0];
  daemon_pid = pid;
  interest = EPOLLIN;
  deaf = false;
  hung_up = 0;
  inventory_rewind();
  if (++daemon_generation > 0) {
    event_cancel(&restarted); // an older one that nobody took note of
    told = leaving;
    event_raise(&restarted, E_RESTARTED);
  }
  leaving = (struct departure){.reason = DIED};
  if (!watch(&from_daemon, control, interest)) // one that cannot be heard is no use
    end_daemon(DIED);
  return true;
}

static int64_t later(int64_t since) {
  int64_t watched = born > awake ? born : awake;
  return since == NEVER ? NEVER : (since > watched ? since : watched) + policy.silence;
}

// Silent is who leaves an event or a connection waiting for too long. When nothing waits there is nothing to
// look at.
static int64_t look_for_silence(int64_t time) {
  static int64_t look_at;
  if (policy.silence == 0 || leaving.reason == SILENT || leaving.reason == MALFORMED)
    return NEVER;
  int64_t event = later(events_oldest() != NULL ? events_oldest()->since : NEVER), connection = NEVER;
  // That a connection was accepted tells nobody. It is looked for at times of our own: when one has just
  // come, which is what has woken us most likely, there always is one.
  if (slots_waiting() != NEVER && time >= look_at) {
    connection = later(slots_sample());
    look_at = time + (policy.silence < 32 * SECOND ? policy.silence / 32 : SECOND);
  }
  if (time < event && time < connection)
    return slots_waiting() != NEVER && look_at < event ? look_at : event;
  struct bytes culprit = note_value(policy.culprit);
  string_of(culprit, leaving.text, sizeof leaving.text);
  say("the daemon was silent for %lld s and is started again; it was doing: %s",
      (long long)(policy.silence / SECOND), culprit.length > 0 ? leaving.text : "unknown");
  end_daemon(SILENT);
  return NEVER;
}

// Who looks much later than it meant to was stopped itself, and with it most likely the daemon: a container
// that is frozen, a machine without a processor to spare. That time is nobody's silence.
static int64_t silence_tick(int64_t time) {
  static int64_t meant = NEVER;
  if (meant != NEVER && time > meant + SECOND / 2)
    awake = time;
  return meant = look_for_silence(time);
}

int64_t daemon_tick(void) {
  int64_t time = now(CLOCK_MONOTONIC);
  if (daemon_pid == 0) {
    if (daemon_due == NEVER && (events_oldest() != NULL || slots_sample() != NEVER))
      daemon_due = time; // it hibernated
    if (time < daemon_due || !daemon_start())
      return daemon_due;
  }
  if (hung_up == 0)
    return silence_tick(time);
  // It closed its channel: most likely it is about to exit, but it must.
  if (time < hung_up + SECOND)
    return hung_up + SECOND;
  hung_up = time;
  kill(daemon_pid, SIGKILL);
  return NEVER;
}

bool daemon_prepare(char **arguments) {
  extern char **environ;
  size_t count = 0, kept = 1;
  while (environ[count] != NULL)
    count++;
  program = arguments;
  environment = calloc(count + 4, sizeof *environment);
  if (environment == NULL)
    return false;
  environment[0] = "SHEPHERD_KEEPER_FD=3";
  for (char **variable = environ; *variable != NULL; variable++) {
    static const char prefix[] = "SHEPHERD_SAVED_", certificates[] = "NODE_EXTRA_CA_CERTS=";
    char *value = *variable;
    if (strncmp(value, "SHEPHERD_KEEPER_FD=", 19) == 0 || strncmp(value, "SHEPHERD_GENERATION=", 20) == 0 ||
        strncmp(value, "SHEPHERD_RESCUE=", 16) == 0)
      continue; // of a daemon that runs us
    if (strncmp(value, certificates, sizeof certificates - 1) == 0 &&
        asprintf(&value, "%s%s", prefix, *variable) < 0)
      return false;
    environment[kept++] = value;
  }
  environment_end = environment + kept;
  return true;
}

// Whether `given` is exactly these strings.
static bool are(char *const *strings, char *const *end, struct bytes given) {
  for (; strings != end && *strings != NULL; strings++) {
    size_t length = strlen(*strings) + 1;
    if (given.length < length || memcmp(given.at, *strings, length) != 0)
      return false;
    given = (struct bytes){given.at + length, given.length - length};
  }
  return given.length == 0;
}

// The first variable is the control channel's, and what follows the last tells which daemon it is.
bool daemon_gets(struct bytes variables, struct bytes arguments) {
  return are(environment + 1, environment_end, variables) && are(program, NULL, arguments);
}
