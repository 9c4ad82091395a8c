// Whether a command line is for the launcher: commands of the daemon with few options. All that could be a
// mistake is the client's, which says what is wrong.
#include "herd.h"

#include <string.h>

static bool is(const char *word, const char *other) {
  return strcmp(word, other) == 0;
}

// The value of an option, as in GNU programs: the rest of the word, or the next word.
static const char *value_of(const char *rest, char ***next) {
  if (*rest != '\0')
    return rest;
  const char *word = **next;
  if (word == NULL || (word[0] == '-' && word[1] != '\0'))
    return NULL;
  (*next)++;
  return word;
}

static bool read_number(const char *text, int64_t *number) {
  size_t length = strlen(text);
  if (length == 0 || length > 9 || strspn(text, "0123456789") != length)
    return false;
  *number = 0;
  for (; *text != '\0'; text++)
    *number = 10 * *number + (*text - '0');
  return true;
}

static bool read_option(const char *word, char ***next, struct line *line) {
  const char *value;
  if (is(word, "--json")) {
    line->json = true;
    return true;
  }
  if (strncmp(word, "-s", 2) == 0 || is(word, "--socket") || strncmp(word, "--socket=", 9) == 0) {
    value = word[1] == 's' ? value_of(word + 2, next) : word[8] == '=' ? word + 9 : value_of("", next);
    line->socket = value;
    return value != NULL;
  }
  if (strncmp(word, "-n", 2) == 0 || is(word, "--log-history") || strncmp(word, "--log-history=", 14) == 0) {
    value = word[1] == 'n' ? value_of(word + 2, next) : word[13] == '=' ? word + 14 : value_of("", next);
    return value != NULL && read_number(value, &line->log_history);
  }
  return false;
}

// Root's actions may take long, or end the daemon in its own way; those of the client's own need no daemon,
// or a terminal.
static bool is_for_daemon(const struct line *line) {
  static const char *const own[] = {"log", "verify", "upgrade", "attach", "detach", "top"};
  if (line->count == 0)
    return false;
  const char *action = line->operands[0];
  bool shows = is(action, "status") || is(action, "tree");
  if (shows && line->count == 1)
    return true;
  if (line->count == 1)
    return false;
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (is(action, own[i]))
      return false;
  const char *service = line->operands[1];
  bool root = is(service, "root") || is(service, "shepherd");
  // A daemon that is told to stop answers before it goes; where it does not, the client finds it gone.
  return !root || shows || is(action, "doc") || (is(action, "stop") && line->count == 2);
}

bool read_command_line(int argc, char **argv, struct line *line) {
  line->socket = NULL;
  line->json = false;
  line->log_history = -1;
  line->count = 0;
  if (argc > MOST_ARGUMENTS)
    return false;
  for (char **next = argv + 1; *next != NULL;) {
    const char *word = *next++;
    if (word[0] != '-')
      line->operands[line->count++] = word;
    else if (!read_option(word, &next, line))
      return false;
  }
  return is_for_daemon(line);
}
