// The namespaces of the program, and the order in which it is confined.
#include "mounts.h"
#include "spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// As many descriptors as binds are open at the same time.
enum { DESCRIPTORS = 16384 };

bool has_namespace(const struct spec *spec, int number) {
  foreach (field, &spec->attributes, NAMESPACE)
    if (field->integer == number)
      return true;
  return false;
}

static void check_path(const char *what, const char *path) {
  if (path != NULL && *path != '/')
    fail("attribute", EINVAL, "%s: %s is not an absolute path", what, path);
}

static void check_mount(const struct fields *mount) {
  // clang-format off
  static const struct { const char *name; bool source, options; } kinds[MOUNT_KINDS] = {
      [MOUNT_BIND] = {"bind", true, false},          [MOUNT_READ_ONLY] = {"read-only", false, false},
      [MOUNT_READ_WRITE] = {"read-write", false, false}, [MOUNT_NO_EXEC] = {"no-exec", false, false},
      [MOUNT_EXEC] = {"exec", false, false},         [MOUNT_INACCESSIBLE] = {"inaccessible", false, false},
      [MOUNT_TMPFS] = {"tmpfs", false, true},        [MOUNT_PROC] = {"proc", false, true},
      [MOUNT_MQUEUE] = {"mqueue", false, false},     [MOUNT_DEVICES] = {"devices", false, false},
  };
  // clang-format on
  int kind = (int)integer_of(mount, MOUNT_KIND, 0);
  const char *name = kinds[kind].name, *path = text_of(mount, MOUNT_PATH, NULL);
  if ((path == NULL) != (kind == MOUNT_DEVICES))
    fail("attribute", EINVAL, "mount %s: %s", name, path == NULL ? "needs a path" : "takes no path");
  if ((text_of(mount, MOUNT_SOURCE, NULL) != NULL) != kinds[kind].source)
    fail("attribute", EINVAL, "mount %s: %s", name,
         kinds[kind].source ? "needs a source" : "takes no source");
  if (text_of(mount, MOUNT_OPTIONS, NULL) != NULL && !kinds[kind].options)
    fail("attribute", EINVAL, "mount %s: takes no options", name);
  check_path("mount", path);
  check_path("mount", text_of(mount, MOUNT_SOURCE, NULL));
}

void check_confinement(const struct spec *spec) {
  const struct fields *attributes = &spec->attributes;
  bool changes = count_of(attributes, MOUNT) > 0 || count_of(attributes, PROPAGATION) > 0;
  if (changes && !has_namespace(spec, OWN_MOUNTS))
    fail("attribute", EINVAL, "mount: needs a mount namespace");
  if (count_of(attributes, NETWORK_NAMESPACE) > 0 && has_namespace(spec, OWN_NETWORK))
    fail("attribute", EINVAL, "network namespace: is either its own or another's");
  if (count_of(attributes, IPC_NAMESPACE) > 0 && has_namespace(spec, OWN_IPC))
    fail("attribute", EINVAL, "ipc namespace: is either its own or another's");
  check_path("root directory", text_of(attributes, ROOT, NULL));
  foreach (mount, attributes, MOUNT)
    check_mount(&mount->nested);
}

static void join(const struct spec *spec, uint16_t tag, int type, const char *name) {
  foreach (path, &spec->attributes, tag) {
    int fd = require(open(path->text, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), "namespace", "%s %s",
                     name, path->text);
    require(setns(fd, type), "namespace", "%s %s", name, path->text);
    close(fd);
  }
}

// A socket of any family will do, and a kernel may lack those of the Internet.
static void raise_loopback(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = require(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "namespace", "network: lo");
  require(ioctl(fd, SIOCSIFFLAGS, &request), "namespace", "network: lo");
  close(fd);
}

static void enter_namespaces(const struct spec *spec) {
  static const struct {
    int number, flag;
    const char *name;
  } own[] = {{OWN_MOUNTS, CLONE_NEWNS, "mount"},
             {OWN_NETWORK, CLONE_NEWNET, "network"},
             {OWN_IPC, CLONE_NEWIPC, "ipc"},
             {OWN_UTS, CLONE_NEWUTS, "uts"},
             {OWN_CGROUPS, CLONE_NEWCGROUP, "cgroup"}};
  join(spec, NETWORK_NAMESPACE, CLONE_NEWNET, "network");
  join(spec, IPC_NAMESPACE, CLONE_NEWIPC, "ipc");
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (has_namespace(spec, own[i].number))
      require(unshare(own[i].flag), "namespace", "%s", own[i].name);
  if (has_namespace(spec, OWN_NETWORK))
    raise_loopback();
}

