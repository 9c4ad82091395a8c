// The keeper replaces itself: the program on disk is tried on the state first, then executed in place with
// the state in a memory file and every descriptor kept. Who cannot go on hands the state back.
#include "keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// What --accepts answers: no number that another program ends with by accident.
enum { ACCEPTED = 26, REFUSED = 27, USAGE = 100, NOT_EXECUTED = 128 };
#define PATIENCE (2 * SECOND)

static struct options {
  int accepts, state, previous;
  bool returned;
} options = {-1, -1, -1, false};
static char **arguments, own_path[4096], wanted[4096];

// Those of one keeper for the next. They stand before all others.
static const char *const own_options[] = {"--accepts=", "--state=", "--previous=", "--returned="};

static bool take_option(const char *argument) {
  for (size_t i = 0; i < sizeof own_options / sizeof *own_options; i++) {
    size_t length = strlen(own_options[i]);
    if (strncmp(argument, own_options[i], length) != 0)
      continue;
    int fd = atoi(argument + length);
    *(i == 0 ? &options.accepts : i == 2 ? &options.previous : &options.state) = fd;
    options.returned = options.returned || i == 3;
    return true;
  }
  return false;
}

int replace_options(char **argv) {
  int taken = 0;
  while (argv[taken + 1] != NULL && take_option(argv[taken + 1]))
    taken++;
  // The path is asked for now: when it is needed another file may have taken the place of this one.
  arguments = argv + taken;
  arguments[0] = argv[0];
  return taken;
}

// Not before /proc is mounted, which PID 1 of a machine does itself.
const char *replace_own_path(void) {
  static const char deleted[] = " (deleted)";
  if (own_path[0] != 0)
    return own_path;
  ssize_t length = readlink("/proc/self/exe", own_path, sizeof own_path - 1);
  own_path[length > 0 ? length : 0] = 0;
  char *end = strstr(own_path, deleted);
  if (end != NULL && end[sizeof deleted - 1] == 0)
    *end = 0;
  return own_path;
}

bool replaces(void) {
  return options.state >= 0;
}

const char *replace_load(void) {
  return state_load(options.state) ? NULL : failure;
}

void replace_answer_probe(void) {
  if (options.accepts < 0)
    return;
  if (state_load(options.accepts))
    _exit(ACCEPTED);
  say("on trial: %s: %s", failure, strerror(errno));
  _exit(REFUSED);
}

// The arguments of the next keeper: `first` and `second`, then our own. NULL without memory.
static char **list_arguments(const char *first, const char *second) {
  size_t count = 0;
  while (arguments[count] != NULL)
    count++;
  char **list = calloc(count + 3, sizeof *list);
  if (list == NULL)
    return NULL;
  size_t used = 0;
  list[used++] = wanted[0] != 0 ? wanted : arguments[0];
  list[used++] = (char *)first;
  if (second != NULL)
    list[used++] = (char *)second;
  memcpy(list + used, arguments + 1, (count - 1) * sizeof *list);
  return list;
}

// The very file that was opened, whatever its path leads to by now. Returns only if it fails.
static void execute(int program, char **list) {
  extern char **environ;
  syscall(SYS_execveat, program, "", list, environ, AT_EMPTY_PATH);
}

static __attribute__((noinline)) pid_t start_probe(int program, char **list, int state) {
  pid_t pid = vfork();
  if (pid == 0) {
    fcntl(state, F_SETFD, 0);
    execute(program, list);
    _exit(NOT_EXECUTED + errno);
  }
  return pid;
}

static bool ends_in_time(pid_t pid, int *status) {
  int64_t end = now(CLOCK_MONOTONIC) + PATIENCE;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (;;) {
    int64_t left = end - now(CLOCK_MONOTONIC);
    if (waitpid(pid, status, WNOHANG) == pid)
      return true;
    if (left <= 0)
      return false;
    struct timespec pause = timespec_of(left);
    sigtimedwait(&child, NULL, &pause);
  }
}

// Waits for a child that may do anything; what does not end even when killed is reaped as an orphan, later.
static bool wait_for_probe(pid_t pid, int *status) {
  bool ended = ends_in_time(pid, status);
  if (!ended) {
    kill(pid, SIGKILL);
    ends_in_time(pid, &(int){0});
  }
  raise(SIGCHLD); // it was taken from the children whose ends it tells of
  return ended;
}

