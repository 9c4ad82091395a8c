// The descriptors that the program finds open.
#include "spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

void clear_descriptors(struct spec *spec) {
  int lowest = LISTEN_START + (int)count_of(&spec->attributes, LISTEN);
  foreach (field, &spec->attributes, DESCRIPTOR) {
    int target = (int)integer_of(&field->nested, SOURCE_TARGET, 0);
    if (target >= lowest)
      lowest = target + 1;
  }
  report_from(lowest);
  for (struct name *name = spec->names; name < spec->names + spec->name_count; name++) {
    require(fcntl(name->fd, F_SETFD, FD_CLOEXEC), "descriptor", "%s", name->text);
    name->fd = require(fcntl(name->fd, F_DUPFD_CLOEXEC, lowest), "descriptor", "%s", name->text);
  }
  for (int fd = 0; fd <= 2; fd++) {
    spec->own[fd] = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
    if (spec->own[fd] < 0 && errno != EBADF)
      fail("descriptor", errno, "%d", fd);
  }
  spec->null = -1;
  if (count_of(&spec->attributes, ROOT) + count_of(&spec->attributes, MOUNT) > 0) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    spec->null = null < 0 ? -1 : fcntl(null, F_DUPFD_CLOEXEC, lowest);
    close(null);
  }
  for (int fd = 0; fd < lowest; fd++)
    close(fd);
  // Kernels before 5.11 cannot do this; there the keeper's own descriptors close, what it inherited does not.
  syscall(SYS_close_range, lowest, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}

static void place(int fd, int target, const char *object) {
  require(dup2(fd, target), "descriptor", "%d: %s", target, object);
}

static void make_blocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) != 0)
    require(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK), "descriptor", "%d: make it blocking", fd);
}

// The number that open(2) finds free may be the target, or that of another one which is filled later.
static void place_path(const char *path, int64_t flags, int64_t mode, int target) {
  int safe = ((int)flags & ~O_CLOEXEC) | O_NOCTTY | ((flags & O_CREAT) != 0 ? O_NOFOLLOW : 0);
  int fd = require(open(path, safe, (mode_t)mode), "open", "%s", path);
  if (fd == target)
    return;
  place(fd, target, path);
  close(fd);
}

static void place_source(const struct spec *spec, const struct fields *source) {
  int target = (int)integer_of(source, SOURCE_TARGET, 0);
  int64_t own = integer_of(source, SOURCE_OWN, -1);
  const char *name = text_of(source, SOURCE_NAME, NULL);
  const char *path = text_of(source, SOURCE_PATH, NULL);
  if ((own >= 0) + (name != NULL) + (path != NULL) != 1)
    fail("attribute", EINVAL, "descriptor %d: needs one source", target);
  if (fcntl(target, F_GETFD) >= 0)
    fail("attribute", EINVAL, "descriptor %d: given twice", target);
  if (name != NULL)
    place(spec_descriptor(spec, name), target, name);
  else if (path != NULL)
    place_path(path, integer_of(source, SOURCE_FLAGS, 0), integer_of(source, SOURCE_MODE, 0), target);
  else
    place(spec->own[own], target, "the keeper's own");
}

void place_descriptors(const struct spec *spec) {
  int target = LISTEN_START;
  foreach (field, &spec->attributes, LISTEN) {
    const char *name = text_of(&field->nested, LISTEN_NAME, NULL);
    place(spec_descriptor(spec, name), target, name);
    make_blocking(target++); // as systemd and GNU Shepherd hand them over
  }
  foreach (field, &spec->attributes, DESCRIPTOR)
    place_source(spec, &field->nested);
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && spec->null >= 0)
      place(spec->null, fd, "/dev/null");
    else if (fcntl(fd, F_GETFD) < 0)
      place_path("/dev/null", O_RDWR, 0, fd);
    make_blocking(fd);
  }
}
