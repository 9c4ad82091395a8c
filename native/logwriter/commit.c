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

static const unsigned NOT_RECEIVED = UINT32_MAX;

struct commit *commit;

static const uint64_t FIRST_LAYOUT = 0x31304c4753544853; // "SHTSGL01"
static const uint64_t LAYOUT = 0x33304c4753544853;       // "SHTSGL03": to be changed with struct commit

_Static_assert(offsetof(struct commit, slots) == 272 && offsetof(struct commit, text) == 4587792 &&
                   offsetof(struct commit, ring_text) == 4718864 && offsetof(struct commit, carry) == 7864592,
               "what a writer of the first release has left is where it was");

// Whether every number in it that is an index or a length can be one: a writer that died of a wrong one would
// be followed by others that do, and no line would be written any more.
static bool sound(void) {
  bool first = commit->layout == FIRST_LAYOUT;
  bool sound = (first || (commit->layout == LAYOUT && commit->how <= RECEIVED)) && commit->phase <= SAVING &&
               commit->end <= MAX_STREAMS && commit->slot < MAX_STREAMS && commit->taken <= BATCH &&
               commit->places <= (first ? FIRST_PLACES : MAX_PLACES) && commit->next.length <= MAX_LINE &&
               commit->rest_at <= MAX_LINE + BATCH - commit->next.length;
  for (int i = 0; i < OUTPUTS; i++)
    sound &= commit->ring[i].head - commit->ring[i].tail <= RING;
  for (uint32_t i = 0; sound && i < commit->end; i++)
    sound = commit->slots[i].rest.length <= MAX_LINE;
  return sound;
}

// Makes a file of the first release one of ours. Killed half-way, we do it again; and whatever stood behind
// may be from a time before that release was put back.
static void convert(void) {
  memset(&commit->how, 0, offsetof(struct commit, datagram) - offsetof(struct commit, how));
  memcpy(commit->place, commit->first_place, sizeof commit->first_place);
  atomic_thread_fence(memory_order_release);
  commit->layout = LAYOUT;
}

// Makes all of it zero up to the text, without having a page of what already is.
static void clear(void) {
  size_t end = offsetof(struct commit, text), whole = end & ~((size_t)sysconf(_SC_PAGESIZE) - 1);
  if (madvise(commit, whole, MADV_REMOVE) < 0)
    whole = 0;
  memset((unsigned char *)commit + whole, 0, end - whole);
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
    // Empty; or of a release to come, whose state cannot be read.
    clear();
    commit->phase = TAKING; // what log/transfer holds is nobody's now, but it must not stay there
    convert();
  } else if (commit->layout == FIRST_LAYOUT)
    convert();
  return true;
}

void commit_phase(enum phase phase) {
  atomic_store_explicit(&commit->phase, phase, memory_order_release);
}

// What splice(2) had moved.
static bool take_spliced(void) {
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

bool commit_take_rest(void) {
  if (commit->how == SPLICED)
    return take_spliced();
  if (commit->how == READ) {
    // How much it was has died with the predecessor; but a line of the kernel's does not end with a zero.
    commit->taken = KERNEL_READ;
    while (commit->taken > 0 && commit->text[MAX_LINE + commit->taken - 1] == '\0')
      commit->taken--;
  }
  return true;
}

void commit_begin(uint32_t slot, enum how how) {
  commit->slot = slot;
  commit->taken = 0;
  commit->places = 0;
  commit->how = how;
  commit_phase(TAKING);
}

int commit_take(int pipe) {
  // Never blocks, whatever the service did to the flags of its pipe.
  ssize_t n = splice(pipe, NULL, TRANSFER, NULL, BATCH, SPLICE_F_NONBLOCK);
  if (n > 0 && take_spliced())
    return (int)commit->taken;
  if (n > 0)
    return -1; // the phase stays: the next writer goes on from here
  commit_phase(IDLE);
  return n == 0 || errno == EAGAIN ? 0 : -1;
}

int commit_read(uint32_t slot, int log) {
  memset(commit->text + MAX_LINE, 0, KERNEL_READ);
  commit_begin(slot, READ);
  ssize_t n = read(log, commit->text + MAX_LINE, KERNEL_READ);
  if (n > 0)
    return (int)(commit->taken = (uint32_t)n);
  commit_phase(IDLE);
  if (n == 0)
    errno = ENODATA;
  return n < 0 && errno == EAGAIN ? 0 : -1;
}

// The kernel gives up a datagram that it cannot copy, and it cannot copy to a page that is not there when we
// are being killed.
static void populate(void) {
  static bool locked;
  long page = sysconf(_SC_PAGESIZE);
  if (!locked)
    locked = mlock(commit->datagram, sizeof commit->datagram) == 0 &&
             mlock(commit->received, sizeof commit->received) == 0 &&
             mlock(commit->credentials, sizeof commit->credentials) == 0;
  if (locked)
    return;
  for (volatile unsigned char *at = *commit->datagram, *end = at + sizeof commit->datagram; at < end;
       at += page)
    *at = *at;
}

static void clear_received(void) {
  static struct iovec vectors[DATAGRAMS];
  for (int i = 0; i < DATAGRAMS; i++) {
    vectors[i] = (struct iovec){commit->datagram[i], MAX_MESSAGE};
    commit->credentials[i] = (union credentials){0};
    commit->verdict[i] = UNDECIDED;
    commit->received[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vectors[i],
                                                       .msg_iovlen = 1,
                                                       .msg_control = &commit->credentials[i],
                                                       .msg_controllen = sizeof commit->credentials[i]},
                                           .msg_len = NOT_RECEIVED};
  }
}

int commit_receive(uint32_t slot, int socket) {
  populate();
  clear_received(); // before the phase, or a successor would find what the batch before had
  commit_begin(slot, RECEIVED);
  int n = recvmmsg(socket, commit->received, DATAGRAMS, MSG_DONTWAIT, NULL);
  if (n > 0)
    return n;
  commit_phase(IDLE);
  return n == 0 || errno == EAGAIN ? 0 : -1;
}

void commit_compose(uint32_t slot, const char *text) {
  size_t length = strlen(text);
  clear_received();
  memcpy(*commit->datagram, text, length);
  commit->received->msg_len = (unsigned)length;
  *commit->verdict = LOGGED;
  commit_begin(slot, RECEIVED);
}

int commit_received(void) {
  int n = 0;
  while (commit->how == RECEIVED && n < DATAGRAMS && commit->received[n].msg_len != NOT_RECEIVED)
    n++;
  return n;
}

void commit_save(void) {
  struct slot *slot = &commit->slots[commit->slot];
  memcpy(commit->carry[commit->slot], commit->text + commit->rest_at, commit->next.length);
  slot->rest = commit->next;
  for (int i = 0; i < OUTPUTS; i++)
    commit->ring[i].head = commit->ring_next[i];
  commit_phase(IDLE);
}
