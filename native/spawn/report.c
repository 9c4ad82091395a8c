// How the helper tells the keeper what became of the start (docs/keeper-protocol.md §10).
#include "spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A record has room for the longest text and for any stage, all of which are short.
enum { EXIT_FAILED = 127, TEXT_SIZE = 1024, RECORD_SIZE = TEXT_SIZE + 64 };

static int status = -1;

void report_to(int fd) {
  status = fd;
}

void report_from(int lowest) {
  int above = require(fcntl(status, F_DUPFD_CLOEXEC, lowest), "descriptor", "%d", lowest - 1);
  close(status);
  status = above;
}

// One write: a record is shorter than PIPE_BUF. Nobody reads it only when the keeper is dead: then so are we.
static void send(const void *bytes, size_t length) {
  ssize_t written;
  do
    written = write(status, bytes, length);
  while (written < 0 && errno == EINTR);
  if (written != (ssize_t)length)
    _exit(EXIT_FAILED);
}

void report_execution(void) {
  send("E", 1);
}

static _Noreturn void report_failure(const char *stage, int error, const char *format, va_list arguments) {
  char text[TEXT_SIZE] = "";
  vsnprintf(text, sizeof text, format, arguments);
  uint8_t record[RECORD_SIZE];
  struct writer out = {.bytes = record, .size = sizeof record};
  wire_put(&out, "F", 1);
  wire_put_u32(&out, (uint32_t)error);
  wire_put(&out, &(uint8_t){(uint8_t)strlen(stage)}, 1);
  wire_put(&out, stage, strlen(stage));
  wire_put_u16(&out, (uint16_t)strlen(text));
  wire_put(&out, text, strlen(text));
  send(record, out.used);
  _exit(EXIT_FAILED);
}

_Noreturn void fail(const char *stage, int error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  report_failure(stage, error, format, arguments);
}

int require(int result, const char *stage, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (result < 0)
    report_failure(stage, errno, format, arguments);
  va_end(arguments);
  return result;
}

void *allocate(size_t count, size_t size) {
  void *memory = calloc(count == 0 ? 1 : count, size);
  require(memory == NULL ? -1 : 0, "helper", "allocate memory");
  return memory;
}
