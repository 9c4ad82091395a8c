// The memory file that outlives the writer: what was begun, what follows from it, and all text on its way.
#pragma once
#include "rate.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
  MAX_STREAMS = 16384,
  MAX_NAME = 255,
  MAX_LINE = 65536,
  BATCH = 65536,
  RING = 1 << 20,
  OUTPUTS = 3,
  FIRST_PLACES = 4,
  MAX_PLACES = 128,
  DATAGRAMS = 16, // of one batch
  KERNEL_READ = 8192,
  SYSLOG = 2
};
enum { CONTROL = 3, COMMIT = 4, TRANSFER = 5 }; // the descriptors the keeper gives us

// How a batch came: through the transfer pipe; read from the kernel's log; as datagrams.
enum how { SPLICED, READ, RECEIVED };
enum verdict { UNDECIDED, LOGGED, SUPPRESSED };

enum phase { IDLE, TAKING, WRITING, SAVING };

// A file that a batch is appended to, and where the batch begins.
struct place {
  uint64_t device, inode, size;
};

enum { AFTER_CR = 1, CONTINUED = 2 };

// What is remembered of a stream between two batches: the rest of a line is in commit->carry.
struct rest {
  uint32_t length;
  uint32_t flags;
};

// Lines that a destination did not take, and of which no line there tells yet.
struct loss {
  uint64_t lines;
  int32_t error;
};

struct slot {
  uint8_t name_length; // 0: free
  char name[MAX_NAME];
  struct rest rest;
  struct loss loss;
};

// The sender of a datagram; with exactly this much room the kernel has none for descriptors.
union credentials {
  char bytes[CMSG_SPACE(sizeof(struct ucred))];
  struct cmsghdr header;
};

// Positions only grow; head - tail bytes are waiting.
struct ring {
  uint64_t head, tail;
  struct loss loss;
};

// Up to `carry` it is what the first release had, so that a writer can finish what one of that release has
// begun; what came later stands behind it.
struct commit {
  uint64_t layout;
  _Atomic uint32_t phase;
  _Atomic uint32_t places;
  struct place first_place[FIRST_PLACES]; // the first release's
  uint32_t end;                           // slots from here on were never used
  uint32_t slot;                          // whose batch it is
  uint32_t taken;                         // bytes of the batch; 0: not counted yet
  struct rest next;                       // SAVING: what the slot's rest becomes,
  uint32_t rest_at;                       // where in text it is,
  uint64_t ring_next[OUTPUTS];            // and where the rings' heads go
  struct loss main_loss;
  struct ring ring[OUTPUTS];
  struct slot slots[MAX_STREAMS];
  unsigned char text[MAX_LINE + BATCH]; // the batch at MAX_LINE, just before it the rest of the batch before
  unsigned char ring_text[OUTPUTS][RING];
  unsigned char carry[MAX_STREAMS][MAX_LINE]; // sparse
  uint32_t how;
  struct place place[MAX_PLACES];
  struct sender senders[SENDERS];
  // RECEIVED: the kernel itself stores here the length of each datagram that it has taken from the queue.
  struct mmsghdr received[DATAGRAMS];
  union credentials credentials[DATAGRAMS];
  uint8_t verdict[DATAGRAMS];
  unsigned char datagram[DATAGRAMS][MAX_MESSAGE];
};

extern struct commit *commit;

// Maps the memory file, empty or a predecessor's; false with errno.
bool commit_map(void);
void commit_phase(enum phase phase);
// Begins a batch of a stream.
void commit_begin(uint32_t slot, enum how how);
// Moves what the pipe holds to the memory file: how much, 0 if it is empty, -1 with errno.
int commit_take(int pipe);
// Moves what the kernel's log has for us; likewise.
int commit_read(uint32_t slot, int log);
// Moves the datagrams that wait; how many.
int commit_receive(uint32_t slot, int socket);
// Makes the batch one datagram of our own.
void commit_compose(uint32_t slot, const char *text);
// How many datagrams the batch has; 0 if it did not come so.
int commit_received(void);
// Ends what one of these had begun when the predecessor died.
bool commit_take_rest(void);
// Makes true what the batch has led to.
void commit_save(void);
