#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void answer_version(int argc, char **argv, const char *program) {
  if (argc != 2 || strcmp(argv[1], "--version") != 0)
    return;
  exit(printf("%s (shepherd-ts) %s\n", program, VERSION) > 0 && fflush(stdout) == 0 ? 0 : 1);
}
