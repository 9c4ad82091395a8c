// The process in which the spawn helper is executed, and the descriptors that it is handed.
//
// A new process copies its parent's table of descriptors, and closes the copies when it executes: with one or
// more for each service, the start of N of them would take time by the square of N. So where there are many
// it shares the table until it has one of its own that ends with a few low numbers, which are kept for this:
// what is handed over is put there meanwhile.
#include "keeper.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif

// The last number holds what is put back to the others.
enum { LOW = 16, SPEC = LOW - 3, REPORT = LOW - 2, HOLD = LOW - 1, MANY = 256 };
_Static_assert((int)SPEC == (int)HANDED_LOW, "each descriptor that is handed over has a number");

static int low[LOW]; // ascending
static bool prepared;

struct execution {
  const struct handed *handed;
  char *const *arguments;
  int report;
};

void helper_prepare(void) {
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  prepared = null >= 0;
  for (int i = 0; prepared && i < LOW; i++)
    prepared = (low[i] = fcntl(null, F_DUPFD_CLOEXEC, 3)) >= 0;
  if (null >= 0)
    close(null);
}

bool helper_prefers_low(void) {
  return prepared && descriptors.count >= MANY;
}

int helper_number(const struct handed *handed, size_t index) {
  return handed->low && index < HANDED_LOW ? low[index] : handed->fds[index];
}

// Runs in the new process, which shares the keeper's memory until it executes: system calls only.
static int execute(void *argument) {
  const struct execution *execution = argument;
  const struct handed *handed = execution->handed;
  child_reset();
  if (handed->low) // a kernel before 5.9 copies all of them when it executes
    syscall(SYS_close_range, low[HOLD], ~0U, CLOSE_RANGE_UNSHARE);
  execve(helper_path, execution->arguments, (char *const[]){NULL});
  uint8_t text[512];
  struct writer out = {text, 0, sizeof text, false};
  uint32_t error = (uint32_t)errno;
  wire_put(&out, "F", 1);
  wire_put_u32(&out, error);
  wire_put(&out, "\6helper", 7);
  wire_put_u16(&out, (uint16_t)strnlen(helper_path, 400));
  wire_put(&out, helper_path, strnlen(helper_path, 400));
  return write(execution->report, text, out.used) < 0 ? 126 : 127;
}

static __attribute__((noinline)) pid_t start_with_copy(struct execution *execution, int spec) {
  const struct handed *handed = execution->handed;
  pid_t pid = vfork();
  if (pid == 0) {
    for (size_t i = 0; i < handed->count; i++)
      fcntl(handed->fds[i], F_SETFD, 0);
    fcntl(spec, F_SETFD, 0);
    fcntl(execution->report, F_SETFD, 0);
    _exit(execute(execution));
  }
  return pid;
}

// In the keeper's own table: nothing else runs in this process until they are put back.
static bool put_low(const struct handed *handed, int spec, int report) {
  bool put = dup2(spec, low[SPEC]) >= 0 && dup2(report, low[REPORT]) >= 0;
  for (size_t i = 0; put && i < handed->count; i++)
    put = dup2(handed->fds[i], low[i]) >= 0;
  return put;
}

static void put_back(const struct handed *handed) {
  for (size_t i = 0; i < HOLD; i++)
    if (i < handed->count || i >= SPEC)
      dup3(low[HOLD], low[i], O_CLOEXEC);
}

static pid_t start_with_low(struct execution *execution, int spec) {
  static _Alignas(16) uint8_t stack[16384];
  pid_t pid = -1;
  if (put_low(execution->handed, spec, execution->report)) {
    execution->report = low[REPORT];
    pid = clone(execute, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, execution);
  }
  int error = errno;
  put_back(execution->handed);
  errno = error;
  return pid;
}

pid_t helper_start(const struct handed *handed, int spec, int report) {
  char numbers[2][12];
  snprintf(numbers[0], sizeof numbers[0], "%d", handed->low ? low[SPEC] : spec);
  snprintf(numbers[1], sizeof numbers[1], "%d", handed->low ? low[REPORT] : report);
  char *arguments[] = {(char *)helper_path, numbers[0], numbers[1], NULL};
  struct execution execution = {handed, arguments, report};
  return handed->low ? start_with_low(&execution, spec) : start_with_copy(&execution, spec);
}
