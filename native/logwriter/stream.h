// Streams: one for each pipe, and the way of its lines to where they belong.
#pragma once
#include "file.h"

enum { MAX_PROGRAM = 255 };

// What the daemon knows of a destination: its error, how many lines it was told are lost; and how many are.
struct told {
  int error;
  uint64_t counted, lines;
};

struct stream {
  int pipe;
  bool raw;
  struct user user;
  struct file own;    // own.path NULL: its lines go to the main sink
  struct file recent; // recent.path NULL: it has no recent history
  char program[MAX_PROGRAM + 1];
  int64_t pid;      // 0: not known yet
  struct told told; // of its own file
};

// Where the lines of streams without a file go, besides the outputs.
struct main_sink {
  struct file file;
  bool json;
  struct told told, output_told[OUTPUTS];
};

extern struct main_sink main_sink;
extern struct stream *streams[MAX_STREAMS]; // by slot; NULL: none

// The slot of that name, or a free one if `create`; -1 if there is none.
int stream_slot(const char *name, size_t length, bool create);
// Ends what the predecessor had begun, once all that exists is open again.
bool stream_begin(void);
// Takes one batch: its length, 0 if the pipe is empty, -1 with errno if nothing can go on.
int stream_turn(uint32_t slot);
// Takes all that is in the pipe now; with `partial` also a line that has no end yet.
bool stream_drain(uint32_t slot, bool partial);
void stream_free(struct stream *stream);