static bool is_privileged(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  require((int)syscall(SYS_capget, &header, data), "capabilities", "read the sets");
  return (data[0].effective >> CAP_SYS_ADMIN & 1) != 0;
}

static int write_below(int proc, pid_t pid, const char *name, const char *text) {
  char file[64];
  snprintf(file, sizeof file, "%d/%s", (int)pid, name);
  int fd = openat(proc, file, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  ssize_t written = write(fd, text, strlen(text));
  int error = errno;
  close(fd);
  errno = error;
  return written < 0 ? -1 : 0;
}

static int write_map(int proc, pid_t pid, const char *name, bool privileged, int64_t id) {
  char text[64];
  if (privileged && id != 0)
    snprintf(text, sizeof text, "0 0 1\n%u %u 1\n", (unsigned)id, (unsigned)id);
  else
    snprintf(text, sizeof text, "%u %u 1\n", (unsigned)id, (unsigned)id);
  return write_below(proc, pid, name, text);
}

struct maps {
  int proc, go;
  pid_t pid;
  bool privileged;
  int64_t uid, gid;
};

// Only a process outside may map more than one id. An exit status has room for an errno.
static _Noreturn void write_maps(const struct maps *maps) {
  char byte;
  if (read(maps->go, &byte, 1) != 1)
    _exit(EPIPE);
  bool written = (maps->privileged || write_below(maps->proc, maps->pid, "setgroups", "deny") == 0) &&
                 write_map(maps->proc, maps->pid, "gid_map", maps->privileged, maps->gid) == 0 &&
                 write_map(maps->proc, maps->pid, "uid_map", maps->privileged, maps->uid) == 0;
  _exit(written ? 0 : errno);
}

static void enter_user_namespace(const struct spec *spec, int proc, bool privileged) {
  int go[2], status;
  require(pipe2(go, O_CLOEXEC), "namespace", "user");
  struct maps maps = {.proc = proc, .go = go[0], .pid = getpid(), .privileged = privileged};
  maps.uid = privileged ? integer_of(&spec->attributes, USER, 0) : geteuid();
  maps.gid = privileged ? integer_of(&spec->attributes, GROUP, 0) : getegid();
  pid_t writer = require(fork(), "namespace", "user: start who maps the ids");
  if (writer == 0) {
    close(go[1]);
    write_maps(&maps);
  }
  close(go[0]);
  int error = unshare(CLONE_NEWUSER) < 0 ? errno : 0;
  if (error == 0 && write(go[1], "", 1) != 1)
    error = errno;
  close(go[1]);
  while (waitpid(writer, &status, 0) < 0 && errno == EINTR)
    ;
  if (error == 0 && status != 0)
    error = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
  if (error != 0)
    fail("namespace", error, "user");
}

// The limit is the program's: setting it up takes more.
static struct rlimit raise_descriptors(void) {
  struct rlimit limit = {0}, raised = {DESCRIPTORS, DESCRIPTORS};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max > raised.rlim_max)
    raised.rlim_max = limit.rlim_max;
  if (limit.rlim_cur < raised.rlim_cur && setrlimit(RLIMIT_NOFILE, &raised) < 0) {
    raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &raised);
  }
  return limit;
}

// The user namespace comes last, so that root still is root of everything else; only who is nobody there
// needs one first.
void confine(const struct spec *spec) {
  bool users = has_namespace(spec, OWN_USERS), privileged = users && is_privileged();
  bool mounts = has_namespace(spec, OWN_MOUNTS);
  struct rlimit limit;
  int proc = -1;
  if (users || mounts)
    proc = require(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), "namespace", "/proc");
  if (mounts)
    limit = raise_descriptors();
  if (users && !privileged)
    enter_user_namespace(spec, proc, privileged);
  enter_namespaces(spec);
  if (mounts) {
    change_mounts(spec, proc);
    require(setrlimit(RLIMIT_NOFILE, &limit), "limit", "nofile");
  } else
    foreach (root, &spec->attributes, ROOT) {
      require(chroot(root->text), "root", "%s", root->text);
      require(chdir("/"), "root", "%s", root->text);
    }
  set_groups(spec);
  if (users && privileged)
    enter_user_namespace(spec, proc, privileged);
  if (proc >= 0)
    close(proc);
}
