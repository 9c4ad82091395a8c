// A boot that an earlier daemon recorded is done again while this one is being started: frames of requests
// from a file. Whatever is wrong with it ends that early, which is a daemon's death in the midst of a boot.
#include "keeper.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_MAX = 67108864, HEADER = 12, FORMAT = 1, CONTENT_MAX = 65536 };
// How long, ns, a program may take to be executed: one on a file system that hangs must not cost the daemon.
#define PATIENCE (5 * SECOND)

static uint8_t *record; // NULL: nothing is done again, or not any more
static struct bytes rest;
static struct writer results;
static bool applying, awaiting, begun;
static int64_t give_up;

// NULL, or why it is not used; empty where there is none.
static const char *read_record(const char *path) {
  // A FIFO would have us wait for somebody who writes.
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return errno == ENOENT ? "" : strerror(errno);
  struct stat status;
  const char *wrong = NULL;
  if (fstat(fd, &status) < 0)
    wrong = strerror(errno);
  else if (!S_ISREG(status.st_mode))
    wrong = "it is no regular file";
  else if ((status.st_uid != geteuid() && status.st_uid != 0) || (status.st_mode & 022) != 0)
    wrong = "others could have written it";
  else if (status.st_size > RECORD_MAX)
    wrong = "it is too long";
  else if ((record = malloc((size_t)status.st_size + 1)) == NULL)
    wrong = strerror(errno);
  size_t length = 0;
  ssize_t more = 1;
  while (wrong == NULL && more > 0 && length < (size_t)status.st_size)
    if ((more = read(fd, record + length, (size_t)status.st_size - length)) > 0)
      length += (size_t)more;
  close(fd);
  static const uint8_t header[HEADER] = {'S', 'H', 'E', 'P', 'B', 'O', 'O', 'T', FORMAT};
  if (wrong == NULL && (length < HEADER || memcmp(record, header, HEADER) != 0))
    wrong = "it is no record of this format";
  if (wrong == NULL)
    rest = (struct bytes){record + HEADER, length - HEADER};
  return wrong;
}

static void finish_record(void) {
  free(record);
  free(results.bytes);
  record = NULL;
  results.bytes = NULL;
}

void record_begin(const char *path) {
  const char *wrong = read_record(path);
  results = (struct writer){malloc(WIRE_FRAME_MAX + 4), 0, WIRE_FRAME_MAX + 4, false};
  if (wrong == NULL && results.bytes == NULL)
    wrong = strerror(errno);
  if (wrong != NULL)
    finish_record();
  if (wrong != NULL && wrong[0] != 0)
    say("the record of a boot %s is not used: %s", path, wrong);
}

bool record_replays(void) {
  return record != NULL;
}

static void end_early(const char *why) {
  say("the record of a boot is not followed to its end: %s", why);
  finish_record();
}

// The error of the first request that failed in the frame that was applied last, and its text.
static int64_t first_error(char *text, size_t size) {
  struct bytes input = {results.bytes, results.used}, fields, value;
  struct frame frame;
  const char *wrong;
  uint16_t type, tag;
  int64_t error = 0;
  if (wire_frame(&input, &frame, &wrong) <= 0)
    return EINVAL;
  while (error == 0 && wire_item(&frame.items, &type, &fields) > 0)
    while (wire_field(&fields, &tag, &value) > 0)
      if (tag == F_ERRNO)
        wire_integer(value, &error);
      else if (tag == F_TEXT)
        string_of(value, text, size);
  return error;
}

static void apply_next(void) {
  char text[256] = "";
  const char *wrong = "it is cut off";
  if (rest.length == 0) {
    finish_record();
    return;
  }
  if (rest.length >= WIRE_FRAME_HEADER && (rest.at[6] & 1) == 0) {
    end_early("a frame does not stop at the first request that fails");
    return;
  }
  results.used = 0;
  results.overflowed = false;
  applying = true;
  int applied = requests_apply(&rest, &results, &wrong);
  applying = false;
  int64_t error = applied > 0 ? first_error(text, sizeof text) : 0;
  // That something else is to be booted than what was recorded is no trouble.
  if (error == ESTALE && !begun)
    finish_record();
  else if (applied <= 0)
    end_early(wrong);
  else if (error != 0) {
    char why[400];
    snprintf(why, sizeof why, "%s: %s", text, strerror((int)error));
    end_early(why);
  }
  begun = true;
}

