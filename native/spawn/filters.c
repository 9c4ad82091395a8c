// System call filters: programs for seccomp(2) that the daemon has written.
#include "spawn.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

void check_filters(const struct spec *spec) {
  foreach (filter, &spec->attributes, FILTER) {
    size_t size = filter->bytes.length;
    if (size == 0 || size % sizeof(struct sock_filter) != 0 ||
        size / sizeof(struct sock_filter) > BPF_MAXINSNS)
      fail("attribute", EINVAL, "system call filter: %zu bytes are no program", size);
  }
}

void expect_filters(const struct spec *spec) {
  // A program that is nowhere is found to be so after all that could forbid a good one.
  struct sock_fprog nowhere = {.len = 1, .filter = (struct sock_filter *)8};
  if (count_of(&spec->attributes, FILTER) > 0 &&
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &nowhere) < 0 && errno != EFAULT)
    fail("filter", errno, "system call filter 1");
}

void load_filters(const struct spec *spec) {
  size_t number = 0;
  foreach (filter, &spec->attributes, FILTER) {
    struct sock_fprog program = {
        .len = (unsigned short)(filter->bytes.length / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)(uintptr_t)filter->bytes.at,
    };
    number++;
    require((int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "filter",
            "system call filter %zu", number);
  }
}
