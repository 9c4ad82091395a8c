// A keeper that is none, for the tests of the replacement: does what ROLE says.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HANGS = 1, OLDER, CRASHES, HANDS_BACK, SPOILS };

int main(int argc, char **argv) {
  if (argc < 3 || ROLE == CRASHES)
    abort();
  if (ROLE == HANGS)
    pause();
  if (ROLE == OLDER)
    return 27;
  if (strncmp(argv[1], "--accepts=", 10) == 0)
    return 26;
  int state = atoi(argv[1] + strlen("--state=")), previous = atoi(argv[2] + strlen("--previous="));
  char option[32];
  snprintf(option, sizeof option, "--returned=%d", state);
  if (ROLE == HANDS_BACK) {
    fcntl(previous, F_SETFD, FD_CLOEXEC);
    argv[1] = argv[0];
    argv[2] = option;
    return (int)syscall(SYS_execveat, previous, "", argv + 1, (char *[]){"PATH=/usr/bin:/bin", NULL},
                        AT_EMPTY_PATH);
  }
  // Neither the next keeper nor the one before can read this.
  if (ftruncate(state, 40) == 0)
    execv(KEEPER, argv);
  abort();
}
