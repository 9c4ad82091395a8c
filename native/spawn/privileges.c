// Users, groups and capabilities.
#include "spawn.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITIES = 64, WORDS = _LINUX_CAPABILITY_U32S_3 };

void limit_capabilities(const struct spec *spec) {
  uint64_t bounding = (uint64_t)integer_of(&spec->attributes, BOUNDING_SET, -1);
  for (int capability = 0; capability < CAPABILITIES; capability++)
    if ((bounding >> capability & 1) == 0 && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
      require(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "capabilities", "drop %d from the bounding set",
              capability);
  foreach (bits, &spec->attributes, SECURE_BITS)
    require(prctl(PR_SET_SECUREBITS, (unsigned long)bits->integer, 0, 0, 0), "capabilities",
            "secure bits %#llx", (unsigned long long)bits->integer);
}

void set_groups(const struct spec *spec) {
  size_t count = count_of(&spec->attributes, SUPPLEMENTARY_GROUP), next = 0;
  gid_t *groups = allocate(count, sizeof *groups);
  foreach (group, &spec->attributes, SUPPLEMENTARY_GROUP)
    groups[next++] = (gid_t)group->integer;
  if (count > 0 || count_of(&spec->attributes, SET_GROUPS) > 0)
    require(setgroups(count, groups), "groups", "%zu supplementary groups", count);
  foreach (group, &spec->attributes, GROUP) {
    gid_t gid = (gid_t)group->integer;
    require(setresgid(gid, gid, gid), "gid", "%u", gid);
  }
}

static void set_capabilities(uint64_t ambient, const struct field *inheritable, bool only_ambient) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[WORDS];
  require((int)syscall(SYS_capget, &header, data), "capabilities", "read the sets");
  for (int word = 0; word < WORDS; word++) {
    uint32_t raised = (uint32_t)(ambient >> 32 * word);
    if (inheritable != NULL)
      data[word].inheritable = (uint32_t)((uint64_t)inheritable->integer >> 32 * word);
    data[word].inheritable |= raised;
    if (only_ambient)
      data[word].permitted = data[word].effective = raised;
  }
  require((int)syscall(SYS_capset, &header, data), "capabilities", "set the inheritable set");
  for (int capability = 0; capability < CAPABILITIES; capability++)
    if ((ambient >> capability & 1) != 0)
      require(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), "capabilities",
              "raise ambient %d", capability);
}

void set_user(const struct spec *spec) {
  const struct field *inheritable = next_field(&spec->attributes, INHERITABLE_SET, NULL);
  uint64_t ambient = (uint64_t)integer_of(&spec->attributes, AMBIENT_SET, 0);
  bool granted = ambient != 0 || inheritable != NULL;
  bool unprivileged = integer_of(&spec->attributes, USER, 0) != 0;
  // Leaving uid 0 drops what is to be granted, unless it is kept on purpose.
  if (unprivileged && granted)
    require(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "capabilities", "keep them while the uid changes");
  foreach (user, &spec->attributes, USER) {
    uid_t uid = (uid_t)user->integer;
    require(setresuid(uid, uid, uid), "uid", "%u", uid);
  }
  // From here on files are opened with the capabilities that the program will have, not with those that were
  // kept.
  if (unprivileged || granted)
    set_capabilities(ambient, inheritable, unprivileged);
}
