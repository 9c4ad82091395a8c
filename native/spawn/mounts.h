// Mounts by descriptor: thin names for the kernel's calls, and the parts of what is done to a mount
// namespace.
#ifndef MOUNTS_H
#define MOUNTS_H

#include "spawn.h"
#include <linux/mount.h>
#include <sys/stat.h>

enum {
  MOUNT_BIND = 1,
  MOUNT_READ_ONLY,
  MOUNT_READ_WRITE,
  MOUNT_NO_EXEC,
  MOUNT_EXEC,
  MOUNT_INACCESSIBLE,
  MOUNT_TMPFS,
  MOUNT_PROC,
  MOUNT_MQUEUE,
  MOUNT_DEVICES,
  MOUNT_KINDS
};

// An action that has been carried out.
struct placed {
  int kind;
  const char *path;        // seen from the child's root, without symbolic links
  uint64_t own_attributes; // of what was mounted there, once everything is in its place
};

struct mounts {
  int proc;         // /proc, as the keeper sees it
  int root;         // what is going to be the child's root: always the root of a mount
  const char *base; // its path
  bool moved;       // whether it is another one than the keeper's
  int shadow;       // a file system of what covers inaccessible paths, or -1
  struct placed *placed;
  size_t count;
};

// All give -1 and errno on a failure.
// A descriptor that only stands for `path`; no symbolic link leads out of `root`.
int open_below(int root, const char *path, uint64_t flags);
// As open_below, but what is missing is made: directories, and in the end a file if that is the `kind`.
int open_or_make(int root, const char *path, mode_t kind);
int clone_mount(int at, const char *path, bool recursive);
int attach_mount(int mount, int place);
int set_attributes(int mount, uint64_t set, uint64_t clear);
// `options` as mount(8) has them; the attributes among them are added to `*attributes`. Not yet attached.
int make_filesystem(const char *type, const char *options, uint64_t *attributes);
// Changes how all mounts relate to others: MS_SLAVE and the like.
int set_propagation(unsigned long how);
// 1, 0 or -1.
int is_mount_root(int fd);
uint64_t mount_id(int fd);
// The path of what a descriptor stands for.
char *path_of(const struct mounts *mounts, int fd);

// Carries the actions out and moves the process to the new root; `proc` is a descriptor of /proc.
void change_mounts(const struct spec *spec, int proc);
void set_flags(const struct mounts *mounts);
// Fills an empty file system with devices. `old` is the /dev of the keeper.
void fill_devices(int dev, int old);
// Something empty of the kind of `mode`, not yet attached.
int make_cover(struct mounts *mounts, mode_t mode);
void remove_shadow(const struct mounts *mounts);
void change_root(int root);
// Takes off the mount that the process is in the root of.
int umount_here(void);

#endif
