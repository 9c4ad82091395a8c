// kill-at N PROGRAM ARG...: executes PROGRAM in our place and kills it at the N-th stop of its system calls;
// each has two, before it has done anything and after. With fewer stops than that it is left alone.
// Descriptor 9 is told of it. With PASS_STATS in the environment calls that only look at a file by its name
// are not counted: they change nothing, and there may be thousands of them.
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORT = 9 };

// The number of the system call that has stopped the process, before it or after it.
static long call_number(pid_t pid) {
  static long entered;
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY)
    entered = (long)info.entry.nr;
  return entered;
}

// The tracer is a child of the traced: so the program is the very process that its parent has started.
static void trace(pid_t pid, long stops, int go) {
  int status;
  bool executed = false, pass = getenv("PASS_STATS");
  for (int fd = 0; fd < REPORT; fd++)
    if (fd != go)
      close(fd); // the program's sockets must not outlive it
  if (ptrace(PTRACE_SEIZE, pid, 0, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC)) < 0 ||
      ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 || write(go, "", 1) != 1)
    return;
  while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
    bool call = WSTOPSIG(status) == (SIGTRAP | 0x80), event = status >> 16 != 0;
    executed |= status >> 16 == PTRACE_EVENT_EXEC;
    bool counted = call && !(pass && call_number(pid) == SYS_newfstatat);
    if (executed && counted && --stops == 0) {
      kill(pid, SIGKILL);
      (void)!write(REPORT, "k", 1);
      return;
    }
    long deliver = call || event ? 0 : WSTOPSIG(status);
    ptrace(PTRACE_SYSCALL, pid, 0, (void *)deliver);
  }
}

int main(int argc, char **argv) {
  int go[2];
  char byte;
  if (argc < 3 || pipe(go) < 0)
    return 2;
  pid_t pid = getpid(), tracer = fork();
  if (tracer < 0)
    return 2;
  if (tracer == 0) {
    trace(pid, atol(argv[1]), go[1]);
    _exit(0);
  }
  close(go[1]);
  if (read(go[0], &byte, 1) != 1)
    return 3; // no tracing here
  close(go[0]);
  close(REPORT);
  execv(argv[2], argv + 2);
  return 4;
}
