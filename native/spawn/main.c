// The spawn helper: turns the child that the keeper made into what the spec says, and executes the program
// (docs/keeper-protocol.md §5 and §10).
#include "spawn.h"
#include "version.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_USAGE = 100, IOPRIO_WHO_PROCESS = 1 };

static void write_file(const char *stage, const char *file, const char *text, const char *object) {
  int fd = require(open(file, O_WRONLY | O_CLOEXEC), stage, "%s", object);
  require((int)write(fd, text, strlen(text)), stage, "%s", object);
  close(fd);
}

static void join_cgroup(const struct spec *spec) {
  foreach (cgroup, &spec->attributes, CGROUP) {
    char file[PATH_MAX];
    if ((size_t)snprintf(file, sizeof file, "%s/cgroup.procs", cgroup->text) >= sizeof file)
      fail("cgroup", ENAMETOOLONG, "%s", cgroup->text);
    write_file("cgroup", file, "0", cgroup->text);
  }
}

static int64_t session_of(const struct spec *spec) {
  return integer_of(&spec->attributes, SESSION, SESSION_NEW);
}

static void start_session(const struct spec *spec) {
  if (session_of(spec) == SESSION_NEW)
    require(setsid(), "session", "new session");
  if (session_of(spec) == SESSION_GROUP)
    require(setpgid(0, 0), "session", "new process group");
}

static void take_terminal(const struct spec *spec) {
  foreach (terminal, &spec->attributes, TERMINAL) {
    const char *name = text_of(&terminal->nested, TERMINAL_NAME, NULL);
    const char *path = text_of(&terminal->nested, TERMINAL_PATH, NULL);
    if ((name == NULL) == (path == NULL))
      fail("attribute", EINVAL, "terminal: needs a name or a path");
    if (session_of(spec) != SESSION_NEW)
      fail("attribute", EINVAL, "terminal: needs a new session");
    int fd = name != NULL ? spec_descriptor(spec, name) : open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    require(fd < 0 ? -1 : ioctl(fd, TIOCSCTTY, 0), "terminal", "%s", name != NULL ? name : path);
    if (path != NULL)
      close(fd);
  }
}

// The dispositions and the mask of whoever started the keeper, and the keeper's own, end here.
static void reset_signals(const struct spec *spec) {
  for (int number = 1; number < NSIG; number++)
    if (signal(number, SIG_DFL) == SIG_ERR && errno != EINVAL)
      fail("signals", errno, "reset %d", number);
  foreach (field, &spec->attributes, IGNORED_SIGNAL)
    if (signal((int)field->integer, SIG_IGN) == SIG_ERR)
      fail("signals", errno, "ignore %d", (int)field->integer);
  sigset_t none;
  sigemptyset(&none);
  require(sigprocmask(SIG_SETMASK, &none, NULL), "signals", "unblock");
}

static void set_umask(const struct spec *spec) {
  foreach (mask, &spec->attributes, UMASK)
    umask((mode_t)mask->integer);
}

static void set_limits(const struct spec *spec) {
  // clang-format off
  static const char *const names[] = {
      [RLIMIT_CPU] = "cpu", [RLIMIT_FSIZE] = "fsize", [RLIMIT_DATA] = "data", [RLIMIT_STACK] = "stack",
      [RLIMIT_CORE] = "core", [RLIMIT_RSS] = "rss", [RLIMIT_NPROC] = "nproc", [RLIMIT_NOFILE] = "nofile",
      [RLIMIT_MEMLOCK] = "memlock", [RLIMIT_AS] = "as", [RLIMIT_LOCKS] = "locks", [RLIMIT_SIGPENDING] = "sigpending",
      [RLIMIT_MSGQUEUE] = "msgqueue", [RLIMIT_NICE] = "nice", [RLIMIT_RTPRIO] = "rtprio", [RLIMIT_RTTIME] = "rttime"};
  // clang-format on
  foreach (field, &spec->attributes, LIMIT) {
    int resource = (int)integer_of(&field->nested, LIMIT_RESOURCE, 0);
    struct rlimit limit = {
        .rlim_cur = (rlim_t)integer_of(&field->nested, LIMIT_SOFT, 0),
        .rlim_max = (rlim_t)integer_of(&field->nested, LIMIT_HARD, 0),
    };
    bool known = (size_t)resource < sizeof names / sizeof *names;
    require(setrlimit(resource, &limit), "limit", "%s", known ? names[resource] : "unknown resource");
  }
}

