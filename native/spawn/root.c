// Moves the process to another root.
#include "mounts.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

// linux/mount.h has not what only unmounting takes, and sys/mount.h does not go with it.
enum { DETACH = 2 };

int umount_here(void) {
  return (int)syscall(SYS_umount2, ".", DETACH);
}

void change_root(int root) {
  require(fchdir(root), "root", "enter it");
  if (syscall(SYS_pivot_root, ".", ".") == 0)
    require(umount_here(), "root", "leave the old one");
  else {
    // An initial ramdisk is not to be left, nor is the root of a keeper that was started by chroot(1): there
    // the new root covers the old one.
    int old = require(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "root", "/");
    attach_mount(root, old);
    close(old);
    require(chroot("."), "root", "change to it");
  }
  require(chdir("/"), "root", "enter it");
}
