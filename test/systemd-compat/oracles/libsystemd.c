// Asks systemd's own library how it understands a text, for tests that compare ours with it:
//
//   oracle LIBRARY < requests > answers
//
// A request is a line: the name of a question and its arguments, each in hexadecimal ("-" is an empty one).
// The answer to each is a line: "ok" and the words found, in the same form, or "error" and a negative errno.
// The library is private to systemd and its functions are those of version 252, which is why nothing but a
// test may use it.

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MAX_ARGUMENTS = 64, MAX_LINE = 1 << 20 };

static void *library;

static void *symbol(const char *name) {
  void *found = dlsym(library, name);
  if (!found) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return found;
}

static void put(const char *bytes) {
  putchar(' ');
  if (*bytes == '\0')
    putchar('-');
  for (; *bytes != '\0'; bytes++)
    printf("%02x", (unsigned char)*bytes);
}

static void ok(void) {
  fputs("ok", stdout);
}

static void end(void) {
  putchar('\n');
}

static void failed(int error) {
  printf("error %d\n", error);
}

static void text_or_error(int result, const char *text) {
  if (result < 0) {
    failed(result);
    return;
  }
  ok();
  put(text ? text : "");
  end();
}

static void number_or_error(int result, uint64_t number) {
  char text[32];
  snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  text_or_error(result, text);
}

static void list(char **words) {
  ok();
  for (char **word = words; word && *word; word++)
    put(*word);
  end();
}

// The arguments are a text, the separators, and what extract_first_word is told to do.
static int words(char **arguments, int flags) {
  int (*extract)(const char **, char **, const char *, int) = symbol("extract_first_word");
  char *found[4096] = {0};
  const char *rest = arguments[0];
  size_t count = 0;
  for (;;) {
    char *word = NULL;
    int result = extract(&rest, &word, arguments[1], flags);
    if (result < 0)
      return result;
    if (result == 0)
      break;
    if (count < sizeof found / sizeof *found - 1)
      found[count++] = word;
  }
  list(found);
  return 0;
}

// The arguments are a command's words, "--" and the environment.
static void expand(char **arguments) {
  char **(*replace)(char **, char **) = symbol("replace_env_argv");
  char **environment = arguments;
  while (*environment && strcmp(*environment, "--") != 0)
    environment++;
  if (*environment)
    *environment++ = NULL;
  list(replace(arguments, environment));
}

static void environment_file(char **arguments, size_t length) {
  int (*load)(FILE *, const char *, char ***) = symbol("load_env_file");
  FILE *file = length == 0 ? fopen("/dev/null", "r") : fmemopen(arguments[0], length, "r");
  char **found = NULL;
  int result = load(file, "file", &found);
  if (result < 0)
    failed(result);
  else
    list(found);
  fclose(file);
}

static void resource_limit(char **arguments) {
  int (*from_string)(const char *) = symbol("rlimit_from_string");
  int (*parse)(int, const char *, struct rlimit *) = symbol("rlimit_parse");
  struct rlimit limit = {0};
  int result = parse(from_string(arguments[0]), arguments[1], &limit);
  char soft[32], hard[32];
  snprintf(soft, sizeof soft, "%llu", (unsigned long long)limit.rlim_cur);
  snprintf(hard, sizeof hard, "%llu", (unsigned long long)limit.rlim_max);
  if (result < 0)
    failed(result);
  else
    list((char *[]){soft, hard, NULL});
}

static void socket_address(char **arguments) {
  int (*parse)(void *, const char *) = symbol("socket_address_parse");
  int (*print)(const void *, char **) = symbol("socket_address_print");
  _Alignas(16) char address[4096] = {0};
  char *text = NULL;
  int result = parse(address, arguments[0]);
  if (result >= 0)
    result = print(address, &text);
  text_or_error(result, text);
}

// The arguments are the root, the unit's name, the suffixes of directories and files, and the search path.
static void drop_ins(char **arguments) {
  int (*find)(const char *, char **, void *, const char *, const char *, const char *, void *, char ***) =
      symbol("unit_file_find_dropin_paths");
  char **found = NULL;
  const char *root = *arguments[0] ? arguments[0] : NULL;
  const char *suffix = *arguments[3] ? arguments[3] : NULL;
  int result = find(root, arguments + 4, NULL, arguments[2], suffix, arguments[1], NULL, &found);
  if (result < 0)
    failed(result);
  else
    list(found);
}

