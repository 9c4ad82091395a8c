// The program, its arguments and its environment.
#include "spawn.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// Besides those of the spec: three of LISTEN_*, four of TCP*, the mark, the pid's and the end.
enum { ADDED_VARIABLES = 10 };

static char **strings(const struct fields *attributes, uint16_t tag, size_t more) {
  char **list = allocate(count_of(attributes, tag) + more, sizeof *list), **next = list;
  foreach (field, attributes, tag)
    *next++ = field->text;
  return list;
}

// The place of a variable, or the end of the list.
static char **find(char **environment, const char *name) {
  size_t length = strlen(name);
  while (*environment != NULL && (strncmp(*environment, name, length) != 0 || (*environment)[length] != '='))
    environment++;
  return environment;
}

static const char *value_of(char **environment, const char *name) {
  const char *variable = *find(environment, name);
  return variable == NULL ? NULL : variable + strlen(name) + 1;
}

__attribute__((format(printf, 3, 4))) static void set(char **environment, const char *name,
                                                      const char *pattern, ...) {
  char *value, *variable;
  va_list arguments;
  va_start(arguments, pattern);
  require(vasprintf(&value, pattern, arguments), "helper", "allocate memory");
  va_end(arguments);
  require(asprintf(&variable, "%s=%s", name, value), "helper", "allocate memory");
  *find(environment, name) = variable;
}

static void append(char **environment, const char *name, const char *value) {
  const char *before = value_of(environment, name);
  set(environment, name, "%s%s%s", before == NULL ? "" : before, before == NULL ? "" : ":", value);
}

static void describe_listeners(const struct fields *attributes, char **environment) {
  size_t count = 0;
  foreach (field, attributes, LISTEN) {
    const char *name = text_of(&field->nested, LISTEN_AS, "");
    if (strchr(name, ':') != NULL)
      fail("attribute", EINVAL, "listen as %s: contains a colon", name);
    if (count++ == 0)
      set(environment, "LISTEN_FDNAMES", "%s", name);
    else
      append(environment, "LISTEN_FDNAMES", name);
  }
  if (count > 0) {
    set(environment, "LISTEN_PID", "%d", getpid());
    set(environment, "LISTEN_FDS", "%zu", count);
  }
}

// One end of a connection. Only Internet addresses have these variables; a peer may have gone already.
static void describe_end(char **environment, const char *socket, int result,
                         const struct sockaddr_in6 *address, const char *ip_name, const char *port_name) {
  if (result != 0 && errno == ENOTCONN)
    return;
  require(result, "descriptor", "%s: ask for %s", socket, ip_name);
  // A port is at the same place in both families.
  int family = address->sin6_family;
  const void *ip = &address->sin6_addr;
  if (family == AF_INET)
    ip = &((const struct sockaddr_in *)address)->sin_addr;
  else if (family != AF_INET6)
    return;
  else if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr)) {
    family = AF_INET;
    ip = &address->sin6_addr.s6_addr[12];
  }
  char text[INET6_ADDRSTRLEN];
  set(environment, ip_name, "%s", inet_ntop(family, ip, text, sizeof text));
  set(environment, port_name, "%u", ntohs(address->sin6_port));
}

static void describe_socket(const struct spec *spec, char **environment) {
  const char *name = text_of(&spec->attributes, SOCKET_ENVIRONMENT, NULL);
  if (name == NULL)
    return;
  int fd = spec_descriptor(spec, name);
  struct sockaddr_in6 address = {.sin6_family = AF_UNSPEC};
  socklen_t length = sizeof address;
  int result = getsockname(fd, (struct sockaddr *)&address, &length);
  describe_end(environment, name, result, &address, "TCPLOCALIP", "TCPLOCALPORT");
  length = sizeof address;
  result = getpeername(fd, (struct sockaddr *)&address, &length);
  describe_end(environment, name, result, &address, "TCPREMOTEIP", "TCPREMOTEPORT");
}

struct program prepare_program(const struct spec *spec) {
  const struct fields *attributes = &spec->attributes;
  struct program program = {
      .file = text_of(attributes, PROGRAM, NULL),
      .arguments = strings(attributes, ARGUMENT, 1),
      .environment = strings(attributes, ENVIRONMENT, ADDED_VARIABLES),
  };
  foreach (variable, attributes, ENVIRONMENT)
    if (strchr(variable->text, '=') == NULL)
      fail("attribute", EINVAL, "environment: %s is not NAME=VALUE", variable->text);
  describe_listeners(attributes, program.environment);
  describe_socket(spec, program.environment);
  const char *pid_variable = text_of(attributes, PID_VARIABLE, NULL);
  if (pid_variable != NULL)
    set(program.environment, pid_variable, "%d", getpid());
  foreach (mark, attributes, MARK)
    append(program.environment, "SHEPHERD_MARK", mark->text);
  program.path = value_of(program.environment, "PATH");
  if (program.path == NULL)
    program.path = "/bin:/usr/bin"; // as execvp(3) has it
  return program;
}

// What is done with each file in turn until it succeeds.
typedef int attempt(const struct program *program, const char *file);

static int execute(const struct program *program, const char *file) {
  return execve(file, program->arguments, program->environment);
}

static int look(const struct program *program, const char *file) {
  (void)program;
  struct stat stat;
  int result = faccessat(AT_FDCWD, file, X_OK, AT_EACCESS);
  if (result == 0 && fstatat(AT_FDCWD, file, &stat, 0) == 0 && !S_ISREG(stat.st_mode)) {
    errno = EACCES;
    return -1;
  }
  return result;
}

// As execvp(3), but what is no executable format is an error here, not a script for some shell. 0 or an
// errno.
static int search_path(const struct program *program, const char *name, attempt *attempt_file) {
  int error = ENOENT;
  for (const char *directory = program->path, *end;; directory = end + 1) {
    end = strchrnul(directory, ':');
    char file[PATH_MAX];
    int length = snprintf(file, sizeof file, "%.*s%s%s", (int)(end - directory), directory,
                          end == directory ? "" : "/", name);
    if (length < 0 || (size_t)length >= sizeof file)
      errno = ENAMETOOLONG;
    else if (attempt_file(program, file) == 0)
      return 0;
    // A later directory may have what this one has not, or what it has and does not let us execute.
    if (errno == EACCES || errno == ENAMETOOLONG)
      error = errno;
    else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV && errno != ETIMEDOUT)
      return errno;
    if (*end == 0)
      return error;
  }
}

static void try(const struct program *program, attempt *attempt_file) {
  const char *name = program->file == NULL ? program->arguments[0] : program->file;
  int error;
  if (program->file == NULL && *name != 0 && strchr(name, '/') == NULL)
    error = search_path(program, name, attempt_file);
  else
    error = attempt_file(program, name) == 0 ? 0 : errno;
  if (error != 0)
    fail("exec", error, "%s", name);
}

_Noreturn void execute_program(const struct program *program, const struct spec *spec) {
  // Behind a filter a failure cannot always be told.
  bool filtered = count_of(&spec->attributes, FILTER) > 0;
  if (filtered) {
    expect_filters(spec);
    try(program, look);
  }
  report_execution();
  if (filtered)
    load_filters(spec);
  try(program, execute);
  abort(); // it has been executed, or its failure told
}
