// What stamps, times and kills for the benches. The time is CLOCK_MONOTONIC, taken in the process that it is
// about, so that no figure depends on how often the harness looks. A stamp is a line of 64 bytes:
// nanoseconds, process ID, name.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { record_size = 64 };

static _Noreturn void die(const char *what) {
  perror(what);
  _exit(111);
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void stamp(const char *file, const char *name) {
  char record[128];
  int descriptor = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0)
    die(file);
  snprintf(record, sizeof record, "%020lld %010d %-31.31s\n", now(), (int)getpid(), name);
  if (write(descriptor, record, record_size) != record_size)
    die("stamp");
  close(descriptor);
}

static _Noreturn void execute(char **command) {
  execvp(command[0], command);
  die(command[0]);
}

// Nothing happens between the two in the child: the fastest way to run a program.
static pid_t start(char **command) {
  pid_t child = vfork();
  if (child < 0)
    die("vfork");
  if (child == 0) {
    execvp(command[0], command);
    _exit(111);
  }
  return child;
}

// enter CGROUP... -- COMMAND: joins the cgroups, then executes the command.
static _Noreturn void enter(char **words) {
  for (; *words && strcmp(*words, "--"); words++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/cgroup.procs", *words);
    int descriptor = open(path, O_WRONLY);
    if (descriptor < 0 || write(descriptor, "0", 1) != 1)
      die(path);
    close(descriptor);
  }
  execute(words + 1);
}

// init COMMAND: a first process of a PID namespace for supervisors that are no init; ends with its last
// child.
static _Noreturn void init(char **command) {
  start(command);
  while (wait(NULL) > 0 || errno == EINTR)
    ;
  _exit(0);
}

// keep FILE COUNT COMMAND: the least that a supervisor can do, as the machine's own limit. Starts COUNT
// processes, starts each again that ends, and ends all of them at SIGTERM. Inherits what it does not know.
static _Noreturn void keep(const char *file, int count, char **command) {
  pid_t *children = calloc(count, sizeof *children);
  char name[32], self[] = "/proc/self/exe";
  char *words[64] = {self, "stamp", (char *)file, name};
  for (int i = 0; command[i] && i < 59; i++)
    words[4 + i] = command[i];
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGTERM);
  int signals = signalfd(-1, &set, SFD_CLOEXEC);
  // The children are to have no signals blocked: only from here on do we.
  char resolved[4096];
  ssize_t length = readlink(self, resolved, sizeof resolved - 1);
  if (length < 0)
    die(self);
  resolved[length] = 0;
  words[0] = resolved;
  for (int i = 0; i < count; i++) {
    snprintf(name, sizeof name, "s%04d", i);
    children[i] = start(words);
  }
  sigprocmask(SIG_BLOCK, &set, NULL);
  int left = count, ending = 0;
  for (;;) {
    pid_t child;
    while ((child = waitpid(-1, NULL, WNOHANG)) > 0) {
      for (int i = 0; i < count; i++) {
        if (children[i] != child)
          continue;
        left--;
        if (!ending) {
          snprintf(name, sizeof name, "s%04d", i);
          sigprocmask(SIG_UNBLOCK, &set, NULL);
          children[i] = start(words);
          sigprocmask(SIG_BLOCK, &set, NULL);
          left++;
        }
        break;
      }
    }
    if (ending && left == 0)
      _exit(0);
    struct signalfd_siginfo signal;
    if (read(signals, &signal, sizeof signal) == sizeof signal && signal.ssi_signo == SIGTERM) {
      ending = 1;
      for (int i = 0; i < count; i++)
        kill(children[i], SIGTERM);
    }
  }
}

// time COUNT COMMAND: runs the command COUNT times, one after another, and prints nanoseconds and wait status
// of each.
static int time_command(int count, char **command) {
  int nothing = open("/dev/null", O_RDWR), out = dup(1);
  fcntl(out, F_SETFD, FD_CLOEXEC);
  dup2(nothing, 0);
  dup2(nothing, 1);
  dup2(nothing, 2);
  for (int i = 0; i < count; i++) {
    long long begin = now();
    int status = 0;
    pid_t child = start(command);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
      ;
    dprintf(out, "%lld %d\n", now() - begin, status);
  }
  return 0;
}

// end COMMAND: runs what ends a supervisor, and waits until the processes on standard input are gone, whose
// first is the supervisor itself. Prints nanoseconds from the start of the command to the end of the last
// service and to that of the supervisor, -1 where it lives on, and how many services live on after a wait of
// SECONDS.
static int end(int seconds, char **command) {
  static struct pollfd watched[20000];
  int count = 0, pid;
  struct rlimit most = {40000, 40000};
  setrlimit(RLIMIT_NOFILE, &most);
  while (count < 20000 && scanf("%d", &pid) == 1) {
    int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
    if (descriptor < 0 && count > 0)
      continue;
    watched[count++] = (struct pollfd){.fd = descriptor, .events = POLLIN};
  }
  int nothing = open("/dev/null", O_RDONLY), out = dup(1);
  fcntl(out, F_SETFD, FD_CLOEXEC);
  dup2(nothing, 0);
  dup2(2, 1);
  long long begin = now(), root = -1, last = 0;
  start(command);
  int services = count - 1, i = 1;
  while (i < count) {
    long long left = begin + seconds * 1000000000LL - now();
    if (left <= 0)
      break;
    // The last to end is what matters: one after another, whichever order they end in.
    if (poll(&watched[i], 1, (int)(left / 1000000 + 1)) > 0) {
      services--;
      i++;
    }
    last = now() - begin;
  }
  for (; i < count; i++)
    if (poll(&watched[i], 1, 0) > 0)
      services--;
  long long left = begin + seconds * 1000000000LL - now();
  if (poll(&watched[0], 1, left > 0 ? (int)(left / 1000000 + 1) : 0) > 0)
    root = now() - begin;
  dprintf(out, "%lld %lld %d\n", last, root, services);
  return 0;
}

