// A module of Node with which the daemon, idle, gives memory back: what the C library holds free, and the
// clean pages of the program and its libraries, which the next use maps again from the page cache.
#include <elf.h>
#include <inttypes.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// The little of Node-API that is needed, whose ABI is stable: its headers are not everywhere.
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
extern int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);

enum { MAX_RANGES = 256 };

typedef struct {
  uintptr_t start, end;
} Range;

typedef struct {
  Range range[MAX_RANGES];
  size_t count;
} Ranges;

static void add(Ranges *ranges, Range range) {
  if (range.end > range.start && ranges->count < MAX_RANGES)
    ranges->range[ranges->count++] = range;
}

// Finds what is private, of a file, and without a page of our own. Permissions alone would not tell:
// relocated data is read-only as well, and Node may move its code to large pages, which no file has.
static bool find_clean(Ranges *clean) {
  FILE *file = fopen("/proc/self/smaps", "re");
  if (file == NULL)
    return false;
  char line[512];
  Range range = {0, 0};
  bool whole = true; // whether a line begins here: a path may be longer than the buffer
  while (fgets(line, sizeof line, file) != NULL) {
    bool begins = whole;
    whole = strchr(line, '\n') != NULL;
    if (!begins)
      continue;
    uintptr_t start, end;
    char access[5];
    unsigned long inode, size;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %lu", &start, &end, access, &inode) == 4) {
      bool wanted = access[0] == 'r' && access[1] == '-' && access[3] == 'p' && inode != 0;
      range = wanted ? (Range){start, end} : (Range){0, 0};
    } else if (sscanf(line, "Anonymous: %lu", &size) == 1 && size != 0) {
      range = (Range){0, 0};
    } else if (sscanf(line, "Swap: %lu", &size) ==
               1) { // the last that counts; without it nothing is taken for clean
      if (size == 0)
        add(clean, range);
      range = (Range){0, 0};
    }
  }
  bool failed = ferror(file) != 0;
  return fclose(file) == 0 && !failed;
}

// Drops what is clean of the segments that nobody may write. What a thread loads meanwhile is relocated in
// others.
static int drop(struct dl_phdr_info *object, size_t size, void *data) {
  (void)size;
  const Ranges *clean = data;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0)
      continue;
    uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1),
              end = (object->dlpi_addr + segment->p_vaddr + segment->p_memsz + page - 1) & ~(page - 1);
    for (size_t j = 0; j < clean->count; j++) {
      if (clean->range[j].start > start || clean->range[j].end < end)
        continue;
      madvise((void *)start, end - start, MADV_DONTNEED); // failing, it costs only memory
    }
  }
  return 0;
}

static napi_value trim(napi_env env, napi_callback_info info) {
  (void)env, (void)info;
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  Ranges clean = {.count = 0};
  if (find_clean(&clean))
    dl_iterate_phdr(drop, &clean);
  return NULL; // `undefined`
}

// What Node looks for; what it gives is what the module exports.
__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports);
napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function;
  return napi_create_function(env, "trim", SIZE_MAX, trim, NULL, &function) == 0 ? function : exports;
}
