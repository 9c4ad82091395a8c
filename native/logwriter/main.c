// The log writer: the one loop that obeys the daemon and carries lines. Its contract is docs/log-writer.md.
#include "limit.h"
#include "obey.h"
#include "opening.h"
#include "orders.h"
#include "output.h"
#include "report.h"
#include "slots.h"
#include "stream.h"
#include "syslog.h"
#include "version.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Told to end, we go on until it was quiet for so long, or until it was enough: services that are told to end
// at the same time have last words too. Together with what finish() takes it is less than the keeper's
// patience.
enum { QUIET_MS = 300, ENOUGH_MS = 2000 };
enum { TURNS = 64, LAST_WORDS_MS = 1000 };
enum { EVENT_CONTROL = MAX_STREAMS, EVENT_SIGNAL, EVENT_OUTPUT }; // what is below is a stream's slot

static _Noreturn void die(const char *what) {
  int error = errno;
  // A successor is waited for: a reader who stopped must not keep this one from making room for it.
  if (poll(&(struct pollfd){.fd = 2, .events = POLLOUT}, 1, 0) == 1)
    fprintf(stderr, "logwriter: %s: %s\n", what, strerror(error));
  exit(111);
}

// Edge-triggered: orders are read until there is none, or until an answer has no room.
static bool watch(int poller, int fd, uint64_t event) {
  struct epoll_event wanted = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = event};
  return epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted) == 0;
}

static bool flush_outputs(void) {
  bool empty = true;
  for (int i = 0; i < OUTPUTS; i++)
    empty &= output_flush(i);
  return empty;
}

static int64_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// For how long to wait: until that time, or `due` milliseconds if that is sooner.
static int until(int64_t time, int due) {
  if (time == INT64_MAX)
    return due;
  int64_t left = time - milliseconds();
  left = left > 0 ? left : 0;
  return (int)(due < 0 || left < due ? left : due);
}

// Everything that was written until now is on its way; an output that takes nothing holds us up only so long.
static int finish(int poller) {
  for (uint32_t slot = 0; slot < commit->end && open_begun(); slot++)
    if (streams[slot] && !stream_drain(slot, true))
      die("carry a batch");
  if (open_begun())
    syslog_last_words();
  int64_t deadline = milliseconds() + LAST_WORDS_MS, left;
  struct epoll_event event;
  while (!flush_outputs() && (left = deadline - milliseconds()) > 0)
    epoll_wait(poller, &event, 1, (int)left);
  return 0;
}

int main(int argc, char **argv) {
  answer_version(argc, argv, "logwriter");
  struct rlimit files;
  sigset_t mask;
  umask(0); // every mode is explicit
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); // so that a file at its limit is an error like any other
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  int poller = epoll_create1(EPOLL_CLOEXEC), signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  if (poller < 0 || signals < 0 || sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
    die("prepare");
  if (!commit_map())
    die("map the memory file");
  slots_read();
  if (!watch(poller, CONTROL, EVENT_CONTROL) || !watch(poller, signals, EVENT_SIGNAL))
    die("watch the control socket");
  file_undoing = commit->phase == WRITING;
  main_sink.file.loss = &commit->main_loss;
  open_watch(poller);
  output_watch(poller, EVENT_OUTPUT);
  int64_t quiet_at = INT64_MAX, enough_at = INT64_MAX;
  for (int due = -1;;) {
    struct epoll_event events[TURNS];
    int count = epoll_wait(poller, events, TURNS, until(quiet_at < enough_at ? quiet_at : enough_at, due));
    if (count < 0 && errno != EINTR)
      die("wait");
    bool told = false, carried = false;
    // Orders first: a label that was sent before a line was written is that line's.
    for (int i = 0; i < count; i++) {
      uint64_t event = events[i].data.u64;
      told |= event == EVENT_SIGNAL;
      if (event == EVENT_CONTROL && !orders_read()) {
        if (errno)
          die("carry a batch");
        return finish(poller);
      }
    }
    for (int i = 0; i < count; i++) {
      uint64_t event = events[i].data.u64;
      struct stream *stream = event < MAX_STREAMS ? streams[event] : NULL;
      int taken = stream ? stream_turn((uint32_t)event) : 0;
      if (taken < 0 && stream->source == KERNEL) {
        epoll_ctl(poller, EPOLL_CTL_DEL, stream->pipe, NULL); // it has ended, or we may not read it
        taken = 0;
      }
      if (taken < 0)
        die("carry a batch");
      if (taken > 0 && stream->source != PIPE)
        syslog_limit();
      if (taken > 0)
        limit_check((uint32_t)event);
      carried |= taken > 0;
    }
    flush_outputs();
    int64_t now = milliseconds();
    due = report_news(now);
    int own = open_begun() ? syslog_tick(now) : -1;
    if (own >= 0 && (due < 0 || own < due))
      due = own;
    if (told && enough_at == INT64_MAX)
      enough_at = now + ENOUGH_MS;
    if (enough_at == INT64_MAX)
      continue;
    if (carried || quiet_at == INT64_MAX)
      quiet_at = now + QUIET_MS;
    if (now >= quiet_at || now >= enough_at || obeyed_last() || !open_begun())
      return finish(poller);
  }
}