// blast FILE LINES WIDTH BLOCK: numbered lines on standard output, in writes of at most BLOCK bytes; then
// sleeps.
static _Noreturn void blast(const char *file, long lines, int width, int block) {
  char *buffer = malloc(block + width + 1);
  stamp(file, "@up");
  sleep(2);
  stamp(file, "@begin");
  for (long line = 0; line < lines;) {
    int length = 0;
    do {
      int digits = sprintf(buffer + length, "%010ld ", line++);
      memset(buffer + length + digits, 'x', width - digits - 1);
      buffer[length + width - 1] = '\n';
      length += width;
    } while (line < lines && length + width <= block);
    for (int sent = 0; sent < length;) {
      ssize_t count = write(1, buffer + sent, length - sent);
      if (count < 0)
        die("write");
      sent += (int)count;
    }
  }
  stamp(file, "@end");
  // Standard output stays open, as that of a service does.
  for (;;)
    pause();
}

// orphans FILE COUNT: COUNT processes whose parents are gone; then all of them end at once.
static _Noreturn void orphans(const char *file, int count) {
  int gate[2];
  char byte;
  if (pipe(gate))
    die("pipe");
  for (int i = 0; i < count; i++) {
    pid_t child = fork();
    if (child < 0)
      die("fork");
    if (child == 0) {
      child = fork();
      if (child < 0)
        die("fork");
      if (child == 0) {
        close(gate[1]);
        if (read(gate[0], &byte, 1) < 0)
          _exit(1);
      }
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  stamp(file, "@release");
  close(gate[1]);
  _exit(0);
}

static long number_in(const char *path) {
  char text[32];
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = descriptor < 0 ? -1 : read(descriptor, text, sizeof text - 1);
  if (length < 0)
    die(path);
  close(descriptor);
  text[length] = 0;
  return atol(text);
}

// drained FILE COUNTER BASE COUNT SECONDS: waits until the number in COUNTER, tasks of a cgroup, has come
// near BASE + COUNT, and then until it is BASE or less, and stamps that; looks each half millisecond, ahead
// of all else. Gives up where it has not changed for SECONDS.
static int drained(const char *file, const char *counter, long base, long count, int seconds) {
  struct sched_param priority = {.sched_priority = 1};
  sched_setscheduler(0, SCHED_RR, &priority);
  long last = -1;
  int filled = 0;
  for (long long progress = now(); now() - progress < seconds * 1000000000LL;) {
    long tasks = number_in(counter);
    if (tasks >= base + count - count / 10)
      filled = 1;
    if (filled && tasks <= base) {
      stamp(file, "@drained");
      return 0;
    }
    if (tasks != last) {
      last = tasks;
      progress = now();
    }
    struct timespec pause = {0, 500000};
    nanosleep(&pause, NULL);
  }
  return 3;
}

int main(int count, char **words) {
  const char *verb = count > 1 ? words[1] : "";
  if (!strcmp(verb, "nothing"))
    return 0;
  if (!strcmp(verb, "stamp") && count > 4) {
    stamp(words[2], words[3]);
    execute(words + 4);
  }
  if (!strcmp(verb, "enter") && count > 3)
    enter(words + 2);
  if (!strcmp(verb, "init") && count > 2)
    init(words + 2);
  if (!strcmp(verb, "keep") && count > 4)
    keep(words[2], atoi(words[3]), words + 4);
  if (!strcmp(verb, "time") && count > 3)
    return time_command(atoi(words[2]), words + 3);
  if (!strcmp(verb, "end") && count > 3)
    return end(atoi(words[2]), words + 3);
  if (!strcmp(verb, "kill") && count > 3) {
    stamp(words[2], "@kill");
    return kill(atoi(words[3]), SIGKILL) == 0 ? 0 : 1;
  }
  if (!strcmp(verb, "blast") && count > 5)
    blast(words[2], atol(words[3]), atoi(words[4]), atoi(words[5]));
  if (!strcmp(verb, "orphans") && count > 3)
    orphans(words[2], atoi(words[3]));
  if (!strcmp(verb, "drained") && count > 6)
    return drained(words[2], words[3], atol(words[4]), atol(words[5]), atoi(words[6]));
  fprintf(stderr, "helper: usage: see the comments in helper.c\n");
  return 2;
}
