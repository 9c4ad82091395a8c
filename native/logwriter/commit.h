// The memory file that outlives the writer: what was begun, what follows from it, and all text on its way.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  MAX_STREAMS = 16384,
  MAX_NAME = 255,
  MAX_LINE = 65536,
  BATCH = 65536,
  RING = 1 << 20,
  OUTPUTS = 3,
  SYSLOG = 2
};
enum { CONTROL = 3, COMMIT = 4, TRANSFER = 5 }; // the descriptors the keeper gives us

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

// Positions only grow; head - tail bytes are waiting.
struct ring {
  uint64_t head, tail;
  struct loss loss;
};

struct commit {
  uint64_t layout;
  _Atomic uint32_t phase;
  _Atomic uint32_t places;
  struct place place[4];
  uint32_t end;                // slots from here on were never used
  uint32_t slot;               // whose batch it is
  uint32_t taken;              // bytes of the batch; 0: not counted yet
  struct rest next;            // SAVING: what the slot's rest becomes,
  uint32_t rest_at;            // where in text it is,
  uint64_t ring_next[OUTPUTS]; // and where the rings' heads go
  struct loss main_loss;
  struct ring ring[OUTPUTS];
  struct slot slots[MAX_STREAMS];
  unsigned char text[MAX_LINE + BATCH]; // the batch at MAX_LINE, just before it the rest of the batch before
  unsigned char ring_text[OUTPUTS][RING];
  unsigned char carry[MAX_STREAMS][MAX_LINE]; // sparse
};

extern struct commit *commit;

// Maps the memory file, empty or a predecessor's; false with errno.
bool commit_map(void);
void commit_phase(enum phase phase);
// Begins a batch of a stream.
void commit_begin(uint32_t slot);
// Moves what the pipe holds to the memory file: how much, 0 if it is empty, -1 with errno.
int commit_take(int pipe);
// Ends what commit_take had begun when the predecessor died.
bool commit_take_rest(void);
// Makes true what the batch has led to.
void commit_save(void);
// Frees what a stream leaves behind.
void commit_release(uint32_t slot);
