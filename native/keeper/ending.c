// The end: asked for by the daemon, or found necessary by the keeper alone. It always comes in bounded time.
#include "keeper.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum how { EXIT, POWER_OFF, REBOOT, HALT, KEXEC };

struct ending {
  enum how how;
  int code;
  int64_t grace;
};

static struct ending asked, dead_man;
static int64_t dead_man_at = NEVER;
static bool finishing;

static void signal_direct_child(pid_t pid, int number) {
  // Its group too, if it leads one: the keeper's own group it never leads.
  kill(getpgid(pid) == pid ? -pid : pid, number);
}

// A subreaper's children: the kernel's list, or /proc searched for them, or at least those of the table.
static void signal_children(int number) {
  // Children of children become the keeper's when those end. Each is told to end once: a second TERM means
  // haste to some.
  static pid_t told[4096];
  static size_t count;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  FILE *list = fopen(path, "re");
  DIR *all = list == NULL ? opendir("/proc") : NULL;
  struct dirent *process;
  for (;;) {
    pid_t pid = 0, parent = getpid();
    int64_t start;
    if (list != NULL ? fscanf(list, "%d", &pid) != 1 : all == NULL || (process = readdir(all)) == NULL)
      break;
    if (list == NULL &&
        ((pid = atoi(process->d_name)) == 0 || !proc_stat(pid, &parent, &start) || parent != getpid()))
      continue;
    size_t i = 0;
    while (i < count && told[i] != pid)
      i++;
    if (number != SIGKILL && i < count)
      continue;
    if (number != SIGKILL && count < sizeof told / sizeof *told)
      told[count++] = pid;
    signal_direct_child(pid, number);
    if (number != SIGKILL)
      signal_direct_child(pid, SIGCONT); // a stopped process cannot end
  }
  if (list == NULL && all == NULL)
    children_signal(number);
  if (list != NULL)
    fclose(list);
  if (all != NULL)
    closedir(all);
}

static void signal_all(int number, bool again) {
  if (!place.init)
    signal_children(number);
  else if (!again || number == SIGKILL) {
    kill(-1, number); // everything but the caller, which is PID 1
    kill(-1, SIGCONT);
  }
}

// Reaps until there is no child left, or until the time is over. `number` 0 signals nothing.
static bool wait_for_children(int number, int64_t time) {
  int64_t end = now(CLOCK_MONOTONIC) + time;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (bool again = false;; again = true) {
    if (number != 0)
      signal_all(number, again);
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
      ;
    int64_t left = end - now(CLOCK_MONOTONIC);
    if (pid < 0 || left <= 0)
      return pid < 0;
    struct timespec pause = timespec_of(left < SECOND / 4 ? left : SECOND / 4);
    sigtimedwait(&child, NULL, &pause); // until one ends, or after a while: only its being over matters
  }
}

// The daemon's last words, which nobody has read.
static void empty_log(void) {
  for (int parts = 0; parts < 1024; parts++) {
    struct pollfd log = {.fd = place.log, .events = POLLIN};
    ssize_t length = poll(&log, 1, 0) == 1 ? read(place.log, scratch, 4096) : 0;
    if (length <= 0 || !voice_write(scratch, (size_t)length, 1000)) // who reads nothing is given up
      return;
  }
}

static _Noreturn void end(const struct ending *ending) {
  finishing = true;
  use_reserve(true);
  daemon_part();
  if (!wait_for_children(SIGTERM, ending->grace) && !wait_for_children(SIGKILL, 10 * SECOND))
    say("some processes do not end even when killed");
  empty_log();
  pid_t pid = fork(); // a file system that has lost its disk blocks sync for ever
  if (pid <= 0)
    sync();
  if (pid == 0)
    _exit(0);
  if (!wait_for_children(0, 10 * SECOND))
    say("the file systems could not all be written");
  if (!place.initial || ending->how == EXIT)
    _exit(ending->code);
  if (ending->how == KEXEC && reboot(RB_KEXEC) < 0)
    say("kexec: %s; rebooting", strerror(errno));
  reboot(ending->how == POWER_OFF ? RB_POWER_OFF : ending->how == HALT ? RB_HALT_SYSTEM : RB_AUTOBOOT);
  say("reboot: %s", strerror(errno));
  for (;;)
    pause(); // were PID 1 to exit, the kernel would panic
}

static _Noreturn void end_for_signal(int number) {
  end(&(struct ending){number == SIGPWR ? POWER_OFF : place.initial ? REBOOT : EXIT, 0, policy.grace});
}

void reap_only(void) {
  sigset_t awaited; // blocked, like all that the keeper handles
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGTERM);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGHUP);
  sigaddset(&awaited, SIGPWR);
  place.init = getpid() == 1;
  place.initial = place.init && in_initial_namespace();
  for (;;) {
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
      ;
    if (pid < 0 && !place.init) // nothing is left that would need it
      end(&(struct ending){EXIT, 111, 0});
    int number = sigwaitinfo(&awaited, NULL);
    if (number > 0 && number != SIGCHLD)
      end_for_signal(number);
  }
}

bool ending_begun(void) {
  return finishing || dead_man_at != NEVER;
}

int begin_shutdown(const struct request *r) {
  dead_man_at = now(CLOCK_MONOTONIC) + INT(r, F_DEADLINE) * (SECOND / 1000);
  dead_man = (struct ending){(enum how)INT(r, F_HOW), (int)integer_or(r, F_CODE, 0), policy.grace};
  return 0;
}

int finish(const struct request *r) {
  if (finishing)
    return fail(EALREADY, "finish: it was asked for");
  finishing = true;
  asked = (struct ending){(enum how)INT(r, F_HOW), (int)integer_or(r, F_CODE, 0),
                          integer_or(r, F_GRACE, policy.grace / SECOND) * SECOND};
  return 0;
}

int64_t ending_tick(void) {
  if (finishing)
    end(&asked);
  int number = 0;
  int64_t time = now(CLOCK_MONOTONIC), since = events_fatal_since(&number);
  if (time >= dead_man_at) {
    say("the shutdown was not finished in time: finishing it");
    end(&dead_man);
  }
  if (since == NEVER)
    return dead_man_at;
  if (time >= since + policy.grace || (daemon_pid == 0 && daemon_due > time)) {
    say("nobody has taken signal %d: finishing", number);
    end_for_signal(number);
  }
  return since + policy.grace < dead_man_at ? since + policy.grace : dead_man_at;
}
