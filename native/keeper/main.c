// The keeper: options, signals, and the one loop in which everything happens (docs/keeper-protocol.md).
#include "keeper.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { USAGE = 100, NOT_STARTED = 111 };

uint8_t scratch[65536];
const char *helper_path;
static const char *record_path;
static int epoll_fd, signal_fd;

// What was ready at one look, of which `handled` had their turn.
static struct epoll_event batch[64];
static int batched, handled;

bool watch(struct source *source, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  int likely = source->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  int otherwise = source->watched ? EPOLL_CTL_ADD : EPOLL_CTL_MOD; // another source has the same descriptor
  source->watched = epoll_ctl(epoll_fd, likely, fd, &event) == 0 ||
                    ((errno == ENOENT || errno == EEXIST) && epoll_ctl(epoll_fd, otherwise, fd, &event) == 0);
  return source->watched;
}

void watch_closed(struct source *source) {
  source->watched = false;
  for (int i = handled; i < batched; i++) // its turn was to come
    if (batch[i].data.ptr == source)
      batch[i].data.ptr = NULL;
}

void unwatch(struct source *source, int fd) {
  if (!source->watched)
    return;
  epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL); // fails where another source had the same descriptor
  watch_closed(source);
}

// A handler may free what is ready too: that has left the batch by then.
static void handle_ready(int timeout) {
  batched = epoll_wait(epoll_fd, batch, sizeof batch / sizeof *batch, timeout);
  for (handled = 0; handled < batched;) {
    const struct epoll_event *event = &batch[handled++];
    struct source *source = event->data.ptr;
    if (source != NULL)
      source->ready(source, event->events);
  }
  batched = 0;
}

static void signalled(struct source *source, uint32_t events) {
  (void)source, (void)events;
  struct signalfd_siginfo info;
  if (read(signal_fd, &info, sizeof info) != sizeof info)
    return;
  if (info.ssi_signo == SIGCHLD)
    children_reap();
  else
    signal_received((int)info.ssi_signo, (pid_t)info.ssi_pid, info.ssi_uid);
}

static bool open_signals(void) {
  static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPWR, SIGWINCH, SIGCHLD};
  static struct source source = {.ready = signalled};
  sigset_t awaited;
  sigemptyset(&awaited);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    sigaddset(&awaited, numbers[i]);
  for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
    sigaddset(&awaited, number);
  return sigprocmask(SIG_SETMASK, &awaited, NULL) == 0 &&
         (signal_fd = signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK)) >= 0 &&
         watch(&source, signal_fd, EPOLLIN);
}

static _Noreturn void usage(void) {
  fputs("usage: keeper [--helper=FILE] [--record=FILE] [--silence=SECONDS] [--grace=SECONDS] [--deaths=N] "
        "[--window=SECONDS] -- PROGRAM ARG...\n",
        stderr);
  exit(USAGE);
}

static int64_t number(const char *text, int64_t largest) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != 0 || value < 0 || value > largest)
    usage();
  return value;
}

// The program and its arguments.
static char **read_options(int argc, char **argv) {
  static const struct option options[] = {{"helper", required_argument, NULL, 'h'},
                                          {"silence", required_argument, NULL, 's'},
                                          {"grace", required_argument, NULL, 'g'},
                                          {"deaths", required_argument, NULL, 'd'},
                                          {"window", required_argument, NULL, 'w'},
                                          {"record", required_argument, NULL, 'r'},
                                          {0}};
  for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;)
    switch (option) {
    case 'h':
      helper_path = optarg;
      break;
    case 'r':
      record_path = optarg;
      break;
    case 's':
      policy.silence = number(optarg, 1000000) * SECOND;
      break;
    case 'g':
      policy.grace = number(optarg, 1000000) * SECOND;
      break;
    case 'd':
      policy.deaths = number(optarg, 64);
      break;
    case 'w':
      policy.window = number(optarg, 1000000) * SECOND;
      break;
    default:
      usage();
    }
  if (optind == argc)
    usage();
  return argv + optind;
}

static const char *beside(const char *keeper) {
  static char path[4096];
  const char *own = replace_own_path()[0] != 0 ? replace_own_path() : keeper;
  int length = snprintf(path, sizeof path - 8, "%s", own);
  path[length < (int)sizeof path - 8 ? length : 0] = 0;
  char *slash = strrchr(path, '/');
  strcpy(slash != NULL ? slash + 1 : path, "spawn");
  return path;
}

static int milliseconds_until(int64_t time) {
  if (time == NEVER)
    return -1;
  int64_t left = (time - now(CLOCK_MONOTONIC) + 999999) / 1000000;
  return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

int main(int argc, char **argv) {
  int taken = replace_options(argv);
  char **program = read_options(argc - taken, argv + taken);
  replace_answer_probe();
  bool fresh = !replaces();
  const char *failed = fresh ? NULL : replace_load();
  if (failed != NULL || (failed = boot(fresh)) != NULL || (epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
      !open_signals() || (fresh && !timers_open()) || !daemon_prepare(program)) {
    say("%s: %s", failed != NULL ? failed : "start", strerror(errno));
    if (!fresh)
      replace_back();
    return NOT_STARTED;
  }
  if (helper_path == NULL)
    helper_path = beside(argv[0]);
  if (!fresh)
    replace_done();
  // A machine without its init is lost: there it is tried again and again.
  else if (!daemon_start() && !place.initial)
    return NOT_STARTED;
  if (fresh && record_path != NULL)
    record_begin(record_path);
  for (;;) {
    int64_t next = daemon_tick(), end = ending_tick(), replay = record_tick();
    next = replay < next ? replay : next;
    handle_ready(milliseconds_until(next < end ? next : end));
    record_work();
    daemon_work();
  }
}
