// What surrounds the keeper: the machine or container that it finds, what is missing there, the limits, the
// manager above.
#include "keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct place place = {.log = -1, .log_writer = -1};
static struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY};

// Descriptors that requests cannot use up: for starting a daemon, and for the keeper's own passing needs.
enum { RESERVE = 320 };

bool in_initial_namespace(void) {
  char link[64];
  ssize_t length = readlink("/proc/self/ns/pid", link, sizeof link - 1);
  link[length > 0 ? length : 0] = 0;
  return strcmp(link, "pid:[4026531836]") == 0; // the kernel's fixed inode number of it
}

// 0, 1 and 2 must be something, or the next descriptor that is opened would become the standard error.
static void open_standard_descriptors(void) {
  int fd;
  do {
    fd = open(place.initial && access("/dev/console", F_OK) == 0 ? "/dev/console" : "/dev/null",
              O_RDWR | O_NOCTTY);
    if (fd < 0)
      fd = memfd_create("nothing", 0);
  } while (fd >= 0 && fd <= 2);
  if (fd > 2)
    close(fd);
}

static void find_place(void) {
  place.started = now(CLOCK_REALTIME);
  // Without /proc nothing tells a machine from a container; where it is missing PID 1 may mount it.
  if (place.init && access("/proc/self", F_OK) < 0)
    mount_proc();
  place.initial = place.init && in_initial_namespace();
  if (place.initial) {
    mount_essentials();
    if (reboot(RB_DISABLE_CAD) < 0)
      say("disable ctrl-alt-del: %s", strerror(errno));
  }
  open_standard_descriptors();
  if (syscall(SYS_close_range, 3, ~0U, 0) < 0) // a kernel before 5.9
    for (int fd = 3; fd < 1024; fd++)
      close(fd);
}

const char *boot(bool fresh) {
  static const int ignored[] = {SIGPIPE, SIGQUIT, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU, SIGXFSZ};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
    signal(ignored[i], SIG_IGN);
  signal(SIGCHLD, SIG_DFL); // inherited as ignored, it would have the kernel reap in our place
  place.init = getpid() == 1;
  if (fresh)
    find_place();
  helper_prepare(); // early: the numbers are to be low
  voice_open();
  if (!place.init && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
    return "become a subreaper";
  // A keeper that was replaced has raised the limit: what it found comes with its state.
  if ((fresh && getrlimit(RLIMIT_NOFILE, &files) < 0) || !use_reserve(false))
    return "raise the limit of open files";
  place.manager = getenv("NOTIFY_SOCKET");
  if (!fresh)
    return NULL;
  size_t length = proc_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", place.boot_id, sizeof place.boot_id);
  place.boot_id[length > 0 ? length - 1 : 0] = 0; // its newline
  struct bytes name = {(const uint8_t *)"log/daemon", 10};
  // The writer is an open file of its own: that it does not block is not the affair of the pipe's other
  // users.
  place.log = pipe_both_ways(&place.log_writer);
  if (place.log < 0 || fcntl(place.log_writer, F_SETFL, O_NONBLOCK) < 0 ||
      descriptor_add(name, PIPE_END, place.log) == NULL)
    return "make the pipe log/daemon through /proc";
  return NULL;
}

static const struct state_field place_fields[] = {
    STATE_OF(S_INTEGER, 2, place.initial),  STATE_OF(S_TEXT, 3, place.boot_id),
    STATE_OF(S_INTEGER, 4, place.started),  STATE_OF(S_FD, 5, place.log),
    STATE_OF(S_FD, 6, place.log_writer),    STATE_OF(S_INTEGER, 7, files.rlim_cur),
    STATE_OF(S_INTEGER, 8, files.rlim_max), {0}};
const struct state_section place_state = {.fields = place_fields, .count = 1};

bool use_reserve(bool use) {
  rlim_t most = files.rlim_max;
  return setrlimit(RLIMIT_NOFILE,
                   &(struct rlimit){use || most <= 2 * RESERVE ? most : most - RESERVE, most}) == 0;
}

void child_reset(void) {
  setrlimit(RLIMIT_NOFILE, &files); // cannot fail: it lowers the keeper's own
}

int tell_manager(const struct request *r) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = place.manager != NULL ? strlen(place.manager) : 0;
  if (length == 0 || length >= sizeof address.sun_path)
    return fail(ENOENT, "tell manager: there is none");
  memcpy(address.sun_path, place.manager, length);
  if (address.sun_path[0] == '@')
    address.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;
  if (fd < 0 ||
      sendto(fd, BYTES(r, F_DATA).at, BYTES(r, F_DATA).length, MSG_DONTWAIT | MSG_NOSIGNAL,
             (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
    error = fail(errno, "tell manager at %.100s", place.manager);
  if (fd >= 0)
    close(fd);
  return error;
}