static void set_nice(const struct spec *spec) {
  foreach (nice, &spec->attributes, NICE)
    require(setpriority(PRIO_PROCESS, 0, (int)nice->integer), "nice", "%d", (int)nice->integer);
}

static void set_scheduler(const struct spec *spec) {
  foreach (scheduler, &spec->attributes, SCHEDULER) {
    int policy = (int)integer_of(&scheduler->nested, SCHEDULER_POLICY, 0);
    int priority = (int)integer_of(&scheduler->nested, SCHEDULER_PRIORITY, 0);
    int reset = count_of(&scheduler->nested, SCHEDULER_RESET) > 0 ? SCHED_RESET_ON_FORK : 0;
    struct sched_param parameters = {.sched_priority = priority};
    // musl has this function fail: it is for one thread, and POSIX speaks of processes.
    require((int)syscall(SYS_sched_setscheduler, 0, policy | reset, &parameters), "scheduler",
            "policy %d, priority %d", policy, priority);
  }
  unsigned long mask[PROCESSORS / 8 / sizeof(unsigned long)] = {0};
  foreach (processor, &spec->attributes, PROCESSOR)
    CPU_SET_S((size_t)processor->integer, sizeof mask, (cpu_set_t *)mask);
  if (count_of(&spec->attributes, PROCESSOR) > 0)
    require(sched_setaffinity(0, sizeof mask, (cpu_set_t *)mask), "scheduler", "processors");
}

static void set_io_priority(const struct spec *spec) {
  foreach (field, &spec->attributes, IO_PRIORITY) {
    int priority = (int)field->integer;
    require((int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, priority), "ioprio", "%d", priority);
  }
}

static void set_oom_score(const struct spec *spec) {
  foreach (score, &spec->attributes, OOM_SCORE) {
    char text[16];
    snprintf(text, sizeof text, "%d", (int)score->integer);
    write_file("oom", "/proc/self/oom_score_adj", text, text);
  }
}

static void set_personality(const struct spec *spec) {
  foreach (field, &spec->attributes, PERSONALITY)
    require(personality((unsigned long)field->integer), "personality", "%#llx",
            (unsigned long long)field->integer);
}

static void change_directory(const struct spec *spec) {
  const char *directory = text_of(&spec->attributes, DIRECTORY, "/");
  require(chdir(directory), "chdir", "%s", directory);
}

static void give_up_new_privileges(const struct spec *spec) {
  if (count_of(&spec->attributes, NO_NEW_PRIVILEGES) > 0)
    require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "capabilities", "no new privileges");
}

// A keeper that died before this call is noticed at the report of the execution, which then has no reader.
static void follow_keeper(const struct spec *spec) {
  foreach (number, &spec->attributes, DEATH_SIGNAL)
    require(prctl(PR_SET_PDEATHSIG, (unsigned long)number->integer), "signals", "parent death signal %d",
            (int)number->integer);
}

int main(int argc, char **argv) {
  answer_version(argc, argv, "spawn");
  // What a daemon executes with some attribute, to see whether it can be had.
  if (argc == 2 && strcmp(argv[1], "--nothing") == 0)
    return 0;
  if (argc != 3) {
    fputs("usage: spawn SPEC STATUS (descriptor numbers; the keeper starts this program)\n"
          "       spawn --nothing\n"
          "       spawn --version\n",
          stderr);
    return EXIT_USAGE;
  }
  report_to(atoi(argv[2]));
  struct spec spec = spec_read(atoi(argv[1]));
  check_confinement(&spec);
  check_filters(&spec);
  clear_descriptors(&spec);
  struct program program = prepare_program(&spec);

  // In the order of the document's table.
  static void (*const steps[])(const struct spec *) = {join_cgroup,
                                                       start_session,
                                                       take_terminal,
                                                       reset_signals,
                                                       set_umask,
                                                       set_limits,
                                                       set_nice,
                                                       set_scheduler,
                                                       set_io_priority,
                                                       set_oom_score,
                                                       confine,
                                                       set_personality,
                                                       limit_capabilities,
                                                       set_user,
                                                       change_directory,
                                                       place_descriptors,
                                                       give_up_new_privileges,
                                                       follow_keeper};
  for (size_t step = 0; step < sizeof steps / sizeof *steps; step++)
    steps[step](&spec);
  execute_program(&program, &spec);
}
