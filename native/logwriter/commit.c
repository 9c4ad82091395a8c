// The memory file and the phases of one batch. A store here is seen by the next writer even if we die right
// after it, since the pages are the file's; so the order of the stores is the whole protocol.
#include "commit.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct commit *commit;

static const uint64_t LAYOUT = 0x31304c4753544853; // "SHTSGL01": to be changed with struct commit

// Whether every number in it that is an index or a length can be one: a writer that died of a wrong one would
// be followed by others that do, and no line would be written any more.
static bool sound(void) {
  bool sound = commit->layout == LAYOUT && commit->phase <= SAVING && commit->end <= MAX_STREAMS &&
               commit->slot < MAX_STREAMS && commit->taken <= BATCH &&
               commit->places <= sizeof commit->place / sizeof *commit->place &&
               commit->next.length <= MAX_LINE && commit->rest_at <= MAX_LINE + BATCH - commit->next.length;
  for (int i = 0; i < OUTPUTS; i++)
    sound &= commit->ring[i].head - commit->ring[i].tail <= RING;
  for (uint32_t i = 0; sound && i < commit->end; i++)
    sound = commit->slots[i].rest.length <= MAX_LINE;
  return sound;
}

bool commit_map(void) {
  struct stat st;
  if (fstat(COMMIT, &st) < 0 || (st.st_size < (off_t)sizeof *commit && ftruncate(COMMIT, sizeof *commit) < 0))
    return false;
  void *map = mmap(NULL, sizeof *commit, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, COMMIT, 0);
  if (map == MAP_FAILED)
    return false;
  commit = map;
  if (!sound()) {
    // Another release's state cannot be read; what it had not written of its batch is the price of the
    // upgrade.
    memset(commit, 0, offsetof(struct commit, text));
    commit->phase = TAKING; // what log/transfer holds is nobody's now, but it must not stay there
    commit->layout = LAYOUT;
  }
  return true;
}

void commit_phase(enum phase phase) {
  atomic_store_explicit(&commit->phase, phase, memory_order_release);
}

bool commit_take_rest(void) {
  int there;
  if (ioctl(TRANSFER, FIONREAD, &there) < 0)
    return false;
  if (commit->taken == 0)
    commit->taken = (uint32_t)there; // nothing is read before this is stored
  if ((uint32_t)there > commit->taken || commit->taken > BATCH) {
    errno = EOVERFLOW;
    return false;
  }
  while (there > 0) {
    ssize_t n = read(TRANSFER, commit->text + MAX_LINE + commit->taken - there, (size_t)there);
    if (n == 0)
      errno = EPIPE;
    if (n <= 0)
      return false;
    there -= (int)n;
  }
  return true;
}

void commit_begin(uint32_t slot) {
  commit->slot = slot;
  commit->taken = 0;
  commit->places = 0;
  commit_phase(TAKING);
}

int commit_take(int pipe) {
  // Never blocks, whatever the service did to the flags of its pipe.
  ssize_t n = splice(pipe, NULL, TRANSFER, NULL, BATCH, SPLICE_F_NONBLOCK);
  if (n > 0 && commit_take_rest())
    return (int)commit->taken;
  if (n > 0)
    return -1; // the phase stays: the next writer goes on from here
  commit_phase(IDLE);
  return n == 0 || errno == EAGAIN ? 0 : -1;
}

void commit_save(void) {
  struct slot *slot = &commit->slots[commit->slot];
  memcpy(commit->carry[commit->slot], commit->text + commit->rest_at, commit->next.length);
  slot->rest = commit->next;
  for (int i = 0; i < OUTPUTS; i++)
    commit->ring[i].head = commit->ring_next[i];
  commit_phase(IDLE);
}

void commit_release(uint32_t slot) {
  memset(&commit->slots[slot], 0, sizeof *commit->slots);
  madvise(commit->carry[slot], MAX_LINE, MADV_REMOVE); // failing, it costs only memory
}
