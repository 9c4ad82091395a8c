// What is seen at an inaccessible path: something empty of the same kind.
#include "mounts.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CLOSED = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

// A node can only be copied from what is mounted somewhere: for the time being on the keeper's root, where
// nobody looks.
static int make_shadow(void) {
  uint64_t attributes = CLOSED;
  int shadow = make_filesystem("tmpfs", "mode=0700,size=4k,nr_inodes=16", &attributes);
  int root = shadow < 0 ? -1 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || attach_mount(shadow, root) < 0)
    return -1;
  close(root);
  return shadow;
}

static int make_node(int shadow, const char *name, mode_t kind) {
  int result = S_ISDIR(kind) ? mkdirat(shadow, name, 0) : mknodat(shadow, name, kind, 0);
  if (result < 0 && errno == EPERM) // devices are root's; a file that cannot be opened does as well
    result = mknodat(shadow, name, S_IFREG, 0);
  return result < 0 && errno == EEXIST ? 0 : result;
}

int make_cover(struct mounts *mounts, mode_t mode) {
  static const struct {
    mode_t kind;
    const char *name;
  } nodes[] = {{S_IFDIR, "dir"}, {S_IFIFO, "fifo"}, {S_IFSOCK, "sock"}, {S_IFCHR, "chr"}, {S_IFBLK, "blk"}};
  const char *name = "reg";
  for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
    if ((mode & S_IFMT) == nodes[i].kind)
      name = nodes[i].name;
  if (mounts->shadow < 0 && (mounts->shadow = make_shadow()) < 0)
    return -1;
  if (make_node(mounts->shadow, name, mode & S_IFMT) < 0)
    return -1;
  int mount = clone_mount(mounts->shadow, name, false);
  return mount < 0 || set_attributes(mount, CLOSED, 0) < 0 ? -1 : mount;
}

void remove_shadow(const struct mounts *mounts) {
  if (mounts->shadow < 0)
    return;
  require(fchdir(mounts->shadow), "mount", "remove what was needed to cover paths");
  require(umount_here(), "mount", "remove what was needed to cover paths");
  require(chdir("/"), "mount", "/");
  close(mounts->shadow);
}