void record_work(void) {
  int signal;
  if (record == NULL)
    return;
  if (events_fatal_since(&signal) != NEVER)
    end_early("a signal asks for the end");
  else if (awaiting && setups.failed > 0)
    end_early("a program could not be executed");
  else if (awaiting && setups.waiting > 0 && now(CLOCK_MONOTONIC) >= give_up)
    end_early("a program takes too long to be executed");
  else if (!awaiting || setups.waiting == 0) {
    awaiting = false;
    apply_next();
  }
}

int64_t record_tick(void) {
  return record == NULL ? NEVER : awaiting && setups.waiting > 0 && setups.failed == 0 ? give_up : 0;
}

int record_permits(enum request_type type) {
  bool only_there = type == R_EXPECT_FILE || type == R_EXPECT_ENVIRONMENT || type == R_AWAIT_STARTED;
  bool there =
      only_there || type == R_PUT_NOTE || type == R_PIPE || type == R_MAKE_DIRECTORY || type == R_SPAWN;
  if (applying ? there : !only_there)
    return 0;
  return fail(EINVAL, "%s: not in %s", request_name(type),
              applying ? "a record of a boot" : "a conversation");
}

bool record_applies(void) {
  return applying;
}

static bool contains(int fd, struct bytes content) {
  static uint8_t found[CONTENT_MAX];
  size_t length = 0;
  ssize_t more;
  while (length <= content.length && length < sizeof found &&
         (more = read(fd, found + length, sizeof found - length)) > 0)
    length += (size_t)more;
  return length == content.length && (length == 0 || memcmp(found, content.at, length) == 0);
}

static int64_t nanoseconds(struct timespec time) {
  return time.tv_sec * SECOND + time.tv_nsec;
}

static bool is_as_expected(const struct request *r, const char *path) {
  struct stat status;
  if (stat(path, &status) < 0)
    return r->values[F_ABSENT].given && (errno == ENOENT || errno == ENOTDIR);
  const struct {
    enum field_tag tag;
    int64_t is;
  } numbers[] = {{F_INODE, (int64_t)status.st_ino},
                 {F_SIZE, status.st_size},
                 {F_MODIFIED, nanoseconds(status.st_mtim)},
                 {F_CHANGED, nanoseconds(status.st_ctim)}};
  bool same = !r->values[F_ABSENT].given;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    same = same && integer_or(r, numbers[i].tag, numbers[i].is) == numbers[i].is;
  if (!same || !r->values[F_DATA].given)
    return same;
  int fd = S_ISREG(status.st_mode) ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
  same = fd >= 0 && contains(fd, BYTES(r, F_DATA));
  if (fd >= 0)
    close(fd);
  return same;
}

int expect_file(const struct request *r) {
  char path[4096];
  string_of(BYTES(r, F_PATH), path, sizeof path);
  return is_as_expected(r, path) ? 0 : fail(ESTALE, "expect file %.200s", path);
}

int expect_environment(const struct request *r) {
  char own[4096], directory[4096];
  string_of(BYTES(r, F_PATH), directory, sizeof directory);
  bool same = getcwd(own, sizeof own) != NULL && strcmp(own, directory) == 0 &&
              daemon_gets(BYTES(r, F_DATA), BYTES(r, F_VALUE));
  return same ? 0 : fail(ESTALE, "expect environment");
}

int await_started(const struct request *r) {
  if (!r->last)
    return fail(EINVAL, "await started: it is not the last request of its frame");
  awaiting = true;
  give_up = now(CLOCK_MONOTONIC) + PATIENCE;
  return 0;
}

int make_directory(const struct request *r) {
  char path[4096];
  struct stat status;
  string_of(BYTES(r, F_PATH), path, sizeof path);
  if (mkdir(path, (mode_t)integer_or(r, F_MODE, 0755)) == 0)
    return 0;
  int error = errno;
  if (error == EEXIST && lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
    return 0;
  return fail(error, "make directory %.200s", path);
}