// Whether the program reads this very state: it is run on it as a child, which does nothing else.
static int probe(int program, int state) {
  char option[32];
  snprintf(option, sizeof option, "--accepts=%d", state);
  char **list = list_arguments(option, NULL);
  pid_t pid = list != NULL ? start_probe(program, list, state) : -1;
  int error = pid < 0 ? fail(errno, "replace keeper by %.200s: try it", wanted) : 0, status;
  free(list);
  if (error != 0)
    return error;
  if (!wait_for_probe(pid, &status))
    return fail(ETIMEDOUT, "replace keeper by %.200s: it does not answer", wanted);
  if (WIFSIGNALED(status))
    return fail(ENOEXEC, "replace keeper by %.200s: signal %d ended it", wanted, WTERMSIG(status));
  int failed = WEXITSTATUS(status) - NOT_EXECUTED;
  if (failed > 0) // it is there, since it was opened: what is not is the interpreter of a script
    return fail(failed == ENOENT ? ENOEXEC : failed, "replace keeper: execute %.200s", wanted);
  if (WEXITSTATUS(status) == REFUSED || WEXITSTATUS(status) == USAGE)
    return fail(EPROTONOSUPPORT, "replace keeper by %.200s: it cannot read this keeper's state", wanted);
  return WEXITSTATUS(status) == ACCEPTED
             ? 0
             : fail(ENOEXEC, "replace keeper by %.200s: it is no keeper (status %d)", wanted,
                    WEXITSTATUS(status));
}

// Everything that the next keeper needs survives the execution, or it does not take place.
static int hand_on(int program, int previous, int state) {
  char options_text[2][32];
  snprintf(options_text[0], sizeof options_text[0], "--state=%d", state);
  snprintf(options_text[1], sizeof options_text[1], "--previous=%d", previous);
  char **list = list_arguments(options_text[0], options_text[1]);
  if (list == NULL)
    return fail(ENOMEM, "replace keeper by %.200s", wanted);
  int error = 0;
  if (!state_keep_descriptors(true))
    error = errno;
  else if (fcntl(state, F_SETFD, 0) < 0 || fcntl(previous, F_SETFD, 0) < 0)
    error = fail(errno, "replace keeper by %.200s: keep its state", wanted);
  else {
    execute(program, list);
    error = fail(errno, "replace keeper: execute %.200s", wanted);
  }
  state_keep_descriptors(false);
  free(list);
  return error;
}

int replace_keeper(const struct request *r) {
  const char *own_program = replace_own_path();
  struct bytes own = {(const uint8_t *)own_program, strlen(own_program)};
  struct bytes path = r->values[F_PATH].given ? BYTES(r, F_PATH) : own;
  if (!r->last)
    return fail(EINVAL, "replace keeper: it must be the last request of its frame");
  if (ending_begun())
    return fail(EBUSY, "replace keeper: the shutdown has begun");
  if (path.length == 0 || path.at[0] != '/')
    return fail(EINVAL, "replace keeper by %.*s: the path is not absolute", SHOWN(path));
  string_of(path, wanted, sizeof wanted);
  return 0;
}

int replace_now(void) {
  if (wanted[0] == 0)
    return 0;
  use_reserve(true); // also of the next keeper, whose dynamic linker may have to open its libraries
  int error = 0, program = open(wanted, O_PATH | O_CLOEXEC), previous = -1, state = -1;
  if (program < 0)
    error = fail(errno, "replace keeper: open %.200s", wanted);
  else if ((previous = open("/proc/self/exe", O_PATH | O_CLOEXEC)) < 0)
    error = fail(errno, "replace keeper: open the program that runs, for the way back");
  else if ((state = state_save()) < 0)
    error = fail(errno, "replace keeper: save its state");
  else if ((error = probe(program, state)) == 0)
    error = hand_on(program, previous, state);
  int opened[] = {program, previous, state};
  for (size_t i = 0; i < sizeof opened / sizeof *opened; i++)
    if (opened[i] >= 0)
      close(opened[i]);
  use_reserve(false);
  wanted[0] = 0;
  return error;
}

void replace_back(void) {
  char option[32];
  snprintf(option, sizeof option, "--returned=%d", options.state);
  char **list = options.previous >= 0 ? list_arguments(option, NULL) : NULL;
  if (list != NULL) {
    say("handing back to the keeper before this one");
    fcntl(options.previous, F_SETFD, FD_CLOEXEC);
    execute(options.previous, list); // every descriptor is still kept: the state was only read
  }
  say("the services go on without a supervisor; TERM ends everything");
  reap_only();
}

void replace_done(void) {
  static const char name[] = "keeper";
  prctl(PR_SET_NAME, name); // the kernel named it after the number of the descriptor that was executed
  state_resume();
  close(options.state);
  if (options.previous >= 0)
    close(options.previous);
  daemon_resume(options.returned);
  raise(SIGCHLD); // whose signal came when nobody listened may have been merged with another's
}
