// Executes the client in Node in our place, with the same arguments.
#include "herd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// dist/herd.cjs, of dist/native/herd: wherever a symbolic link to it may be.
static const char *bundle(const char *self) {
  static char path[PATH_MAX + 16];
  ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
  if (length < 0) // without /proc, the name that we were called by must do
    length = snprintf(path, PATH_MAX, "%s", self);
  if (length < 0 || length >= PATH_MAX)
    length = 0;
  path[length] = '\0';
  for (int level = 0; level < 2; level++) {
    char *slash = strrchr(path, '/');
    if (slash == NULL)
      return "dist/herd.cjs";
    *slash = '\0';
  }
  return strcat(path, "/herd.cjs");
}

// The request that it is to go on with, in a file without a name. Where that cannot be, the client must not
// begin it anew.
static bool hand_over(const struct request *lost) {
  char number[16];
  uint8_t bytes[64];
  struct writer id = {bytes, 0, sizeof bytes, false};
  wire_put_string(&id, L_ID, lost->id);
  int file = memfd_create("herd", 0);
  snprintf(number, sizeof number, "%d", file);
  if (file < 0 || write(file, id.bytes, id.used) != (ssize_t)id.used ||
      write(file, lost->shown.bytes, lost->shown.used) != (ssize_t)lost->shown.used ||
      lseek(file, 0, SEEK_SET) != 0 || setenv("SHEPHERD_HERD_REQUEST", number, 1) < 0) {
    complain("premature end-of-file while talking to shepherd; now: ", "memory file", errno);
    return false;
  }
  return true;
}

void run_client(char **argv, const struct request *lost) {
  const char *node = getenv("SHEPHERD_NODE");
  if (node == NULL || *node == '\0')
    node = "node";
  unsetenv("SHEPHERD_HERD_REQUEST");
  if (lost != NULL && !hand_over(lost))
    exit(1);
  // Node would parse the certificates of this bundle before it does anything else, and the client needs none.
  unsetenv("NODE_EXTRA_CA_CERTS");
  int count = 0;
  while (argv[count] != NULL)
    count++;
  char **words = calloc((size_t)count + 2, sizeof *words);
  if (words != NULL) {
    words[0] = (char *)node;
    words[1] = (char *)bundle(argv[0]);
    for (int i = 1; i < count; i++)
      words[i + 1] = argv[i];
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    execvp(node, words);
  }
  // As a shell has it.
  int status = errno == ENOENT ? 127 : 126;
  complain("cannot run ", node, errno);
  exit(status);
}