static int named(const char *function, char **arguments) {
  char *text = NULL;
  int (*convert)(const char *, char **) = symbol(function);
  int result = convert(arguments[0], &text);
  text_or_error(result, text);
  return 0;
}

static void simple(const char *function, char **arguments) {
  int (*parse)(const char *) = symbol(function);
  int result = parse(arguments[0]);
  number_or_error(result, (uint64_t)result);
}

#define is(name) (strcmp(question, name) == 0)

static void answer(const char *question, char **arguments, const size_t *lengths) {
  uint64_t number = 0;
  if (is("words")) {
    int result = words(arguments, atoi(arguments[2]));
    if (result < 0)
      failed(result);
  } else if (is("expand"))
    expand(arguments);
  else if (is("environment-file"))
    environment_file(arguments, lengths[0]);
  else if (is("time-span")) {
    int result = ((int (*)(const char *, uint64_t *))symbol("parse_sec"))(arguments[0], &number);
    number_or_error(result, number);
  } else if (is("size")) {
    int (*parse)(const char *, uint64_t, uint64_t *) = symbol("parse_size");
    int result = parse(arguments[0], (uint64_t)atoi(arguments[1]), &number);
    number_or_error(result, number);
  } else if (is("mode")) {
    unsigned mode = 0;
    int result = ((int (*)(const char *, unsigned *))symbol("parse_mode"))(arguments[0], &mode);
    number_or_error(result, mode);
  } else if (is("permyriad"))
    simple("parse_permyriad", arguments);
  else if (is("boolean"))
    simple("parse_boolean", arguments);
  else if (is("signal"))
    simple("signal_from_string", arguments);
  else if (is("exit-status"))
    simple("exit_status_from_string", arguments);
  else if (is("errno"))
    simple("parse_errno", arguments);
  else if (is("environment-assignment"))
    simple("env_assignment_is_valid", arguments);
  else if (is("resource-limit"))
    resource_limit(arguments);
  else if (is("socket-address"))
    socket_address(arguments);
  else if (is("capabilities")) {
    int result =
        ((int (*)(const char *, uint64_t *))symbol("capability_set_from_string"))(arguments[0], &number);
    number_or_error(result, number);
  } else if (is("unit-name-valid")) {
    bool valid =
        ((bool (*)(const char *, int))symbol("unit_name_is_valid"))(arguments[0], atoi(arguments[1]));
    number_or_error(0, valid);
  } else if (is("escape")) {
    char *text = ((char *(*)(const char *))symbol("unit_name_escape"))(arguments[0]);
    text_or_error(0, text);
  } else if (is("unescape"))
    named("unit_name_unescape", arguments);
  else if (is("escape-path"))
    named("unit_name_path_escape", arguments);
  else if (is("unescape-path"))
    named("unit_name_path_unescape", arguments);
  else if (is("mangle")) {
    char *text = NULL;
    int (*mangle)(const char *, const char *, int, const char *, char **) =
        symbol("unit_name_mangle_with_suffix");
    int result = mangle(arguments[0], NULL, 0, ".service", &text);
    text_or_error(result, text);
  } else if (is("drop-ins"))
    drop_ins(arguments);
  else
    failed(-ENOSYS);
}

// Decodes in place, and gives how many bytes there are.
static size_t decode(char *text) {
  if (strcmp(text, "-") == 0) {
    *text = '\0';
    return 0;
  }
  size_t length = strlen(text) / 2;
  for (size_t i = 0; i < length; i++) {
    unsigned byte = 0;
    sscanf(text + 2 * i, "%2x", &byte);
    text[i] = (char)byte;
  }
  text[length] = '\0';
  return length;
}

int main(int argc, char **argv) {
  library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (!library) {
    fprintf(stderr, "usage: oracle LIBRARY: %s\n", argc == 2 ? dlerror() : "one argument is needed");
    return 1;
  }
  // Its complaints are not what was asked for.
  ((int (*)(int))symbol("log_set_max_level"))(-1);
  static char line[MAX_LINE];
  while (fgets(line, sizeof line, stdin)) {
    char *arguments[MAX_ARGUMENTS + 1] = {0};
    size_t lengths[MAX_ARGUMENTS + 1] = {0}, count = 0;
    char *state = NULL;
    char *question = strtok_r(line, " \n", &state);
    for (char *word; count < MAX_ARGUMENTS && (word = strtok_r(NULL, " \n", &state)); count++) {
      arguments[count] = word;
      lengths[count] = decode(word);
    }
    if (question)
      answer(question, arguments, lengths);
    fflush(stdout);
  }
  return 0;
}
