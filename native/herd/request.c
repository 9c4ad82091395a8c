// The request: what the command's code in the daemon is to know of us.
#include "herd.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

// What the command's code reads of the environment, beside what led us to the daemon.
static const char *const variables[] = {"NO_COLOR", "LC_ALL", "LC_CTYPE", "LANG"};

static void put_environment(struct writer *out, const char *name) {
  const char *value = getenv(name);
  if (value == NULL)
    return;
  size_t opened = wire_open_field(out, R_ENVIRONMENT);
  wire_put(out, name, strlen(name));
  wire_put(out, "=", 1);
  wire_put(out, value, strlen(value));
  wire_close(out, opened);
}

// False where it was removed, or is too long.
static bool put_directory(struct writer *out) {
  static char directory[PATH_MAX];
  if (getcwd(directory, sizeof directory) == NULL)
    return false;
  wire_put_string(out, R_DIRECTORY, directory);
  return true;
}

static void put_terminals(struct writer *out) {
  bool output = isatty(STDOUT_FILENO);
  bool errors = isatty(STDERR_FILENO);
  struct winsize size;
  wire_put_integer(out, R_TERMINALS, (output ? 1 : 0) | (errors ? 2 : 0));
  if (!output || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
    return;
  wire_put_integer(out, R_COLUMNS, size.ws_col);
  wire_put_integer(out, R_ROWS, size.ws_row);
}

static bool name_request(char *id) {
  static const char digits[] = "0123456789abcdef";
  uint8_t random[ID_LENGTH / 2];
  if (getrandom(random, sizeof random, 0) != sizeof random)
    return false;
  for (int i = 0; i < ID_LENGTH; i++)
    id[i] = digits[random[i / 2] >> (i % 2 * 4) & 15];
  id[ID_LENGTH] = '\0';
  return true;
}

bool write_request(const struct line *line, struct request *request) {
  static uint8_t bytes[MOST_REQUEST];
  struct writer *out = &request->bytes;
  *out = (struct writer){bytes, 0, sizeof bytes, false};
  request->shown = (struct writer){0};
  request->lines = 0;
  if (!name_request(request->id))
    return false;
  wire_put_u32(out, 0);
  wire_put_string(out, R_ID, request->id);
  for (int i = 0; i < line->count; i++)
    wire_put_string(out, R_OPERAND, line->operands[i]);
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
    put_environment(out, variables[i]);
  put_terminals(out);
  if (line->json)
    wire_put_integer(out, R_JSON, 1);
  if (line->log_history >= 0)
    wire_put_integer(out, R_LOG_HISTORY, line->log_history);
  if (!put_directory(out))
    return false;
  wire_close(out, 0);
  return !out->overflowed;
}
